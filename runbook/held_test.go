package runbook_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

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

// A step that asks by itself is not looked at once more before; what it finds reaches the
// hold and its record, so that the steps behind it are not begun.
func TestStepAsksHeld(t *testing.T) {
	t.Parallel()
	var did []string
	away := false
	hold := runbook.Hold{Name: "importer", Intent: "pause it",
		Acquire: func(context.Context) error { away = true; return nil },
		Release: func(context.Context) error { away = false; return nil },
		Look: func(context.Context) (bool, string, error) {
			did = append(did, "look")
			return away, "as it is", nil
		}}
	j := &runbooktest.Memory{}
	x := &runbook.Runner{Name: "example", Journal: j}
	err := x.Execute(t.Context(), func(ctx context.Context, r *runbook.Run) error {
		return r.Hold(ctx, hold, func(ctx context.Context, r *runbook.Run) error {
			var errs []error
			for _, name := range []string{"first", "second", "third"} {
				_, err := runbook.Do(ctx, r, runbook.Step[int]{Name: name, Intent: "copy it", AsksHeld: true, Do: func(ctx context.Context) (int, error) {
					did = append(did, name)
					away = away && name != "second"
					return 1, runbook.Held(ctx)
				}})
				errs = append(errs, err)
			}
			return errors.Join(errs...)
		})
	})
	if !errors.Is(err, runbook.ErrNotHeld) {
		t.Errorf("%v, want ErrNotHeld", err)
	}
	// the second of the looks behind the second step is that of the record, the last that of the report
	if d := cmp.Diff([]string{"first", "look", "second", "look", "look", "look"}, did); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	var holds []runbook.Kind
	for rec, err := range runbook.Records(t.Context(), j) {
		if err != nil {
			t.Fatal(err)
		}
		if rec.Verb == runbook.VerbHold {
			holds = append(holds, rec.Kind)
		}
	}
	if d := cmp.Diff([]runbook.Kind{runbook.Armed, runbook.Acquired, runbook.Failed, runbook.Released}, holds); d != "" {
		t.Errorf("records of the hold (-want +got)\n%s", d)
	}
}
