package remote

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/landingteam/landing/runbook/command"
)

// Sentinels for [errors.Is]. The package comment says which situation gives
// which one.
var (
	ErrInvalid      = errors.New("invalid argument or configuration")
	ErrHostKey      = errors.New("host key refused") // the family of the next two
	ErrHostUnknown  = errors.New("host key not known")
	ErrHostChanged  = errors.New("host key changed")
	ErrAuth         = errors.New("authentication failed")
	ErrUnreachable  = errors.New("host unreachable")
	ErrRefused      = errors.New("refused by the host")
	ErrLost         = errors.New("link lost")
	ErrNotExist     = errors.New("does not exist") // also matches fs.ErrNotExist
	ErrTooLarge     = errors.New("too large")
	ErrJobDifferent = errors.New("another job of this name")
	ErrJobRunning   = errors.New("job still running")
	ErrReadOnly     = errors.New("read-only")
)

// An Error is every error of this package. Its text says what to do next and
// holds no key, passphrase or standard input.
type Error struct {
	Op   string // what was tried: "dial", "run", "read /etc/x", "job import-7"
	Host string // address of the host; empty when it does not matter
	Kind error  // one of the sentinels, or nil
	Text string // what happened and what to do
	Err  error  // cause, if any
}

func (e *Error) Error() string {
	var parts []string
	head := e.Op
	if e.Host != "" {
		head = e.Host + ": " + e.Op
	}
	parts = append(parts, head)
	if e.Text != "" {
		parts = append(parts, e.Text)
	} else if e.Kind != nil {
		parts = append(parts, e.Kind.Error())
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	return strings.Join(parts, ": ")
}

// Unwrap returns the cause, so that context.Canceled and the like are found.
func (e *Error) Unwrap() error { return e.Err }

// Is maps the error to its sentinel, and to the family of that sentinel.
func (e *Error) Is(target error) bool {
	if e.Kind == nil {
		return false
	}
	switch target {
	case e.Kind:
		return true
	case ErrHostKey:
		return e.Kind == ErrHostUnknown || e.Kind == ErrHostChanged
	case fs.ErrNotExist:
		return e.Kind == ErrNotExist
	}
	return false
}

// InDoubt reports whether nobody knows if it happened: what was sent may have run.
// A runbook takes the step for one in doubt then, and not for one that failed.
func (e *Error) InDoubt() bool { return e.Kind == ErrLost }

func invalid(op, text string) error { return &Error{Op: op, Kind: ErrInvalid, Text: text} }

// quote makes the line of a command for the login shell.
func quote(argv []string) (string, error) {
	line, err := command.Quote(argv)
	if err != nil {
		return "", &Error{Op: "run", Kind: ErrInvalid, Err: err}
	}
	return line, nil
}

// ended reports whether err only says that the caller gave up.
func ended(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
