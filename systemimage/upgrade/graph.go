package upgrade

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/landingteam/landing/systemimage"
)

const mib = 1 << 20

// graph holds the images that a device could use as edges between versions. A
// way is a root followed by deltas up to a version that no delta
// leaves. All terms of the score add up along a path when a reboot is taken as
// 100 MiB and a version of distance as 9001 MiB, so the best path is a shortest
// path, and the paths need not be listed.
type graph struct {
	x     *systemimage.Index
	edges []edge
	roots []int32   // edges that a path can begin with
	out   [][]int32 // by vertex: the deltas that leave it
	order []int32   // vertices that can be reached, each after all that it leads to
	loop  []int     // a ring that can be reached

	versions []int // by vertex
	cut      bool  // paths are cut to their first image
	paths    uint64
	smallest int64 // size of the smallest way
	newest   int   // highest version at the end of a way
}

type edge struct {
	image      int32 // in x.Images
	to         int32 // vertex
	percentage int
	size       int64
	weight     int64 // size and reboot
}

// newGraph fails where a device would.
func newGraph(x *systemimage.Index, q Request) (*graph, error) {
	if q.Filter != "" && q.Filter != systemimage.Full && q.Filter != systemimage.Delta {
		return nil, &systemimage.Error{Op: "find upgrade", Place: "Request.Filter", Kind: systemimage.ErrRefused, Err: fmt.Errorf("%q is no filter: want full, delta or nothing", q.Filter)}
	}
	if err := x.CheckFor(q.Build); err != nil {
		return nil, &systemimage.Error{Op: "find upgrade", Kind: systemimage.ErrBroken, Err: fmt.Errorf("devices drop the whole index: %w", err)}
	}
	g := network(x, q)
	if g.loop != nil {
		return nil, &systemimage.Error{Op: "find upgrade", Kind: systemimage.ErrBroken,
			Err: fmt.Errorf("deltas lead in a circle, %v: a device at build %d never finishes its search", g.loop, q.Build)}
	}
	if err := g.filter(q.Filter); err != nil {
		return nil, err
	}
	g.measure()
	return g, nil
}

// network makes the edges, and orders the vertices or finds a ring.
func network(x *systemimage.Index, q Request) *graph {
	g := &graph{x: x}
	g.edges = make([]edge, 0, len(x.Images))
	most := 0
	for i := range x.Images {
		most = max(most, x.Images[i].Version, x.Images[i].Base)
	}
	vertices := make([]int32, min(most, systemimage.MaxVersion)+1) // by version, counted from 1
	vertex := func(version int) int32 {
		if vertices[version] == 0 {
			g.versions = append(g.versions, version)
			g.out = append(g.out, nil)
			vertices[version] = int32(len(g.versions))
		}
		return vertices[version] - 1
	}
	add := func(i int32) int32 {
		m := &x.Images[i]
		e := edge{image: i, to: vertex(m.Version), percentage: m.Percentage, size: m.Size()}
		if e.weight = e.size; m.Bootme {
			e.weight += 100 * mib
		}
		g.edges = append(g.edges, e)
		return int32(len(g.edges) - 1)
	}
	seen := make(map[[2]int]bool, len(x.Images))
	// Of several images with one identity devices take the first.
	first := func(m *systemimage.Image, base int) bool {
		id := [2]int{base, m.Version}
		again := seen[id]
		seen[id] = true
		return !again
	}
	for i := range x.Images {
		if m := &x.Images[i]; m.Type != systemimage.Delta && m.MinVersion <= q.Build && first(m, -1) && m.Version > q.Build {
			g.roots = append(g.roots, add(int32(i)))
		}
	}
	for i := range x.Images {
		m := &x.Images[i]
		if m.Type != systemimage.Delta || !first(m, m.Base) {
			continue
		}
		e, from := add(int32(i)), vertex(m.Base)
		g.out[from] = append(g.out[from], e)
		if m.Base == q.Build {
			g.roots = append(g.roots, e)
		}
	}
	g.sort()
	return g
}

// sort walks depth first from the roots. It keeps its own stack: a path may
// have tens of thousands of deltas.
func (g *graph) sort() {
	const onPath, done = 1, 2
	state := make([]byte, len(g.out))
	type step struct {
		v    int32
		next int
	}
	var stack []step
	g.order = g.order[:0]
	for _, r := range g.roots {
		if to := g.edges[r].to; state[to] == 0 {
			state[to] = onPath
			stack = append(stack, step{v: to})
		}
		for len(stack) > 0 {
			top := &stack[len(stack)-1]
			if top.next == len(g.out[top.v]) {
				state[top.v] = done
				g.order = append(g.order, top.v)
				stack = stack[:len(stack)-1]
				continue
			}
			to := g.edges[g.out[top.v][top.next]].to
			top.next++
			switch state[to] {
			case 0:
				state[to] = onPath
				stack = append(stack, step{v: to})
			case onPath:
				for i := slices.IndexFunc(stack, func(s step) bool { return s.v == to }); i < len(stack); i++ {
					g.loop = append(g.loop, g.versions[stack[i].v])
				}
				g.loop = append(g.loop, g.versions[to])
				return
			}
		}
	}
}

// filter leaves the roots that a filter of the client lets through, and checks
// the sizes of what remains.
func (g *graph) filter(kind string) error {
	if kind != "" {
		g.roots = slices.DeleteFunc(g.roots, func(e int32) bool { return g.x.Images[g.edges[e].image].Type != kind })
		g.sort()
	}
	g.cut = kind == systemimage.Full
	var sum uint64
	check := func(e int32) error {
		m := &g.x.Images[g.edges[e].image]
		for i := range m.Files {
			f := &m.Files[i]
			if raw, odd := f.Unknown["size"]; odd && f.Size == 0 {
				return &systemimage.Error{Place: fmt.Sprintf("images[%d].files[%d].size", g.edges[e].image, i), Kind: systemimage.ErrBroken,
					Err: fmt.Errorf("is %.40s, no number of bytes to compute scores with", raw)}
			}
			size := uint64(f.Size)
			if f.Size < 0 {
				size = -size
			}
			var carry uint64
			if sum, carry = bits.Add64(sum, size, 0); carry != 0 || sum > 1<<60 {
				return &systemimage.Error{Op: "find upgrade", Kind: systemimage.ErrBroken, Err: errors.New("sizes of the files add up to more than an exbibyte")}
			}
		}
		return nil
	}
	for _, e := range g.roots {
		if err := check(e); err != nil {
			return err
		}
	}
	if g.cut {
		return nil
	}
	for _, v := range g.order {
		for _, e := range g.out[v] {
			if err := check(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// next returns the deltas that can follow an edge.
func (g *graph) next(e int32) []int32 { return g.out[g.edges[e].to] }

// ends tells whether a path ends with an edge.
func (g *graph) ends(e int32) bool { return g.cut || len(g.next(e)) == 0 }

// measure counts the ways and finds the extremes that scores refer to.
func (g *graph) measure() {
	type reach struct {
		paths    uint64
		smallest int64
		newest   int
	}
	from := make([]reach, len(g.out)) // what lies ahead of a vertex
	add := func(r *reach, e int32, ahead reach) {
		ahead.smallest += g.edges[e].size
		if r.paths == 0 || ahead.smallest < r.smallest {
			r.smallest = ahead.smallest
		}
		r.newest = max(r.newest, ahead.newest)
		if r.paths += ahead.paths; r.paths < ahead.paths {
			r.paths = math.MaxUint64
		}
	}
	for _, v := range g.order {
		if len(g.out[v]) == 0 {
			from[v] = reach{1, 0, g.versions[v]}
		}
		for _, e := range g.out[v] {
			add(&from[v], e, from[g.edges[e].to])
		}
	}
	var all reach
	for _, e := range g.roots {
		ahead := from[g.edges[e].to]
		if g.cut { // the same path once for each way that went on
			ahead.smallest, ahead.newest = 0, g.versions[g.edges[e].to]
		}
		add(&all, e, ahead)
	}
	g.paths, g.smallest, g.newest = all.paths, all.smallest, all.newest
}

// end is what the last edge of a path adds to its weight.
func (g *graph) end(e int32) int64 {
	return 9001 * mib * int64(g.newest-g.versions[g.edges[e].to])
}

// images returns the images of a path.
func (g *graph) images(path []int32) []systemimage.Image {
	list := make([]systemimage.Image, len(path))
	for i, e := range path {
		list[i] = g.x.Images[g.edges[e].image]
	}
	return list
}
