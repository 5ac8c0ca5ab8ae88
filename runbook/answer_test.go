package runbook_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/runbook/terminal"
)

// copies is evidence with a text.
type copies map[string]int

func (c copies) AppendText(b []byte) ([]byte, error) {
	return fmt.Appendf(b, "arale   image %d\n\x1b[1mbacon   image %d\n", c["arale"], c["bacon"]), nil
}

// The same words are shown on the terminal and in the report, and are
// in the journal; an approval is by the JSON.
func TestEvidenceHasAText(t *testing.T) {
	const shown = "arale   image 41\n\x1b[1mbacon   image 42"
	const printed = "    arale   image 41\n    \uFFFD[1mbacon   image 42\n"
	gate := runbook.Gate{Name: "go", Question: "copy?", Evidence: copies{"arale": 41, "bacon": 42}}
	p := func(ctx context.Context, r *runbook.Run) error { return r.Gate(ctx, gate) }
	j := &runbooktest.Memory{}
	x := &runbook.Runner{Name: "n", Journal: j}
	is(t, x.Execute(t.Context(), p), runbook.ErrPending)
	asked := records(t, j)[1]
	if asked.Shown != shown || string(asked.Evidence) != `{"arale":41,"bacon":42}` {
		t.Errorf("journalled: %q, %s", asked.Shown, asked.Evidence)
	}
	s, err := runbook.StatusOf(t.Context(), j)
	is(t, err, nil)
	if report := reportOf(t, s); !strings.Contains(report, printed) || strings.Contains(report, `"arale"`) {
		t.Errorf("the report does not show it:\n%s", report)
	}
	var out strings.Builder
	x.Human = &terminal.Human{In: strings.NewReader("yes\ntested\n"), Out: &out, By: "qa"}
	is(t, x.Execute(t.Context(), p), nil)
	if !strings.Contains(out.String(), printed) || strings.Contains(out.String(), `"arale"`) {
		t.Errorf("on the terminal:\n%s", out.String())
	}
	if last := records(t, j)[4]; last.Kind != runbook.Approved || last.Shown != "" {
		t.Errorf("the text stands twice in the journal: %+v", last)
	}
	gate.Evidence = copies{"arale": 43, "bacon": 42}
	x.Human = nil
	is(t, x.Execute(t.Context(), p), runbook.ErrPending)
}

// "Not yet" keeps the question open, and a no is asked back once, because it ends the
// run for good.
func TestLater(t *testing.T) {
	for name, tc := range map[string]struct {
		in   string
		want error
		says string
	}{
		"later":                  {"later\n", runbook.ErrPending, "qa says later"},
		"no, and not so meant":   {"no\nlater\n", runbook.ErrPending, "qa says later"},
		"no, and no once more":   {"no\nno\nthe radio is off\n", runbook.ErrRejected, "qa: the radio is off"},
		"no, without a reason":   {"n\nn\n\n", runbook.ErrRejected, "by qa"},
		"no, and yes was meant":  {"no\nyes\nlater\n", runbook.ErrPending, "qa says later"},
		"no, and something else": {"no\nthe radio is off\nlater\n", runbook.ErrPending, "qa says later"},
		"no, and gone":           {"no\n", runbook.ErrPending, "go?"},
	} {
		t.Run(name, func(t *testing.T) {
			j, out := &runbooktest.Memory{}, &strings.Builder{}
			x := &runbook.Runner{Name: "n", Journal: j, Human: &terminal.Human{In: strings.NewReader(tc.in), Out: out, By: "qa"}}
			p := func(ctx context.Context, r *runbook.Run) error {
				return r.Gate(ctx, runbook.Gate{Name: "g", Question: "go?"})
			}
			err := x.Execute(t.Context(), p)
			is(t, err, tc.want)
			if !strings.Contains(fmt.Sprint(err), tc.says) {
				t.Errorf("%v does not say %q", err, tc.says)
			}
			if asksBack := strings.Count(out.String(), "no ends this run for good"); (asksBack > 0) != strings.HasPrefix(tc.in, "n") {
				t.Errorf("asked back %d times:\n%s", asksBack, out)
			}
			x.Human = &runbooktest.Human{Answers: map[string]runbook.Answer{"g": yes("qa")}}
			if err = x.Execute(t.Context(), p); tc.want == runbook.ErrPending {
				is(t, err, nil)
			} else {
				is(t, err, runbook.ErrRejected)
			}
		})
	}
}

func TestQuestionCheck(t *testing.T) {
	deadline := time.Date(2016, 9, 7, 11, 0, 0, 0, time.UTC)
	q := runbook.Question{Step: "g", Text: "go?", Digest: "d", Not: []string{"operator"}, Deadline: deadline}
	why := runbook.Question{Step: "g", Digest: "d", NeedReason: true}
	doubt := runbook.Question{Step: "g", Digest: "d", Doubt: true}
	for name, tc := range map[string]struct {
		q    runbook.Question
		a    runbook.Answer
		says string // "" when it counts
	}{
		"yes":               {q, runbook.Answer{Verdict: runbook.Yes, By: "qa", Reason: "tested", Digest: "d"}, ""},
		"no":                {q, runbook.Answer{Verdict: runbook.No, By: "qa", Reason: "broken"}, ""},
		"later":             {q, runbook.Answer{Verdict: runbook.Later}, ""},
		"in time":           {q, runbook.Answer{Verdict: runbook.Yes, By: "qa", Reason: "tested", Time: deadline}, ""},
		"too late":          {q, runbook.Answer{Verdict: runbook.Yes, By: "qa", Reason: "tested", Time: deadline.Add(time.Second)}, "came after 2016-09-07 11:00:00 UTC"},
		"nothing":           {q, runbook.Answer{}, "is none"},
		"stop":              {q, runbook.Answer{Verdict: runbook.Stop, By: "qa", Reason: "?"}, "is none"},
		"stop of a doubt":   {doubt, runbook.Answer{Verdict: runbook.Stop, By: "qa", Reason: "?"}, ""},
		"nobody":            {q, runbook.Answer{Verdict: runbook.Yes, By: " ", Reason: "tested"}, "who gave it"},
		"no reason":         {q, runbook.Answer{Verdict: runbook.Yes, By: "qa", Reason: "\n"}, ""},
		"a reason wanted":   {why, runbook.Answer{Verdict: runbook.Yes, By: "qa", Reason: "\n"}, "no reason"},
		"and for a no":      {why, runbook.Answer{Verdict: runbook.No, By: "qa"}, "no reason"},
		"excluded":          {q, runbook.Answer{Verdict: runbook.Yes, By: "Operator", Reason: "tested"}, "may not answer"},
		"excluded account":  {q, runbook.Answer{Verdict: runbook.Yes, By: "qa", Account: "OPERATOR", Reason: "tested"}, "qa (account OPERATOR) may not answer"},
		"about another":     {q, runbook.Answer{Verdict: runbook.Yes, By: "qa", Reason: "tested", Digest: "e"}, "other evidence"},
		"a value, not JSON": {doubt, runbook.Answer{Verdict: runbook.Yes, By: "qa", Reason: "seen", Value: []byte("{")}, "no JSON"},
	} {
		err := tc.q.Check(tc.a)
		if tc.says == "" {
			is(t, err, nil)
			continue
		}
		is(t, err, runbook.ErrPending)
		if !strings.Contains(fmt.Sprint(err), tc.says) {
			t.Errorf("%s: %v does not say %q", name, err, tc.says)
		}
	}
}

// What a journal cannot keep is refused before the effect, and a result that it cannot
// keep leaves the effect in doubt and the journal in use.
func TestLongestLine(t *testing.T) {
	long := strings.Repeat("x", 2000)
	for name, tc := range map[string]struct {
		p       func(ctx context.Context, r *runbook.Run, w *world) error
		err     error
		acts    []string
		journal []string
	}{
		"an intent": {func(ctx context.Context, r *runbook.Run, w *world) error {
			s := w.step("a")
			s.Intent = long
			return do(ctx, r, s)
		}, runbook.ErrInvalid, nil, []string{"run opened", "run ended"}},
		"evidence": {func(ctx context.Context, r *runbook.Run, w *world) error {
			return r.Gate(ctx, runbook.Gate{Name: "go", Question: "go?", Evidence: long})
		}, runbook.ErrInvalid, nil, []string{"run opened", "run ended"}},
		"a result": {func(ctx context.Context, r *runbook.Run, w *world) error {
			s := w.step("a")
			s.Do = func(context.Context) (string, error) { return long, w.act("a") }
			return do(ctx, r, s)
		}, runbook.ErrInDoubt, []string{"a"}, []string{"run opened", "do started a", "do doubt a", "run ended"}},
		"what was read": {func(ctx context.Context, r *runbook.Run, w *world) error {
			_, err := runbook.Read(ctx, r, "look", func(context.Context) (string, error) { return long, nil })
			return err
		}, runbook.ErrInvalid, nil, []string{"run opened", "read failed look", "run ended"}},
		"what was waited for": {func(ctx context.Context, r *runbook.Run, w *world) error {
			_, err := runbook.Wait(ctx, r, runbook.Poll[string]{Name: "wait", Check: func(context.Context) (string, bool, error) { return long, true, nil }})
			return err
		}, runbook.ErrInvalid, nil, []string{"run opened", "wait started wait", "wait failed wait", "run ended"}},
	} {
		t.Run(name, func(t *testing.T) {
			w, j := &world{}, &runbooktest.Memory{Longest: 1000}
			is(t, execute(t, j, func(ctx context.Context, r *runbook.Run) error { return tc.p(ctx, r, w) }), tc.err)
			want(t, "acts", w.took(), tc.acts)
			want(t, "journal", lines(records(t, j)), tc.journal)
		})
	}
}

// Lines that somebody has can be read, summed up and planned with, and nothing more.
func TestReadOnlyJournal(t *testing.T) {
	w, j := &world{}, &runbooktest.Memory{}
	p := func(ctx context.Context, r *runbook.Run) error { return do(ctx, r, w.step("a")) }
	is(t, execute(t, j, p), nil)
	w.took()
	copied := runbook.ReadOnly(j.Lines(t.Context()))
	s, err := runbook.StatusOf(t.Context(), copied)
	if err != nil || s.Ending != "done" {
		t.Errorf("status %q, %v", s.Ending, err)
	}
	x := &runbook.Runner{Name: "n", Journal: copied}
	plan, err := x.Plan(t.Context(), p)
	is(t, err, nil)
	want(t, "plan", lines(plan), []string{"do done a"})
	is(t, x.Execute(t.Context(), p), runbook.ErrJournal)
	is(t, x.Settle(t.Context(), p), runbook.ErrJournal)
	is(t, copied.Append(t.Context(), nil), runbook.ErrJournal)
	want(t, "acts", w.took(), nil)
	_, err = runbook.StatusOf(t.Context(), runbook.ReadOnly(func(yield func([]byte, error) bool) { yield([]byte(`{"n":1}`), nil) }))
	is(t, err, runbook.ErrJournal)
}

// Where a no leads on, the person is told where to, and asked back all the same.
func TestNoLeadsOn(t *testing.T) {
	j, out := &runbooktest.Memory{}, &strings.Builder{}
	x := &runbook.Runner{Name: "n", Journal: j, Human: &terminal.Human{In: strings.NewReader("no\nno\n\n"), Out: out, By: "qa"}}
	is(t, x.Execute(t.Context(), func(ctx context.Context, r *runbook.Run) error {
		return r.Gate(ctx, runbook.Gate{Name: "g", Question: "can they update?", OnNo: "recovery by hand"})
	}), runbook.ErrRejected)
	for _, text := range []string{"no (recovery by hand)", "no means: recovery by hand, for good"} {
		if !strings.Contains(out.String(), text) || strings.Contains(out.String(), "ends this run") {
			t.Errorf("it does not say %q:\n%s", text, out)
		}
	}
	if asked := records(t, j)[1]; asked.OnNo != "recovery by hand" {
		t.Errorf("journalled: %+v", asked)
	}
}
