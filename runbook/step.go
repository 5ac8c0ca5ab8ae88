package runbook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Step is one effect.
type Step[T any] struct {
	// Name is the step's identity inside its group. It must not change while
	// runs are under way; the place of the step in the procedure may.
	Name string
	// Intent says what Do does, for the plan, the journal and the report. A
	// later start with another intent is ErrDiverged.
	Intent string
	// Do acts and returns what later steps need to know. The result goes
	// through JSON before it is used. Work that goes on elsewhere is one step:
	// Do requests it and watches it to its end.
	//
	// An error means that it did not happen, and a later start runs Do again.
	// If that is not known the error must say so, see [ErrInDoubt]; running
	// into Timeout or being cancelled counts as that by itself.
	Do func(context.Context) (T, error)
	// Probe, if set, looks whether it is so already and returns what Do would
	// have returned. It is asked before every Do.
	Probe func(context.Context) (T, bool, error)
	// Urgent leaves the Probe to where an earlier start left it unknown whether
	// it happened: for what must be done at once, and does no harm where it is so
	// already. A plan probes all the same.
	Urgent bool
	// AsksHeld says that Do asks [Held] itself, right before the first thing that it
	// changes: then the holds around it are not looked at once more before Do is called.
	AsksHeld bool
	// Predict is what Do will return, for the plan.
	Predict T
	// Timeout bounds Do; zero means 6 hours, less than zero none.
	Timeout time.Duration
	// Retries is how often Do is repeated after it failed, with a pause of 1 s,
	// then 2 s, 4 s up to 30 s. An effect in doubt is never repeated.
	Retries int
}

// effect is a Step with its types taken away.
type effect struct {
	name, intent string
	do           func(context.Context) (json.RawMessage, error)
	probe        func(context.Context) (json.RawMessage, bool, error)
	predict      func() (json.RawMessage, error)
	accept       func(json.RawMessage) error // whether a result can be decoded
	timeout      time.Duration
	retries      int
	urgent       bool
	asksHeld     bool
}

// Do performs one effect, once: on a later start it returns the recorded
// result instead of acting.
func Do[T any](ctx context.Context, r *Run, s Step[T]) (T, error) {
	var zero T
	if s.Do == nil {
		return zero, &Error{Kind: ErrInvalid, Step: r.path(s.Name), Text: "the step has no Do"}
	}
	m, err := r.do(ctx, effectOf(s))
	if err != nil {
		return zero, err
	}
	return decode[T](r.path(s.Name), m)
}

// effectOf takes the types away from a step.
func effectOf[T any](s Step[T]) effect {
	f := effect{name: s.Name, intent: s.Intent, timeout: s.Timeout, retries: s.Retries, urgent: s.Urgent, asksHeld: s.AsksHeld,
		do: func(ctx context.Context) (json.RawMessage, error) {
			v, err := s.Do(ctx)
			if err != nil {
				return nil, err
			}
			return throughJSON(v)
		},
		predict: func() (json.RawMessage, error) { return throughJSON(s.Predict) },
		accept:  func(m json.RawMessage) error { return json.Unmarshal(m, new(T)) },
	}
	if s.Probe != nil {
		f.probe = func(ctx context.Context) (json.RawMessage, bool, error) {
			v, ok, err := s.Probe(ctx)
			if err != nil || !ok {
				return nil, false, err
			}
			m, err := throughJSON(v)
			return m, err == nil, err
		}
	}
	return f
}

// Read looks at the world once and pins what it saw in the journal: a later
// start gets the same value without looking.
func Read[T any](ctx context.Context, r *Run, name string, f func(context.Context) (T, error)) (T, error) {
	var zero T
	m, err := r.look(ctx, VerbRead, name, func(ctx context.Context) (json.RawMessage, error) {
		v, err := f(ctx)
		if err != nil {
			return nil, err
		}
		return throughJSON(v)
	})
	if err != nil {
		return zero, err
	}
	return decode[T](r.path(name), m)
}

// Require checks a precondition. It is looked at anew on every start, and in a
// plan, because what was true yesterday is no reason to act today.
func (r *Run) Require(ctx context.Context, name string, f func(context.Context) error) error {
	e, step := r.e, r.path(name)
	if _, err := e.claim(step, VerbRequire, name, ""); err != nil {
		return err
	}
	if e.mode == settling {
		return nil
	}
	if err := e.ready(ctx); err != nil {
		return err
	}
	_, err := e.call(ctx, step, f)
	rec := Record{Step: step, Verb: VerbRequire, Kind: Done}
	if err != nil {
		rec, err = rec.failed(err), inStep(step, err)
	}
	if e.mode == planning {
		e.list(rec)
		return err
	}
	return join(err, e.append(ctx, rec))
}

// Verify checks a postcondition, once, after the effects it is about. In a
// plan it is only listed.
func (r *Run) Verify(ctx context.Context, name string, f func(context.Context) error) error {
	_, err := r.look(ctx, VerbVerify, name, func(ctx context.Context) (json.RawMessage, error) { return nil, f(ctx) })
	return err
}

// look is Read and Verify: done once, repeated after a failure.
func (r *Run) look(ctx context.Context, verb Verb, name string, f func(context.Context) (json.RawMessage, error)) (json.RawMessage, error) {
	e, step := r.e, r.path(name)
	s, err := e.claim(step, verb, name, "")
	if err != nil {
		return nil, err
	}
	if s != nil && s.Kind == Done {
		if e.mode == planning {
			e.list(s.Record)
		}
		return s.Result, nil
	}
	if e.mode == settling {
		return nil, stopped(step)
	}
	if e.mode == planning && verb == VerbVerify {
		e.list(Record{Step: step, Verb: verb, Kind: Planned})
		return nil, nil
	}
	if err := e.ready(ctx); err != nil {
		return nil, err
	}
	var m json.RawMessage
	_, err = e.call(ctx, step, func(ctx context.Context) (err error) { m, err = f(ctx); return err })
	rec := Record{Step: step, Verb: verb, Kind: Done, Result: m}
	if err != nil {
		rec, err = rec.failed(err), inStep(step, err)
	}
	if e.mode == planning {
		e.list(rec)
		return m, err
	}
	return m, join(err, e.conclude(ctx, rec, Failed))
}

// do is [Do] without types: recorded, found by the probe, planned, answered by a
// person, or done.
func (r *Run) do(ctx context.Context, f effect) (json.RawMessage, error) {
	b, err := r.claimEffect(f)
	if err != nil {
		return nil, err
	}
	m, err := r.beginEffect(ctx, f, b)
	if err != nil || !b.todo {
		return m, err
	}
	return r.try(ctx, Record{Step: r.path(f.name), Verb: VerbDo, Intent: f.intent}, f)
}

// A beginning is what is known about an effect before it is done.
type beginning struct {
	*state      // what the journal says, nil for nothing
	todo   bool // it is left to be done
}

func (r *Run) claimEffect(f effect) (*beginning, error) {
	s, err := r.e.claim(r.path(f.name), VerbDo, f.name, f.intent)
	return &beginning{state: s}, err
}

// beginEffect finds out whether an effect is left to be done: it is not when it is
// recorded, found by the probe, planned, or a person says that it happened.
func (r *Run) beginEffect(ctx context.Context, f effect, b *beginning) (json.RawMessage, error) {
	e, s := r.e, b.state
	if s != nil && (s.Kind == Done || s.Kind == Adopted) {
		if e.mode == planning {
			e.list(s.Record)
		}
		return s.Result, nil
	}
	step := r.path(f.name)
	if e.mode == settling {
		return nil, stopped(step)
	}
	if err := e.ready(ctx); err != nil {
		return nil, err
	}
	rec := Record{Step: step, Verb: VerbDo, Intent: f.intent}
	doubt := s != nil && s.Kind != Failed && s.Kind != Deferred // started, in doubt, or asked about it
	if f.probe != nil && (!f.urgent || doubt || e.mode == planning) {
		m, so, err := r.probe(ctx, rec, f)
		if err != nil {
			return nil, r.failed(ctx, rec, doubt, fmt.Errorf("probe: %w", err))
		}
		if so {
			return m, r.adopt(ctx, rec, m)
		}
		doubt = false
	}
	if e.mode == planning {
		return r.predict(rec, doubt, f)
	}
	if doubt {
		if m, happened, err := r.askDoubt(ctx, rec, s, f); happened || err != nil {
			return m, err
		}
	}
	b.todo = true
	return nil, nil
}

// try acts until it succeeds, is in doubt, or has been tried often enough.
func (r *Run) try(ctx context.Context, rec Record, f effect) (json.RawMessage, error) {
	for try := 0; ; try++ {
		if err := r.hold.take(ctx, r.e, !f.asksHeld); err != nil {
			return nil, inStep(rec.Step, err)
		}
		m, err := r.act(ctx, rec, f)
		if f.asksHeld && errors.Is(err, ErrNotHeld) { // the holds learn of it, and the journal
			if more := r.hold.take(ctx, r.e, true); !errors.Is(more, ErrNotHeld) {
				err = join(err, more)
			}
			return nil, err
		}
		if err == nil || try >= f.retries || errors.Is(err, ErrInDoubt) || errors.Is(err, ErrJournal) {
			return m, err
		}
		if !pause(ctx, min(time.Second<<min(try, 5), 30*time.Second)) {
			return nil, err
		}
		if f.probe == nil {
			continue
		}
		m, so, perr := r.probe(ctx, rec, f)
		if perr != nil {
			return nil, errors.Join(err, inStep(rec.Step, fmt.Errorf("probe: %w", perr)))
		}
		if so {
			return m, r.adopt(ctx, rec, m)
		}
	}
}

// probe looks whether the effect is there already.
func (r *Run) probe(ctx context.Context, rec Record, f effect) (m json.RawMessage, so bool, err error) {
	_, err = r.e.call(ctx, rec.Step, func(ctx context.Context) (err error) { m, so, err = f.probe(ctx); return err })
	return m, so, err
}

// adopt puts on record that it was so already, with the result that was found.
func (r *Run) adopt(ctx context.Context, rec Record, m json.RawMessage) error {
	rec.Kind, rec.Result = Adopted, m
	if r.e.mode == planning {
		r.e.list(rec)
		return nil
	}
	return r.e.conclude(ctx, rec, Failed)
}

// act runs Do between its two records.
func (r *Run) act(ctx context.Context, rec Record, f effect) (json.RawMessage, error) {
	e := r.e
	if err := e.ready(ctx); err != nil {
		return nil, err
	}
	rec.Kind = Started
	if err := e.append(ctx, rec); err != nil {
		return nil, err
	}
	timeout := f.timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	sub, cancel := ctx, context.CancelFunc(func() {})
	if timeout > 0 {
		sub, cancel = context.WithTimeout(ctx, timeout)
	}
	defer cancel()
	var m json.RawMessage
	sub = context.WithValue(sub, heldKey{}, around{e, r.hold})
	entered, err := e.call(sub, rec.Step, func(ctx context.Context) (err error) { m, err = f.do(ctx); return err })
	if err == nil {
		rec.Kind, rec.Result = Done, m
		return m, e.conclude(ctx, rec, Doubt)
	}
	doubt := entered && (inDoubt(err) || errors.As(err, new(*lossy)))
	if entered && sub.Err() != nil {
		if ctx.Err() == nil {
			err = &Error{Kind: ErrTimeout, Text: fmt.Sprintf("after %v", timeout), Err: err}
		}
		doubt = true
	}
	return nil, r.failed(ctx, rec, doubt, err)
}

// failed journals that a step failed, or that nobody knows.
func (r *Run) failed(ctx context.Context, rec Record, doubt bool, err error) error {
	rec = rec.failed(err)
	if r.e.mode == planning {
		r.e.list(rec)
		return inStep(rec.Step, err)
	}
	if doubt {
		rec.Kind, rec.Due = Doubt, nil
		err = &Error{Kind: ErrInDoubt, Step: rec.Step, Err: err, Hint: "the next start looks, or asks, whether it happened"}
	} else {
		err = inStep(rec.Step, err)
	}
	return join(err, r.e.append(ctx, rec))
}

func (r *Run) predict(rec Record, doubt bool, f effect) (json.RawMessage, error) {
	m, err := f.predict()
	if err != nil {
		return nil, inStep(rec.Step, fmt.Errorf("predict: %w", err))
	}
	r.hold.plan(r.e)
	rec.Kind, rec.Result = Planned, m
	if doubt {
		rec.Kind = Doubt
	}
	r.e.list(rec)
	return m, nil
}

// inStep names the step in an error, once.
func inStep(step string, err error) error {
	if own, ok := err.(*Error); ok && own.Step == "" {
		c := *own
		c.Step = step
		return &c
	} else if ok {
		return err
	}
	return fmt.Errorf("%s: %w", step, err)
}

func decode[T any](step string, m json.RawMessage) (T, error) {
	var v T
	if len(m) == 0 {
		return v, nil
	}
	if err := json.Unmarshal(m, &v); err != nil {
		return v, &Error{Kind: ErrDiverged, Step: step, Text: "the recorded result does not fit any more", Err: err,
			Hint: "finish this run with the program that began it, or start with a new journal"}
	}
	return v, nil
}

// pause waits and reports whether the time came before the end of ctx.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
