package procedure

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage"
)

// A Pair is one copy of images to make: the newest image of From goes to To,
// for one device.
type Pair struct {
	From   string `json:"from"`   // channel that the image is taken from
	To     string `json:"to"`     // channel that it goes to
	Device string `json:"device"` // in both channels
}

// String names the pair by where the image goes: "CHANNEL:DEVICE", or "CHANNEL"
// without a device.
func (p Pair) String() string {
	if p.Device == "" {
		return p.To
	}
	return p.To + ":" + p.Device
}

// ParsePair reads "CHANNEL:DEVICE", or "CHANNEL" for all its devices (Device is
// then empty). CHANNEL is the source; the name of the destination is the source's
// with the path element from replaced by to: with "rc-proposed" and "rc",
// ubuntu-touch/rc-proposed/meizu.en goes to ubuntu-touch/rc/meizu.en.
func ParsePair(s, from, to string) (Pair, error) {
	channel, device, hasDevice := strings.Cut(s, ":")
	if channel == "" || hasDevice && device == "" || strings.ContainsAny(device, ":/") {
		return Pair{}, fmt.Errorf("%q is no CHANNEL or CHANNEL:DEVICE", s)
	}
	dest, ok := replaceElement(channel, from, to)
	if !ok {
		return Pair{}, fmt.Errorf("channel %q has no path element %q to replace by %q", channel, from, to)
	}
	return Pair{From: channel, To: dest, Device: device}, nil
}

// replaceElement replaces the one path element that equals old.
func replaceElement(channel, old, new string) (string, bool) {
	elems := strings.Split(channel, "/")
	i := slices.Index(elems, old)
	if i < 0 || slices.Contains(elems[i+1:], old) {
		return "", false
	}
	elems[i] = new
	return strings.Join(elems, "/"), true
}

// leftOut says why a channel or device that looked like a pair is none.
type leftOut struct {
	Pair
	Why string `json:"why"`
}

// findPairs lists the pairs that exist in both channels, in the order of their
// names, and those that look as if they should and do not. Aliases, redirect
// channels and redirected devices are no pairs: the server refuses to copy from
// or to them, and what they show follows by itself.
//
// wanted narrows the search: a pair with an empty device stands for all devices
// of its channels. Nothing wanted means everything. A wanted pair that does not
// exist is an error, so that a typing mistake cannot shrink a release.
func findPairs(channels systemimage.Channels, from, to string, wanted []Pair) ([]Pair, []leftOut, error) {
	explicit := len(wanted) > 0
	if !explicit {
		for name := range channels {
			if dest, ok := replaceElement(name, from, to); ok {
				wanted = append(wanted, Pair{From: name, To: dest})
			}
		}
	}
	var pairs []Pair
	var skipped []leftOut
	for _, w := range wanted {
		found, left := devicePairs(channels, w)
		if explicit && len(left) > 0 && (w.Device != "" || len(found) == 0) {
			return nil, nil, fmt.Errorf("cannot copy %s to %s: %s", w.From, w, left[0].Why)
		}
		pairs, skipped = append(pairs, found...), append(skipped, left...)
	}
	slices.SortFunc(pairs, comparePairs)
	slices.SortFunc(skipped, func(a, b leftOut) int { return comparePairs(a.Pair, b.Pair) })
	pairs = slices.Compact(pairs)
	if len(pairs) == 0 {
		return nil, skipped, fmt.Errorf("no channel with %q in its name has a device that the same channel with %q has too", from, to)
	}
	return pairs, skipped, nil
}

// bothOf are the places that pairs concern.
func bothOf(pairs []Pair) (places []NamedImage) {
	for _, p := range pairs {
		places = append(places, NamedImage{Channel: p.From, Device: p.Device}, NamedImage{Channel: p.To, Device: p.Device})
	}
	return places
}

func comparePairs(a, b Pair) int {
	return cmp.Or(cmp.Compare(a.To, b.To), cmp.Compare(a.Device, b.Device), cmp.Compare(a.From, b.From))
}

// devicePairs expands one wanted pair into those that can be copied and the rest.
func devicePairs(channels systemimage.Channels, w Pair) (pairs []Pair, skipped []leftOut) {
	skip := func(device, format string, args ...any) {
		skipped = append(skipped, leftOut{Pair{w.From, w.To, device}, fmt.Sprintf(format, args...)})
	}
	for _, name := range []string{w.From, w.To} {
		c, ok := channels[name]
		switch {
		case !ok:
			skip(w.Device, "channel %s does not exist", name)
			return nil, skipped
		case c.Redirect != "":
			skip(w.Device, "channel %s is a redirect to %s", name, c.Redirect)
			return nil, skipped
		case c.Alias != "" && c.Alias != name:
			skip(w.Device, "channel %s is an alias of %s", name, c.Alias)
			return nil, skipped
		}
	}
	devices := []string{w.Device}
	if w.Device == "" {
		devices = devices[:0]
		for name := range channels[w.From].Devices {
			devices = append(devices, name)
		}
	}
	for _, device := range devices {
		why := ""
		for _, name := range []string{w.From, w.To} {
			d, ok := channels[name].Devices[device]
			switch {
			case !ok:
				why = "channel " + name + " has no device " + device
			case d.Redirect != "":
				why = "device " + device + " of channel " + name + " is a redirect to channel " + d.Redirect
			default:
				continue
			}
			break
		}
		if why != "" {
			skip(device, "%s", why)
			continue
		}
		pairs = append(pairs, Pair{w.From, w.To, device})
	}
	return pairs, skipped
}
