package runbook_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
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
			var got runbook.Approval
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
	var first, second runbook.Approval
	x := &runbook.Runner{Name: "n", Journal: j, Human: runbook.ApproveEverythingInALab{}}
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
	if _, err := (runbook.ApproveEverythingInALab{}).Ask(t.Context(), runbook.Question{Doubt: true}); !errors.Is(err, runbook.ErrPending) {
		t.Errorf("a lab resolves a doubt: %v", err)
	}
}

func TestTerminal(t *testing.T) {
	q := runbook.Question{Run: "r", Step: "rc/go", Text: "copy \x1b[2J build 42?", Evidence: []byte(`{"from":"rc-proposed","n":[1,2]}`), Digest: "d", Not: []string{"operator"}}
	doubt, why := q, q
	why.NeedReason = true
	doubt.Doubt, doubt.Evidence = true, []byte(`"predicted"`)
	for name, tc := range map[string]struct {
		q     runbook.Question
		by    string
		typed string
		want  runbook.Answer
		err   error
	}{
		"yes":                       {q, "qa", "yes\nlooks good\n", runbook.Answer{Verdict: runbook.Yes, By: "qa", Reason: "looks good", Digest: "d"}, nil},
		"no, without line end":      {q, "qa", "NO\nno\nbroken", runbook.Answer{Verdict: runbook.No, By: "qa", Reason: "broken", Digest: "d"}, nil},
		"one letter":                {q, "qa", "y\n\n", runbook.Answer{Verdict: runbook.Yes, By: "qa", Digest: "d"}, nil},
		"the reason is needed":      {why, "qa", "Y\n\n\nseen\n", runbook.Answer{Verdict: runbook.Yes, By: "qa", Reason: "seen", Digest: "d"}, nil},
		"never an answer":           {q, "qa", strings.Repeat("x\n", 1000), runbook.Answer{}, runbook.ErrPending},
		"rubbish first":             {q, "", "ye\n\nsure\nyes\nfine\nOperator\n\nqa\n", runbook.Answer{Verdict: runbook.Yes, By: "qa", Reason: "fine", Digest: "d"}, nil},
		"nobody":                    {q, "qa", "", runbook.Answer{}, runbook.ErrPending},
		"gone":                      {q, "qa", "yes\n", runbook.Answer{}, runbook.ErrPending},
		"excluded":                  {q, "Operator", "yes\nfine\n", runbook.Answer{}, runbook.ErrPending},
		"endless":                   {q, "qa", strings.Repeat("x", 1<<20), runbook.Answer{}, runbook.ErrPending},
		"no stop to a gate":         {q, "qa", "stop\nno\nn\nx\n", runbook.Answer{Verdict: runbook.No, By: "qa", Reason: "x", Digest: "d"}, nil},
		"doubt: as predicted":       {doubt, "qa", "yes\n\nI saw it\n", runbook.Answer{Verdict: runbook.Yes, By: "qa", Reason: "I saw it", Digest: "d"}, nil},
		"doubt: with another value": {doubt, "qa", "yes\n{oops\n{\"a\":1}\nI saw it\n", runbook.Answer{Verdict: runbook.Yes, By: "qa", Reason: "I saw it", Digest: "d", Value: []byte(`{"a":1}`)}, nil},
		"doubt: stop":               {doubt, "qa", "stop\nlet me look\n", runbook.Answer{Verdict: runbook.Stop, By: "qa", Reason: "let me look", Digest: "d"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			h := &runbook.TerminalHuman{In: strings.NewReader(tc.typed), Out: &out, By: tc.by}
			a, err := h.Ask(t.Context(), tc.q)
			is(t, err, tc.err)
			if err != nil {
				return
			}
			if a.Verdict != tc.want.Verdict || a.By != tc.want.By || a.Reason != tc.want.Reason || a.Digest != tc.want.Digest || string(a.Value) != string(tc.want.Value) {
				t.Errorf("answer %+v, want %+v", a, tc.want)
			}
			for _, text := range []string{"rc/go", "build 42?", "operator"} {
				if !strings.Contains(out.String(), text) {
					t.Errorf("%q is not shown in %s", text, out.String())
				}
			}
			if strings.Contains(out.String(), "\x1b") {
				t.Error("a control character reached the terminal")
			}
		})
	}
}

func TestTerminalTakesTurns(t *testing.T) {
	in, typist, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer typist.Close()
	var out strings.Builder
	h := &runbook.TerminalHuman{In: in, Out: &out, By: "qa"}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Ask(gone, runbook.Question{Step: "a", Text: "?"}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := typist.WriteString("no\nno\nx\nyes\ny\n"); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var verdicts []string
	err = executeWith(t, h, func(ctx context.Context, r *runbook.Run) error {
		return runbook.Each(ctx, r, slices.All([]int{1, 2}), 2, func(ctx context.Context, r *runbook.Run, _, _ int) error {
			err := r.Gate(ctx, runbook.Gate{Name: "g", Question: "?"})
			mu.Lock()
			defer mu.Unlock()
			verdicts = append(verdicts, outcomeOf(err))
			return err
		})
	})
	is(t, err, runbook.ErrRejected)
	want(t, "verdicts", slices.Sorted(slices.Values(verdicts)), []string{"no", "yes"})
}

func executeWith(t *testing.T, h runbook.Human, p runbook.Procedure) error {
	return (&runbook.Runner{Name: "n", Journal: &runbooktest.Memory{}, Human: h}).Execute(t.Context(), p)
}

func outcomeOf(err error) string {
	if err != nil {
		return "no"
	}
	return "yes"
}

// What was typed before a question stood there is no answer to it.
func TestTerminalForgetsWhatWasTypedBefore(t *testing.T) {
	in, typist, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer typist.Close()
	typed := func(text string) {
		if _, err := typist.WriteString(text); err != nil {
			t.Error(err)
		}
	}
	typed("yes\nalready\n")
	h := &runbook.TerminalHuman{In: in, By: "qa", Flush: func() {}}
	h.Out = writer(func(p []byte) {
		if strings.Contains(string(p), "yes (go on)") {
			go typed("later\n")
		}
	})
	a, err := h.Ask(t.Context(), runbook.Question{Step: "g", Text: "go?"})
	if err != nil || a.Verdict != runbook.Later {
		t.Errorf("answer %+v, %v", a, err)
	}
}

type writer func([]byte)

func (w writer) Write(p []byte) (int, error) { w(p); return len(p), nil }
