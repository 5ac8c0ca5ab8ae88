package importlog

import (
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage/internal/host"
)

// No program of the server looks at how xz ends: what it could not write whole is
// signed and published like the rest.

// harmless are the words of xz about which nothing is wrong.
var harmless = [...]string{"Reduced the number of threads", "Adjusted LZMA", "Switching to single-threaded"}

// xz reads what xz said.
func (p *parser) xz(line []byte) {
	text := host.Shorten(string(line))
	if slices.ContainsFunc(harmless[:], func(s string) bool { return strings.Contains(text, s) }) {
		return
	}
	p.tool = text
	e := evidence{event: cutAlias, text: text, channel: p.channel, since: p.since()}
	switch {
	case p.entry != nil:
		if len(p.broken) < 4 {
			p.broken = append(p.broken, text+p.making())
		}
	case p.step != atAliases:
		if len(p.loose) < maxProblems {
			p.loose = append(p.loose, text)
		}
	case len(p.run.Damage) < maxProblems:
		p.run.Damage = append(p.run.Damage, *e.explain())
	}
}

// making is what the open device was at.
func (p *parser) making() string {
	switch {
	case len(p.base) > 0:
		return ", while the delta from " + quoted(p.base) + " was made"
	case len(p.generator) > 0:
		return ", while the generator " + quoted(p.generator) + " made its file"
	}
	return ""
}

// since is when the run began, to the second.
func (p *parser) since() string {
	since, _, _ := strings.Cut(p.run.First, ",")
	return since
}

// endDamage says what xz left of the device that ends here.
func (p *parser) endDamage(e *Entry) {
	if len(p.broken) == 0 {
		return
	}
	e.Damage = p.cut(e, strings.Join(p.broken, "; ")).explain()
	p.broken = p.broken[:0]
}

// cut is the evidence that xz failed for a device.
func (p *parser) cut(e *Entry, text string) evidence {
	known := evidence{event: cutLeft, text: text, channel: e.Channel, device: e.Device, version: e.Version, since: p.since()}
	if e.Version > 0 {
		known.event = cutPublished
	}
	return known
}

// endLoose says what is known when the log has the words of xz somewhere else than
// where it failed. A run that died of it has a remedy already.
func (p *parser) endLoose() {
	if len(p.loose) == 0 || p.cleared {
		return
	}
	var published []*Entry
	for i := range p.run.Entries {
		if e := &p.run.Entries[i]; e.Version > 0 {
			published = append(published, e)
		}
	}
	text := strings.Join(p.loose[:min(len(p.loose), 4)], "; ")
	switch len(published) {
	case 0:
		p.run.Damage = append(p.run.Damage, *evidence{event: cutLeft, text: text, since: p.since()}.explain())
	case 1:
		if published[0].Damage == nil {
			published[0].Damage = p.cut(published[0], text).explain()
		}
	default:
		f := *evidence{event: cutSomewhere, text: text, since: p.since()}.explain()
		for _, e := range published {
			f.add(Place{e.Channel, e.Device})
		}
		p.run.Damage = append(p.run.Damage, f)
	}
}

// judgeDamage says what xz failed at for a device, with the lines.
func (d *diagnosis) judgeDamage(i int, e Entry) {
	if e.Damage == nil {
		return
	}
	if place := (Place{e.Channel, e.Device}); !d.Asked(place) {
		d.Notice("%s: %s", place, e.Damage.Problem)
		return
	}
	f := *e.Damage
	for _, q := range d.entryLines(i) {
		if isXz([]byte(q.Text)) && len(f.Quotes) < 4 {
			f.Quotes = append(f.Quotes, q)
		}
	}
	if len(f.Quotes) == 0 {
		f.Quotes = d.lines.lastWith("xz: ")
	}
	f.Quotes = append(f.Quotes, d.published(i)...)
	d.Add(f)
}

// judgeOtherDamage says what xz failed at otherwise.
func (d *diagnosis) judgeOtherDamage() {
	for _, f := range d.run.Damage {
		places := f.Places()
		if len(places) > 0 && !slices.ContainsFunc(places, d.Asked) {
			d.Notice("%s: %s", joinPlaces(places, 6), f.Problem)
			continue
		}
		f.Quotes = d.lines.lastWith("xz: ")
		d.Add(f)
	}
}
