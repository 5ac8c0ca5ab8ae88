package runbook_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
)

// switches are things that are set together.
type switches struct {
	set    map[string]bool
	calls  int
	fail   map[string]error // what is said of some
	silent map[string]bool  // nothing is said of these
}

func (s *switches) procedure(urgent bool, names ...string) runbook.Procedure {
	return func(ctx context.Context, r *runbook.Run) error {
		var parts []runbook.Part[string]
		for _, name := range names {
			parts = append(parts, runbook.Part[string]{Run: r.Group(name), Step: runbook.Step[string]{
				Name: "set", Intent: "set " + name, Predict: "set", Urgent: urgent,
				Probe: func(context.Context) (string, bool, error) { return "was set", s.set[name], nil },
			}})
		}
		values, errs := runbook.Together(ctx, parts, func(_ context.Context, open []int, ended func(int, string, error)) error {
			s.calls++
			for _, n := range open {
				if err := s.fail[names[n]]; err != nil {
					ended(n, "", err)
					continue
				}
				s.set[names[n]] = true
				if !s.silent[names[n]] {
					ended(n, "set", nil)
				}
			}
			if len(s.silent) > 0 {
				return errors.New("link lost")
			}
			return nil
		})
		if len(values) != len(names) {
			return fmt.Errorf("%d values", len(values))
		}
		return errors.Join(errs...)
	}
}

// kinds are the records of a journal in short.
func kinds(t *testing.T, j runbook.Journal) (list []string) {
	t.Helper()
	for rec, err := range runbook.Records(t.Context(), j) {
		if err != nil {
			t.Fatal(err)
		}
		if rec.Verb == runbook.VerbDo {
			list = append(list, fmt.Sprintf("%s %s", rec.Step, rec.Kind))
		}
	}
	return list
}

// All that is to be done is on record before the one call, and each end as it comes.
func TestTogether(t *testing.T) {
	t.Parallel()
	s := &switches{set: map[string]bool{"b": true}}
	j := &runbooktest.Memory{}
	x := &runbook.Runner{Name: "together", Journal: j}
	plan, err := (&runbook.Runner{Name: "together"}).Plan(t.Context(), s.procedure(false, "a", "b", "c"))
	if err != nil || len(plan) != 3 || plan[0].Kind != runbook.Planned || s.calls != 0 {
		t.Errorf("plan: %v, %v, %d calls", plan, err, s.calls)
	}
	for range 2 {
		if err := x.Execute(t.Context(), s.procedure(false, "a", "b", "c")); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"b/set adopted", "a/set started", "c/set started", "a/set done", "c/set done"}
	if d := cmp.Diff(want, kinds(t, j)); d != "" || s.calls != 1 {
		t.Errorf("%d calls (-want +got)\n%s", s.calls, d)
	}
}

// One that fails is done again, one of which nothing was said is looked at, and
// neither holds up the others.
func TestTogetherFails(t *testing.T) {
	t.Parallel()
	s := &switches{set: map[string]bool{}, fail: map[string]error{"a": errors.New("refused")}, silent: map[string]bool{"c": true}}
	j := &runbooktest.Memory{}
	x := &runbook.Runner{Name: "together", Journal: j}
	err := x.Execute(t.Context(), s.procedure(true, "a", "b", "c"))
	if !errors.Is(err, runbook.ErrInDoubt) || !strings.Contains(err.Error(), "refused") || !strings.Contains(err.Error(), "link lost") || strings.Contains(err.Error(), "b/set") {
		t.Errorf("first: %v", err)
	}
	s.fail, s.silent = nil, nil
	if err := x.Execute(t.Context(), s.procedure(true, "a", "b", "c")); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"a/set started", "b/set started", "c/set started", "a/set failed", "b/set done", "c/set doubt",
		"c/set adopted", "a/set started", "a/set done",
	}
	if d := cmp.Diff(want, kinds(t, j)); d != "" {
		t.Errorf("records (-want +got)\n%s", d)
	}
}

// An urgent effect is done without a look, except where it is in doubt.
func TestUrgent(t *testing.T) {
	t.Parallel()
	for _, urgent := range []bool{false, true} {
		probes := 0
		p := func(ctx context.Context, r *runbook.Run) error {
			_, err := runbook.Do(ctx, r, runbook.Step[string]{Name: "stop", Intent: "stop", Urgent: urgent,
				Probe: func(context.Context) (string, bool, error) { probes++; return "", false, nil },
				Do:    func(context.Context) (string, error) { return "", runbook.ErrInDoubt },
			})
			return err
		}
		x := &runbook.Runner{Name: "urgent", Journal: &runbooktest.Memory{}}
		for start, want := range []int{map[bool]int{true: 0, false: 1}[urgent], map[bool]int{true: 1, false: 2}[urgent]} {
			if err := x.Execute(t.Context(), p); !errors.Is(err, runbook.ErrInDoubt) {
				t.Fatal(err)
			}
			if probes != want {
				t.Errorf("urgent %v, start %d: %d probes, want %d", urgent, start+1, probes, want)
			}
		}
	}
}

func TestTogetherKillAnywhere(t *testing.T) {
	t.Parallel()
	runbooktest.KillAnywhere(t, func(t testing.TB) runbooktest.Scene {
		s := &switches{set: map[string]bool{}}
		return runbooktest.Scene{
			Start: func() (*runbook.Runner, runbook.Procedure) {
				return &runbook.Runner{Name: "together"}, s.procedure(true, "a", "b", "c")
			},
			Snapshot: func() string { return fmt.Sprint(s.set) },
		}
	})
}
