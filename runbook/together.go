package runbook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// A Part is one of several effects that one call brings about: see [Together].
type Part[T any] struct {
	Run *Run
	// Step names the effect in the Run's group and has a Probe. Its Do is not
	// called, its Retries do not count.
	Step Step[T]
}

// looksAtOnce is how many probes of a Together look at the same time.
const looksAtOnce = 8

// Together does several effects with one call of do, where asking for each alone
// would take too long: one command on a host that changes many things. Each has its
// records as in [Do]: all that are left to be done are on record as begun before do
// is called, and each is on record as done when do calls ended with its number in
// parts. What do does not report is in doubt, and looked at by its Probe at the next
// start. Ended may be called by several goroutines until do returns; do may say nothing
// of the rest and return an error, which then is theirs.
//
// It returns the results in the order of parts, and their errors; nil is that it is so.
func Together[T any](ctx context.Context, parts []Part[T], do func(ctx context.Context, open []int, ended func(n int, v T, err error)) error) ([]T, []error) {
	b := &batch{ctx: ctx, raw: make([]json.RawMessage, len(parts)), errs: make([]error, len(parts))}
	for _, p := range parts {
		b.parts = append(b.parts, &part{r: p.Run, f: effectOf(p.Step)})
	}
	b.begin()
	if len(b.open) > 0 {
		b.act(func(ctx context.Context, report func(result)) error {
			return do(ctx, b.open, func(n int, v T, err error) {
				res := result{n: n, err: err}
				if err == nil {
					res.raw, res.err = throughJSON(v)
				}
				report(res)
			})
		})
	}
	values := make([]T, len(parts))
	for n, p := range parts {
		if b.errs[n] == nil {
			values[n], b.errs[n] = decode[T](p.Run.path(p.Step.Name), b.raw[n])
		}
	}
	return values, b.errs
}

// A batch is a Together without types.
type batch struct {
	ctx   context.Context
	parts []*part
	raw   []json.RawMessage
	errs  []error
	open  []int // parts that are left to be done
}

type part struct {
	r     *Run
	f     effect
	begun *beginning
	over  bool // its end was reported
}

func (p *part) step() string { return p.r.path(p.f.name) }

// A result is how a part ended.
type result struct {
	n   int
	raw json.RawMessage
	err error
}

// begin finds out which parts are left to be done, several at a time.
func (b *batch) begin() {
	slots := make(chan struct{}, looksAtOnce)
	var all sync.WaitGroup
	turns := make([]*turn, len(b.parts))
	for n, p := range b.parts {
		if p.f.probe == nil {
			b.errs[n] = &Error{Kind: ErrInvalid, Step: p.step(), Text: "an effect that is done together with others needs a Probe"}
			continue
		}
		var err error
		if p.begun, err = p.r.claimEffect(p.f); err != nil {
			b.errs[n] = err
			continue
		}
		turns[n] = &turn{}
		look := func() error {
			b.raw[n], b.errs[n] = p.r.beginEffect(b.ctx, p.f, p.begun)
			return nil
		}
		if p.r.Planning() { // one after the other, in this goroutine
			turns[n].run(look)
			continue
		}
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			turns[n].run(look)
		})
	}
	all.Wait()
	for n, p := range b.parts {
		if turns[n] != nil {
			if end := turns[n].ended(); end != nil {
				end()
			}
		}
		if b.errs[n] == nil && p.begun.todo {
			b.open = append(b.open, n)
		}
	}
}

// act takes what has to be held, puts on record that all open parts begin, and calls
// do. What is reported is put on record out here, so that a call ends also when the
// journal has stopped the run.
func (b *batch) act(do func(ctx context.Context, report func(result)) error) {
	b.open = b.started()
	if len(b.open) == 0 {
		return
	}
	first := b.parts[b.open[0]]
	timeout := first.f.timeout
	for _, n := range b.open {
		timeout = max(timeout, b.parts[n].f.timeout)
	}
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	ctx, cancel := context.WithTimeout(b.ctx, timeout)
	defer cancel()
	ctx = context.WithValue(ctx, heldKey{}, around{first.r.e, first.r.hold})
	reports := make(chan result, len(b.parts))
	var mu sync.Mutex
	told, over := map[int]bool{}, false
	report := func(res result) {
		mu.Lock()
		defer mu.Unlock()
		if !over && !told[res.n] {
			told[res.n] = true
			reports <- res // there is room for all
		}
	}
	var entered bool
	var err error
	t := &turn{}
	go func() {
		defer func() {
			mu.Lock()
			defer mu.Unlock()
			over = true
			close(reports)
		}()
		t.run(func() error {
			entered, err = first.r.e.call(ctx, first.step(), func(ctx context.Context) error { return do(ctx, report) })
			return nil
		})
	}()
	for res := range reports {
		b.end(ctx, res, true, timeout)
	}
	if end := t.ended(); end != nil {
		end()
	}
	for _, n := range b.open {
		if !b.parts[n].over {
			if err == nil {
				err = errors.New("nothing was said of its end")
			}
			b.end(ctx, result{n: n, err: &unseen{err}}, entered, timeout)
		}
	}
}

// An unseen is the error of a part of which nobody knows.
type unseen struct{ error }

func (e *unseen) InDoubt() bool { return true }
func (e *unseen) Unwrap() error { return e.error }

// started holds what has to be held and puts on record that the open parts begin. It
// returns those that may.
func (b *batch) started() (may []int) {
	taken := map[*held]error{}
	for _, n := range b.open {
		p := b.parts[n]
		err, ok := taken[p.r.hold]
		if !ok {
			err = p.r.hold.take(b.ctx, p.r.e, true)
			taken[p.r.hold] = err
		}
		if err == nil {
			err = p.r.e.ready(b.ctx)
		}
		if err != nil {
			b.errs[n] = inStep(p.step(), err)
			continue
		}
		if b.errs[n] = p.r.e.append(b.ctx, Record{Step: p.step(), Verb: VerbDo, Kind: Started, Intent: p.f.intent}); b.errs[n] == nil {
			may = append(may, n)
		}
	}
	return may
}

// end puts on record how a part ended.
func (b *batch) end(ctx context.Context, res result, entered bool, timeout time.Duration) {
	p := b.parts[res.n]
	p.over = true
	rec := Record{Step: p.step(), Verb: VerbDo, Intent: p.f.intent}
	if res.err == nil {
		rec.Kind, rec.Result = Done, res.raw
		b.raw[res.n], b.errs[res.n] = res.raw, p.r.e.conclude(b.ctx, rec, Doubt)
		return
	}
	err := res.err
	doubt := entered && (inDoubt(err) || errors.As(err, new(*lossy)))
	if entered && ctx.Err() != nil && errors.As(err, new(*unseen)) && b.ctx.Err() == nil {
		err = &Error{Kind: ErrTimeout, Text: fmt.Sprintf("after %v", timeout), Err: err}
	}
	b.errs[res.n] = p.r.failed(b.ctx, rec, doubt, err)
}
