package upgrade

import (
	"iter"
	"math"
)

// never is the weight of what leads to no end that counts.
const never = math.MaxInt64

// winners are the paths with the lowest score among those whose last image counts.
type winners struct {
	g      *graph
	counts func(e int32) bool
	score  int64
	limit  int64   // paths of that score are those with a weight below it
	rest   []int64 // by vertex: least weight from there to an end
}

// best finds the lowest score of a path whose last image has a percentage that
// reaches the device; false when there is no such path.
func (g *graph) best(reached func(percentage int) bool) (*winners, bool) {
	w := &winners{g: g, counts: func(e int32) bool { return reached(g.edges[e].percentage) }}
	w.rest = make([]int64, len(g.out))
	for _, v := range g.order {
		w.rest[v] = never
		for _, e := range g.out[v] {
			w.rest[v] = min(w.rest[v], w.weight(e))
		}
	}
	least := int64(never)
	for _, e := range g.roots {
		least = min(least, w.weight(e))
	}
	if least == never {
		return w, false
	}
	w.score = (least - g.smallest) >> 20
	w.limit = g.smallest + (w.score+1)<<20
	return w, true
}

// weight is the least weight of an edge and what follows it.
func (w *winners) weight(e int32) int64 {
	more := w.g.end(e)
	if !w.g.ends(e) {
		more = w.rest[w.g.edges[e].to]
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
func (w *winners) all() iter.Seq[[]int32] {
	return func(yield func([]int32) bool) {
		var path []int32
		var walk func(edges []int32, so int64) bool
		walk = func(edges []int32, so int64) bool {
			for _, e := range edges {
				more := w.weight(e)
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
