package builder

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
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

	// Livefs, if set, asks Launchpad about the live file system at an address that a
	// log has: how a build ended whose end is not in the log, and whether it was made
	// with the archives that were asked for.
	Livefs func(ctx context.Context, address string) (LivefsBuild, error)

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
// seen: call Attach with the same Job.
func (b *Builder) Build(ctx context.Context, r Request) (Result, error) {
	argv, err := b.may(r)
	if err != nil {
		return Result{}, err
	}
	if r.After.IsZero() {
		if r.After, err = b.Newest(ctx, r.ImageSet); err != nil {
			return Result{}, err
		}
	}
	if b.Logger != nil {
		b.Logger.InfoContext(ctx, "build", "argv", argv, "job", r.Job, "after", r.After)
	}
	res, state, err := b.outcome(ctx, r, command.Command{Argv: argv, Job: r.Job, Keep: r.Keep, Begun: r.Begun})
	if state == lostBefore {
		r.Begun = false
		return b.Build(ctx, r) // its name is free now
	}
	return res, err
}

// Attach waits for the end of the run that an earlier Build has begun as a job, and
// returns what that would have. It starts nothing: it is false when the host has no
// such job, or when the job died before it had a log. r.After has to be what was
// newest before the job was started, zero for none.
func (b *Builder) Attach(ctx context.Context, r Request) (res Result, found bool, err error) {
	argv, err := b.may(r)
	if err != nil {
		return Result{}, false, err
	}
	res, state, err := b.outcome(ctx, r, command.Command{Argv: argv, Job: r.Job, Keep: r.Keep, Attach: true})
	if state != ran {
		return Result{}, false, nil
	}
	return res, true, err
}

// Forget removes what a kept job has left on the host. That a runner cannot do it
// is no error: what is left does no harm.
func (b *Builder) Forget(ctx context.Context, job string) {
	if r, ok := b.Runner.(interface {
		Reap(ctx context.Context, name string) error
	}); ok {
		if err := r.Reap(ctx, job); err != nil && b.Logger != nil {
			b.Logger.DebugContext(ctx, "job not removed", "job", job, "error", err)
		}
	}
}

// may refuses what must not be run.
func (b *Builder) may(r Request) (argv []string, err error) {
	argv, err = r.Argv()
	if err == nil && b.ReadOnly {
		err = &Error{Op: "build", What: r.Dir() + " " + r.Type, Kind: ErrReadOnly}
	}
	return argv, err
}

// what became of a command
type runState int

const (
	ran        runState = iota
	notThere            // there is no such job
	lostBefore          // the job was lost before it was asked for, and has no log
)

// outcome runs a command, or attaches to it, and judges what came of it. A link that was
// lost has not ended a job: then it says what is known, and that the end is not. A job
// that was lost is over, and its log tells.
func (b *Builder) outcome(ctx context.Context, r Request, c command.Command) (Result, runState, error) {
	out, runErr := b.runWatched(ctx, r, c)
	res := Result{Exit: out.Exit, Output: excerpt(out)}
	res.ImageSet = r.ImageSet
	fail := func(kind, err error, hint string) error {
		return &Error{Op: "build", What: r.Dir() + " " + r.Type, Kind: kind, Err: err, Hint: hint}
	}
	var lost *command.LostJob
	switch {
	case errors.Is(runErr, command.ErrNoJob):
		return res, notThere, runErr
	case runErr != nil && !errors.As(runErr, &lost):
		return res, ran, fail(ErrInDoubt, runErr, "attach to the run before starting another")
	}
	if err := refusal(r, c.Argv, out); err != nil {
		return res, ran, err // a log that is newer now is another run's
	}
	known := cdimage.Evidence{Ended: true}
	if lost == nil {
		known.Exit = &out.Exit
	}
	found, ok, err := b.find(ctx, r, known)
	switch {
	case err != nil:
		return res, ran, fail(ErrInDoubt, err, "the command has ended, its log could not be read")
	case ok:
		found.Exit, found.Output = res.Exit, res.Output
		return found, ran, found.verdict(r)
	case lost != nil && lost.Before:
		return res, lostBefore, fail(ErrNotBuilt, lost, "")
	case lost != nil:
		return res, ran, fail(ErrNotBuilt, lost, "")
	}
	return res, ran, fail(ErrNotBuilt, fmt.Errorf("exit status %d, no log of it: %s", out.Exit, lastLine(res.Output)), "")
}

// runWatched runs the command to its end, and watches its log meanwhile.
func (b *Builder) runWatched(ctx context.Context, r Request, c command.Command) (command.Output, error) {
	watching, stop := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		b.watch(watching, r.ImageSet, r.After)
	}()
	out, err := b.Runner.Run(ctx, c)
	stop()
	<-watched
	return out, err
}

// refusal explains a command that started nothing.
func refusal(r Request, argv []string, out command.Output) error {
	text := string(out.Stdout) + string(out.Stderr)
	e := &Error{Op: "build", What: r.Dir() + " " + r.Type}
	switch {
	case strings.Contains(text, "Another image set is already building!"):
		e.Kind = ErrLocked
		e.Hint = "wait for the running build, then repeat; a lock is broken by itself two hours after it was made"
	case out.Exit == 2:
		e.Kind, e.Err = ErrUsage, errors.New(lastLine(text))
	case out.Exit == 126, out.Exit == 127, out.Exit == 1 && strings.Contains(text, "in execvp"), out.Exit == 1 && strings.Contains(text, "os.execvp("):
		command := argv[slices.Index(argv, "for-project"):]
		e.Kind, e.Err = ErrUsage, fmt.Errorf("the host has no %s: %s", strings.Join(command, " "), lastLine(text))
		e.Hint = "look at the image type, and whether the image builder is installed there"
	case out.Exit != 0 && strings.Contains(lastLine(text), "UnknownSeries"):
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
