package runbook_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
)

var errTaken = errors.New("the run was taken over")

// A call that the journal refuses is not made, whichever it is.
func TestGuardRefuses(t *testing.T) {
	for step, tc := range map[string]struct {
		acts    []string
		journal []string
		kinds   []error
	}{
		"look":     {nil, []string{"read failed look"}, nil},
		"given":    {nil, []string{"require failed given"}, nil},
		"go":       {nil, []string{"gate asked go"}, nil},
		"importer": {nil, []string{"hold armed importer", "hold failed importer", "hold owed importer"}, []error{runbook.ErrOwed}},
		"probed":   {[]string{"take importer", "a", "give importer"}, []string{"do failed probed", "hold released importer"}, nil},
		"a":        {[]string{"take importer", "give importer"}, []string{"do started a", "do failed a", "hold released importer"}, nil},
		"mirror":   {[]string{"take importer", "a", "probed", "give importer"}, []string{"wait started mirror", "wait failed mirror", "hold released importer"}, nil},
		"verify":   {[]string{"take importer", "a", "probed", "give importer"}, []string{"verify failed verify", "hold released importer"}, nil},
	} {
		t.Run(step, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, j := &world{}, &runbooktest.Memory{Refuse: func(s string) error {
					if s == step {
						return errTaken
					}
					return nil
				}}
				p := func(ctx context.Context, r *runbook.Run) error {
					if _, err := runbook.Read(ctx, r, "look", func(context.Context) (int, error) { return 1, nil }); err != nil {
						return err
					}
					if err := r.Require(ctx, "given", func(context.Context) error { return nil }); err != nil {
						return err
					}
					if err := r.Gate(ctx, runbook.Gate{Name: "go", Question: "go?"}); err != nil {
						return err
					}
					return r.Hold(ctx, w.hold("importer"), func(ctx context.Context, r *runbook.Run) error {
						if err := do(ctx, r, w.step("a")); err != nil {
							return err
						}
						if err := do(ctx, r, w.probed("probed")); err != nil {
							return err
						}
						if _, err := runbook.Wait(ctx, r, runbook.Poll[int]{Name: "mirror", Check: func(context.Context) (int, bool, error) { return 1, true, nil }}); err != nil {
							return err
						}
						return r.Verify(ctx, "verify", func(context.Context) error { return nil })
					})
				}
				human := &runbooktest.Human{Answers: map[string]runbook.Answer{"go": yes("qa")}}
				err := (&runbook.Runner{Name: "n", Journal: j, Human: human}).Execute(t.Context(), p)
				is(t, err, append(tc.kinds, errTaken, runbook.ErrJournal)...)
				want(t, "acts", w.took(), tc.acts)
				got := lines(records(t, j))
				want(t, "journal", got[len(got)-1-len(tc.journal):len(got)-1], tc.journal)
			})
		})
	}
}

// A process that lost its run while it was in an effect gives nothing back: its
// successor does, which holds it by then.
func TestGuardLeavesDebtToSuccessor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, j := &world{}, &runbooktest.Memory{}
		var within []error
		p := func(ctx context.Context, r *runbook.Run) error {
			return r.Hold(ctx, w.hold("importer"), func(ctx context.Context, r *runbook.Run) error {
				s := w.step("a")
				s.Do = func(ctx context.Context) (string, error) {
					within = append(within, runbook.Current(ctx))
					j.Refuse = func(string) error { return errTaken }
					err := runbook.Current(ctx)
					within = append(within, err)
					return "", err
				}
				return do(ctx, r, s)
			})
		}
		x := &runbook.Runner{Name: "n", Journal: j}
		is(t, x.Execute(t.Context(), p), runbook.ErrOwed, errTaken)
		want(t, "acts", w.took(), []string{"take importer"})
		is(t, within[0], nil)
		is(t, within[1], errTaken)
		if s, _ := runbook.StatusOf(t.Context(), j); len(s.Owed()) != 1 {
			t.Errorf("owed: %v", s.Owed())
		}
		j.Refuse = nil
		is(t, x.Settle(t.Context(), p), nil)
		want(t, "acts of the successor", w.took(), []string{"give importer"})
	})
}

func TestCurrentOutside(t *testing.T) {
	is(t, runbook.Current(t.Context()), nil)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errTaken)
	is(t, runbook.Current(ctx), errTaken)
	// A plan asks nobody.
	w, j := &world{}, &runbooktest.Memory{Refuse: func(string) error { return errTaken }}
	_, err := (&runbook.Runner{Name: "n", Journal: j}).Plan(t.Context(), func(ctx context.Context, r *runbook.Run) error {
		s := w.step("a")
		s.Probe = func(ctx context.Context) (string, bool, error) { return "", false, runbook.Current(ctx) }
		return do(ctx, r, s)
	})
	is(t, err, nil)
}
