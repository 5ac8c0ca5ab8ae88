package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/landingteam/landing/runbook"
)

// untilDone starts a run, and starts it again whenever a time comes that it waits
// for. A question ends it, as anything else does: nobody is held up by a process.
func untilDone(ctx context.Context, journal string, start func() error, say func(s runbook.Status)) error {
	for {
		err := start()
		if runbook.Ending(err) != "pending" {
			return err
		}
		s, readErr := runbook.ReadStatus(journal)
		if readErr != nil || s.Due.IsZero() || len(s.Waiting()) > 0 {
			return err
		}
		say(s)
		if !sleepUntil(ctx, s.Due) {
			return err // interrupted: it waits on, and goes on when it is started again
		}
	}
}

// sleepUntil looks at the clock every now and then, since that of a laptop goes on
// while it is closed and a timer's does not.
func sleepUntil(ctx context.Context, due time.Time) bool {
	for {
		left := time.Until(due)
		if left <= 0 {
			return true
		}
		t := time.NewTimer(min(left, time.Minute))
		select {
		case <-ctx.Done():
			t.Stop()
			return false
		case <-t.C:
		}
	}
}

// logger is what -v and -log ask for; nil is silent.
func logger(o options, stderr io.Writer) *slog.Logger {
	opts := &slog.HandlerOptions{}
	if o.verbose {
		opts.Level = slog.LevelDebug
	}
	switch {
	case o.log == "json":
		return slog.New(slog.NewJSONHandler(stderr, opts))
	case o.log == "text" || o.verbose:
		return slog.New(slog.NewTextHandler(stderr, opts))
	}
	return nil
}

// checkLog refuses a form that logger does not know.
func checkLog(form string) error {
	switch form {
	case "", "text", "json":
		return nil
	}
	return fmt.Errorf("-log %s: want text or json", form)
}
