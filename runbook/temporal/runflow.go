package temporal

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	sdk "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/landingteam/landing/runbook"
)

// Names of the run's workflow, its activity, its updates and its query.
const (
	runType      = "runbook.Run"
	startType    = "runbook.Start"
	updateAnswer = "answer"
	updateGoOn   = "go-on"
	queryState   = "state"
	queryGiven   = "given"
)

// defaultHeartbeat is that of a Run that says none.
const defaultHeartbeat = 30 * time.Second

// A runInput is the input of one execution of a run's workflow.
type runInput struct {
	Run
	State *carried `json:"state,omitempty"` // of the execution before
}

// carried goes from one execution to the next.
type carried struct {
	Epoch  int64   `json:"epoch"`
	Starts int     `json:"starts"`
	Lost   int     `json:"lost,omitempty"`
	Known  int     `json:"known"`
	Given  []given `json:"given,omitempty"`
}

// A startInput is the input of the activity.
type startInput struct {
	Run    Run     `json:"run"`
	ID     string  `json:"id"`
	Epoch  int64   `json:"epoch"`
	Start  int     `json:"start"`
	Known  int     `json:"known"` // lines that the journal had
	Settle bool    `json:"settle,omitempty"`
	Given  []given `json:"given,omitempty"`
}

// A flow is one execution of a run's workflow. What it decides comes from results of
// its activity alone: it replays whatever procedures and engine have become.
type flow struct {
	in       Run
	c        carried
	state    State
	answered int
	decision Decision
	updates  int
}

func runWorkflow(ctx workflow.Context, in runInput) (Result, error) {
	f := &flow{in: in.Run, state: State{Phase: Working}}
	if in.State != nil {
		f.c = *in.State
	} else {
		f.c.Epoch = workflow.GetInfo(ctx).WorkflowStartTime.UnixNano()
	}
	if err := f.handle(ctx); err != nil {
		return Result{}, err
	}
	for {
		r, err := f.start(ctx, false)
		switch {
		case ctx.Err() != nil:
			return f.end(ctx, f.settle, ctx.Err())
		case lost(err):
			f.c.Lost++
			continue
		case err != nil: // a panic, or a procedure that no worker has
			r = Result{Ending: "failed", Error: err.Error(), Lines: f.c.Known}
			f.state.Last = r
		}
		switch {
		case r.Ending == "done":
			return f.end(ctx, nil, nil)
		case r.Ending == "rejected":
			return f.end(ctx, nil, sdk.NewNonRetryableApplicationError(r.Error, "runbook.rejected", nil))
		case r.Ending == "pending", r.Busy:
			f.state.Phase = Waiting
		default:
			f.state.Phase = Failing
		}
		if err := f.wait(ctx, r); err != nil {
			return f.end(ctx, f.settle, err)
		}
		switch f.decision {
		case Settle:
			return f.end(ctx, f.settle, sdk.NewNonRetryableApplicationError(r.Error, "runbook.settled", nil))
		case Abandon:
			return f.end(ctx, nil, sdk.NewNonRetryableApplicationError(r.Error, "runbook.abandoned", nil))
		}
		if (f.updates >= maxUpdates || workflow.GetInfo(ctx).GetContinueAsNewSuggested()) && workflow.AllHandlersFinished(ctx) {
			return r, workflow.NewContinueAsNewError(ctx, runType, runInput{Run: f.in, State: &f.c})
		}
	}
}

// lost tells a start whose worker died, or lost its lease, from one that failed.
func lost(err error) bool {
	var app *sdk.ApplicationError
	return errors.As(err, new(*sdk.TimeoutError)) || errors.As(err, &app) && app.Type() == refusedSuperseded
}

func (f *flow) handle(ctx workflow.Context) error {
	return errors.Join(
		workflow.SetUpdateHandlerWithOptions(ctx, updateAnswer, f.answer, workflow.UpdateHandlerOptions{Validator: f.checkAnswer}),
		workflow.SetUpdateHandlerWithOptions(ctx, updateGoOn, func(_ workflow.Context, d Decision) error {
			f.updates++
			f.decision = d
			return nil
		}, workflow.UpdateHandlerOptions{Validator: f.checkDecision}),
		workflow.SetQueryHandler(ctx, queryGiven, f.answerTo),
		workflow.SetQueryHandler(ctx, queryState, func() (State, error) {
			s := f.state
			s.Starts, s.Lost = f.c.Starts, f.c.Lost
			return s, nil
		}),
	)
}

// An answerRequest is an answer to one question of a run.
type answerRequest struct {
	Step   string         `json:"step"`
	Answer runbook.Answer `json:"answer"`
}

// asked is the question of a step that is open now.
func (f *flow) asked(step string) (runbook.Question, bool) {
	if f.state.Phase != Waiting {
		return runbook.Question{}, false
	}
	i := slices.IndexFunc(f.state.Last.Waiting, func(q runbook.Question) bool { return q.Step == step })
	if i < 0 {
		return runbook.Question{}, false
	}
	return f.state.Last.Waiting[i], true
}

// checkAnswer is asked before an answer is taken, and not when a workflow replays: the
// rules may change.
func (f *flow) checkAnswer(a answerRequest) error {
	q, ok := f.asked(a.Step)
	if !ok {
		return refuse(refusedAnswer, "%s is not asked now", a.Step)
	}
	if i := slices.IndexFunc(f.c.Given, func(g given) bool { return g.Step == a.Step && g.Asked.Equal(q.Asked) && !g.Put }); i >= 0 {
		return refuse(refusedAnswer, "%s has answered already: %s", f.c.Given[i].Answer.By, f.c.Given[i].Answer.Verdict)
	}
	if n := len(a.Answer.Reason) + len(a.Answer.By) + len(a.Answer.Account) + len(a.Answer.Value); n > maxAnswer {
		return refuse(refusedAnswer, "the answer has %d bytes, more than %d", n, maxAnswer)
	}
	if a.Answer.Digest == "" {
		return refuse(refusedAnswer, "an answer says by its digest which evidence it is about")
	}
	if err := q.Check(a.Answer); err != nil {
		return refuse(refusedAnswer, "%v", err)
	}
	return nil
}

// answerTo is the answer to a question, nil without one.
func (f *flow) answerTo(step, digest string) (*runbook.Answer, error) {
	i := slices.IndexFunc(f.c.Given, func(g given) bool { return g.Step == step && g.Answer.Digest == digest })
	if i < 0 {
		return nil, nil
	}
	return &f.c.Given[i].Answer, nil
}

// answer takes an answer to the next start.
func (f *flow) answer(ctx workflow.Context, a answerRequest) error {
	f.updates++
	q, ok := f.asked(a.Step)
	if !ok || q.Digest != a.Answer.Digest {
		return refuse(refusedAnswer, "%s is not asked now", a.Step)
	}
	f.c.Given = append(slices.DeleteFunc(f.c.Given, func(g given) bool { return g.Step == a.Step }), given{Run: q.Run, Step: a.Step, Asked: q.Asked, Answer: a.Answer, At: workflow.Now(ctx)})
	if n := len(f.c.Given); n > maxGiven {
		f.c.Given = f.c.Given[n-maxGiven:]
	}
	f.answered++
	return nil
}

func (f *flow) checkDecision(d Decision) error {
	switch {
	case d != Retry && d != Settle && d != Abandon:
		return refuse(refusedAnswer, "%q is none of %s, %s, %s", d, Retry, Settle, Abandon)
	case f.state.Phase != Failing && f.state.Phase != Waiting:
		return refuse(refusedAnswer, "the run is %s: cancel it to end it", f.state.Phase)
	}
	return nil
}

// start is one start of the engine, on whichever worker takes it.
func (f *flow) start(ctx workflow.Context, settle bool) (Result, error) {
	f.c.Starts++
	f.state.Phase, f.state.Until, f.decision = Working, time.Time{}, ""
	beat := f.in.Heartbeat
	if beat <= 0 {
		beat = defaultHeartbeat
	}
	summary := fmt.Sprintf("start %d of %s", f.c.Starts, f.in.Procedure)
	if settle {
		summary = "give back what is held"
	}
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 90 * 24 * time.Hour, HeartbeatTimeout: beat, WaitForCancellation: true,
		RetryPolicy: &sdk.RetryPolicy{MaximumAttempts: 1}, Summary: summary,
	})
	var r Result
	err := workflow.ExecuteActivity(ctx, startType, startInput{Run: f.in, ID: workflow.GetInfo(ctx).WorkflowExecution.ID,
		Epoch: f.c.Epoch, Start: f.c.Starts, Known: f.c.Known, Settle: settle, Given: f.c.Given}).Get(ctx, &r)
	if err == nil {
		f.state.Last, f.c.Known = r, max(f.c.Known, r.Lines)
		for i, g := range f.c.Given { // what did not count may be answered again
			f.c.Given[i].Put = g.Put || slices.Contains(r.Put, g.Step)
		}
		workflow.SetCurrentDetails(ctx, r.Report)
	}
	return r, err
}

// wait waits for an answer, a decision, or the time at which to start again.
func (f *flow) wait(ctx workflow.Context, r Result) error {
	now := workflow.Now(ctx)
	f.state.Until = f.until(r, now)
	n := f.answered
	moved := func() bool { return f.answered > n || f.decision != "" }
	if f.state.Until.IsZero() {
		return workflow.Await(ctx, moved)
	}
	_, err := workflow.AwaitWithTimeout(ctx, max(f.state.Until.Sub(now), time.Second), moved)
	return err
}

// busyAgain is when a run looks again whether somebody still has its journal.
const busyAgain = 15 * time.Second

// until is when a run is to be started again by itself; zero is never.
func (f *flow) until(r Result, now time.Time) (first time.Time) {
	if f.state.Phase != Waiting {
		return first
	}
	sooner := func(t time.Time) {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	sooner(r.Due)
	for _, q := range r.Waiting {
		sooner(q.Deadline)
	}
	if r.Busy {
		sooner(now.Add(busyAgain))
	}
	if f.in.Recheck > 0 {
		sooner(now.Add(f.in.Recheck))
	}
	return first
}

// settle gives back what is held, whatever became of the run.
func (f *flow) settle(ctx workflow.Context, cause error) (Result, error) {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	r, err := f.start(ctx, true)
	for lost(err) {
		f.c.Lost++
		r, err = f.start(ctx, true)
	}
	switch {
	case err != nil:
		return r, errors.Join(cause, err)
	case len(r.Owed) > 0:
		return r, sdk.NewNonRetryableApplicationError("still held: "+strings.Join(r.Owed, ", "), "runbook.owed", cause)
	}
	return r, cause
}

// end ends the run, and the workflow of its journal.
func (f *flow) end(ctx workflow.Context, settle func(workflow.Context, error) (Result, error), cause error) (Result, error) {
	r := f.state.Last
	if settle != nil {
		r, cause = settle(ctx, cause)
	}
	f.state.Phase, f.state.Until = Ended, time.Time{}
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	_ = workflow.SignalExternalWorkflow(ctx, journalID(workflow.GetInfo(ctx).WorkflowExecution.ID), "", signalClose, nil).Get(ctx, nil)
	if err := workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) }); err != nil {
		cause = errors.Join(cause, err)
	}
	return r, cause
}

// journalID is the workflow that has the journal of a run.
func journalID(run string) string { return run + "/journal" }
