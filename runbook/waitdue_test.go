package runbook_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
)

// A wait that stays looks when the time has come, and not at its next look after that.
func TestWaitThatStaysIsPunctual(t *testing.T) {
	for _, due := range []time.Duration{3 * time.Second, 90 * time.Second, 2 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			begun, looks := time.Now(), 0
			err := execute(t, &runbooktest.Memory{}, func(ctx context.Context, r *runbook.Run) error {
				_, err := runbook.Wait(ctx, r, runbook.Poll[int]{Name: "due", Intent: "wait", Stay: true, Every: time.Minute,
					Check: func(context.Context) (int, bool, error) {
						looks++
						if at := begun.Add(due); time.Now().Before(at) {
							return 0, false, &runbook.Error{Kind: runbook.ErrPending, Text: "not yet", Due: at}
						}
						return 1, true, nil
					}})
				return err
			})
			is(t, err, nil)
			if took, most := time.Since(begun), 2+int(due/time.Minute); took != due || looks > most {
				t.Errorf("waited %v with %d looks, want %v with %d at most", took, looks, due, most)
			}
		})
	}
}
