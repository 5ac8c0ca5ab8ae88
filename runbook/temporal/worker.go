package temporal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/web"
)

// A Build makes a procedure from the input of a run, and the world that it works on
// (see runbook.Runner), on the worker that has it. Connections that it makes should
// end with ctx, which ends with the start.
type Build func(ctx context.Context, input json.RawMessage) (p runbook.Procedure, world any, err error)

// A Worker runs procedures. Any number of workers may serve one task queue; all should
// know the same procedures and reach the same servers.
type Worker struct {
	Client     client.Client
	Procedures map[string]Build // by the name that a Run gives

	// Observe, if set, sees every record that this worker stores, and progress.
	Observe func(runbook.Record)

	// Archive, if set, is given the journal of a run at the end of each start: a
	// namespace forgets what is closed after its retention. Its error is reported in
	// the result and stops nothing.
	Archive func(ctx context.Context, id string, lines iter.Seq2[[]byte, error]) error
}

// Options are what a worker should be made with. A worker that is frozen keeps what it
// was given for its workflows: others take over after this second, not after ten.
func Options() worker.Options {
	return worker.Options{StickyScheduleToStartTimeout: time.Second}
}

// Register makes the workflows of runs and journals, and this worker's procedures,
// known to a worker of the SDK.
func (w *Worker) Register(r worker.Registry) {
	r.RegisterWorkflowWithOptions(runWorkflow, workflow.RegisterOptions{Name: runType})
	r.RegisterWorkflowWithOptions(journalWorkflow, workflow.RegisterOptions{Name: journalType})
	r.RegisterActivityWithOptions(w.start, activity.RegisterOptions{Name: startType})
}

// start is the activity: one start of the engine.
func (w *Worker) start(ctx context.Context, in startInput) (Result, error) {
	build := w.Procedures[in.Run.Procedure]
	if build == nil {
		return Result{}, refuse(refusedUnknown, "this worker has no procedure %q; it has %s", in.Run.Procedure, strings.Join(w.names(), ", "))
	}
	info := activity.GetInfo(ctx)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	l := newLease(w.Client, info.TaskToken, info.HeartbeatTimeout, cancel)
	done := make(chan struct{})
	defer close(done)
	l.beat(ctx)
	go l.keep(done)
	j := &Journal{Client: w.Client, ID: journalID(in.ID), Queue: info.TaskQueue, Known: in.Known, lease: l,
		request: lockRequest{Owner: fmt.Sprintf("start %d of %s on %s", in.Start, in.ID, here()), Epoch: in.Epoch, Start: in.Start, Settle: in.Settle}}
	asked := &people{given: in.Given}
	err := w.execute(ctx, in, build, j, asked)
	if lost := l.lost(); lost != nil {
		return Result{}, sdk.NewNonRetryableApplicationError(lost.Error(), refusedSuperseded, nil)
	}
	r := w.result(context.WithoutCancel(ctx), in, j, err)
	r.Put = asked.put
	return r, nil
}

func (w *Worker) execute(ctx context.Context, in startInput, build Build, j *Journal, asked *people) error {
	p, world, err := build(ctx, in.Run.Input)
	if err != nil {
		return fmt.Errorf("the procedure %s cannot be made: %w", in.Run.Procedure, err)
	}
	x := &runbook.Runner{Name: in.Run.Procedure, Input: in.Run.Input, World: world, Journal: j,
		Operator: in.Run.Operator, Human: asked, Observe: w.Observe}
	if in.Settle {
		return x.Settle(ctx, p)
	}
	return x.Execute(ctx, p)
}

func (w *Worker) names() (names []string) {
	for name := range w.Procedures {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// result is what the workflow is told of a start.
func (w *Worker) result(ctx context.Context, in startInput, j *Journal, err error) Result {
	lines := j.snapshot()
	r := Result{Ending: runbook.Ending(err), Lines: max(len(lines), in.Known), Busy: errors.Is(err, runbook.ErrLocked)}
	if err != nil {
		r.Error = cut(err.Error(), maxReport)
	}
	if len(lines) == 0 {
		return r // it had no lock
	}
	all := func(yield func([]byte, error) bool) {
		for _, l := range lines {
			if !yield(l, nil) {
				return
			}
		}
	}
	s, statusErr := runbook.StatusOf(ctx, runbook.ReadOnly(all))
	if statusErr != nil && r.Error == "" {
		r.Ending, r.Error = "failed", statusErr.Error()
	}
	if r.Ending == "pending" {
		r.Due = s.Due
		waiting := s.Waiting()
		for _, q := range waiting[:min(len(waiting), maxListed)] { // the others when these are answered
			r.Waiting = append(r.Waiting, lighter(q.Question()))
		}
	}
	owed := s.Owed()
	for _, o := range owed[:min(len(owed), maxListed)] {
		r.Owed = append(r.Owed, o.Step)
	}
	var b strings.Builder
	if web.ReportMarkdown(&b, s) == nil {
		r.Report = cut(b.String(), maxReport)
	}
	if w.Archive != nil {
		if err := w.Archive(ctx, in.ID, all); err != nil {
			r.Archive = cut(err.Error(), 1000)
		}
	}
	return r
}

// lighter is a question without its evidence, which stands in the journal: the result
// of an activity has a limit.
func lighter(q runbook.Question) runbook.Question {
	q.Evidence, q.Shown = nil, ""
	q.Text = cut(q.Text, 2000)
	return q
}

// here names this process.
func here() string {
	host, err := os.Hostname()
	if err != nil {
		host = "a host without a name"
	}
	return fmt.Sprintf("%s, process %d", host, os.Getpid())
}

// people are a runbook.Human that has what was answered, and asks nobody.
type people struct {
	given []given

	mu  sync.Mutex
	put []string // steps whose answers were passed on
}

// Ask implements runbook.Human. An answer is to a question of a step at its time: a
// doubt of the same words may be about another try.
func (p *people) Ask(_ context.Context, q runbook.Question) (runbook.Answer, error) {
	for _, g := range p.given {
		if g.Step == q.Step && g.Answer.Digest == q.Digest && g.Asked.Equal(q.Asked) && !g.Put {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.put = append(p.put, g.Step)
			a := g.Answer
			a.Time = g.At
			return a, nil
		}
	}
	return runbook.Answer{}, runbook.ErrPending
}
