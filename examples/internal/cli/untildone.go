package cli

import (
	"context"
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
