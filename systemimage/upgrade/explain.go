package upgrade

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage"
)

// More paths than this take a phone seconds, or all its memory: the client lists
// every path before it chooses.
const (
	ManyPaths    = 50_000
	TooManyPaths = 500_000
)

// Explain says in words what a device is offered, or why it is not offered
// anything: a line for each thing to know. It fails as [Choose] does.
func Explain(x *systemimage.Index, q Request) (string, error) {
	o, chosen, g, err := decide(x, q)
	if err != nil {
		return "", err
	}
	e := &explanation{x: x, q: q, o: o, chosen: chosen}
	switch {
	case o.Paths == 0:
		e.noPath()
	case chosen == nil:
		e.notReached(g)
	default:
		e.offered()
	}
	switch {
	case o.Paths > TooManyPaths:
		e.say("it will hardly come to that: a device lists all %d paths that it could take, and runs out of memory", o.Paths)
	case o.Paths > ManyPaths:
		e.say("it takes its time: a device lists all %d paths that it could take", o.Paths)
	}
	return strings.Join(e.lines, "\n"), nil
}

// shown names the images of a path, the first and the last of many.
func shown(path []systemimage.Image) string {
	const most = 20
	if len(path) <= most {
		return pathText(path)
	}
	return fmt.Sprintf("%s, ... %d more ..., %s", pathText(path[:most/2]), len(path)-most, pathText(path[len(path)-most/2:]))
}

type explanation struct {
	x      *systemimage.Index
	q      Request
	o      *Offer
	chosen []systemimage.Image // before the cap
	lines  []string
}

func (e *explanation) say(format string, a ...any) {
	e.lines = append(e.lines, fmt.Sprintf(format, a...))
}

func (e *explanation) noPath() {
	newest, ok := e.x.Newest()
	switch {
	case !ok:
		e.say("nothing is offered: the index has no image")
		return
	case newest == e.q.Build:
		e.say("up to date: build %d is the newest version", e.q.Build)
	case newest < e.q.Build:
		e.say("nothing is offered: build %d is ahead of the newest version, %d; was the device moved to a channel that counts anew?", e.q.Build, newest)
	case e.q.Filter != "":
		e.say("nothing is offered: with the %s filter no path begins at build %d", e.q.Filter, e.q.Build)
	default:
		e.say("nothing is offered: there is no full image above build %d that it may take, and no delta from %[1]d", e.q.Build)
	}
	for _, m := range e.x.Fulls() {
		if m.Version > e.q.Build && m.MinVersion > e.q.Build {
			e.say("%v is for devices at build %d or higher (minversion)", m, m.MinVersion)
		}
	}
}

// notReached explains phasing: it looks at the last image of a path only, and
// paths end only where no delta leads on.
func (e *explanation) notReached(g *graph) {
	e.say("nothing is offered to a device at build %d with number %d for version %d", e.q.Build, e.o.Number, e.o.Target)
	var last, hidden []systemimage.Image
	look := func(list []int32) {
		for _, d := range list {
			switch m := g.x.Images[g.edges[d].image]; {
			case g.ends(d):
				last = append(last, m)
			case m.Type == systemimage.Full && m.Percentage > 0 && e.o.Number <= m.Percentage:
				hidden = append(hidden, m)
			}
		}
	}
	look(g.roots)
	if !g.cut {
		for _, v := range g.order {
			look(g.out[v])
		}
	}
	down := func(a, b systemimage.Image) int {
		return cmp.Or(b.Version-a.Version, strings.Compare(b.Type, a.Type), a.Base-b.Base)
	}
	slices.SortFunc(last, down)
	last = slices.CompactFunc(last, func(a, b systemimage.Image) bool { return down(a, b) == 0 }) // a root delta may also follow a path
	slices.SortFunc(hidden, down)
	const most = 5
	for i, m := range last {
		switch {
		case i == most:
			e.say("... and %d more", len(last)-most)
		case i > most:
		case m.Percentage <= 0:
			e.say("%v is pulled: its percentage is %d, which reaches no device", m, m.Percentage)
		default:
			e.say("%v is at %d %% and reaches devices with numbers up to %[2]d", m, m.Percentage)
		}
	}
	if len(hidden) > 0 {
		m := hidden[0]
		e.say("%v would be allowed, but a delta leads on from it and a path never stops where one does", m)
	}
}

func (e *explanation) offered() {
	o := e.o
	last := e.chosen[len(e.chosen)-1]
	e.say("offered to a device at build %d with number %d for version %d: %s (%.1f MiB, score %d)",
		e.q.Build, o.Number, o.Target, shown(e.chosen), float64(pathSize(e.chosen))/mib, o.Score)
	if last.Percentage < 100 {
		e.say("%v is at %d %% and reaches devices with numbers up to %[2]d", last, last.Percentage)
	}
	if last.Version < o.Target {
		e.say("a path to version %d exists, but is not for this device or costs too much", o.Target)
	}
	for i, m := range e.chosen[:len(e.chosen)-1] {
		if m.Bootme {
			e.say("the device reboots after %v and asks again from there", e.chosen[i])
			break
		}
	}
	if i := slices.IndexFunc(e.chosen, func(m systemimage.Image) bool { return m.Type == systemimage.Full }); i >= 0 {
		e.say("%v replaces the system partition", e.chosen[i])
	}
	for i, path := range o.Ties {
		if i == 3 {
			e.say("... and %d more ties", len(o.Ties)-3)
			break
		}
		e.say("tie: %s has the same score; which of them a device takes is decided by the version of its Python", shown(path))
	}
	if len(o.Path) < len(e.chosen) {
		e.say("the cap of %d leaves of it: %s", e.q.MaxImage, cmp.Or(shown(o.Path), "nothing"))
	}
}
