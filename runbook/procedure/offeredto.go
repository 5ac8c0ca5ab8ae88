package procedure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/upgrade"
)

// whoGets says which devices are offered the content of a target, as their own
// client would choose, on its channel and its aliases; "" is nobody. It tries every
// build that makes a difference, and a number below and above every percentage. What
// a client refuses counts as nothing where it drops the index, and as offered where it
// chooses the way and refuses a file of it: another client may not.
func whoGets(ctx context.Context, client *systemimage.Client, t NamedImage) (string, error) {
	l, err := client.Channels(ctx)
	if err != nil {
		return "", err
	}
	var who []string
	for _, name := range l.Names() {
		if name != t.Channel && l.Channels[name].Alias != t.Channel {
			continue
		}
		x, err := client.Index(ctx, name, t.Device)
		if err != nil {
			return "", err
		}
		text, err := offers(x.Index, t.Version)
		if err != nil {
			return "", fmt.Errorf("%s: %w", NamedImage{Channel: name, Device: t.Device}, err)
		}
		if text != "" {
			who = append(who, name+": "+text)
		}
	}
	return strings.Join(who, "; "), nil
}

func offers(x *systemimage.Index, version int) (string, error) {
	builds, numbers := []int{0}, []int{0, 100}
	for _, m := range x.Images {
		builds = append(builds, max(m.Version-1, 0), m.Version)
		numbers = append(numbers, min(m.Percentage, 100), min(m.Percentage+1, 100))
	}
	for _, build := range sorted(builds) {
		if build == version {
			continue
		}
		for _, n := range sorted(numbers) {
			o, err := upgrade.Choose(x, upgrade.Request{Build: build, Draw: func(int) int { return n }})
			switch {
			case err != nil && !errors.Is(err, systemimage.ErrBroken):
				return "", err
			case o == nil: // devices drop this index: they are offered nothing of it
				continue
			}
			for _, path := range append([][]systemimage.Image{o.Path}, o.Ties...) {
				if k := len(path); k > 0 && sameContent(x, version, path[k-1].Version) {
					return fmt.Sprintf("a device at build %d with number %d gets image %d", build, n, path[k-1].Version), nil
				}
			}
		}
	}
	return "", nil
}

func sorted(list []int) []int { return slices.Compact(slices.Sorted(slices.Values(list))) }
