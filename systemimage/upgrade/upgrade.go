package upgrade

import (
	"iter"
	"slices"
	"strings"

	"github.com/landingteam/landing/phasing"
	"github.com/landingteam/landing/systemimage"
)

const maxTies = 16 // that an Offer lists

// A Request is a device that asks for an update.
type Request struct {
	Build    int    // version it runs; 0 after a flash without one or a switch of channels
	Filter   string // "" for all paths, Full or Delta for paths of one kind only, as on its command line
	MaxImage int    // cap on versions, applied to the winner; 0 is none

	// Draw gives the device's number from 0 to 100 for a target version; see
	// package phasing. nil is a device with number 0, which is the first to be
	// reached by any percentage above 0.
	Draw func(target int) int
}

// A Device is what a device knows of itself: its channel.ini and machine id.
type Device struct {
	Channel    string // channel it is configured for
	Target     string // channel_target; the server writes it for alias channels only
	Build      int    // version it runs
	BuildGiven bool   // Build was given on the command line, so a switch does not reset it
	MachineID  string // its /etc/machine-id
}

// Request tells what a device asks for, given channels.json: a channel whose
// alias differs from the target of the installed image is a switch of channels
// and counts from build 0, and alias or target, not the name of the channel,
// stand in the seed of its number.
func (in Device) Request(cs systemimage.Channels) Request {
	alias := cs[in.Channel].Alias
	q := Request{Build: in.Build}
	if alias != "" && in.Target != "" && alias != in.Target && !in.BuildGiven {
		q.Build = 0
	}
	word := phasing.Word(alias, in.Target)
	q.Draw = func(target int) int { return phasing.Draw(word, target, in.MachineID) }
	return q
}

// A Way is a path that a device could take.
type Way struct {
	Path  []systemimage.Image // in the order of application
	Score int64               // the lowest wins
}

// An Offer is what a device gets for a [Request].
type Offer struct {
	Way           // empty Path: up to date, or not its turn
	Target int    // highest version among the candidates, for which the device draws; 0 without any
	Number int    // what it drew
	Paths  uint64 // candidates; the largest uint64 stands for more. The client lists them one by one: a million take it some ten seconds

	// Ties has other paths with the same score, up to 16. Which of them wins is
	// decided by the order of a hash table in the client's Python: rather speak
	// of a tie than promise one. Path is the choice of CPython 3.7 and later,
	// Older that of CPython 3.6 and earlier where it differs. (In an index made
	// to hide the choice behind thousands of forks, Path is any of them.)
	Ties  [][]systemimage.Image
	Older []systemimage.Image
}

// Files returns what is downloaded in this round: the files of all images up
// to and with the first that needs a reboot. The next round begins from there.
func (o *Offer) Files() []systemimage.File {
	var list []systemimage.File
	for _, m := range o.Path {
		list = append(list, m.Files...)
		if m.Bootme {
			break
		}
	}
	return list
}

// Size returns the bytes that a device shows for the update: all images of the
// path, also those of later rounds.
func (o *Offer) Size() int64 { return pathSize(o.Path) }

func pathSize(path []systemimage.Image) int64 {
	var n int64
	for _, m := range path {
		n += m.Size()
	}
	return n
}

// Choose works out which path a device takes: what the client of Ubuntu Touch
// would choose, with its scores, phasing and order, but in a time that does not
// grow with the number of paths. It fails with ErrBroken where that client
// would fail or never end, see [Index.Check] and [Index.Loop].
func Choose(x *systemimage.Index, q Request) (*Offer, error) {
	o, _, _, err := decide(x, q)
	return o, err
}

// decide also returns the winner before the cap.
func decide(x *systemimage.Index, q Request) (*Offer, []systemimage.Image, *graph, error) {
	g, err := newGraph(x, q, python37)
	if err != nil {
		return nil, nil, nil, err
	}
	o := &Offer{Paths: g.paths, Target: g.newest}
	if g.paths == 0 {
		return o, nil, g, nil
	}
	if q.Draw != nil {
		o.Number = q.Draw(g.newest)
	}
	reached := func(percentage int) bool { return percentage > 0 && o.Number <= percentage }
	w, ok := g.best(reached)
	if !ok {
		return o, nil, g, nil
	}
	o.Score = w.score
	var tied [][]int32
	for path := range w.all() {
		if tied = append(tied, path); len(tied) > maxTies || len(tied)*len(path) > 1<<16 {
			break
		}
	}
	best := tied[0]
	if len(tied) > 1 {
		if first := w.first(); first != nil {
			best = first
		}
		for _, path := range tied {
			if !slices.Equal(path, best) && len(o.Ties) < maxTies {
				o.Ties = append(o.Ties, g.images(path))
			}
		}
		if o.Older, err = older(x, q, g.images(best), reached); err != nil {
			return nil, nil, nil, err
		}
	}
	chosen := g.images(best)
	o.Path = capped(slices.Clone(chosen), q.MaxImage)
	return o, chosen, g, nil
}

// older is what CPython 3.6 chooses where it is not best.
func older(x *systemimage.Index, q Request, best []systemimage.Image, reached func(int) bool) ([]systemimage.Image, error) {
	g, err := newGraph(x, q, python36)
	if err != nil {
		return nil, err
	}
	w, _ := g.best(reached)
	if path := g.images(w.first()); len(path) > 0 && pathText(path) != pathText(best) {
		return capped(path, q.MaxImage), nil
	}
	return nil, nil
}

// capped returns the images of a path up to a version; 0 is no cap.
func capped(path []systemimage.Image, most int) []systemimage.Image {
	return slices.DeleteFunc(path, func(m systemimage.Image) bool { return most != 0 && m.Version > most })
}

// Ways lists the paths of a query in the client's order, which decides
// ties. With several deltas per version their number doubles with every
// version: stop when it is enough. Percentages, Draw and MaxImage play no part.
func Ways(x *systemimage.Index, q Request) (iter.Seq[Way], error) {
	g, err := newGraph(x, q, python37)
	if err != nil {
		return nil, err
	}
	return func(yield func(Way) bool) {
		queue := make([][]int32, 0, len(g.roots))
		for _, e := range g.roots {
			queue = append(queue, []int32{e})
		}
		for len(queue) > 0 {
			path := queue[0]
			queue = queue[1:]
			for {
				next := g.next(path[len(path)-1])
				if len(next) == 0 {
					break
				}
				last := len(next) - 1
				for _, e := range next[:last] {
					queue = append(queue, append(path[:len(path):len(path)], e))
				}
				path = append(path[:len(path):len(path)], next[last])
			}
			if q.Filter == systemimage.Full {
				path = path[:1]
			}
			if !yield(Way{g.images(path), g.score(path)}) {
				return
			}
		}
	}, nil
}

// Loop returns a ring of deltas that a device at a build would walk round for
// ever, such as 5, 7, 5; nil when there is none.
func Loop(x *systemimage.Index, build int) []int {
	if x.CheckFor(build) != nil {
		return nil
	}
	return network(x, Request{Build: build}, python37).loop
}

// pathText names the images of a path, which also identifies it.
func pathText(path []systemimage.Image) string {
	names := make([]string, len(path))
	for i, m := range path {
		names[i] = m.String()
	}
	return strings.Join(names, ", ")
}
