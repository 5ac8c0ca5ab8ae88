package command

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
)

// What an [Error] can be about, besides fs.ErrNotExist and fs.ErrPermission:
// test with errors.Is.
var (
	ErrConflict = errors.New("changed by somebody else") // not what was read; nothing was written
	ErrCut      = errors.New("cut on its way")           // not all of it arrived; nothing was written
	ErrUnseen   = errors.New("outcome not seen")         // it may have been written, or be written yet
	ErrTooLong  = errors.New("too long")                 // longer than what the runner keeps of an output
	ErrFailed   = errors.New("failed on the host")       // a tool there ended with an error
)

// An Error is every error of [File] and [Crontab].
type Error struct {
	What string // the path, or "the crontab"
	Kind error  // one of the sentinels, or nil
	Err  error  // what happened and what to do about it; never a part of the content
}

func (e *Error) Error() string { return e.What + ": " + e.Err.Error() }

// Is reports whether target is the sentinel of e.
func (e *Error) Is(target error) bool { return e.Kind != nil && target == e.Kind }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// A File is a regular file on a host that changes only by compare-and-swap: what
// somebody else wrote since it was read is never lost. Nothing but a POSIX sh with
// coreutils is needed over there.
type File struct {
	Runner Runner // on the host, as a user who may write the file and its folder
	Path   string // absolute, or beginning in the login folder
}

// Read returns the content: never a part of it.
func (f File) Read(ctx context.Context) ([]byte, error) {
	out, err := f.Runner.Run(ctx, Look("landing-file-read", readScript, f.Path))
	if err != nil {
		return nil, &Error{What: f.Path, Err: err}
	}
	if err := verdict(f.Path, "reading it", out); err != nil {
		return nil, err
	}
	c, _, err := parseTurn(f.Path, "landing-file", out)
	return c.text, err
}

// Replace gives the file a new content if it still has the old one; otherwise the
// error is [ErrConflict]. The new file takes the place of the old one at one
// moment, with its mode and, where the user may give it, its owner; a symbolic
// link is followed. The old content stays beside it, under the name that is
// returned, and the new one is read back. A file that has the new content already
// is left alone. Such calls exclude each other where the host has flock(1);
// against other writers the content is compared again immediately before.
func (f File) Replace(ctx context.Context, old, new []byte) (backup string, err error) {
	_, err = f.Change(ctx, func(now []byte) ([]byte, error) {
		if !bytes.Equal(now, old) && !bytes.Equal(now, new) {
			return nil, verdict(f.Path, "", Output{Exit: conflict})
		}
		return new, nil
	})
	if err != nil {
		return "", err
	}
	return f.backup(new), nil
}

func (f File) replace(ctx context.Context, old copied, new []byte) error {
	c := Script("landing-file-replace", replaceScript, f.Path, sumOf(old.text), sumOf(new), suffix(new), old.turn)
	c.Stdin = new
	out, err := f.Runner.Run(ctx, c)
	if err != nil {
		return &Error{What: f.Path, Kind: ErrUnseen, Err: err}
	}
	return verdict(f.Path, "writing it", out)
}

// backup is where the content is kept that new takes the place of.
func (f File) backup(new []byte) string { return f.Path + "." + suffix(new) }

func suffix(new []byte) string { return "before-" + sumOf(new)[:12] }

// conflict is the exit status of a script that has found another content.
const conflict = 3

// verdict is what the exit status of a script says.
func verdict(what, doing string, out Output) error {
	fail := func(kind error, text string) error { return &Error{What: what, Kind: kind, Err: errors.New(text)} }
	switch out.Exit {
	case 0:
		return nil
	case conflict:
		return fail(ErrConflict, "it is not what was read before: somebody changed it since; nothing was written, read it again")
	case 4:
		return fail(ErrCut, "the new text was cut on its way; nothing was written, try again")
	case 7:
		return fail(fs.ErrNotExist, "there is no such file")
	case 8:
		return fail(fs.ErrPermission, "this user may not read it")
	case 9:
		return fail(ErrConflict, "another replacement of it is under way; nothing was written, try again")
	}
	return fail(ErrFailed, fmt.Sprintf("%s failed with exit status %d%s", doing, out.Exit, out.LastWords()))
}

func sumOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
