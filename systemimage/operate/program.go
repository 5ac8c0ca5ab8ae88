package operate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/importlog"
	"github.com/landingteam/landing/systemimage/internal/host"
)

// An ending is how a run of a program ended, as far as it tells.
type ending struct {
	program string
	command.Output
	transcript
	err error // of the runner: the end was not seen
}

// String says it in words.
func (e ending) String() string {
	switch {
	case e.err != nil:
		return fmt.Sprintf("the end of %s was not seen (%v)", e.program, e.err)
	case e.exception != "":
		return fmt.Sprintf("%s exited with %d (%s)", e.program, e.Exit, e.exception)
	case e.Exit > 128 && e.Exit < 128+65:
		return fmt.Sprintf("%s was killed by signal %d", e.program, e.Exit-128)
	case e.Exit == 126, e.Exit == 127:
		return fmt.Sprintf("%s could not be run (exit status %d%s)", e.program, e.Exit, e.LastWords())
	case e.Exit != 0:
		return fmt.Sprintf("%s exited with %d%s", e.program, e.Exit, e.LastWords())
	}
	return e.program + " exited with 0"
}

// hint says what to do about an exception, or about a kill.
func (e ending) hint() string {
	switch {
	case e.exception != "":
		return importlog.Explain(e.exception, slices.Concat(e.Stdout, e.Stderr)).Remedy
	case e.Exit > 128:
		return importlog.Explain("Killed", nil).Remedy
	}
	return ""
}

// Python exits with 120 when it cannot flush its output at the very end: whoever
// read it was gone, and everything was done.
const exitReaderGone = 120

func (s *Server) lockTimes() (wait, poll time.Duration) {
	return cmp.Or(s.LockWait, defaultLockWait), cmp.Or(s.LockPoll, defaultLockPoll)
}

// killed is the exit status of a program that was killed.
const killed = 128 + 9

// run runs a program, and again while somebody else holds the global lock. Its
// error is ErrLocked when that took too long, or that of Held; everything else is in the
// ending.
func (s *Server) run(ctx context.Context, op, channel, device string, c command.Command) (ending, error) {
	wait, poll := s.lockTimes()
	deadline := time.Now().Add(wait)
	at := slices.IndexFunc(c.Argv, func(a string) bool { return strings.HasPrefix(a, s.root()+"/bin/") })
	program := path.Base(c.Argv[at])
	for {
		if err := s.held(ctx, op, c); err != nil {
			return ending{}, &systemimage.Error{Op: op, Channel: channel, Device: device, Err: fmt.Errorf("nothing happened: %w", err)}
		}
		s.log().InfoContext(ctx, "run", "program", program, "args", c.Argv[at+1:], "job", c.Job)
		out, err := s.Runner.Run(ctx, c)
		s.Client.Forget(device)
		var lost *command.LostJob
		switch {
		case !errors.As(err, &lost):
		case lost.Before: // it has been looked since, and the name is free now
			s.log().InfoContext(ctx, "an earlier job is lost: starting anew", "program", program, "job", c.Job, "why", lost.Reason)
			continue
		default: // it is over, as if killed
			out.Exit, err = killed, nil
		}
		e := ending{program: program, Output: out, transcript: readTranscript(out), err: err}
		s.log().InfoContext(ctx, "ended", "program", program, "how", e.String())
		if err != nil || !e.locked {
			return e, nil
		}
		view := viewLock(ctx, s.Runner, s.root())
		fail := func(err error) (ending, error) {
			return e, &systemimage.Error{Op: op, Channel: channel, Device: device, Kind: systemimage.ErrLocked, Err: err}
		}
		if time.Until(deadline) < poll {
			return fail(fmt.Errorf("nothing happened: something else holds the global lock since %v or more (%v)", max(wait, 0), view))
		}
		s.log().InfoContext(ctx, "global lock is held: waiting", "by", view.String(), "until", deadline)
		if err := host.Sleep(ctx, poll); err != nil {
			return fail(fmt.Errorf("nothing happened: something else holds the global lock (%v): %w", view, err))
		}
	}
}

// held asks, right before a program is sent, whether what was made sure of before is so
// still. A percentage takes no lock and may be what takes an image back: it is not kept back.
func (s *Server) held(ctx context.Context, op string, c command.Command) error {
	if s.Held == nil || c.Attach || op == phaseOp {
		return nil
	}
	return s.Held(ctx)
}
