package runbook_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
)

func yes(by string) runbook.Answer {
	return runbook.Answer{Verdict: runbook.Yes, By: by, Reason: "because"}
}

func TestGateAnswers(t *testing.T) {
	for name, tc := range map[string]struct {
		a     runbook.Answer
		needs bool // a reason
		err   error
		text  string
	}{
		"yes":           {a: yes("qa")},
		"no":            {a: runbook.Answer{Verdict: runbook.No, By: "qa", Reason: "the radio is off"}, err: runbook.ErrRejected, text: "qa: the radio is off"},
		"no name":       {a: runbook.Answer{Verdict: runbook.Yes, Reason: "because"}, err: runbook.ErrPending, text: "who"},
		"no reason":     {a: runbook.Answer{Verdict: runbook.Yes, By: "qa", Reason: " "}, needs: true, err: runbook.ErrPending, text: "reason"},
		"rubbish":       {a: runbook.Answer{Verdict: "maybe", By: "qa", Reason: "because"}, err: runbook.ErrPending, text: "maybe"},
		"stop":          {a: runbook.Answer{Verdict: runbook.Stop, By: "qa", Reason: "because"}, err: runbook.ErrPending, text: "stop"},
		"excluded":      {a: yes("Operator "), err: runbook.ErrPending, text: "Operator may not"},
		"account":       {a: runbook.Answer{Verdict: runbook.Yes, By: "qa", Account: "OPERATOR", Reason: "because"}, err: runbook.ErrPending, text: "qa (account OPERATOR) may not"},
		"other subject": {a: runbook.Answer{Verdict: runbook.Yes, By: "qa", Reason: "because", Digest: "00"}, err: runbook.ErrPending, text: "other evidence"},
	} {
		t.Run(name, func(t *testing.T) {
			human, j := &runbooktest.Human{Answers: map[string]runbook.Answer{"g": tc.a}}, &runbooktest.Memory{}
			var got runbook.Answer
			p := func(ctx context.Context, r *runbook.Run) (err error) {
				got, err = r.Approve(ctx, runbook.Gate{Name: "g", Question: "go?", Evidence: 1, Not: []string{"operator"}, NeedReason: tc.needs})
				return err
			}
			x := &runbook.Runner{Name: "n", Journal: j, Human: human}
			err := x.Execute(t.Context(), p)
			is(t, err, tc.err)
			if err != nil && !strings.Contains(err.Error(), tc.text) {
				t.Errorf("%q does not say %q", err, tc.text)
			}
			if tc.err == nil && (got.By != "qa" || got.Reason != "because" || got.Time.IsZero()) {
				t.Errorf("approval %+v", got)
			}
			// A yes stays yes, a no stays no, and the rest is asked again.
			first := got
			human.Answers["g"] = yes("carl")
			err = x.Execute(t.Context(), p)
			switch tc.err {
			case nil:
				is(t, err, nil)
				if got.By != "qa" || !got.Time.Equal(first.Time) {
					t.Errorf("approval %+v, and later %+v", first, got)
				}
			case runbook.ErrRejected:
				is(t, err, runbook.ErrRejected)
			default:
				is(t, err, nil)
				if got.By != "carl" {
					t.Errorf("approval %+v", got)
				}
			}
		})
	}
}

func TestApprovalHoldsForItsEvidence(t *testing.T) {
	human, j := &runbooktest.Human{Answers: map[string]runbook.Answer{"g": yes("qa")}}, &runbooktest.Memory{}
	gate := runbook.Gate{Name: "g", Question: "go?", Evidence: map[string]int{"percent": 10}}
	x := &runbook.Runner{Name: "n", Journal: j, Human: human}
	p := func(ctx context.Context, r *runbook.Run) error { return r.Gate(ctx, gate) }
	asks := func(what string, n int) {
		t.Helper()
		is(t, x.Execute(t.Context(), p), nil)
		if got := len(human.Asked()); got != n {
			t.Errorf("%s: asked %d times, want %d", what, got, n)
		}
	}
	asks("first", 1)
	asks("again", 1)
	gate.Evidence = map[string]int{"percent": 100}
	asks("other evidence", 2)
	asks("other evidence, again", 2)
	gate.Question = "really?"
	asks("other question", 3)
	human.Answers["g"] = yes("carl")
	gate.Not = []string{"qa"}
	asks("excluded since", 4)
	gate.Not = nil
	asks("nobody excluded", 4)
}

func TestGateInHoldIsPending(t *testing.T) {
	w, human, j := &world{}, &runbooktest.Human{}, &runbooktest.Memory{}
	x := &runbook.Runner{Name: "n", Journal: j, Human: human}
	p := func(ctx context.Context, r *runbook.Run) error {
		return r.Hold(ctx, w.hold("importer"), func(ctx context.Context, r *runbook.Run) error {
			if err := do(ctx, r, w.step("a")); err != nil {
				return err
			}
			if err := r.Gate(ctx, runbook.Gate{Name: "g", Question: "go?"}); err != nil {
				return err
			}
			return do(ctx, r, w.step("b"))
		})
	}
	is(t, x.Execute(t.Context(), p), runbook.ErrPending)
	want(t, "first", w.took(), []string{"take importer", "a", "give importer"})
	is(t, x.Execute(t.Context(), p), runbook.ErrPending)
	want(t, "second", w.took(), nil)
	human.Answers = map[string]runbook.Answer{"g": yes("qa")}
	is(t, x.Execute(t.Context(), p), nil)
	want(t, "third", w.took(), []string{"take importer", "b", "give importer"})
}

// nobody waits until it is called off.
type nobody struct{}

func (nobody) Ask(ctx context.Context, _ runbook.Question) (runbook.Answer, error) {
	<-ctx.Done()
	return runbook.Answer{}, ctx.Err()
}

func TestGateTimesOut(t *testing.T) {
	for name, human := range map[string]runbook.Human{"waiting": nobody{}, "away": &runbooktest.Human{}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := &runbooktest.Memory{}
				x := &runbook.Runner{Name: "n", Journal: j, Human: human}
				p := func(ctx context.Context, r *runbook.Run) error {
					return r.Gate(ctx, runbook.Gate{Name: "g", Question: "go?", Timeout: time.Hour})
				}
				err := x.Execute(t.Context(), p)
				if name == "away" { // the clock runs between the starts
					is(t, err, runbook.ErrPending)
					time.Sleep(50 * time.Minute)
					is(t, x.Execute(t.Context(), p), runbook.ErrPending)
					time.Sleep(10 * time.Minute)
					err = x.Execute(t.Context(), p)
				}
				is(t, err, runbook.ErrRejected, runbook.ErrTimeout)
				x.Human = &runbooktest.Human{Answers: map[string]runbook.Answer{"g": yes("qa")}}
				is(t, x.Execute(t.Context(), p), runbook.ErrRejected, runbook.ErrTimeout)
			})
		})
	}
}

func TestGateIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		j := &runbooktest.Memory{}
		x := &runbook.Runner{Name: "n", Journal: j, Human: nobody{}}
		p := func(ctx context.Context, r *runbook.Run) error {
			return r.Gate(ctx, runbook.Gate{Name: "g", Question: "go?", Timeout: time.Hour})
		}
		is(t, x.Execute(ctx, p), context.DeadlineExceeded, runbook.ErrPending)
		x.Human = &runbooktest.Human{Answers: map[string]runbook.Answer{"g": yes("qa")}}
		is(t, x.Execute(t.Context(), p), nil)
	})
}

func TestTwoPersons(t *testing.T) {
	j := &runbooktest.Memory{}
	var first, second runbook.Answer
	x := &runbook.Runner{Name: "n", Journal: j, Human: runbooktest.ApproveEverything{}}
	is(t, x.Execute(t.Context(), func(ctx context.Context, r *runbook.Run) (err error) {
		if first, err = r.Approve(ctx, runbook.Gate{Name: "first", Question: "go?"}); err != nil {
			return err
		}
		second, err = r.Approve(ctx, runbook.Gate{Name: "second", Question: "go?", Not: []string{first.By}})
		return err
	}), nil)
	if first.By == second.By {
		t.Errorf("%s approved twice", first.By)
	}
	if _, err := (runbooktest.ApproveEverything{}).Ask(t.Context(), runbook.Question{Doubt: true}); !errors.Is(err, runbook.ErrPending) {
		t.Errorf("a lab resolves a doubt: %v", err)
	}
}
