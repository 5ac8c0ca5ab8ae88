package procedure

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/command"
)

// A StopFile is a file on the image server's host that stops a rollout while it
// is there: anybody who can log in can stop the line with touch. A rollout
// writes it when it halts and when it is through, as the phasing scripts of old
// did with phased-state/done; a back-out writes into it what it takes back.
type StopFile struct {
	Runner command.Runner
	Path   string // absolute, on the host
}

// The three things that are done with the file are small scripts for a POSIX
// shell; the path and the text reach them as arguments.
const (
	readStopFile   = `[ -e "$1" ] || exit 3; head -c 60000 "$1"`
	writeStopFile  = `mkdir -p "$(dirname "$1")" && printf '%s\n' "$2" >"$1.new" && mv -f "$1.new" "$1"`
	removeStopFile = `rm -f "$1"`
)

// backedOut begins what a back-out writes; the images follow, with blanks between.
const backedOut = "backed out:"

func backOutNotice(targets []PublishedImage) string {
	text := backedOut
	for _, t := range targets {
		text += fmt.Sprintf(" %s:%d", t, t.Version)
	}
	return text
}

// takesBack reports whether the text of a stop file says that one of the images
// was backed out.
func takesBack(text string, targets []PublishedImage) bool {
	rest, ok := strings.CutPrefix(text, backedOut)
	return ok && slices.ContainsFunc(targets, func(t PublishedImage) bool {
		return slices.Contains(strings.Fields(rest), fmt.Sprintf("%s:%d", t, t.Version))
	})
}

// says quotes the text of a stop file for a message.
func (f *StopFile) says(text string) string {
	if len(text) > 200 {
		text = strings.ToValidUTF8(text[:200], "") + "…"
	}
	if text != "" {
		text = ": " + text
	}
	return "the stop file " + f.Path + " is there" + text
}

func (f *StopFile) script(ctx context.Context, text string, args ...string) (command.Output, error) {
	return f.Runner.Run(ctx, command.Command{Argv: append([]string{"sh", "-c", text, "landing-stop-file", f.Path}, args...)})
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
		return "", false, fmt.Errorf("looking for the stop file %s: exit status %d: %s", f.Path, out.Exit, strings.TrimSpace(string(out.Stderr)))
	}
	return strings.TrimSpace(string(out.Stdout)), true, nil
}

// write makes sure that the file is there; one that is stays as it is, unless
// this text matters.
func (f *StopFile) write(ctx context.Context, r *runbook.Run, text string, matters bool) error {
	text = strings.TrimSpace(text)
	so := func(now string, there bool) bool { return there && (now == text || !matters) }
	_, err := runbook.Do(ctx, r, runbook.Step[bool]{
		Name:    "stop file",
		Intent:  "write the stop file " + f.Path,
		Predict: true,
		Probe: func(ctx context.Context) (bool, bool, error) {
			now, there, err := f.read(ctx)
			return true, so(now, there), err
		},
		Do: func(ctx context.Context) (bool, error) { return true, f.change(ctx, so, writeStopFile, text) },
	})
	return err
}

// remove removes the file if it still says what it said.
func (f *StopFile) remove(ctx context.Context, r *runbook.Run, said string) error {
	_, err := runbook.Do(ctx, r, runbook.Step[bool]{
		Name:   "no stop file",
		Intent: "remove the stop file " + f.Path,
		Probe: func(ctx context.Context) (bool, bool, error) {
			_, there, err := f.read(ctx)
			return false, !there, err
		},
		Do: func(ctx context.Context) (bool, error) {
			if now, there, err := f.read(ctx); err != nil {
				return false, err
			} else if there && now != strings.TrimSpace(said) {
				return false, fmt.Errorf("not resumed: somebody else wrote the stop file since: %s; remove it by hand if that is over, then start again", f.says(now))
			}
			return false, f.change(ctx, func(_ string, there bool) bool { return !there }, removeStopFile)
		},
	})
	return err
}

// change runs a script and reads back what came of it.
func (f *StopFile) change(ctx context.Context, so func(text string, there bool) bool, script string, args ...string) error {
	out, err := f.script(ctx, script, args...)
	if err != nil {
		return err
	}
	text, there, err := f.read(ctx)
	if err == nil && !so(text, there) {
		err = fmt.Errorf("the stop file %s: exit status %d: %s", f.Path, out.Exit, strings.TrimSpace(string(out.Stderr)))
	}
	return err
}
