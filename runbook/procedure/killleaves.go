package procedure

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/channelconfig"
)

// What the server's programs leave for good when they are killed between two commits: an
// image without its delta, because they make none for an image that is published; and the
// deltas of an image that was expired, because they expire those of full images only. It
// does no harm, and it is said, of every channel that the program worked on.

// withoutDelta says what devices get of an image that lacks a delta, and why.
func withoutDelta(t NamedImage, base int, why string) string {
	return fmt.Sprintf("no delta leads from image %d to image %d of %s for %s: %s, and no program of the server makes one for an image that is published. "+
		"Devices on image %[1]d download the full image instead; the next image has a delta again. Nothing needs to be done, unless so much more traffic is too much: "+
		"then publish a newer image in its place before many devices ask", base, t.Version, t.Channel, t.Device, why)
}

// keptDeltas says of each image that is expired to which images its deltas are still there.
func keptDeltas(t NamedImage, kept map[int][]int, program string) (texts []string) {
	for _, base := range slices.Sorted(maps.Keys(kept)) {
		var to []string
		for _, version := range kept[base] {
			to = append(to, strconv.Itoa(version))
		}
		texts = append(texts, fmt.Sprintf("image %d of %s for %s is expired, and its deltas to %s are not: %s was killed between the two. "+
			"They go with the images that they lead to; until then devices on image %[1]d may take them. Nothing needs to be done",
			base, t.Channel, t.Device, names(to), program))
	}
	return texts
}

// allNewest are the newest versions of all devices, by NamedImage.String. One whose index
// cannot be read has none: the import says so.
func allNewest(ctx context.Context, r *runbook.Run, client *systemimage.Client) (map[string]int, error) {
	if r.Planning() {
		return nil, nil
	}
	return runbook.Read(ctx, r, "newest images of all channels", func(ctx context.Context) (map[string]int, error) {
		all, err := allIndexes(ctx, client)
		newest := map[string]int{}
		for name, x := range all {
			newest[name], _ = x.Newest()
		}
		return newest, err
	})
}

// allIndexes reads what every device is offered, by NamedImage.String; those that cannot
// be read are left out.
func allIndexes(ctx context.Context, client *systemimage.Client) (map[string]*systemimage.PublishedIndex, error) {
	all := map[string]*systemimage.PublishedIndex{}
	var failed error
	for x, err := range client.Survey(ctx, readsAtOnce) {
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		all[NamedImage{Channel: x.Channel, Device: x.Device}.String()] = x
	}
	if len(all) == 0 || ctx.Err() != nil {
		return nil, failed
	}
	return all, nil
}

// A killedImport is one whose end was not seen.
type killedImport struct {
	client *systemimage.Client
	config *channelconfig.HostFile
	before map[string]int // newest versions then
}

// note notes what it left for good: on the images that the run is about, and on those
// that were published since before.
func (k killedImport) note(ctx context.Context, r *runbook.Run, ours ...NamedImage) error {
	c, err := k.config.Read(ctx)
	if err != nil {
		return err
	}
	settings, err := c.Settings("")
	if err != nil {
		return err
	}
	all, err := allIndexes(ctx, k.client)
	if err != nil {
		return err
	}
	var texts []string
	sorted := slices.Sorted(maps.Keys(all))
	for n, ch := range settings.Channels {
		if !ch.Auto() {
			continue
		}
		for _, name := range sorted {
			x := all[name]
			if x.Channel != ch.Name || x.Entry.Redirect != "" {
				continue
			}
			newest, _ := x.Newest()
			since, known := k.before[name]
			if slices.ContainsFunc(ours, func(t NamedImage) bool { return t.String() == name }) {
				since, known = min(since, newest-1), true
			}
			if known && newest > since {
				texts = append(texts, keptDeltas(NamedImage{Channel: x.Channel, Device: x.Device}, x.WithoutBase(), "an import")...)
				texts = append(texts, k.lost(settings.Channels, n, x, since, all)...)
			}
		}
	}
	return noteAll(r, texts)
}

// lost says which deltas the images of x lack that were published since a version.
func (k killedImport) lost(channels []channelconfig.ChannelSettings, n int, x *systemimage.PublishedIndex, since int, all map[string]*systemimage.PublishedIndex) (texts []string) {
	for _, m := range x.Fulls() {
		if m.Version <= since {
			continue
		}
		deltas := x.Deltas(m.Version)
		for _, base := range k.bases(channels, n, x, m.Version, all) {
			if !slices.ContainsFunc(deltas, func(d systemimage.Image) bool { return d.Base == base }) {
				texts = append(texts, withoutDelta(NamedImage{Channel: x.Channel, Device: x.Device, Version: m.Version}, base, "an import was killed before it had made one"))
			}
		}
	}
	return texts
}

// bases are the images of x, a device of a channel, from which import-images makes deltas
// to one of its images: the newest that each channel of deltabase has then, where x has an
// image of that number. What a channel gets in the same run it has only behind its turn.
func (k killedImport) bases(channels []channelconfig.ChannelSettings, n int, x *systemimage.PublishedIndex, version int, all map[string]*systemimage.PublishedIndex) (bases []int) {
	for _, channel := range channels[n].DeltaBase {
		base := 0
		name := NamedImage{Channel: channel, Device: x.Device}.String()
		if channel == x.Channel {
			for _, m := range x.Fulls() {
				if m.Version < version {
					base = m.Version
				}
			}
		} else if y := all[name]; y != nil {
			m, _ := y.Latest()
			base = m.Version
			if slices.ContainsFunc(channels[n:], func(later channelconfig.ChannelSettings) bool { return later.Name == channel && later.Auto() }) {
				base = min(base, k.before[name])
			}
		}
		if _, there := x.Full(base); there && base < version && !slices.Contains(bases, base) {
			bases = append(bases, base)
		}
	}
	return bases
}
