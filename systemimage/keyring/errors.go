package keyring

import (
	"errors"
	"fmt"
)

// The kinds of errors; see the table in the package comment.
var (
	ErrMalformed   = errors.New("malformed")
	ErrWrongType   = errors.New("keyring of another type")
	ErrModel       = errors.New("keyring of another model")
	ErrExpired     = errors.New("expired")
	ErrUntrusted   = errors.New("signer not trusted")
	ErrBlacklisted = errors.New("signer blacklisted")
	ErrSignature   = errors.New("bad signature")
)

// Error is what every function of this package fails with, but for errors of the
// reader that data came from and of the function that fetches keyrings.
type Error struct {
	Kind   error  // one of the Err values of this package
	Object string // what was looked at: "image-signing keyring", "/channels.json"; may be empty
	Text   string // what is wrong, and what to do about it
	Err    error  // the cause, if another error was it

	unsigned bool // a keyring whose signature is not good, as against one that is no use
}

// Permanent reports whether reading the same files again cannot help: a keyring of the
// server is expired, or is not what it should be.
func (e *Error) Permanent() bool {
	return !e.unsigned && (e.Kind == ErrExpired || e.Kind == ErrWrongType || e.Kind == ErrModel)
}

// Error says what is wrong with what.
func (e *Error) Error() string {
	s := "keyring: "
	if e.Object != "" {
		s += e.Object + ": "
	}
	s += e.Text
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Is reports whether target is the sentinel of e.
func (e *Error) Is(target error) bool { return target == e.Kind }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func errorf(kind error, format string, args ...any) *Error {
	return &Error{Kind: kind, Text: fmt.Sprintf(format, args...)}
}

func because(kind, cause error, format string, args ...any) *Error {
	return &Error{Kind: kind, Text: fmt.Sprintf(format, args...), Err: cause}
}

// about names the object of an error that has none yet.
func about(object string, err error) error {
	var e *Error
	if errors.As(err, &e) && e.Object == "" {
		named := *e
		named.Object = object
		return &named
	}
	return err
}
