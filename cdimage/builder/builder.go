package builder

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/runbook/command"
)

// HostRoot is where the image builder lives on its host.
const HostRoot = "/srv/cdimage.ubuntu.com"

// A Builder starts runs of the image builder on its host and judges them by
// their logs and by what is published, never by an exit status: a run that
// published nothing may end with 0. Fields are set before first use.
type Builder struct {
	Runner command.Runner
	Root   string // empty: HostRoot

	Rules *cdimage.Rules // that the logs are read by; nil: those of package cdimage

	// ReadOnly makes Build refuse with ErrReadOnly before anything is run.
	ReadOnly bool

	// Poll is how often the log is looked at while a run is at work; 0 is 30
	// seconds.
	Poll time.Duration

	// Observe, if set, is told how far a run is, from the log, whenever that
	// has changed. It is called from one goroutine at a time.
	Observe func(Progress)

	Logger *slog.Logger // nil is silent
}

// Build runs the image builder and waits for its end. It returns the result
// with ErrNotBuilt when the image is not complete. ErrLocked means that another
// run is at work, ErrUsage that the host refused the command; then nothing was
// started and no ID was used. ErrInDoubt means that the end of the run was not
// seen: call Find, or Build again with the same Job.
func (b *Builder) Build(ctx context.Context, r Request) (Result, error) {
	argv, err := r.Argv()
	if err != nil {
		return Result{}, err
	}
	if b.ReadOnly {
		return Result{}, &Error{Op: "build", What: r.Dir() + " " + r.Type, Kind: ErrReadOnly}
	}
	if r.After.IsZero() {
		ids, err := b.IDs(ctx, r.ImageSet)
		if err != nil {
			return Result{}, err
		}
		if len(ids) > 0 {
			r.After = ids[len(ids)-1]
		}
	}
	if b.Logger != nil {
		b.Logger.InfoContext(ctx, "build", "argv", argv, "job", r.Job, "after", r.After)
	}
	out, runErr := b.runWatched(ctx, r, argv)

	// A link that was lost has not ended a job: say what is known, and that
	// the end is not. A job that was lost is over, and its log tells.
	res := Result{Exit: out.Exit, Output: excerpt(out)}
	res.ImageSet = r.ImageSet
	var lost *command.LostJob
	if runErr != nil && !errors.As(runErr, &lost) {
		return res, &Error{Op: "build", What: r.Dir() + " " + r.Type, Kind: ErrInDoubt, Err: runErr, Hint: "find the run before starting another"}
	}
	if err := refusal(r, out); err != nil {
		return res, err // a log that is newer now is another run's
	}
	known := cdimage.Evidence{Ended: true}
	if lost == nil {
		known.Exit = &out.Exit
	}
	found, ok, err := b.find(ctx, r.ImageSet, r.After, known)
	if err != nil {
		return res, &Error{Op: "build", What: r.Dir() + " " + r.Type, Kind: ErrInDoubt, Err: err, Hint: "the command has ended, its log could not be read"}
	}
	switch {
	case ok:
	case lost != nil && lost.Before:
		return b.Build(ctx, r) // it died before it had a log, and its name is free now
	case lost != nil:
		return res, &Error{Op: "build", What: r.Dir() + " " + r.Type, Kind: ErrNotBuilt, Err: lost}
	default:
		return res, &Error{Op: "build", What: r.Dir() + " " + r.Type, Kind: ErrNotBuilt,
			Err: fmt.Errorf("exit status %d, no log: %s", out.Exit, lastLine(res.Output))}
	}
	found.Exit, found.Output = res.Exit, res.Output
	return found, found.verdict(r)
}

// runWatched runs the command to its end, and watches its log meanwhile.
func (b *Builder) runWatched(ctx context.Context, r Request, argv []string) (command.Output, error) {
	watching, stop := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		b.watch(watching, r.ImageSet, r.After)
	}()
	out, err := b.Runner.Run(ctx, command.Command{Argv: argv, Job: r.Job})
	stop()
	<-watched
	return out, err
}

// refusal explains a command that started nothing.
func refusal(r Request, out command.Output) error {
	text := string(out.Stdout) + string(out.Stderr)
	e := &Error{Op: "build", What: r.Dir() + " " + r.Type}
	switch {
	case strings.Contains(text, "Another image set is already building!"):
		e.Kind = ErrLocked
		e.Hint = "wait for the running build, then repeat; a lock is broken by itself two hours after it was made"
	case out.Exit == 2:
		e.Kind, e.Err = ErrUsage, errors.New(lastLine(text))
	default:
		return nil
	}
	return e
}

func excerpt(out command.Output) string {
	const limit = 4 << 10
	text := strings.TrimSpace(string(out.Stdout) + string(out.Stderr))
	if len(text) > limit {
		text = "… " + text[len(text)-limit:]
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// lastLine returns the last line of what a command printed, fit to be shown in a
// message: valid UTF-8, no control characters, not too long.
func lastLine(text string) string {
	text = strings.TrimSpace(text)
	text = text[strings.LastIndexByte(text, '\n')+1:]
	text = text[max(0, len(text)-1000):]
	return strings.Map(func(r rune) rune { // which makes what is no UTF-8 valid
		if r < ' ' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, text)
}
