package temporal

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	sdk "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/landingteam/landing/runbook"
)

// suiteDecode reads the input of the next execution.
func suiteDecode(next *workflow.ContinueAsNewError, into any) error {
	return converter.GetDefaultDataConverter().FromPayloads(next.Input, into)
}

// A story is a run's workflow with starts that are told what to come to.
type story struct {
	t      *testing.T
	env    *testsuite.TestWorkflowEnvironment
	starts []startInput
	times  []time.Time
}

// tell makes a story whose starts end one after the other as ends say; the last one
// stands for all that follow.
func tell(t *testing.T, ends ...func(startInput) (Result, error)) *story {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	s := &story{t: t, env: suite.NewTestWorkflowEnvironment()}
	s.env.RegisterWorkflowWithOptions(runWorkflow, workflow.RegisterOptions{Name: runType})
	s.env.RegisterActivityWithOptions(func(_ context.Context, in startInput) (Result, error) {
		end := ends[min(len(s.starts), len(ends)-1)]
		s.starts = append(s.starts, in)
		s.times = append(s.times, s.env.Now())
		return end(in)
	}, activity.RegisterOptions{Name: startType})
	s.env.OnSignalExternalWorkflow("default-test-namespace", "default-test-workflow-id/journal", "", signalClose, nil).Return(nil).Maybe()
	return s
}

func (s *story) run(r Run) (Result, error) {
	s.t.Helper()
	s.env.ExecuteWorkflow(runType, runInput{Run: r})
	if !s.env.IsWorkflowCompleted() {
		s.t.Fatal("the run does not end")
	}
	var res Result
	if err := s.env.GetWorkflowError(); err != nil {
		return res, err
	}
	return res, s.env.GetWorkflowResult(&res)
}

// send sends an update after a time, and keeps how it was taken.
func (s *story) send(after time.Duration, name, id string, arg any) *error {
	got := errors.New("no answer")
	s.env.RegisterDelayedCallback(func() {
		s.env.UpdateWorkflow(name, id, &testsuite.TestUpdateCallback{OnAccept: func() {}, OnReject: func(err error) { got = err }, OnComplete: func(_ any, err error) { got = err }}, arg)
	}, after)
	return &got
}

func ends(r Result) func(startInput) (Result, error) {
	return func(startInput) (Result, error) { return r, nil }
}

var (
	done     = ends(Result{Ending: "done", Lines: 9})
	question = runbook.Question{Run: "r1", Step: "go", Text: "Go on?", Digest: strings.Repeat("a", 64), Not: []string{"copier"}}
	asks     = ends(Result{Ending: "pending", Lines: 4, Waiting: []runbook.Question{question}})
	fails    = ends(Result{Ending: "failed", Error: "broken", Lines: 4})
)

func yes(by string) runbook.Answer {
	return runbook.Answer{Verdict: runbook.Yes, By: by, Reason: "tested", Digest: question.Digest}
}

// Answers: who may, about what, once; the next start has it.
func TestAnswers(t *testing.T) {
	t.Parallel()
	s := tell(t, asks, done)
	old := yes("qa")
	old.Digest = strings.Repeat("b", 64)
	none := yes("qa")
	none.Digest = ""
	bad := map[string]*error{
		"excluded":      s.send(time.Minute, updateAnswer, "1", answerRequest{"go", yes(" Copier ")}),
		"old evidence":  s.send(time.Minute, updateAnswer, "2", answerRequest{"go", old}),
		"no evidence":   s.send(time.Minute, updateAnswer, "3", answerRequest{"go", none}),
		"another step":  s.send(time.Minute, updateAnswer, "4", answerRequest{"gone", yes("qa")}),
		"too long":      s.send(time.Minute, updateAnswer, "9", answerRequest{"go", runbook.Answer{Verdict: runbook.Yes, By: "qa", Reason: strings.Repeat("x", maxAnswer), Digest: question.Digest}}),
		"nobody":        s.send(time.Minute, updateAnswer, "5", answerRequest{"go", yes("")}),
		"no decision":   s.send(time.Minute, updateGoOn, "6", Decision("perhaps")),
		"no such thing": s.send(time.Minute, updateAnswer, "7", answerRequest{"go", runbook.Answer{Verdict: "maybe", By: "qa", Reason: "x", Digest: question.Digest}}),
	}
	good := s.send(time.Hour, updateAnswer, "8", answerRequest{"go", yes("qa")})
	res, err := s.run(Run{Procedure: "p"})
	if err != nil || res.Ending != "done" || len(s.starts) != 2 {
		t.Fatalf("%+v, %v, %d starts", res, err, len(s.starts))
	}
	for name, err := range bad {
		if refusal(*err) != refusedAnswer {
			t.Errorf("%s: %v, want it refused", name, *err)
		}
	}
	if *good != nil {
		t.Error(*good)
	}
	if g := s.starts[1].Given; len(g) != 1 || g[0].Answer.By != "qa" || g[0].At.Sub(s.times[0]) < time.Hour {
		t.Errorf("the next start is given %+v", g)
	}
	if s.starts[1].Known != 4 || s.starts[1].Start != 2 || s.starts[0].Epoch != s.starts[1].Epoch {
		t.Errorf("the next start is %+v", s.starts[1])
	}
}

// What did not count, or put the question off, may be answered again; what is on its
// way to the next start may not.
func TestAnsweredAgain(t *testing.T) {
	t.Parallel()
	later := yes("qa")
	later.Verdict = runbook.Later
	had := ends(Result{Ending: "pending", Lines: 4, Waiting: []runbook.Question{question}, Put: []string{"go"}})
	died := func(startInput) (Result, error) {
		return Result{}, sdk.NewTimeoutError(enums.TIMEOUT_TYPE_HEARTBEAT, nil)
	}
	s := tell(t, asks, died, had, done)
	first := s.send(time.Hour, updateAnswer, "1", answerRequest{"go", later})
	second := s.send(2*time.Hour, updateAnswer, "2", answerRequest{"go", yes("lead")})
	res, err := s.run(Run{Procedure: "p"})
	if err != nil || res.Ending != "done" || *first != nil || *second != nil {
		t.Fatalf("%+v, %v; the answers: %v, %v", res, err, *first, *second)
	}
	for n, want := range []string{"", "qa", "qa", "lead"} {
		got := ""
		if g := s.starts[n].Given; len(g) > 0 {
			got = g[0].Answer.By
		}
		if got != want {
			t.Errorf("start %d is given the answer of %q, want %q", n+1, got, want)
		}
	}
}

// An answer is about a question of its time: a doubt of the same words may be about
// another try.
func TestPeople(t *testing.T) {
	t.Parallel()
	asked := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	q := question
	q.Asked = asked
	good := given{Step: "go", Asked: asked, Answer: yes("qa"), At: asked.Add(time.Hour)}
	change := func(f func(*given)) []given { g := good; f(&g); return []given{g} }
	for name, tt := range map[string]struct {
		given []given
		want  string
	}{
		"nothing":          {},
		"this one":         {given: []given{good}, want: "qa"},
		"another step":     {given: change(func(g *given) { g.Step = "gone" })},
		"other evidence":   {given: change(func(g *given) { g.Answer.Digest = strings.Repeat("b", 64) })},
		"an earlier doubt": {given: change(func(g *given) { g.Asked = asked.Add(-time.Hour) })},
		"had already":      {given: change(func(g *given) { g.Put = true })},
	} {
		p := &people{given: tt.given}
		a, err := p.Ask(t.Context(), q)
		if a.By != tt.want || (err == nil) != (tt.want != "") || len(p.put) != len(tt.want)/2 {
			t.Errorf("%s: %q, %v, put %v; want %q", name, a.By, err, p.put, tt.want)
		}
	}
}

// Times are timers: days pass in no time, and no worker is needed meanwhile.
func TestTimes(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	waits := func(r Result) func(startInput) (Result, error) { r.Ending = "pending"; return ends(r) }
	deadline := question
	deadline.Deadline = begin.Add(3 * time.Hour)
	for name, tt := range map[string]struct {
		first   Result
		recheck time.Duration
		after   time.Duration // until the second start
	}{
		"due in three days":     {first: Result{Due: begin.Add(72 * time.Hour)}, after: 72 * time.Hour},
		"due already":           {first: Result{Due: begin.Add(-time.Hour)}, after: time.Second},
		"a question's deadline": {first: Result{Waiting: []runbook.Question{deadline}}, after: 3 * time.Hour},
		"recheck before due":    {first: Result{Due: begin.Add(72 * time.Hour)}, recheck: time.Minute, after: time.Minute},
		"recheck of a question": {first: Result{Waiting: []runbook.Question{question}}, recheck: 10 * time.Minute, after: 10 * time.Minute},
		"somebody has it":       {first: Result{Busy: true}, after: busyAgain},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := tell(t, waits(tt.first), done)
			s.env.SetStartTime(begin)
			if _, err := s.run(Run{Procedure: "p", Recheck: tt.recheck}); err != nil {
				t.Fatal(err)
			}
			if got := s.times[1].Sub(begin); got < tt.after || got > tt.after+time.Minute {
				t.Errorf("started again after %v, want %v", got, tt.after)
			}
		})
	}
}

// What becomes of a run that goes wrong.
func TestEndings(t *testing.T) {
	t.Parallel()
	dies := func(startInput) (Result, error) {
		return Result{}, sdk.NewTimeoutError(enums.TIMEOUT_TYPE_HEARTBEAT, nil)
	}
	superseded := func(startInput) (Result, error) { return Result{}, refuse(refusedSuperseded, "by another") }
	panics := func(startInput) (Result, error) { return Result{}, errors.New("panic: nil map") }
	owes := ends(Result{Ending: "failed", Error: "broken", Owed: []string{"importer"}})
	for name, tt := range map[string]struct {
		ends   []func(startInput) (Result, error)
		tell   func(s *story)
		want   string // in the error; "" is a good end
		starts int
		settle bool // the last start only settles
	}{
		"done":                {ends: []func(startInput) (Result, error){done}, starts: 1},
		"rejected":            {ends: []func(startInput) (Result, error){ends(Result{Ending: "rejected", Error: "not today"})}, want: "not today", starts: 1},
		"a worker dies":       {ends: []func(startInput) (Result, error){dies, dies, done}, starts: 3},
		"a zombie wakes":      {ends: []func(startInput) (Result, error){superseded, done}, starts: 2},
		"failed, mended":      {ends: []func(startInput) (Result, error){fails, done}, tell: func(s *story) { s.send(time.Hour, updateGoOn, "1", Retry) }, starts: 2},
		"failed, given up":    {ends: []func(startInput) (Result, error){fails, ends(Result{Ending: "settled"})}, tell: func(s *story) { s.send(time.Hour, updateGoOn, "1", Settle) }, want: "broken", starts: 2, settle: true},
		"failed, still owed":  {ends: []func(startInput) (Result, error){fails, owes}, tell: func(s *story) { s.send(time.Hour, updateGoOn, "1", Settle) }, want: "still held: importer", starts: 2, settle: true},
		"failed, abandoned":   {ends: []func(startInput) (Result, error){fails}, tell: func(s *story) { s.send(time.Hour, updateGoOn, "1", Abandon) }, want: "broken", starts: 1},
		"a panic, mended":     {ends: []func(startInput) (Result, error){panics, done}, tell: func(s *story) { s.send(time.Hour, updateGoOn, "1", Retry) }, starts: 2},
		"cancelled":           {ends: []func(startInput) (Result, error){asks, ends(Result{Ending: "settled"})}, tell: func(s *story) { s.env.RegisterDelayedCallback(s.env.CancelWorkflow, time.Hour) }, want: "canceled", starts: 2, settle: true},
		"settling dies":       {ends: []func(startInput) (Result, error){asks, dies, ends(Result{Ending: "settled"})}, tell: func(s *story) { s.env.RegisterDelayedCallback(s.env.CancelWorkflow, time.Hour) }, want: "canceled", starts: 3, settle: true},
		"waiting, then retry": {ends: []func(startInput) (Result, error){asks, done}, tell: func(s *story) { s.send(time.Hour, updateGoOn, "1", Retry) }, starts: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := tell(t, tt.ends...)
			if tt.tell != nil {
				tt.tell(s)
			}
			_, err := s.run(Run{Procedure: "p", Heartbeat: time.Minute})
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
			if len(s.starts) != tt.starts || s.starts[len(s.starts)-1].Settle != tt.settle {
				t.Errorf("%d starts, want %d; the last settles: %v", len(s.starts), tt.starts, s.starts[len(s.starts)-1].Settle)
			}
		})
	}
}
