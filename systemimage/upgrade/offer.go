package upgrade

import (
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage"
)

const maxTies = 16 // that an Offer lists

// A Way is a path that a device could take.
type Way struct {
	Path  []systemimage.Image // in the order of application
	Score int64               // the lowest wins
}

// An Offer is what a device gets for a [Request].
type Offer struct {
	Way           // empty Path: up to date, or not its turn yet
	Target int    // highest version among the ways, for which the device draws; 0 without any
	Number int    // what it drew
	Paths  uint64 // ways there are; the largest uint64 stands for more. The client lists them one by one: a million take it some ten seconds

	// Ties has other paths with the same score, up to 16. Which of them a device
	// takes is decided by the order of a hash table in the client's Python, which
	// differs between versions of Python: speak of a tie, promise none of them.
	// Path is the one with the fewest images, so that reports say the same twice.
	Ties [][]systemimage.Image
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
// would choose, with its scores and its phasing, but in a time that does not
// grow with the number of paths. Between paths of the same score it does not
// decide: see [Offer.Ties]. It fails with systemimage.ErrBroken where that client
// would fail or never end, see [systemimage.Index.Check] and [Loop]. Where it
// would choose a way and then refuse to download it, because two files on it are
// stored under one name, the offer comes with the error.
func Choose(x *systemimage.Index, q Request) (*Offer, error) {
	o, _, _, err := decide(x, q)
	return o, err
}

// decide also returns the winner before the cap.
func decide(x *systemimage.Index, q Request) (*Offer, []systemimage.Image, *graph, error) {
	g, err := newGraph(x, q)
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
	b, ok := g.best(func(percentage int) bool { return percentage > 0 && o.Number <= percentage })
	if !ok {
		return o, nil, g, nil
	}
	o.Score = b.score
	var tied [][]systemimage.Image
	for path := range b.all() {
		if tied = append(tied, g.images(path)); len(tied) > maxTies || len(tied)*len(path) > 1<<16 {
			break
		}
	}
	slices.SortStableFunc(tied, func(a, b []systemimage.Image) int { return len(a) - len(b) })
	chosen := tied[0]
	o.Ties = tied[1:]
	o.Path = capped(slices.Clone(chosen), q.MaxImage)
	for _, path := range tied { // some device takes each of them
		if err := clash(capped(slices.Clone(path), q.MaxImage)); err != nil {
			return o, chosen, g, err
		}
	}
	return o, chosen, g, nil
}

// capped returns the images of a path up to a version; 0 is no cap.
func capped(path []systemimage.Image, most int) []systemimage.Image {
	return slices.DeleteFunc(path, func(m systemimage.Image) bool { return most != 0 && m.Version > most })
}

// pathText names the images of a path, which also identifies it.
func pathText(path []systemimage.Image) string {
	names := make([]string, len(path))
	for i, m := range path {
		names[i] = m.String()
	}
	return strings.Join(names, ", ")
}
