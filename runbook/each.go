package runbook

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
)

// Each calls f for every pair of seq, up to limit at a time (1 or less: one
// after the other), each in a group named after its key. The failure of one
// key does not stop the others; the errors are joined in the order of seq, each
// with its key. Nothing more is started once ctx is done or the journal failed.
// The order of the records of a parallel Each may differ from run to run, which
// is harmless: steps are known by name. A plan goes one after the other.
func Each[K comparable, V any](ctx context.Context, r *Run, seq iter.Seq2[K, V], limit int, f func(ctx context.Context, r *Run, k K, v V) error) error {
	if limit < 1 || r.Planning() {
		limit = 1
	}
	var (
		wg    sync.WaitGroup
		slots = make(chan struct{}, limit)
		seen  = map[string]bool{}
		all   []*turn
		cut   error
	)
	for k, v := range seq {
		slots <- struct{}{}
		if cut = r.e.ready(ctx); cut != nil {
			break
		}
		key := fmt.Sprint(k)
		o := &turn{key: key}
		all = append(all, o)
		if err := goodName(key); err != nil {
			o.err = &Error{Kind: ErrInvalid, Step: r.path(key), Text: "the key: " + err.Error()}
		} else if seen[key] {
			o.err = &Error{Kind: ErrDuplicate, Step: r.path(key), Text: "the key comes twice"}
		}
		if o.err != nil {
			<-slots
			continue
		}
		seen[key] = true
		if limit == 1 { // in this goroutine, so that a panic keeps its stack
			o.err, o.returned = f(ctx, r.Group(key), k, v), true
			<-slots
			continue
		}
		wg.Go(func() {
			defer func() { <-slots }()
			o.run(func() error { return f(ctx, r.Group(key), k, v) })
		})
	}
	wg.Wait()
	var errs []error
	for _, o := range all {
		if end := o.ended(); end != nil {
			end()
		}
		if o.err != nil {
			errs = append(errs, inGroup(r.path(o.key), o.err))
		}
	}
	return join(errors.Join(errs...), cut)
}

// inGroup names the group in an error whose text does not begin with it yet.
func inGroup(group string, err error) error {
	if rest, ok := strings.CutPrefix(err.Error(), group); ok && (strings.HasPrefix(rest, "/") || strings.HasPrefix(rest, ":")) {
		return err
	}
	return fmt.Errorf("%s: %w", group, err)
}

// turn is how f ended for one key.
type turn struct {
	key      string
	err      error
	returned bool
	panicked any
	stack    []byte
}

// run calls f and catches a panic, for the caller of Each to go on with: there
// the holds around it are given back.
func (o *turn) run(f func() error) {
	defer func() {
		if !o.returned {
			if o.panicked = recover(); o.panicked != nil {
				o.stack = debug.Stack()
			}
		}
	}()
	o.err = f()
	o.returned = true
}

// ended is nil if f returned, and otherwise does what f did.
func (o *turn) ended() func() {
	switch {
	case o.returned || o.stack == nil && o.err != nil:
		return nil
	case o.stack != nil:
		return func() { panic(fmt.Sprintf("%v\n\nin key %s:\n%s", o.panicked, o.key, o.stack)) }
	}
	return runtime.Goexit
}
