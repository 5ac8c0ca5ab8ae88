package upgrade

import (
	"iter"
	"math"
)

// never is the weight of what leads to no end that counts.
const never = math.MaxInt64

// maxCells bounds the table of [winner.first]: 16 MiB, or 650 turns among 3,200
// versions.
const maxCells = 2 << 20

// winner is the best score among the paths whose last image counts.
type winner struct {
	g      *graph
	counts func(e int32) bool
	score  int64
	limit  int64   // paths of that score are those with a weight below it
	rest   []int64 // by vertex: least weight from there to an end
}

// best finds the lowest score of a path whose last image has a percentage that
// reaches the device; false when there is no such path.
func (g *graph) best(reached func(percentage int) bool) (*winner, bool) {
	w := &winner{g: g, counts: func(e int32) bool { return reached(g.edges[e].percentage) }}
	w.rest = make([]int64, len(g.out))
	for _, v := range g.order {
		w.rest[v] = never
		for _, e := range g.out[v] {
			w.rest[v] = min(w.rest[v], w.weight(e, w.rest))
		}
	}
	least := int64(never)
	for _, e := range g.roots {
		least = min(least, w.weight(e, w.rest))
	}
	if least == never {
		return w, false
	}
	w.score = (least - g.smallest) >> 20
	w.limit = g.smallest + (w.score+1)<<20
	return w, true
}

// weight is the least weight of an edge and what follows it.
func (w *winner) weight(e int32, rest []int64) int64 {
	more := w.g.end(e)
	if !w.g.ends(e) {
		more = rest[w.g.edges[e].to]
	} else if !w.counts(e) {
		more = never
	}
	if more == never {
		return never
	}
	return w.g.edges[e].weight + more
}

// all yields the paths of the best score. Only ways that lead to one are
// followed. Of equal paths, which a filter can leave, one is yielded.
func (w *winner) all() iter.Seq[[]int32] {
	return func(yield func([]int32) bool) {
		var path []int32
		var walk func(edges []int32, so int64) bool
		walk = func(edges []int32, so int64) bool {
			for _, e := range edges {
				more := w.weight(e, w.rest)
				if more == never || so+more >= w.limit {
					continue
				}
				path = append(path, e)
				if w.g.ends(e) {
					if !yield(append([]int32(nil), path...)) {
						return false
					}
				} else if !walk(w.g.next(e), so+w.g.edges[e].weight) {
					return false
				}
				path = path[:len(path)-1]
			}
			return true
		}
		walk(w.g.roots, 0)
	}
}

// first returns the path of the best score that the client lists first.
//
// The client keeps a queue that begins with the roots. It takes a path from
// the front and goes on with the last of the deltas that fit, to the end; for
// every other delta it meets, it appends the path up to there to the queue. So
// paths are listed by the number of times that they leave the way of the last
// deltas; then by root; then by where they leave it first and by which delta;
// then by where they leave it next, and so on. The least weight for each number
// of turns tells at each of these choices whether a best path is still ahead.
//
// An index made to need very many turns gets no answer: nil.
func (w *winner) first() []int32 {
	g := w.g
	var rest [][]int64 // by turns and vertex: least weight to an end
	for {
		turns := len(rest)
		if turns*len(g.order) > maxCells || turns > len(g.order) {
			return nil
		}
		layer := make([]int64, len(g.out))
		for _, v := range g.order {
			layer[v] = never
			for i, e := range g.out[v] {
				if i == len(g.out[v])-1 {
					layer[v] = min(layer[v], w.after(e, layer, turns))
				} else if turns > 0 {
					layer[v] = min(layer[v], w.after(e, rest[turns-1], turns-1))
				}
			}
		}
		rest = append(rest, layer)
		for _, e := range g.roots {
			if more := w.after(e, layer, turns); more != never && more < w.limit {
				return w.follow(e, rest)
			}
		}
	}
}

// after is weight for a number of turns still to come.
func (w *winner) after(e int32, layer []int64, turns int) int64 {
	if turns > 0 && w.g.ends(e) {
		return never
	}
	return w.weight(e, layer)
}

// follow goes from a root to the first path that takes as many turns as rest
// has layers.
func (w *winner) follow(e int32, rest [][]int64) []int32 {
	g := w.g
	path, so := []int32{e}, g.edges[e].weight
	turns := len(rest) - 1
	for !g.ends(e) {
		next := g.next(e)
		last := len(next) - 1
		e = next[last]
		if turns > 0 {
			for _, other := range next[:last] {
				if more := w.after(other, rest[turns-1], turns-1); more != never && so+more < w.limit {
					e = other
					turns--
					break
				}
			}
		}
		path = append(path, e)
		so += g.edges[e].weight
	}
	return path
}
