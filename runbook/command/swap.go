package command

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"unicode"
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
	out, err := f.Runner.Run(ctx, script("landing-file-read", readScript, f.Path))
	if err != nil {
		return nil, &Error{What: f.Path, Err: err}
	}
	if err := verdict(f.Path, "reading it", out); err != nil {
		return nil, err
	}
	_, rest, ok := bytes.Cut(out.Stdout, []byte("\nlanding-file ")) // past a greeting of the login shell
	sum, text, _ := bytes.Cut(rest, []byte("\n"))
	switch {
	case out.Truncated:
		return nil, &Error{What: f.Path, Kind: ErrTooLong, Err: errors.New("it is longer than the runner's limit")}
	case !ok || string(sum) != sumOf(text):
		return nil, &Error{What: f.Path, Kind: ErrCut, Err: errors.New("it was changed while it was read, or came incomplete: try again")}
	}
	return text, nil
}

// Replace gives the file a new content if it still has the old one; otherwise the
// error is [ErrConflict]. The new file takes the place of the old one at one
// moment, with its mode and, where the user may give it, its owner; a symbolic
// link is followed. The old content stays beside it, under the name that is
// returned, and the new one is read back. A file that has the new content already
// is left alone. Two such calls exclude each other where the host has flock(1);
// against other writers the content is compared again immediately before.
func (f File) Replace(ctx context.Context, old, new []byte) (backup string, err error) {
	suffix := "before-" + sumOf(new)[:12]
	c := script("landing-file-replace", replaceScript, f.Path, sumOf(old), sumOf(new), suffix)
	c.Stdin = new
	out, err := f.Runner.Run(ctx, c)
	failed := verdict(f.Path, "writing it", out)
	if err != nil {
		failed = &Error{What: f.Path, Kind: ErrUnseen, Err: err}
	}
	if failed != nil && !errors.Is(failed, ErrUnseen) {
		return "", failed
	}
	switch now, err := f.Read(ctx); {
	case err != nil:
		return "", &Error{What: f.Path, Kind: ErrUnseen, Err: errors.Join(failed, err)}
	case bytes.Equal(now, new):
		return f.Path + "." + suffix, nil
	case failed != nil:
		return "", failed
	}
	return "", &Error{What: f.Path, Kind: ErrUnseen, Err: errors.New("it was written, and is another again: somebody writes it at the same time")}
}

// A Crontab is the crontab of the login user, which changes only by
// compare-and-swap, as a [File] does.
type Crontab struct {
	Runner Runner
}

const theCrontab = "the crontab"

// Read returns the table; a user without one has an empty one.
func (t Crontab) Read(ctx context.Context) ([]byte, error) {
	out, err := t.Runner.Run(ctx, Command{Argv: []string{"crontab", "-l"}})
	switch {
	case err != nil:
		return nil, &Error{What: theCrontab, Err: err}
	case out.Truncated:
		return nil, &Error{What: theCrontab, Kind: ErrTooLong, Err: errors.New("it is longer than the runner's limit: it would be cut when written back")}
	case out.Exit != 0 && strings.Contains(string(out.Stderr), "no crontab for"):
		return nil, nil
	case out.Exit != 0:
		return nil, &Error{What: theCrontab, Kind: ErrFailed, Err: fmt.Errorf("crontab -l exited with %d%s", out.Exit, lastWords(out.Stderr))}
	}
	return out.Stdout, nil
}

// Replace installs a new table if the present one is still the old one; otherwise
// the error is [ErrConflict]. Read it afterwards: something may write it back. Of
// what the crontab program says the error has only what quotes no line: other
// lines may carry secrets.
func (t Crontab) Replace(ctx context.Context, old, new []byte) error {
	c := script("landing-crontab", crontabScript, sumOf(old), sumOf(new))
	c.Stdin = new
	out, err := t.Runner.Run(ctx, c)
	if err != nil {
		return &Error{What: theCrontab, Kind: ErrUnseen, Err: err}
	}
	err = verdict(theCrontab, "writing it", Output{Exit: out.Exit})
	if !errors.Is(err, ErrFailed) {
		return err
	}
	if m := complaint.FindSubmatch(out.Stderr); m != nil {
		return &Error{What: theCrontab, Kind: ErrFailed, Err: fmt.Errorf("crontab refused the text: line %s: %s", m[1], m[2])}
	}
	if len(new) > 0 && new[len(new)-1] != '\n' {
		return &Error{What: theCrontab, Kind: ErrFailed, Err: errors.New("the last line has no end, which crontab refuses: open it with crontab -e, and save it")}
	}
	return err
}

var complaint = regexp.MustCompile(`:(\d+): ((?:bad|premature|invalid|missing) [a-z -]+)`)

func script(name, text string, args ...string) Command {
	return Command{Argv: append([]string{"sh", "-c", text, name}, args...)}
}

// verdict is what the exit status of a script says.
func verdict(what, doing string, out Output) error {
	fail := func(kind error, text string) error { return &Error{What: what, Kind: kind, Err: errors.New(text)} }
	switch out.Exit {
	case 0:
		return nil
	case 3:
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
	return fail(ErrFailed, fmt.Sprintf("%s failed with exit status %d%s", doing, out.Exit, lastWords(out.Stderr)))
}

func sumOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// lastWords is the last line that a program wrote, fit for a message.
func lastWords(b []byte) string {
	text := strings.TrimSpace(string(b))
	text = text[strings.LastIndexByte(text, '\n')+1:]
	if text == "" {
		return ""
	}
	return ": " + strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text[:min(len(text), 300)])
}

const (
	// landing-file-read FILE: an empty line, one with the SHA-256 of FILE, its content.
	readScript = `
[ -f "$1" ] || exit 7
[ -r "$1" ] || exit 8
sum=$(sha256sum <"$1") || exit 5
printf '\nlanding-file %s\n' "${sum%% *}"
exec cat <"$1"
`

	// keep NEW: standard input into the temporary file tmp, if it has the SHA-256 NEW.
	keepScript = `
keep() {
	cat >"$tmp" || exit 5
	sum=$(sha256sum <"$tmp")
	[ "${sum%% *}" = "$1" ] || exit 4
}
tmp=
trap '[ -z "$tmp" ] || rm -f "$tmp"' EXIT
trap 'exit 6' HUP INT TERM
`

	// "9<&9" hands the descriptor on: a shell of the Korn family keeps to itself
	// what exec has opened.
	//
	// landing-file-replace FILE OLD NEW BACKUP <text: gives FILE the content text,
	// whose SHA-256 is NEW, if it has the SHA-256 OLD, and keeps the old content as
	// FILE.BACKUP.
	replaceScript = keepScript + `
case $1 in -*) set -- "./$1" "$2" "$3" "$4" ;; esac
file=$(readlink -f "$1" 2>/dev/null) || file=$1
[ -f "$file" ] || exit 7
[ -r "$file" ] || exit 8
holds() {
	sum=$(sha256sum <"$file")
	[ "${sum%% *}" = "$1" ]
}
tmp=$(mktemp "$file.XXXXXX") && cp -p "$file" "$tmp" || exit 5
locked=
[ -w "$tmp" ] || { locked=yes && chmod u+w "$tmp"; } || exit 5
keep "$3"
[ -z "$locked" ] || chmod u-w "$tmp" || exit 5
sync "$tmp" 2>/dev/null
if command -v flock >/dev/null 2>&1; then
	exec 9<"$file"
	flock -w 20 9 9<&9 || exit 9
fi
holds "$3" && exit 0
holds "$2" || exit 3
cp -p "$file" "$file.$4.new" && mv -f "$file.$4.new" "$file.$4" || exit 5
holds "$2" || exit 3
mv -f "$tmp" "$file" && tmp=
`

	// landing-crontab OLD NEW <text: installs text, whose SHA-256 is NEW, as the
	// crontab if the present one has the SHA-256 OLD. The lock lies where nobody
	// else can hold it.
	crontabScript = keepScript + `
umask 077
tmp=$(mktemp) || exit 5
keep "$2"
lock=$HOME/.landing
if command -v flock >/dev/null 2>&1 && ( mkdir -p "$lock" && : >>"$lock/crontab.lock" ) 2>/dev/null; then
	exec 9>>"$lock/crontab.lock"
	flock -w 20 9 9<&9 || exit 9
fi
sum=$(crontab -l 2>/dev/null </dev/null | sha256sum)
[ "${sum%% *}" = "$1" ] || exit 3
crontab - <"$tmp" 9>&-
`
)
