package builder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/runbook/command"
)

func (b *Builder) root() string {
	if b.Root == "" {
		return HostRoot
	}
	return b.Root
}

// readLog reads a log from the host in as many pieces as the runner's limit
// makes necessary.
func (b *Builder) readLog(ctx context.Context, build cdimage.Build) (*cdimage.BuildLog, error) {
	return b.Rules.ParseBuildLog(&tail{ctx: ctx, b: b, name: path.Join(b.root(), "log", build.LogPath())})
}

// tail reads a file of the host from where the last piece ended.
type tail struct {
	ctx  context.Context
	b    *Builder
	name string
	at   int64
	left []byte
	done bool
}

func (t *tail) Read(p []byte) (int, error) {
	for len(t.left) == 0 {
		if t.done {
			return 0, io.EOF
		}
		out, err := t.b.run(t.ctx, "tail", "-c", "+"+strconv.FormatInt(t.at+1, 10), "--", t.name)
		if err != nil {
			return 0, err
		}
		t.left = out.Stdout
		t.at += int64(len(out.Stdout))
		t.done = !out.Truncated || len(out.Stdout) == 0
	}
	n := copy(p, t.left)
	t.left = t.left[n:]
	return n, nil
}

// list returns the names in a directory of the host; none for a directory that
// does not exist.
func (b *Builder) list(ctx context.Context, dir string) ([]string, error) {
	out, err := b.Runner.Run(ctx, command.Command{Argv: []string{"ls", "-1A", "--", dir}, Reads: true})
	if err != nil {
		return nil, &Error{Op: "list", What: dir, Kind: ErrHost, Err: err}
	}
	if out.Exit != 0 {
		if bytes.Contains(out.Stderr, []byte("No such file or directory")) {
			return nil, nil
		}
		return nil, &Error{Op: "list", What: dir, Kind: ErrHost, Err: fmt.Errorf("exit status %d: %s", out.Exit, lastLine(string(out.Stderr)))}
	}
	if out.Truncated {
		return nil, &Error{Op: "list", What: dir, Kind: ErrHost, Hint: "raise the runner's limit on output"}
	}
	return strings.Fields(string(out.Stdout)), nil
}

// run runs a command that only reads; a status other than zero is an error.
func (b *Builder) run(ctx context.Context, argv ...string) (command.Output, error) {
	out, err := b.Runner.Run(ctx, command.Command{Argv: argv, Reads: true})
	if err != nil {
		return out, &Error{Op: "run", What: argv[0], Kind: ErrHost, Err: err}
	}
	if out.Exit != 0 {
		e := &Error{Op: "run", What: strings.Join(argv, " "), Kind: ErrHost, Err: errors.New(lastLine(string(out.Stderr)))}
		if bytes.Contains(out.Stderr, []byte("No such file or directory")) {
			e.Kind = ErrNotFound
		}
		return out, e
	}
	return out, nil
}

// Now asks the host for its clock: the day of an ID is the host's, not ours.
func (b *Builder) Now(ctx context.Context) (time.Time, error) {
	out, err := b.run(ctx, "date", "-u", "+%s")
	if err != nil {
		return time.Time{}, err
	}
	s, err := strconv.ParseInt(strings.TrimSpace(string(out.Stdout)), 10, 64)
	if err != nil {
		return time.Time{}, &Error{Op: "ask the host's clock", Kind: ErrHost, Err: err}
	}
	return time.Unix(s, 0).UTC(), nil
}

// DefaultArches asks the host for the architectures that an image set has when a
// request names none. There are none when the host does not say.
func (b *Builder) DefaultArches(ctx context.Context, set cdimage.ImageSet, subproject string) ([]string, error) {
	if err := (Request{ImageSet: set, Subproject: subproject}).Validate(); err != nil {
		return nil, err
	}
	argv := []string{"env", "DIST=" + set.Series, "IMAGE_TYPE=" + set.Type}
	if subproject != "" {
		argv = append(argv, "SUBPROJECT="+subproject)
	}
	out, err := b.Runner.Run(ctx, command.Command{Argv: append(argv, "for-project", set.Project, "default-arches"), Reads: true})
	if err != nil {
		return nil, &Error{Op: "ask for the architectures of", What: set.Dir() + " " + set.Type, Kind: ErrHost, Err: err}
	}
	names := strings.Fields(string(out.Stdout))
	if out.Exit != 0 || slices.ContainsFunc(names, func(n string) bool { return !archForm.MatchString(n) }) {
		return nil, nil
	}
	return names, nil
}

// booted asks the host when it was started; zero when its kernel does not say.
func (b *Builder) booted(ctx context.Context) time.Time {
	out, err := b.run(ctx, "cat", "--", "/proc/stat")
	if err != nil {
		return time.Time{}
	}
	for line := range strings.Lines(string(out.Stdout)) {
		if text, ok := strings.CutPrefix(line, "btime "); ok {
			if s, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64); err == nil {
				return time.Unix(s, 0).UTC()
			}
		}
	}
	return time.Time{}
}
