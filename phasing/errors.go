package phasing

import (
	"errors"
	"fmt"
)

// The kinds of errors; see the table in the package comment.
var (
	ErrSyntax       = errors.New("syntax error")
	ErrRange        = errors.New("percentage outside 0..100")
	ErrLowers       = errors.New("percentage would fall")
	ErrIntervention = errors.New("intervention does not fit")
	ErrMachineID    = errors.New("unusable machine id")
)

// Error is what every function of this package fails with.
type Error struct {
	Kind   error  // one of the Err values of this package
	Text   string // what is wrong and what to do about it
	Source string // the text that was parsed, if any
	Offset int    // where in Source, in bytes from 0; -1 without a source
}

// Error says what is wrong, and where if text was parsed.
func (e *Error) Error() string {
	if e.Offset < 0 {
		return "phasing: " + e.Text
	}
	return fmt.Sprintf("phasing: column %d of %q: %s", e.Offset+1, clip(e.Source), e.Text)
}

// Is reports whether target is the sentinel of e.
func (e *Error) Is(target error) bool { return target == e.Kind }

// clip keeps messages short when somebody feeds a whole file to a parser.
func clip(s string) string {
	if len(s) > 120 {
		return s[:120] + "…"
	}
	return s
}

func errorf(kind error, format string, args ...any) *Error {
	return &Error{Kind: kind, Text: fmt.Sprintf(format, args...), Offset: -1}
}
