package channelconfig

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"path"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/internal/host"
)

const (
	configReadScriptName = "landing-config-read"

	// landing-config-read FILE: the SHA-256 of FILE on a line, then its content.
	// Exit 3: there is no such file; 4: it may not be read.
	configReadScript = `
[ -f "$1" ] || exit 3
[ -r "$1" ] || exit 4
sum=$(sha256sum <"$1") || exit 5
echo "${sum%% *}"
exec cat <"$1"
`

	configWriteScriptName = "landing-config-write"

	// landing-config-write FILE OLD NEW BACKUP <text: gives FILE the content text if it
	// has the SHA-256 OLD and text has the SHA-256 NEW, and keeps the old content as
	// FILE.BACKUP. The new file comes whole, by renaming, with owner and mode of the
	// old one; a link stays a link. Nothing is done when FILE has NEW already.
	// Exit 3: the content is another; 4: text was cut; 7: there is no such file.
	// Where flock(1) is, two of these wait for each other.
	configWriteScript = `
file=$(readlink -f -- "$1" 2>/dev/null) || file=$1
[ -f "$file" ] || exit 7
tmp=
trap '[ -z "$tmp" ] || rm -f -- "$tmp"' EXIT
trap 'exit 6' HUP INT TERM
tmp=$(mktemp -- "$file.XXXXXX") || exit 5
cp -p -- "$file" "$tmp" || exit 5
cat >"$tmp" || exit 5
sum=$(sha256sum <"$tmp")
[ "${sum%% *}" = "$3" ] || exit 4
if command -v flock >/dev/null 2>&1 && exec 9<"$file"; then
	flock -w 20 9 || exit 3
fi
sum=$(sha256sum <"$file")
[ "${sum%% *}" = "$3" ] && exit 0
[ "${sum%% *}" = "$2" ] || exit 3
cp -p -- "$file" "$file.$4.new" && mv -f -- "$file.$4.new" "$file.$4" || exit 5
sum=$(sha256sum <"$file")
[ "${sum%% *}" = "$2" ] || exit 3
mv -f -- "$tmp" "$file" && tmp=
`
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
	out, err := f.Runner.Run(ctx, host.Script(configReadScript, configReadScriptName, f.Path))
	if err != nil {
		return nil, f.error(op, nil, err)
	}
	sum, text, ok := bytes.Cut(out.Stdout, []byte("\n"))
	switch {
	case out.Exit == 3:
		return nil, f.error(op, systemimage.ErrNotFound, errors.New("there is no such file, without which no program of the server starts"))
	case out.Exit == 4:
		return nil, f.error(op, systemimage.ErrRefused, errors.New("this user may not read it"))
	case out.Exit != 0:
		return nil, f.error(op, systemimage.ErrBroken, fmt.Errorf("reading it failed with exit status %d%s", out.Exit, host.LastWords(out.Stderr)))
	case out.Truncated:
		return nil, f.error(op, systemimage.ErrMalformed, errors.New("it is longer than the runner's limit"))
	case !ok || string(sum) != sumOf(text):
		return nil, f.error(op, systemimage.ErrTorn, errors.New("it was changed while it was read, or came incomplete: try again"))
	}
	return Parse(text)
}

// Replace gives the file the text of another Config if it still has the one of
// old; whatever else it has stays, and the error is ErrRefused. What was there is
// kept beside it, under the name that is returned, and the new text is read back.
// A file that has the new text already is left alone.
func (f *HostFile) Replace(ctx context.Context, old, new *Config) (backup string, err error) {
	const op = "replace the server's configuration"
	if err := f.usable(op); err != nil {
		return "", err
	}
	if f.ReadOnly {
		return "", f.error(op, systemimage.ErrReadOnly, nil)
	}
	if new.failure != nil {
		return "", f.error(op, systemimage.ErrRefused, fmt.Errorf("the new text is against the grammar: %w", new.failure))
	}
	before, after := sumOf(old.text), sumOf(new.text)
	suffix := "before-" + after[:12]
	c := host.Script(configWriteScript, configWriteScriptName, f.Path, before, after, suffix)
	c.Stdin = new.text
	host.Logger(f.Logger).InfoContext(ctx, "replace the configuration", "file", f.Path, "backup", suffix)
	out, failed := f.Runner.Run(ctx, c)
	switch {
	case failed != nil: // what is there says whether it happened
	case out.Exit == 3:
		return "", f.error(op, systemimage.ErrRefused, errors.New("it is not what was read before: somebody changed it since; nothing was written, read it again"))
	case out.Exit == 4:
		return "", f.error(op, systemimage.ErrTorn, errors.New("the new text was cut on its way to the server; nothing was written, try again"))
	case out.Exit == 7:
		return "", f.error(op, systemimage.ErrNotFound, errors.New("there is no such file"))
	case out.Exit != 0:
		failed = fmt.Errorf("writing it failed with exit status %d%s", out.Exit, host.LastWords(out.Stderr))
	}
	now, err := f.Read(ctx)
	switch {
	case now == nil:
		return "", f.error(op, systemimage.ErrAmbiguous, errors.Join(failed, err))
	case bytes.Equal(now.text, new.text):
		return f.Path + "." + suffix, nil
	case failed != nil:
		return "", f.error(op, nil, fmt.Errorf("%w; nothing was written", failed))
	}
	return "", f.error(op, systemimage.ErrAmbiguous, errors.New("it was written, and is another again: somebody writes it at the same time"))
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
		return f.error(op, systemimage.ErrRefused, errors.New("ConfigFile.Runner is not set"))
	case !path.IsAbs(f.Path):
		return f.error(op, systemimage.ErrRefused, errors.New("ConfigFile.Path is not set to an absolute path"))
	}
	return nil
}

func (f *HostFile) error(op string, kind, err error) error {
	return &systemimage.Error{Op: op, Place: f.Path, Kind: kind, Err: err}
}
