package runbook

import (
	"context"
	"fmt"
)

// Guard is what a Journal may implement besides, to have a say in each call of a
// function of the procedure: a look, a probe, an effect, an acquire, a release,
// a question. A plan does not ask.
//
// A store that several hosts share cannot end its lock with a process. One that
// slept, and whose run was taken over in the meantime, must not act when it wakes:
// such a store refuses. It is also how a test stops the world in the middle of a
// run; see runbooktest.KillAnywhere.
type Guard interface {
	// Enter is asked before each call, and by [Current] within one. After an
	// error the call is not made: an effect has failed, and what is held is not
	// given back but stays owed on record, for whoever has the run by now.
	Enter(step string) error
	// Leave follows each Enter that returned nil.
	Leave(step string)
}

// call runs a function of the procedure. entered is false when the guard refused.
func (e *engine) call(ctx context.Context, step string, f func(context.Context) error) (entered bool, err error) {
	if e.mode == planning {
		return true, f(ctx)
	}
	ctx = context.WithValue(ctx, entryKey{}, entry{e, step})
	if e.guard == nil {
		return true, f(ctx)
	}
	if err := e.enter(step); err != nil {
		return false, err
	}
	defer e.guard.Leave(step)
	return true, f(ctx)
}

func (e *engine) enter(step string) error {
	err := e.guard.Enter(step)
	if err == nil {
		return nil
	}
	return &Error{Kind: ErrJournal, Step: step, Text: "may not go on here", Err: err, Hint: "look at its status: another process may have the run by now"}
}

// entry is the call that a context belongs to.
type (
	entryKey struct{}
	entry    struct {
		e    *engine
		step string
	}
)

// Current reports whether the call of a step that ctx was given to may still act:
// nil, or why not. A [Guard] is asked again, because a process may sleep between
// the beginning of a call and the moment that counts. It is for those who are
// about to send something that cannot be taken back; outside of a run it only
// looks at ctx.
func Current(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	c, ok := ctx.Value(entryKey{}).(entry)
	if !ok || c.e.guard == nil {
		return nil
	}
	if err := c.e.enter(c.step); err != nil {
		return err
	}
	c.e.guard.Leave(c.step)
	return nil
}

// Held looks again at what is held around the effect that ctx was given to: nil, or
// ErrNotHeld because somebody has given it back meanwhile. It is for those who look at
// other things in an effect, or wait, before they change anything. Outside of
// an effect, and where holds have no Look, it is nil.
func Held(ctx context.Context) error {
	k, ok := ctx.Value(heldKey{}).(around)
	if !ok {
		return nil
	}
	for h := k.hold; h != nil; h = h.parent {
		away, text, err := h.look(ctx, k.e)
		if err != nil {
			return inStep(h.step, fmt.Errorf("look: %w", err))
		}
		if !away {
			return &Error{Kind: ErrNotHeld, Step: h.step, Text: text, Hint: "somebody gave it back while a step looked or waited inside; find out who, then start again"}
		}
	}
	return nil
}

// around is what is held around the effect that a context belongs to.
type (
	heldKey struct{}
	around  struct {
		e    *engine
		hold *held
	}
)
