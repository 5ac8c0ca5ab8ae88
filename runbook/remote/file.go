package remote

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/landingteam/landing/runbook/command"
)

// ReadFile returns the content of a regular file, of MaxOutput bytes at most:
// never a part of it. A relative path starts in the login folder. No file is
// [ErrNotExist] (and fs.ErrNotExist), a larger one [ErrTooLarge], one that may
// not be read fs.ErrPermission.
func (h *Host) ReadFile(ctx context.Context, path string) ([]byte, error) {
	op := "read " + path
	if path == "" {
		return nil, invalid("read", "the path is empty")
	}
	data := &buffer{data: []byte{}, max: h.maxOutput()}
	verdict, err := h.script(ctx, op, readScript, []string{path, strconv.FormatInt(data.max, 10)}, nil, func(p []byte) { data.Write(p) }, nil)
	switch {
	case err != nil:
		return nil, err
	case data.cut: // it grew while it was read
		return nil, h.tooLarge(op, "more")
	case verdict == "file":
		return data.data, nil
	}
	return nil, h.fileError(op, verdict)
}

// ReplaceFile gives a regular file a new content if it still has the old one:
// what the caller read, changed, and now wants to write. If it has not, the
// error is [ErrConflict] and nothing is changed. A nil old means that there is
// no such file yet; it is made, never overwritten.
//
// The new file takes the place of the old one at one moment, with its mode and,
// where the user may give it, its owner; the old one stays beside it as
// path.YYYYMMDDTHHMMSSZ.bak, by the host's clock. A symbolic link is followed.
// Two such calls exclude each other; against other writers the content is
// compared again immediately before. The file is read back at the end. With
// [ErrLost] it is not known whether it happened: read the file.
func (h *Host) ReplaceFile(ctx context.Context, path string, old, new []byte) error {
	op := "replace " + path
	switch {
	case path == "" || strings.HasSuffix(path, "/"):
		return invalid(op, "the path names no file")
	case h.ReadOnly:
		return h.fail(op, ErrReadOnly, "the host is used read-only; the file is not changed", nil)
	case int64(len(old)) > h.maxOutput() || int64(len(new)) > h.maxOutput():
		return h.tooLarge(op, strconv.Itoa(max(len(old), len(new))))
	}
	if old == nil || !bytes.Equal(old, new) {
		size := "-"
		if old != nil {
			size = strconv.Itoa(len(old))
		}
		args := []string{path, size, strconv.Itoa(len(new)), rand.Text()}
		verdict, err := h.script(ctx, op, replaceScript, args, append(bytes.Clone(old), new...), nil, nil)
		if err != nil {
			return err
		}
		backup, ok := strings.CutPrefix(verdict, "replaced ")
		if !ok {
			return h.fileError(op, verdict)
		}
		h.log(ctx, "file replaced", "path", path, "bytes", len(new), "backup", backup)
	}
	now, err := h.ReadFile(ctx, path)
	if err != nil {
		return h.fail(op, ErrLost, "the file could not be read back", err)
	}
	if !bytes.Equal(now, new) {
		return h.fileError(op, "changed")
	}
	return nil
}

// Now returns the host's clock, in UTC and whole seconds.
func (h *Host) Now(ctx context.Context) (time.Time, error) {
	out, err := h.Run(ctx, command.Command{Argv: []string{"date", "-u", "+%Y-%m-%dT%H:%M:%SZ"}})
	if err != nil {
		return time.Time{}, err
	}
	text := strings.TrimSpace(string(out.Stdout))
	if i := strings.LastIndexByte(text, '\n'); i >= 0 { // past a greeting
		text = text[i+1:]
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || out.Exit != 0 {
		return time.Time{}, h.fail("read the clock", ErrRefused, fmt.Sprintf("date on the host ended with status %d and printed %q", out.Exit, clip(out.Stdout)), nil)
	}
	return t.UTC(), nil
}

func (h *Host) tooLarge(op, size string) error {
	return h.fail(op, ErrTooLarge, fmt.Sprintf("the file has %s bytes, the limit is %d; raise Host.MaxOutput", size, h.maxOutput()), nil)
}

// fileError explains the answers of the file scripts.
func (h *Host) fileError(op, verdict string) error {
	word, rest, _ := strings.Cut(verdict, " ")
	switch word {
	case "none":
		return h.fail(op, ErrNotExist, "there is no such file on the host", nil)
	case "nodir":
		return h.fail(op, ErrNotExist, "its folder does not exist on the host", nil)
	case "denied":
		return h.fail(op, fs.ErrPermission, "the login user may not; check the permissions of the file and its folder", nil)
	case "special":
		return h.fail(op, ErrInvalid, "it is a folder or a device, not a regular file", nil)
	case "large":
		return h.tooLarge(op, rest)
	case "conflict":
		return h.fail(op, ErrConflict, "the file is not what it was when it was read, and was left alone; read it again and redo the change", nil)
	case "changed":
		return h.fail(op, ErrConflict, "the file holds something else than was just written: someone else writes it too; read it, and compare with the backup beside it", nil)
	case "busy":
		return h.fail(op, ErrConflict, "another replacement of it is under way; if none is, remove the folder "+rest, nil)
	case "failed":
		return h.fail(op, ErrRefused, rest+"; check its permissions and the space on its disk", nil)
	}
	return h.fail(op, ErrRefused, fmt.Sprintf("the host gave the answer %q, which means nothing", verdict), nil)
}
