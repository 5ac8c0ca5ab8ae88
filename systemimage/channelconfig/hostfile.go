package channelconfig

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
)

// A HostFile is the etc/config of an image server. Its methods may be called
// concurrently.
type HostFile struct {
	Runner command.Runner // on the server, as a user who may write the file
	Path   string         // such as /srv/system-image.ubuntu.com/etc/config

	ReadOnly bool         // Replace fails with ErrReadOnly
	Logger   *slog.Logger // silent when nil
}

// Read reads the file. The error of a text that is against the grammar is that
// of [Parse], with a Config beside it; with any other error there is none.
func (f *HostFile) Read(ctx context.Context) (*Config, error) {
	const op = "read the server's configuration"
	if err := f.usable(op); err != nil {
		return nil, err
	}
	text, err := f.file().Read(ctx)
	if err != nil {
		return nil, f.failed(op, err)
	}
	return Parse(text)
}

// Replace gives the file the text of another Config if it still has the one of
// old; whatever else it has stays, and the error is ErrRefused. What was there is
// kept beside it, under the name that is returned, and the new text is read back.
// A file that has the new text already is left alone.
func (f *HostFile) Replace(ctx context.Context, old, new *Config) (backup string, err error) {
	const op = "replace the server's configuration"
	if err := f.writable(op, new); err != nil {
		return "", err
	}
	cmp.Or(f.Logger, slog.New(slog.DiscardHandler)).InfoContext(ctx, "replace the configuration", "file", f.Path)
	backup, err = f.file().Replace(ctx, old.text, new.text)
	if err != nil {
		return "", f.failed(op, err)
	}
	return backup, nil
}

// Change brings the file to where goal wants it. goal is given what the file says,
// whatever the grammar thinks of it, and returns what it should say; it is asked
// again after each change, until it returns what it was given. That is then so for
// good: a change that was still on its way to the host, of a process that was
// killed, has come to its end before or will write nothing. What was there is kept
// beside it, under the name that is returned; it is empty if nothing was changed.
func (f *HostFile) Change(ctx context.Context, goal func(now *Config) (*Config, error)) (backup string, err error) {
	const op = "change the server's configuration"
	if err := f.writable(op, nil); err != nil {
		return "", err
	}
	var refused error // by goal, in words of its own
	backup, err = f.file().Change(ctx, func(text []byte) ([]byte, error) {
		var now, next *Config
		if now, refused = Parse(text); now == nil {
			return nil, refused
		}
		if next, refused = goal(now); refused != nil {
			return nil, refused
		}
		if !bytes.Equal(text, next.text) {
			refused = f.writable(op, next)
		}
		return next.text, refused
	})
	switch {
	case refused != nil:
		return "", refused
	case err != nil:
		return "", f.failed(op, err)
	}
	return backup, nil
}

// writable refuses what must not be written. A nil text is not known yet.
func (f *HostFile) writable(op string, text *Config) error {
	if err := f.usable(op); err != nil {
		return err
	}
	switch {
	case f.ReadOnly:
		return f.error(op, systemimage.ErrReadOnly, nil)
	case text != nil && text.failure != nil:
		return f.error(op, systemimage.ErrRefused, fmt.Errorf("the new text is against the grammar: %w", text.failure))
	}
	return nil
}

func (f *HostFile) file() command.File { return command.File{Runner: f.Runner, Path: f.Path} }

// failed gives an error of the file the sentinel that it has here.
func (f *HostFile) failed(op string, err error) error {
	cause := err
	if e := (*command.Error)(nil); errors.As(err, &e) {
		cause = e.Err // the place stands in ours
	}
	for _, kind := range []struct{ theirs, ours error }{
		{fs.ErrNotExist, systemimage.ErrNotFound},
		{fs.ErrPermission, systemimage.ErrRefused},
		{command.ErrConflict, systemimage.ErrRefused},
		{command.ErrCut, systemimage.ErrTorn},
		{command.ErrUnseen, systemimage.ErrInDoubt},
		{command.ErrTooLong, systemimage.ErrMalformed},
		{command.ErrFailed, systemimage.ErrBroken},
	} {
		if errors.Is(err, kind.theirs) {
			return f.error(op, kind.ours, cause)
		}
	}
	return f.error(op, nil, cause)
}

// Checksum is the SHA-256 of the text, in hex.
func (c *Config) Checksum() string { return sumOf(c.text) }

func sumOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

func (f *HostFile) usable(op string) error {
	switch {
	case f.Runner == nil:
		return f.error(op, systemimage.ErrRefused, errors.New("HostFile.Runner is not set"))
	case !path.IsAbs(f.Path):
		return f.error(op, systemimage.ErrRefused, errors.New("HostFile.Path is not set to an absolute path"))
	}
	return nil
}

func (f *HostFile) error(op string, kind, err error) error {
	return &systemimage.Error{Op: op, Place: f.Path, Kind: kind, Err: err}
}
