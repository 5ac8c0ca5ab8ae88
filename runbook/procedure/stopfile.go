package procedure

import (
	"context"
	"fmt"
	"strings"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/systemimage"
)

// A StopFile is a file on the image server's host that stops a rollout while it
// is there: anybody who can log in can stop the line with touch. A rollout
// writes it when it halts and when it is through, as the phasing scripts of old
// did with phased-state/done.
type StopFile struct {
	Runner systemimage.Runner
	Path   string // absolute, on the host
}

// The three things that are done with the file are small scripts for a POSIX
// shell; the path and the text reach them as arguments.
const (
	readStopFile   = `[ -e "$1" ] || exit 3; head -c 500 "$1"`
	writeStopFile  = `mkdir -p "$(dirname "$1")" && printf '%s\n' "$2" >"$1.new" && mv -f "$1.new" "$1"`
	removeStopFile = `rm -f "$1"`
)

func (f *StopFile) script(ctx context.Context, text string, args ...string) (systemimage.Output, error) {
	return f.Runner.Run(ctx, systemimage.Command{Argv: append([]string{"sh", "-c", text, "landing-stop-file", f.Path}, args...)})
}

// read reports whether the file is there, and what it says.
func (f *StopFile) read(ctx context.Context) (text string, there bool, err error) {
	out, err := f.script(ctx, readStopFile)
	switch {
	case err != nil:
		return "", false, fmt.Errorf("looking for the stop file %s: %w", f.Path, err)
	case out.Exit == 3:
		return "", false, nil
	case out.Exit != 0:
		return "", false, fmt.Errorf("looking for the stop file %s: exit status %d", f.Path, out.Exit)
	}
	if text = strings.TrimSpace(string(out.Stdout)); text != "" {
		text = ": " + text
	}
	return text, true, nil
}

func (f *StopFile) write(ctx context.Context, r *runbook.Run, text string) error {
	_, err := runbook.Do(ctx, r, runbook.Step[bool]{
		Name:    "stop file",
		Intent:  "write the stop file " + f.Path,
		Predict: true,
		Probe: func(ctx context.Context) (bool, bool, error) {
			_, there, err := f.read(ctx)
			return there, there, err
		},
		Do: func(ctx context.Context) (bool, error) { return f.change(ctx, true, writeStopFile, text) },
	})
	return err
}

func (f *StopFile) remove(ctx context.Context, r *runbook.Run) error {
	_, err := runbook.Do(ctx, r, runbook.Step[bool]{
		Name:   "no stop file",
		Intent: "remove the stop file " + f.Path,
		Probe: func(ctx context.Context) (bool, bool, error) {
			_, there, err := f.read(ctx)
			return false, !there, err
		},
		Do: func(ctx context.Context) (bool, error) { return f.change(ctx, false, removeStopFile) },
	})
	return err
}

// change runs a script and reads back what came of it.
func (f *StopFile) change(ctx context.Context, want bool, script string, args ...string) (bool, error) {
	out, err := f.script(ctx, script, args...)
	if err != nil {
		return false, err
	}
	_, there, err := f.read(ctx)
	if err == nil && there != want {
		err = fmt.Errorf("the stop file %s: exit status %d: %s", f.Path, out.Exit, strings.TrimSpace(string(out.Stderr)))
	}
	return there, err
}
