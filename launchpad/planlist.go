package launchpad

import (
	"context"
	"iter"
)

// A task reads one of the listings that a plan is made of. They are read side by
// side.
type task = func(context.Context) error

// then is a task with what follows its success.
func then(t task, next func()) task {
	return func(ctx context.Context) error {
		err := t(ctx)
		if err == nil {
			next()
		}
		return err
	}
}

func (p *planner) listSources(archive Link, f SourceFilter) task {
	return func(ctx context.Context) error { return each(p.c.Sources(ctx, archive, f), p.addSource) }
}

// listBinaries reads binaries 300 a request instead of source by source: they
// name their source.
func (p *planner) listBinaries(archive Link, f BinaryFilter) task {
	return func(ctx context.Context) error {
		return each(p.c.Binaries(ctx, archive, f), func(b Binary) {
			if seriesOf(b.ArchLink) == p.req.Series {
				p.addBinary(b)
			}
		})
	}
}

// tags reads the enabled architectures of a series.
func (p *planner) tags(series Link, into *[]string) task {
	return func(ctx context.Context) error {
		return each(pages[Architecture](ctx, p.c, string(series)+"/architectures"), func(a Architecture) {
			if !Is(a.Enabled, false) {
				*into = append(*into, a.Tag)
			}
		})
	}
}

// few rows are enough to find the newest: of those of the same instant the one
// with the highest number counts.
const few = 75

func (p *planner) few() *Client {
	c := *p.c
	c.PageSize = few
	return &c
}

// each hands a listing to add.
func each[T any](seq iter.Seq2[T, error], add func(T)) error {
	for v, err := range seq {
		if err != nil {
			return err
		}
		add(v)
	}
	return nil
}

// limit ends a listing after n entries.
func limit[T any](seq iter.Seq2[T, error], n int) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		left := n
		for v, err := range seq {
			if left--; !yield(v, err) || left <= 0 {
				return
			}
		}
	}
}
