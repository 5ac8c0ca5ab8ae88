package procedure

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage/operate"
)

// A StopFile is a file on the image server's host that stops a rollout: anybody
// who can log in can stop the line with touch. What a rollout does about it:
//
//	what the file says                     what the rollout does
//	nothing, or anything else              halts: 0 % for all its images, and asks whether to resume;
//	                                       with a yes it removes the file and goes on where it was
//	"backed out: CHANNEL:DEVICE:N …"       the same; when one of these images is its own it ends there
//	                                       instead: [ErrBackedOut]
//	"phased in to everybody"               goes on: a rollout has come to its end, which is no alarm; it
//	                                       removes the file, so that touch makes an alarm again
//
// A rollout looks at it on the host right before it sets a percentage, under the
// lock under which that is set, and every few seconds while it waits. A plan
// names a file that is there.
//
// A rollout writes it when it halts and at its end, as the phasing scripts of old
// did with phased-state/done. A [BackOut] writes into it what it takes back before
// it does anything else, and leaves it there: then a person removes it, when
// nobody can raise those images any more.
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

// rolloutEnd is what a rollout writes at its end.
const rolloutEnd = "phased in to everybody"

// backedOut begins what a back-out writes; the images follow, with blanks between.
const backedOut = "backed out:"

func backOutNotice(images []NamedImage) string {
	text := backedOut
	for _, t := range images {
		text += fmt.Sprintf(" %s:%d", t, t.Version)
	}
	return text
}

// takenBack is the step that writes that images were backed out, beside those that
// another back-out has written. The command that stops the images does it.
func (f *StopFile) takenBack(images []NamedImage) runbook.Step[any] {
	return runbook.Step[any]{
		Name:    "stop file",
		Intent:  "write the stop file " + f.Path,
		Predict: true, Urgent: true,
		Probe: func(ctx context.Context) (any, bool, error) {
			now, there, err := f.read(ctx)
			return true, there && takesAllBack(now, images), err
		},
	}
}

// backOutNote is what the command writes for images, and tells whether it is there.
func (f *StopFile) backOutNote(ones []*stopping, written func(error)) *operate.HostNote {
	images := imagesOf(ones)
	return &operate.HostNote{Path: f.Path, Text: backOutNotice(images), Join: backedOut, Written: func(text string, err error) {
		if err == nil && !takesAllBack(text, images) {
			err = fmt.Errorf("%s, and does not name all images", f.says(text))
		}
		written(err)
	}}
}

// takesAllBack reports whether the text of a stop file says that all images were
// backed out.
func takesAllBack(text string, images []NamedImage) bool {
	return !slices.ContainsFunc(images, func(t NamedImage) bool { return !takesBack(text, []NamedImage{t}) })
}

// takesBack reports whether the text of a stop file says that one of the images
// was backed out.
func takesBack(text string, images []NamedImage) bool {
	rest, ok := strings.CutPrefix(text, backedOut)
	return ok && slices.ContainsFunc(images, func(t NamedImage) bool {
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

// note puts into a plan what a rollout would do about a file that is there.
func (f *StopFile) note(ctx context.Context, r *runbook.Run, images []NamedImage) error {
	if f == nil {
		return nil
	}
	text, there, err := f.read(ctx)
	if err != nil || !there {
		return err
	}
	what := "a rollout halts at once, with 0 % for all its images, and asks; remove the file first when its reason is gone"
	switch {
	case text == rolloutEnd:
		what = "an earlier rollout ended; the file is removed"
	case takesBack(text, images):
		what = "a back-out has taken images of this one back: a rollout of them ends at once"
	}
	return r.Note(f.says(text) + ": " + what)
}

func (f *StopFile) script(ctx context.Context, text string, args ...string) (command.Output, error) {
	return f.Runner.Run(ctx, command.Script("landing-stop-file", text, append([]string{f.Path}, args...)...))
}

// read reports whether the file is there, and what it says.
func (f *StopFile) read(ctx context.Context) (text string, there bool, err error) {
	out, err := f.Runner.Run(ctx, command.Look("landing-stop-file", readStopFile, f.Path))
	switch {
	case err != nil:
		return "", false, fmt.Errorf("looking for the stop file %s: %w", f.Path, err)
	case out.Exit == 3:
		return "", false, nil
	case out.Exit != 0:
		return "", false, fmt.Errorf("looking for the stop file %s: exit status %d%s", f.Path, out.Exit, out.LastWords())
	}
	return strings.TrimSpace(string(out.Stdout)), true, nil
}

// write makes sure that the file is there; an alarm that is stays as it is.
func (f *StopFile) write(ctx context.Context, r *runbook.Run, text string) error {
	text = strings.TrimSpace(text)
	so := func(now string, there bool) bool { return there && (now == text || now != rolloutEnd) }
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

// clear removes a file that says that a rollout ended.
func (f *StopFile) clear(ctx context.Context, r *runbook.Run) error {
	_, err := runbook.Do(ctx, r, runbook.Step[bool]{
		Name:   "no stop file",
		Intent: "remove the stop file " + f.Path + ", which says that a rollout ended",
		Probe: func(ctx context.Context) (bool, bool, error) {
			text, there, err := f.read(ctx)
			return false, !there || text != rolloutEnd, err
		},
		Do: func(ctx context.Context) (bool, error) { return f.removeEnd(ctx) },
	})
	return err
}

// removeEnd removes the file when it says that a rollout ended, and reports whether
// it did. One that says anything else stays: it is an alarm.
func (f *StopFile) removeEnd(ctx context.Context) (bool, error) {
	text, there, err := f.read(ctx)
	if err != nil || !there || text != rolloutEnd {
		return false, err
	}
	return true, f.change(ctx, func(text string, there bool) bool { return !there || text != rolloutEnd }, removeStopFile)
}

// change runs a script and reads back what came of it.
func (f *StopFile) change(ctx context.Context, so func(text string, there bool) bool, script string, args ...string) error {
	out, err := f.script(ctx, script, args...)
	if err != nil {
		return err
	}
	text, there, err := f.read(ctx)
	if err == nil && !so(text, there) {
		err = fmt.Errorf("the stop file %s: exit status %d%s", f.Path, out.Exit, out.LastWords())
	}
	return err
}
