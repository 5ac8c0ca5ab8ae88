package runbook_test

import (
	"context"
	"errors"
	"testing"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
)

// Who waits in the middle of an effect can ask whether it is still held, also where the
// journal has no say.
func TestHeld(t *testing.T) {
	t.Parallel()
	if err := runbook.Held(t.Context()); err != nil {
		t.Errorf("outside of a run: %v", err)
	}
	for name, undone := range map[string]bool{"held": false, "given back by somebody": true} {
		away := false
		hold := runbook.Hold{Name: "importer", Intent: "pause it",
			Acquire: func(context.Context) error { away = true; return nil },
			Release: func(context.Context) error { away = false; return nil },
			Look:    func(context.Context) (bool, string, error) { return away, "as it is", nil }}
		x := &runbook.Runner{Name: "example", Journal: &runbooktest.Memory{}}
		err := x.Execute(t.Context(), func(ctx context.Context, r *runbook.Run) error {
			return r.Hold(ctx, hold, func(ctx context.Context, r *runbook.Run) error {
				_, err := runbook.Do(ctx, r, runbook.Step[int]{Name: "copy", Intent: "copy it", Do: func(ctx context.Context) (int, error) {
					if undone {
						away = false
					}
					return 1, runbook.Held(ctx)
				}})
				return err
			})
		})
		if got := errors.Is(err, runbook.ErrNotHeld); got != undone {
			t.Errorf("%s: %v", name, err)
		}
	}
}
