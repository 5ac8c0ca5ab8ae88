package treecheck

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/upgrade"
)

// indexRules judge what one index says by itself. An index that is shown by a
// redirect is judged where it belongs.
var indexRules = []rule[*systemimage.PublishedIndex]{
	{class: "no-images", severity: systemimage.Worth, final: true, look: own(noImages),
		remedy: "nothing, when the device is new; else see whether an index was lost"},
	{class: "version-range", severity: systemimage.Harmful, final: true, look: own(func(p *systemimage.PublishedIndex) []problem {
		if !slices.ContainsFunc(p.Images, outOfRange) {
			return nil
		}
		return dropped(p)
	}), remedy: "remove the image from the index with si-shell"},
	{class: "broken-index", severity: systemimage.Harmful, final: true, look: own(dropped),
		remedy: "remove the image from the index with si-shell"},
	{class: "duplicate-image", severity: systemimage.Risky, look: own(duplicates), remedy: "remove one with si-shell"},
	{class: "old-percentage", severity: systemimage.Risky, look: own(oldPercentages),
		remedy: "nothing, when a commit is to come; no program sets it on older images"},
	{class: "uneven-percentage", severity: systemimage.Harmful, look: own(unevenPercentages)},
	{class: "delta-ring", severity: systemimage.Harmful, final: true, look: own(rings), remedy: "remove one of the deltas with si-shell"},
	{class: "same-name", severity: systemimage.Harmful, look: own(sameNames),
		remedy: "publish one of the two images again, under another name of the file, or remove a delta from the way with si-shell"},
	{class: "unreachable", severity: systemimage.Harmful, look: own(unreachable), remedy: "publish a full image without minversion"},
	{class: "exploding-candidates", severity: systemimage.Risky, look: own(manyWays),
		remedy: "remove old deltas or old full images: lower fullcount"},
}

// own is a rule about an index that no redirect shows.
func own(look func(*systemimage.PublishedIndex) []problem) func(*tree, *systemimage.PublishedIndex) []problem {
	return func(t *tree, p *systemimage.PublishedIndex) []problem {
		if t.follows(pair{p.Channel, p.Device}) {
			return nil
		}
		list := look(p)
		for i := range list {
			list[i].channel, list[i].device = p.Channel, p.Device
		}
		return list
	}
}

func noImages(p *systemimage.PublishedIndex) []problem {
	if len(p.Images) > 0 {
		return nil
	}
	return []problem{{text: "the index holds no image"}}
}

func outOfRange(m systemimage.Image) bool {
	return m.NullVersion || m.Version > systemimage.MaxVersion || m.Version < 0
}

func dropped(p *systemimage.PublishedIndex) []problem {
	err := p.Check()
	if err == nil {
		return nil
	}
	return []problem{{text: "devices drop the whole index: " + strings.ReplaceAll(err.Error(), "\n", "; ")}}
}

func duplicates(p *systemimage.PublishedIndex) (list []problem) {
	seen := map[string]bool{}
	for _, m := range p.Images {
		if seen[m.String()] {
			list = append(list, problem{place: m.String(), text: "is there twice: devices take the first"})
		}
		seen[m.String()] = true
	}
	return list
}

func oldPercentages(p *systemimage.PublishedIndex) (list []problem) {
	newest, _ := p.Newest()
	for _, m := range p.Images {
		if m.Version < newest && m.Percentage != 100 {
			list = append(list, problem{place: m.String(),
				text: fmt.Sprintf("has a percentage, %d, though image %d is newer: the server drops it at its next commit", m.Percentage, newest)})
		}
	}
	return list
}

func unevenPercentages(p *systemimage.PublishedIndex) (list []problem) {
	newest, _ := p.Newest()
	first := -1
	for _, m := range p.Images {
		switch {
		case m.Version < newest:
		case first < 0:
			first = m.Percentage
		case m.Percentage != first:
			list = append(list, problem{place: m.String(),
				text:   fmt.Sprintf("is at %d %%, another way to image %d at %d %%: who gets it depends on where a device comes from", m.Percentage, newest, first),
				remedy: fmt.Sprintf("run set-phased-percentage -v %s %s %d P", command.Word(p.Channel), command.Word(p.Device), newest)})
		}
	}
	return list
}

// builds are those that devices run, as far as the index knows, in order: none, and
// each that an image makes or that a delta begins from.
func builds(x *systemimage.Index) []int {
	known := map[int]bool{0: true}
	for _, m := range x.Images {
		known[m.Version] = true
		if m.Type == systemimage.Delta {
			known[m.Base] = true
		}
	}
	return slices.Sorted(maps.Keys(known))
}

func rings(p *systemimage.PublishedIndex) []problem {
	for _, b := range builds(p.Index) {
		if ring := upgrade.Loop(p.Index, b); ring != nil {
			return []problem{{place: fmt.Sprint(ring), text: fmt.Sprintf("deltas lead in a circle: a device at build %d searches without end", b)}}
		}
	}
	return nil
}

// offers works out what devices at older builds get, once everybody may have it.
func offers(p *systemimage.PublishedIndex, visit func(build int, o *upgrade.Offer, err error)) {
	x := *p.Index
	x.Images = slices.Clone(x.Images)
	for i := range x.Images {
		x.Images[i].Percentage = 100
	}
	newest, _ := x.Newest()
	for _, b := range builds(&x) {
		if b < newest {
			o, err := upgrade.Choose(&x, upgrade.Request{Build: b})
			visit(b, o, err)
		}
	}
}

func sameNames(p *systemimage.PublishedIndex) (list []problem) {
	from, why := map[string][]string{}, map[string]string{} // by the names: builds, and the first reason
	offers(p, func(b int, _ *upgrade.Offer, err error) {
		var e *systemimage.Error
		if errors.As(err, &e) {
			from[e.Place] = append(from[e.Place], fmt.Sprint(b))
			why[e.Place] = cmp.Or(why[e.Place], e.Err.Error())
		}
	})
	for _, place := range sortedKeys(from) {
		list = append(list, problem{place: place, text: why[place] + "; so it is for devices at build " + strings.Join(from[place], ", ")})
	}
	return list
}

func unreachable(p *systemimage.PublishedIndex) []problem {
	newest, _ := p.Newest()
	var stuck []string
	offers(p, func(b int, o *upgrade.Offer, err error) {
		_, isFull := p.Full(b)
		if err == nil && o.Paths == 0 && (b == 0 || isFull) {
			stuck = append(stuck, fmt.Sprint(b))
		}
	})
	if len(stuck) == 0 {
		return nil
	}
	return []problem{{place: "image " + fmt.Sprint(newest), text: "devices at build " + strings.Join(stuck, ", ") + " have no way to it"}}
}

func manyWays(p *systemimage.PublishedIndex) []problem {
	var most uint64
	offers(p, func(_ int, o *upgrade.Offer, err error) {
		if err == nil {
			most = max(most, o.Paths)
		}
	})
	switch {
	case most > upgrade.TooManyPaths:
		return []problem{{severity: systemimage.Harmful,
			text: fmt.Sprintf("a device has %d ways to the newest image, and lists them all: it runs out of memory", most)}}
	case most > upgrade.ManyPaths:
		return []problem{{text: fmt.Sprintf("a device has %d ways to the newest image, and lists them all before it chooses", most)}}
	}
	return nil
}
