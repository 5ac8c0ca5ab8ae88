package runbook_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/landingteam/landing/runbook"
)

// asksNobody keeps the question that it was asked.
type asksNobody struct{ asked runbook.Question }

func (h *asksNobody) Ask(_ context.Context, q runbook.Question) (runbook.Answer, error) {
	h.asked = q
	return runbook.Answer{}, fmt.Errorf("nobody is there: %w", runbook.ErrPending)
}

// A question that was open before it needed a reason is asked anew, so that whoever
// answers elsewhere sees that it does; an approval of that time holds.
func TestQuestionThatNeedsAReasonNow(t *testing.T) {
	gate := func(needs bool) runbook.Procedure {
		return func(ctx context.Context, r *runbook.Run) error {
			if err := r.Gate(ctx, runbook.Gate{Name: "before", Question: "copy?", NeedReason: needs}); err != nil {
				return err
			}
			return r.Gate(ctx, runbook.Gate{Name: "go", Question: "release?", NeedReason: needs})
		}
	}
	j, err := runbook.OpenFile(filepath.Join(t.TempDir(), "j"))
	is(t, err, nil)
	x := &runbook.Runner{Name: "n", Journal: j, Human: answers{"before": {Verdict: runbook.Yes, By: "qa"}}}
	is(t, x.Execute(t.Context(), gate(false)), runbook.ErrPending)
	x.Human = answers{}
	for range 2 {
		is(t, x.Execute(t.Context(), gate(true)), runbook.ErrPending)
	}
	s, err := runbook.ReadStatus(j.Path())
	is(t, err, nil)
	if open := s.Waiting(); len(open) != 1 || open[0].Step != "go" || !open[0].NeedReason {
		t.Errorf("open questions %+v, want go, with a reason", open)
	}
	x.Human = answers{"go": {Verdict: runbook.Yes, By: "qa", Reason: "tested"}}
	is(t, x.Execute(t.Context(), gate(true)), nil)
}

// answers are given by step; without one nobody is there.
type answers map[string]runbook.Answer

func (h answers) Ask(_ context.Context, q runbook.Question) (runbook.Answer, error) {
	if a, ok := h[q.Step]; ok {
		return a, nil
	}
	return runbook.Answer{}, fmt.Errorf("nobody is there: %w", runbook.ErrPending)
}

// Who looks at the journal is asked the same as who was asked by the run.
func TestQuestionOfAStatus(t *testing.T) {
	for name, p := range map[string]runbook.Procedure{
		"gate": func(ctx context.Context, r *runbook.Run) error {
			return r.Group("round 1").Gate(ctx, runbook.Gate{Name: "go", Question: "copy?", Evidence: copies{"arale": 41, "bacon": 42},
				Not: []string{"anna"}, NeedReason: true, OnNo: "stay at 1 %", Timeout: time.Hour})
		},
		"doubt": func(ctx context.Context, r *runbook.Run) error {
			_, err := runbook.Do(ctx, r, runbook.Step[int]{Name: "copy", Intent: "copy build 42", Predict: 42,
				Do: func(context.Context) (int, error) { return 0, runbook.ErrInDoubt }})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			j, err := runbook.OpenFile(filepath.Join(t.TempDir(), "j"))
			is(t, err, nil)
			h := &asksNobody{}
			x := &runbook.Runner{Name: "n", Journal: j, Human: h}
			for range 2 { // the doubt is asked about at the second start
				if err := x.Execute(t.Context(), p); !errors.Is(err, runbook.ErrPending) && !errors.Is(err, runbook.ErrInDoubt) {
					t.Fatal(err)
				}
			}
			s, err := runbook.ReadStatus(j.Path())
			is(t, err, nil)
			waiting := s.Waiting()
			if len(waiting) != 1 {
				t.Fatalf("%d questions are open, want 1", len(waiting))
			}
			// The time of asking is that of the record, a moment later at the first start.
			near := cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "Asked" || p.String() == "Deadline" },
				cmp.Comparer(func(a, b time.Time) bool { return a.Sub(b).Abs() < time.Minute }))
			if diff := cmp.Diff(h.asked, waiting[0].Question(), near); diff != "" {
				t.Errorf("asked (-by the run +by its status):\n%s", diff)
			}
		})
	}
}
