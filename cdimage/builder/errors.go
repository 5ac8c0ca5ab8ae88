package builder

import (
	"errors"

	"github.com/landingteam/landing/cdimage"
)

// The sentinels that an [Error] of this package is, for errors.Is.
var (
	ErrInvalid  = errors.New("invalid request")                       // refused before anything was run
	ErrReadOnly = errors.New("read only")                             // refused because the Builder must not act
	ErrLocked   = errors.New("another image set is already building") // nothing was started, no build ID used
	ErrUsage    = errors.New("the command was refused")               // exit status 2, nothing was started
	ErrNotBuilt = errors.New("no complete image")                     // the run ended and its result is not complete
	ErrInDoubt  = errors.New("in doubt")                              // the end of the run was not seen
	ErrNotFound = errors.New("not found")                             // no such log on the host
	ErrHost     = errors.New("the host could not be asked")           // or what it answered cannot be used
)

// An Error says what was being done to what. It is the sentinel in Kind and
// wraps Err.
type Error struct {
	Op   string // "build", "list", …
	What string // the image set, command or folder concerned
	Kind error  // one of the sentinels
	Err  error  // what lies below, may be nil
	Hint string // what to do next, may be empty
}

// Error says it as a cdimage.Error does.
func (e *Error) Error() string { return (*cdimage.Error)(e).Error() }

// Is reports whether target is the sentinel of e.
func (e *Error) Is(target error) bool { return target == e.Kind }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// InDoubt reports whether nobody knows if it happened. A runbook takes the step for
// one in doubt then, and not for one that failed.
func (e *Error) InDoubt() bool { return e.Kind == ErrInDoubt }
