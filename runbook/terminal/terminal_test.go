package terminal_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/runbook/terminal"
)

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
			h := &terminal.Human{In: strings.NewReader(tc.typed), Out: &out, By: tc.by}
			a, err := h.Ask(t.Context(), tc.q)
			if !errors.Is(err, tc.err) {
				t.Fatalf("%v, want %v", err, tc.err)
			}
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
	h := &terminal.Human{In: in, Out: &out, By: "qa"}
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
	if !errors.Is(err, runbook.ErrRejected) {
		t.Errorf("%v, want a rejection", err)
	}
	if d := cmp.Diff([]string{"no", "yes"}, slices.Sorted(slices.Values(verdicts))); d != "" {
		t.Errorf("verdicts (-want +got)\n%s", d)
	}
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
	h := &terminal.Human{In: in, By: "qa", Flush: func() {}}
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
