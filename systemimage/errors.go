package systemimage

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// What an [Error] can be about: test with errors.Is.
var (
	ErrNotFound  = errors.New("not found")                              // no such channel, device, version or file
	ErrMalformed = errors.New("malformed")                              // the document cannot be read
	ErrTorn      = errors.New("publication in progress or left broken") // index missing or its signature does not belong to it, also after retries
	ErrSignature = errors.New("signature not trusted")
	ErrReplayed  = errors.New("older than what was seen before")
	ErrRefused   = errors.New("refused")         // asked for something that must not be done, or told so by the server
	ErrLocked    = errors.New("server is busy")  // something else holds the global lock
	ErrBroken    = errors.New("broken")          // a published tree or index that stops devices or the server's programs
	ErrInDoubt   = errors.New("outcome unknown") // it may or may not have happened: look at the published index
	ErrPartial   = errors.New("done in part")    // published, but not all of what was asked
	ErrReadOnly  = errors.New("read only")       // an effect was asked of a reader
)

// An Error is every error of this package. Its Is follows Kind, so callers
// write errors.Is(err, systemimage.ErrNotFound), and errors.As where the
// fields matter.
type Error struct {
	Op      string // what was being done: "parse index", "copy image"
	Channel string
	Device  string
	Place   string // where: a URL, a path, a field such as "images[3].version"
	Line    int    // in the document, from 1; 0 when there is no position
	Column  int    // in bytes, from 1
	Offset  int64  // in bytes from the start of the document
	Kind    error  // one of the sentinels, or nil
	Err     error  // the cause: what happened and what to do about it

	temporary bool // another attempt may succeed
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.Op != "" {
		b.WriteString("cannot " + e.Op)
	}
	add := func(s string) {
		if b.Len() > 0 {
			b.WriteString(": ")
		}
		b.WriteString(s)
	}
	switch {
	case e.Channel != "" && e.Device != "":
		add(e.Channel + " " + e.Device)
	case e.Channel+e.Device != "":
		add(e.Channel + e.Device)
	}
	if e.Place != "" {
		add(e.Place)
	}
	if e.Line > 0 {
		add(fmt.Sprintf("line %d, column %d (byte %d)", e.Line, e.Column, e.Offset))
	}
	switch {
	case e.Err != nil:
		add(e.Err.Error())
	case e.Kind != nil:
		add(e.Kind.Error())
	}
	return b.String()
}

// Is reports whether target is the sentinel of e. ErrNotFound is fs.ErrNotExist
// too.
func (e *Error) Is(target error) bool {
	return e.Kind != nil && (target == e.Kind || e.Kind == ErrNotFound && target == fs.ErrNotExist)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// InDoubt reports whether nobody knows if it happened: ErrInDoubt, or a cause
// that says so and of which nothing more was found out. A runbook takes the step
// for one in doubt then, and not for one that failed.
func (e *Error) InDoubt() bool {
	if e.Kind != nil {
		return e.Kind == ErrInDoubt
	}
	var cause interface{ InDoubt() bool }
	return errors.As(e.Err, &cause) && cause.InDoubt()
}
