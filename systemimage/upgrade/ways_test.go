package upgrade

import (
	"iter"

	"github.com/landingteam/landing/systemimage"
)

// ways lists the paths that a device could take, in no order that means anything.
// With several deltas per version their number doubles with every
// version: stop when it is enough. Percentages, Draw and MaxImage play no part. What [Choose]
// says is held against it.
func ways(x *systemimage.Index, q Request) (iter.Seq[Way], error) {
	g, err := newGraph(x, q)
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

// score returns the score of a path.
func (g *graph) score(path []int32) int64 {
	w := g.end(path[len(path)-1])
	for _, e := range path {
		w += g.edges[e].weight
	}
	return (w - g.smallest) >> 20 // rounds down
}
