package runbook

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// What can go wrong, as sentinels for errors.Is. Every error of the engine is
// an *Error whose Is answers for one or more of them; errors of the
// procedure's own functions stay visible through Unwrap.
var (
	// ErrDiverged: the journal belongs to another procedure or input, or a
	// step says something else than it did when it was recorded.
	ErrDiverged = errors.New("the procedure differs from its journal")
	// ErrPending: the run waits for a person or, when Error.Due says so, for a
	// time. Not a failure: everything held has been given back, and a later
	// start goes on from here.
	ErrPending = errors.New("waiting for an answer")
	// ErrRejected: a person said no, or nobody answered within the gate's
	// timeout. It stays so in this journal.
	ErrRejected = errors.New("rejected")
	// ErrOwed: something was taken away and could not be given back. Look at
	// this first: the importer may still be off.
	ErrOwed = errors.New("still held")
	// ErrNotHeld: somebody gave back what a hold had taken, while steps worked
	// inside. No further effect is begun there.
	ErrNotHeld = errors.New("not held any more")
	// ErrLocked: another process is running this journal.
	ErrLocked = errors.New("journal in use")
	// ErrJournal: the journal cannot be read, trusted or written. Nothing
	// starts after that.
	ErrJournal = errors.New("journal unusable")
	// ErrInDoubt: whether an effect happened is not known. A Do says so, for
	// instance after a lost connection, by an error that wraps this one or that
	// has a method InDoubt() bool, as those of clients do that do not import
	// this package. The outermost method decides for all that it wraps.
	ErrInDoubt = errors.New("in doubt")
	// ErrInvalid: the procedure is wrong: a name used twice, empty or not
	// printable, a result that JSON does not carry, an effect without a Do.
	ErrInvalid = errors.New("invalid procedure")
	// ErrDuplicate: a name was used twice in one group. It is also ErrInvalid.
	ErrDuplicate = errors.New("name used twice")
	// ErrTimeout: a step, a wait or a gate took longer than it may.
	ErrTimeout = errors.New("timed out")
)

// Error is the one error type of the engine.
type Error struct {
	Kind error  // one of the sentinels of this package
	Step string // full name of the step, empty for the run itself
	Line int    // line of the journal that it is about, 0 if none
	Text string // what is wrong
	Hint string // what to do next
	Err  error  // the cause, if there is one

	// Due makes of ErrPending that the run waits for this moment and for no
	// person: nothing is asked, and the run should be started again then.
	Due time.Time
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.Step != "" {
		fmt.Fprintf(&b, "%s: ", e.Step)
	}
	var parts []string
	hint := e.Hint
	if !e.Due.IsZero() {
		parts = append(parts, "waits until "+until(e.Due, time.Time{}))
		hint = cmp.Or(hint, "start it again then; earlier does no harm")
	} else if !errors.Is(e.Err, e.Kind) { // which says it already
		parts = append(parts, e.Kind.Error())
	}
	if e.Line > 0 {
		parts = append(parts, fmt.Sprintf("journal line %d", e.Line))
	}
	if e.Text != "" {
		parts = append(parts, e.Text)
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	b.WriteString(strings.Join(parts, ": "))
	if hint != "" {
		fmt.Fprintf(&b, "; %s", hint)
	}
	return b.String()
}

// Is reports whether target is the sentinel of e.
func (e *Error) Is(target error) bool {
	return target == e.Kind || (e.Kind == ErrDuplicate && target == ErrInvalid)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Ending is one word for how a start ended, from the error that it returned:
// done, pending, rejected, owed, in doubt or failed. What is owed comes first. A
// failure beside a question is a failure: pending, and rejected, are starts in
// which nothing else went wrong.
func Ending(err error) string {
	switch {
	case err == nil:
		return "done"
	case errors.Is(err, ErrOwed):
		return "owed"
	case only(err, ErrPending):
		return "pending"
	case only(err, ErrRejected):
		return "rejected"
	case errors.Is(err, ErrInDoubt):
		return "in doubt"
	}
	return "failed"
}

// dueOf is the first moment that a part of err waits for; zero is none.
func dueOf(err error) (first time.Time) {
	switch e := err.(type) {
	case *Error:
		if !e.Due.IsZero() {
			return e.Due
		}
		return dueOf(e.Err)
	case interface{ Unwrap() []error }:
		for _, err := range e.Unwrap() {
			if t := dueOf(err); !t.IsZero() && (first.IsZero() || t.Before(first)) {
				first = t
			}
		}
	case interface{ Unwrap() error }:
		return dueOf(e.Unwrap())
	}
	return first
}

// inDoubt reports whether err leaves open if an effect happened. A client that
// found out says no with its own error, whatever the cause that it wraps says.
func inDoubt(err error) bool {
	if err == ErrInDoubt {
		return true
	}
	if e, ok := err.(interface{ InDoubt() bool }); ok {
		return e.InDoubt()
	}
	if e, ok := err.(interface{ Is(error) bool }); ok && e.Is(ErrInDoubt) {
		return true
	}
	switch e := err.(type) {
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(e.Unwrap(), inDoubt)
	case interface{ Unwrap() error }:
		return inDoubt(e.Unwrap())
	}
	return false
}

// only reports whether every part of err is kind; no error has no part.
func only(err, kind error) bool {
	switch e := err.(type) {
	case nil:
		return true
	case *Error:
		return errors.Is(e, kind)
	case interface{ Unwrap() []error }:
		for _, err := range e.Unwrap() {
			if !only(err, kind) {
				return false
			}
		}
		return true
	case interface{ Unwrap() error }:
		return e.Unwrap() != nil && only(e.Unwrap(), kind)
	}
	return err == kind
}

// join is errors.Join for an error that may be in the other one already, as
// the first failure of the journal is in everything that it stopped.
func join(err, more error) error {
	switch {
	case err == nil:
		return more
	case more == nil || errors.Is(err, more):
		return err
	case errors.Is(more, err):
		return more
	}
	return errors.Join(err, more)
}
