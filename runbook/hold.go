package runbook

import (
	"context"
	"fmt"
	"time"
)

// Hold takes something away while other steps work, and always gives it back:
// the importer, a crontab line, a lock file.
type Hold struct {
	// Name is the hold's identity inside its group.
	Name string
	// Intent says what is taken, for the plan and the journal.
	Intent string
	// Acquire takes it. It is called before the first effect inside, and again
	// on every later start, so it must be harmless to repeat.
	Acquire func(context.Context) error
	// Release gives it back. It may be called when Acquire failed or never
	// ran, and must be harmless to repeat: it is tried three times within
	// Runner.Cleanup, and Settle calls it also when it is on record that it
	// was given back.
	Release func(context.Context) error
	// Look, if set, says how it is: whether it is away, by whomever, and in
	// words for a person. It is asked before each effect inside (see Step.AsksHeld), which is
	// not begun if somebody has given the thing back meanwhile (ErrNotHeld), and at
	// the end, where its words end the report.
	Look func(context.Context) (away bool, text string, err error)
}

// held is a hold in this start.
type held struct {
	Hold
	step   string
	parent *held
	once   bool // on record: it was taken at some time

	sem      chan struct{} // guards what stands below
	armed    bool          // to be released at the end
	acquired bool
	failed   error
	listed   bool
}

// releasePauses are the pauses between the tries of a release: a blip must not
// leave the importer off.
var releasePauses = [...]time.Duration{200 * time.Millisecond, time.Second}

// Hold runs body with something taken away. It is taken before the first
// effect inside, so a body in which everything is done already takes nothing.
// It is given back when body ends, however it ends: also by a panic, a
// cancelled context or a pending gate. A hold that an earlier start left taken
// is given back whatever body does. If giving back fails the error is ErrOwed
// as well as what body returned.
func (r *Run) Hold(ctx context.Context, h Hold, body func(context.Context, *Run) error) (err error) {
	e, step := r.e, r.path(h.Name)
	if h.Acquire == nil || h.Release == nil {
		return &Error{Kind: ErrInvalid, Step: step, Text: "a hold needs Acquire and Release"}
	}
	s, err := e.claim(step, VerbHold, h.Name, h.Intent)
	if err != nil {
		return err
	}
	k := &held{Hold: h, step: step, parent: r.hold, sem: make(chan struct{}, 1), once: s != nil, armed: s != nil && s.owed}
	if e.mode == planning {
		if k.armed {
			e.list(s.Record)
			k.listed = true
		}
	}
	defer func() {
		if owed := k.giveBack(ctx, e); owed != nil {
			if only(err, errStopped) { // settling: nothing else was to be done
				err = nil
			}
			err = join(owed, err)
		}
	}()
	return body(ctx, &Run{e: e, group: r.group, hold: k})
}

// take acquires the hold and those around it, outermost first. With look, what is
// acquired already is looked at.
func (k *held) take(ctx context.Context, e *engine, look bool) error {
	if k == nil {
		return nil
	}
	if err := k.parent.take(ctx, e, look); err != nil {
		return err
	}
	k.sem <- struct{}{}
	defer func() { <-k.sem }()
	if k.failed != nil {
		return k.failed
	}
	if err := e.ready(ctx); err != nil {
		return err
	}
	if k.acquired && !look {
		return nil
	}
	if k.acquired {
		return k.still(ctx, e)
	}
	rec := Record{Step: k.step, Verb: VerbHold, Kind: Armed, Intent: k.Intent}
	if err := e.append(ctx, rec); err != nil {
		return err
	}
	k.armed = true
	if _, err := e.call(ctx, k.step, k.Acquire); err != nil {
		k.failed = inStep(k.step, err)
		rec.Kind, rec.Error = Failed, err.Error()
		return join(k.failed, e.append(ctx, rec))
	}
	k.acquired = true
	rec.Kind = Acquired
	return e.append(ctx, rec)
}

// still makes sure, before an effect, that nobody has given it back meanwhile.
func (k *held) still(ctx context.Context, e *engine) error {
	away, text, err := k.look(ctx, e)
	if err != nil {
		return inStep(k.step, fmt.Errorf("look: %w", err))
	}
	if away {
		return nil
	}
	k.failed = &Error{Kind: ErrNotHeld, Step: k.step, Text: text,
		Hint: "somebody gave it back while steps worked inside; find out who, then start again: it is taken again first"}
	rec := Record{Step: k.step, Verb: VerbHold, Kind: Failed, Intent: k.Intent, Error: ErrNotHeld.Error() + ": " + text}
	return join(k.failed, e.append(ctx, rec))
}

func (k *held) look(ctx context.Context, e *engine) (away bool, text string, err error) {
	if k.Look == nil {
		return true, "", nil
	}
	_, err = e.call(ctx, k.step, func(ctx context.Context) (err error) { away, text, err = k.Look(ctx); return err })
	return away, text, err
}

// seen puts into the last record of a hold what the world says. How the journal
// thinks that it is may be wrong: others work there too.
func (k *held) seen(ctx context.Context, e *engine, rec *Record) {
	if k.Look == nil {
		return
	}
	away, text, err := k.look(ctx, e)
	switch {
	case err != nil:
		rec.Seen = "how it is could not be seen: " + err.Error()
	case away && rec.Kind == Released:
		rec.Seen, rec.Error = text, "given back as far as this run took it, and still away: "+text
	default:
		rec.Seen = text
	}
}

// plan lists the hold before the first planned effect inside.
func (k *held) plan(e *engine) {
	if k == nil {
		return
	}
	k.parent.plan(e)
	if !k.listed {
		k.listed = true
		e.list(Record{Step: k.step, Verb: VerbHold, Kind: Planned, Intent: k.Intent})
	}
}

// giveBack releases the hold if it was, or may have been, taken.
func (k *held) giveBack(ctx context.Context, e *engine) error {
	if e.mode == planning {
		if k.listed {
			e.list(Record{Step: k.step, Verb: VerbHold, Kind: Released, Intent: k.Intent})
		}
		return nil
	}
	if !k.armed && !(e.settles && k.once) {
		return nil
	}
	limit := e.x.Cleanup
	if limit <= 0 {
		limit = defaultCleanup
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	rec := Record{Step: k.step, Verb: VerbHold, Kind: Released, Intent: k.Intent}
	if k.acquired && k.failed == nil {
		if away, _, err := k.look(ctx, e); err == nil && !away {
			rec.Reason = "somebody had given it back already, after the last look"
		}
	}
	var entered bool
	var err error
	for try := 0; ; try++ {
		entered, err = e.call(ctx, k.step, k.Release)
		if err == nil || !entered || try == len(releasePauses) || !pause(ctx, releasePauses[try]) {
			break
		}
	}
	if err == nil {
		k.armed = false
		k.seen(ctx, e, &rec)
		// When the journal is gone the debt stays on record: the next start
		// gives back once more, which is harmless.
		err := e.append(ctx, rec)
		if err != nil {
			e.unrecorded(k.step)
		}
		return err
	}
	rec.Kind, rec.Error = Owed, err.Error()
	if entered {
		k.seen(ctx, e, &rec)
	}
	e.log.Error("could not be given back", "step", k.step, "intent", k.Intent, "err", err)
	owed := &Error{Kind: ErrOwed, Step: k.step, Text: k.Intent, Err: err,
		Hint: "give it back by hand, or start again or settle once the cause is gone"}
	if !entered { // whoever has the run now may need it
		owed.Hint = "it is left to the process that has the run by now; if there is none, start again or settle"
	}
	return join(owed, e.append(ctx, rec))
}
