package runbook

import (
	"context"
	"errors"
	"maps"
	"slices"
)

// Settle gives back what an earlier start left taken, and does nothing else:
// it follows the procedure along recorded results to the holds that are owed.
// A hold that cannot be reached that way is ErrOwed. One that is given back on
// record is given back once more: what was under way when its process was killed
// may have come to its end since.
func (x *Runner) Settle(ctx context.Context, p Procedure) error {
	return x.start(ctx, settling, p)
}

// settle deals with what is owed when the procedure has returned err: it
// follows the procedure once more to holds of an earlier start that this one
// has not reached, and names all that stay owed. In a start that only settles,
// the end of the procedure counts for nothing unless something stays owed.
func (e *engine) settle(ctx context.Context, p Procedure, err error) error {
	var cause error
	switch {
	case e.mode == executing && len(e.owed(true)) > 0:
		unlock := e.locked()
		e.mode, e.used = settling, map[string]bool{}
		unlock()
		cause = notStopped(p(context.WithoutCancel(ctx), &Run{e: e}))
		if errors.Is(cause, ErrOwed) { // reached, and it says all
			err, cause = join(cause, err), nil
		}
	case e.mode == settling && !errors.Is(err, ErrOwed) && !errors.Is(err, ErrJournal):
		cause, err = notStopped(err), nil
	}
	debts := e.debts(cause, true, "the procedure does not come to this hold any more: give it back by hand, or settle with the program that took it")
	if debts == nil && !errors.Is(err, ErrOwed) { // or the procedure has forgotten to say so
		debts = e.debts(cause, false, "give it back by hand, or start again or settle once the cause is gone")
	}
	return join(debts, err)
}

// debts is an ErrOwed for each hold that is owed.
func (e *engine) debts(cause error, unreached bool, hint string) error {
	var errs []error
	for _, s := range e.owed(unreached) {
		text := s.Intent
		if s.Error != "" {
			text += ": " + s.Error
		}
		errs = append(errs, &Error{Kind: ErrOwed, Step: s.Step, Line: s.N, Text: text, Err: cause, Hint: hint})
	}
	return errors.Join(errs...)
}

// notStopped is nil if err consists of nothing but steps that settling does
// not do.
func notStopped(err error) error {
	if only(err, errStopped) {
		return nil
	}
	return err
}

// owed lists the holds that are owed, by name; or only those that no call of
// this start has dealt with.
func (e *engine) owed(unreached bool) (list []*state) {
	defer e.locked()()
	for _, step := range slices.Sorted(maps.Keys(e.past)) {
		if s := e.past[step]; s.owed && !(unreached && e.used[step]) {
			list = append(list, s)
		}
	}
	return list
}
