package cdimage

import (
	"errors"
	"strings"
)

// The sentinels that an [Error] of this package is, for errors.Is.
var (
	ErrNotFound   = errors.New("not found")                // no such project, series, build or log
	ErrFormat     = errors.New("not in the expected form") // an index, a name or a log that is something else
	ErrIncomplete = errors.New("incomplete")               // a log that was cut, or a gzip that ends early
	ErrServer     = errors.New("server error")             // the log tree or Launchpad did not answer as it should
	ErrRule       = errors.New("bad rule")                 // a rule that does not compile
	ErrInvalid    = errors.New("invalid request")          // refused before anything was asked for
)

// An Error says what was being done to what. It is the sentinel in Kind and
// wraps Err.
type Error struct {
	Op   string // "latest", "parse index", …
	What string // the project, file or address concerned
	Kind error  // one of the sentinels
	Err  error  // what lies below, may be nil
	Hint string // what to do next, may be empty
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.What != "" {
		b.WriteString(" " + e.What)
	}
	if e.Kind != nil {
		b.WriteString(": " + e.Kind.Error())
	}
	if e.Err != nil && e.Err != e.Kind {
		b.WriteString(": " + e.Err.Error())
	}
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// Is reports whether target is the sentinel of e.
func (e *Error) Is(target error) bool { return target == e.Kind }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
