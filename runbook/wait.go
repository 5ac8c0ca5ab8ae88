package runbook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Poll is something that others do and that the run waits for.
type Poll[T any] struct {
	Name, Intent string // as those of a [Step]
	// Check looks once; true ends the waiting. An error ends it too: one with
	// Error.Due when nobody needs to look before that time.
	Check func(context.Context) (T, bool, error)
	// Stay waits here for a time that Check names with Error.Due, looking then and every
	// Every all the same, in place of ending this start. What it waits for is journalled.
	Stay bool
	// Every is the pause between two looks; zero means 30 seconds.
	Every time.Duration
	// Deadline bounds the waiting of one start; zero means 2 hours.
	// It looks at least once.
	Deadline time.Duration
	// Predict is what Check will find, for the plan.
	Predict T
}

// Wait looks again and again until what it waits for is so, and pins what it saw. After the deadline the error
// is ErrTimeout; a later start waits again.
func Wait[T any](ctx context.Context, r *Run, p Poll[T]) (T, error) {
	var zero T
	e, step := r.e, r.path(p.Name)
	if p.Check == nil {
		return zero, &Error{Kind: ErrInvalid, Step: step, Text: "the poll has no Check"}
	}
	s, err := e.claim(step, VerbWait, p.Name, p.Intent)
	if err != nil {
		return zero, err
	}
	rec := Record{Step: step, Verb: VerbWait, Intent: p.Intent}
	switch {
	case s != nil && s.Kind == Done:
		if e.mode == planning {
			e.list(s.Record)
		}
		return decode[T](step, s.Result)
	case e.mode == settling:
		return zero, stopped(step)
	}
	if err := e.ready(ctx); err != nil {
		return zero, err
	}
	if e.mode == planning {
		// What it waits for may depend on effects that are only planned, so
		// an error of Check is no news here.
		v, ok, err := p.Check(ctx)
		if rec.Kind = Done; err != nil || !ok {
			v, rec.Kind = p.Predict, Planned
		}
		if rec.Result, err = throughJSON(v); err != nil {
			return zero, inStep(step, err)
		}
		e.list(rec)
		return decode[T](step, rec.Result)
	}
	rec.Kind = Started
	if err := e.append(ctx, rec); err != nil {
		return zero, err
	}
	m, err := poll(ctx, e, step, p)
	rec.Kind, rec.Result = Done, m
	if err != nil {
		rec, err = rec.failed(err), inStep(step, err)
	}
	if err := join(err, e.conclude(ctx, rec, Failed)); err != nil {
		return zero, err
	}
	return decode[T](step, m)
}

func poll[T any](ctx context.Context, e *engine, step string, p Poll[T]) (json.RawMessage, error) {
	every, limit := p.Every, p.Deadline
	if every <= 0 {
		every = defaultEvery
	}
	if limit <= 0 {
		limit = defaultDeadline
	}
	end, stay := time.Now().Add(limit), staying{}
	sub, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	for {
		var v T
		var ok bool
		_, err := e.call(sub, step, func(ctx context.Context) (err error) { v, ok, err = p.Check(ctx); return err })
		if err == nil && ok {
			return throughJSON(v)
		}
		next := min(every, time.Until(end))
		if p.Stay && stay.says(e, step, err) {
			if left := time.Until(dueOf(err)); left > 0 { // by the clock here; the look may have another
				next = min(next, left)
			}
			err = nil
		}
		if err == nil && pause(ctx, next) && time.Now().Before(end) {
			continue
		}
		switch {
		case ctx.Err() != nil:
			return nil, errors.Join(err, context.Cause(ctx))
		case !time.Now().Before(end):
			return nil, &Error{Kind: ErrTimeout, Text: fmt.Sprintf("not so after %v: %s", limit, p.Intent), Err: err,
				Hint: "look why, and start again to wait on"}
		}
		return nil, err
	}
}

// staying is what a wait that stays has said last about what it waits for.
type staying struct {
	text string
	due  time.Time
	at   time.Time
}

// says reports whether an error names a time that may be waited for, and journals it
// when it is another than before, so that who looks from elsewhere sees it too.
func (s *staying) says(e *engine, step string, err error) bool {
	due := dueOf(err)
	if due.IsZero() || !only(err, ErrPending) {
		return false
	}
	text := whyPending(err)
	if text == s.text && due.Equal(s.due) || time.Since(s.at) < progressEvery {
		return true
	}
	*s = staying{text, due, time.Now()}
	_ = e.append(context.Background(), Record{Step: step, Verb: VerbWait, Kind: Progress, Label: text, Due: &due}) // broken, it is said by the next step
	return true
}
