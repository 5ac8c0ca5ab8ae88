package treecheck

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage"
)

// releaseRules judge the newest image of a device by its channel: how far it is
// phased in, its tag, and what the other devices of the channel have.
var releaseRules = []rule[*systemimage.PublishedIndex]{
	{class: "halted", severity: systemimage.Risky, look: newest(func(_ *tree, p *systemimage.PublishedIndex, m systemimage.Image) string {
		if m.Percentage > 0 {
			return ""
		}
		return "is at 0 %: no device gets it, nor what came before it once a delta leads on from there"
	}), remedy: "nothing, when it was taken back or is not released yet; else begin a rollout, or publish another image above it"},
	{class: "phased", severity: systemimage.Worth, look: newest(func(_ *tree, p *systemimage.PublishedIndex, m systemimage.Image) string {
		if m.Percentage <= 0 || m.Percentage >= 100 {
			return ""
		}
		return fmt.Sprintf("is at %d %%: the other devices wait", m.Percentage)
	}), remedy: "nothing while a rollout is going on, or was stopped because the image is faulty; else go on with the rollout"},
	{class: "unfinished-tag", severity: systemimage.Risky, look: newest(func(_ *tree, p *systemimage.PublishedIndex, m systemimage.Image) string {
		if tag := m.Detail().Tag(); slices.Contains(strings.FieldsFunc(p.Channel, separator), "stable") && unfinished.MatchString(tag) {
			return fmt.Sprintf("has the tag %q in a stable channel: copy-image keeps the tag of its source unless it is told another", tag)
		}
		return ""
	}), remedy: "publish it under its own tag with tag-image, or by copying it with -t"},
	{class: "other-tag", severity: systemimage.Risky, look: newest(func(t *tree, p *systemimage.PublishedIndex, m systemimage.Image) string {
		return t.unlike(p, m, "the tag", func(m systemimage.Image) string { return m.Detail().Tag() })
	}), remedy: "copy the release to the devices that lack it, or tag the image with tag-image"},
	{class: "other-percentage", severity: systemimage.Worth, look: newest(func(t *tree, p *systemimage.PublishedIndex, m systemimage.Image) string {
		return t.unlike(p, m, "the percentage", func(m systemimage.Image) string { return fmt.Sprint(m.Percentage) })
	}), remedy: "nothing, when this is meant, as when a faulty image is stopped on {device}; else a rollout brings the devices level"},
	{class: "other-system", severity: systemimage.Worth, look: newest(func(t *tree, p *systemimage.PublishedIndex, m systemimage.Image) string {
		return t.unlike(p, m, "the system", func(m systemimage.Image) string {
			v, _ := m.Detail().Get("ubuntu")
			u, _ := m.Detail().Get("ubports")
			return cmp.Or(v, u)
		})
	}), remedy: "nothing, when this is meant; else see why {device} was left behind: copy it, or look at the last import"},
}

var (
	separator  = func(r rune) bool { return strings.ContainsRune("/-_.", r) }
	unfinished = regexp.MustCompile(`(?i)(^|[^a-z])(rc|weekly|daily|nightly|proposed|beta|alpha|candidate)([^a-z]|$)`)
)

// newest is a rule about the newest full image, or delta, of an index that no
// redirect shows, and no alias: that has what its target has.
func newest(look func(*tree, *systemimage.PublishedIndex, systemimage.Image) string) func(*tree, *systemimage.PublishedIndex) []problem {
	return func(t *tree, p *systemimage.PublishedIndex) []problem {
		m, ok := lastImage(p)
		if !ok || t.follows(pair{p.Channel, p.Device}) || t.list.Kind(p.Channel) == systemimage.KindAlias {
			return nil
		}
		if text := look(t, p, m); text != "" {
			return []problem{{channel: p.Channel, device: p.Device, place: m.String(), text: text}}
		}
		return nil
	}
}

// lastImage is the image of the newest version, the full one if there is one.
func lastImage(p *systemimage.PublishedIndex) (systemimage.Image, bool) {
	version, _ := p.Newest()
	if m, full := p.Full(version); full {
		return m, true
	}
	for _, m := range p.Deltas(version) {
		return m, true
	}
	return systemimage.Image{}, false
}

// unlike says in what a device differs from most devices of its channel; "" when it
// does not, or when no more have one value than another.
func (t *tree) unlike(p *systemimage.PublishedIndex, m systemimage.Image, what string, of func(systemimage.Image) string) string {
	count := map[string]int{}
	for device := range t.list.Channels[p.Channel].Devices {
		at := pair{p.Channel, device}
		if other := t.indexes[at]; other != nil && !t.follows(at) {
			if m, ok := lastImage(other); ok {
				count[of(m)]++
			}
		}
	}
	if len(count) < 2 {
		return ""
	}
	values := sortedKeys(count)
	slices.SortStableFunc(values, func(a, b string) int { return count[b] - count[a] })
	most, mine := values[0], of(m)
	if mine == most && count[most] > count[values[1]] {
		return ""
	}
	if mine == most {
		most = values[1] // as many have another
	}
	return fmt.Sprintf("differs from its channel: %s is %q here, %q for %d of the other devices", what, mine, most, count[most])
}
