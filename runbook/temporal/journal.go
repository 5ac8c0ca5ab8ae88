package temporal

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/temporal"

	"github.com/landingteam/landing/runbook"
)

// A Journal is a runbook.Journal that lies in a workflow of its own. It serves a
// [Worker], and works without any workflow of a run as well: for a person who runs a
// procedure on a laptop, while a worker that has registered this package is there.
type Journal struct {
	Client client.Client
	ID     string // of its workflow; a run named X has its journal in X/journal
	Queue  string // the task queue of the workers

	// Known is how many lines the journal is known to have: with fewer it was lost,
	// because its retention is over or somebody deleted it, and no run begins anew.
	Known int

	// Patience is how long the cluster is tried while it is out of reach; 2 minutes
	// when 0.
	Patience time.Duration

	// Take makes Lock take the lock from whoever has it, who can write nothing after
	// that, but may still act. It is for a holder that is dead for certain: a laptop
	// whose process was killed, or a start of a run that was terminated.
	Take bool

	request lockRequest
	lease   *lease

	mu     sync.Mutex
	locked bool
	token  int
	lines  [][]byte // while locked
	broken error
	full   bool // that is all that is wrong
}

var (
	_ runbook.Journal = (*Journal)(nil)
	_ runbook.Guard   = (*Journal)(nil)
	_ runbook.Bounded = (*Journal)(nil)
)

// MaxLine implements runbook.Bounded: 1 MiB. A server ends a workflow with a larger one.
func (j *Journal) MaxLine() int { return maxLine }

// Lines implements runbook.Journal. It asks a worker: while none answers it tries
// again, within Patience.
func (j *Journal) Lines(ctx context.Context) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for from := 0; ; {
			page, err := j.page(ctx, from)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, l := range page {
				from++
				if !yield(l, nil) {
					return
				}
			}
			if len(page) == 0 {
				if from < j.Known {
					yield(nil, j.lost(from))
				}
				return
			}
		}
	}
}

// page asks for the lines from a number on; none is the end.
func (j *Journal) page(ctx context.Context, from int) (lines [][]byte, err error) {
	err = j.patient(ctx, func(ctx context.Context) error {
		v, err := j.Client.QueryWorkflow(ctx, j.ID, "", queryLines, from)
		if errors.As(err, new(*serviceerror.NotFound)) {
			return nil // it has not begun
		}
		if err != nil {
			return err
		}
		var packed []byte
		if err := v.Get(&packed); err != nil {
			return err
		}
		lines, err = unpack(packed)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("the journal in the workflow %s cannot be read: %w", j.ID, err)
	}
	return lines, nil
}

func (j *Journal) lost(got int) error {
	return &runbook.Error{Kind: runbook.ErrJournal, Text: fmt.Sprintf("the journal in the workflow %s has %d lines, and had %d", j.ID, got, j.Known),
		Hint: "it was deleted, or its retention is over: take what was archived, see Import"}
}

// patient calls f until it succeeds, is refused, or patience is over. Each try has a
// time of its own: a server answers only when a worker has.
func (j *Journal) patient(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(j.Patience, 2*time.Minute))
	defer cancel()
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		err := attempt(ctx, f)
		if err == nil || final(err) {
			return err
		}
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			t.Stop()
			return err
		case <-t.C:
		}
	}
}

func attempt(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return f(ctx)
}

// final tells an answer from a failure to get one.
func final(err error) bool {
	for _, target := range []any{new(*sdk.ApplicationError), new(*serviceerror.NotFound), new(*serviceerror.InvalidArgument),
		new(*serviceerror.PermissionDenied), new(*serviceerror.NamespaceNotFound), new(*serviceerror.WorkflowExecutionAlreadyStarted)} {
		if errors.As(err, target) {
			return true
		}
	}
	return false
}

// update sends an update until it is answered. The same id is the same update, however
// often it is sent.
func (j *Journal) update(ctx context.Context, id, name string, result any, arg any) error {
	return j.patient(ctx, func(ctx context.Context) error {
		o := client.UpdateWorkflowOptions{UpdateID: id, WorkflowID: j.ID, UpdateName: name, Args: []any{arg}, WaitForStage: client.WorkflowUpdateStageCompleted}
		h, err := j.send(ctx, o)
		if err != nil {
			return err
		}
		return h.Get(ctx, result)
	})
}

// send begins the journal's workflow with the first lock. One that was closed or
// terminated is not begun again: an empty one would let a run do everything twice.
func (j *Journal) send(ctx context.Context, o client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error) {
	if o.UpdateName != updateLock {
		return j.Client.UpdateWorkflow(ctx, o)
	}
	begin := j.Client.NewWithStartWorkflowOperation(client.StartWorkflowOptions{ID: j.ID, TaskQueue: j.Queue, WorkflowTaskTimeout: taskTimeout,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:    enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		StaticSummary:            "journal of a run",
	}, journalType, journalSnapshot{})
	return j.Client.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{StartWorkflowOperation: begin, UpdateOptions: o})
}

// Lock implements runbook.Journal.
func (j *Journal) Lock(ctx context.Context, owner string) (func() error, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	q := j.request
	q.Owner, q.Take = cmp.Or(q.Owner, owner), j.Take
	var r lockReply
	if err := j.update(ctx, "", updateLock, &r, q); err != nil {
		return nil, j.refused(err)
	}
	unlock := func() error {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.locked = false
		err := j.update(context.WithoutCancel(ctx), "", updateUnlock, nil, r.Token)
		if errors.As(err, new(*serviceerror.NotFound)) {
			return nil // it was closed
		}
		return err
	}
	j.locked, j.token, j.broken, j.full, j.lines = true, r.Token, nil, false, nil
	lines, err := j.all(ctx)
	if err == nil && len(lines) != r.Lines {
		err = j.lost(len(lines))
	}
	if err == nil && r.Lines < j.Known {
		err = j.lost(r.Lines)
	}
	if err != nil {
		j.locked = false
		return nil, errors.Join(err, j.update(context.WithoutCancel(ctx), "", updateUnlock, nil, r.Token))
	}
	j.lines = lines
	return unlock, nil
}

func (j *Journal) all(ctx context.Context) (lines [][]byte, err error) {
	for l, err := range j.Lines(ctx) {
		if err != nil {
			return nil, err
		}
		lines = append(lines, l)
	}
	return lines, nil
}

// refused makes what a workflow says an error of the engine.
func (j *Journal) refused(err error) error {
	if errors.As(err, new(*serviceerror.WorkflowExecutionAlreadyStarted)) {
		return &runbook.Error{Kind: runbook.ErrJournal, Text: "the journal in the workflow " + j.ID + " was closed", Err: err,
			Hint: "its run has ended: read it, or begin another run under another name"}
	}
	if errors.As(err, new(*serviceerror.PermissionDenied)) {
		return &runbook.Error{Kind: runbook.ErrJournal, Text: "this client may not write to the workflow " + j.ID, Err: err,
			Hint: "look at its rights in the namespace"}
	}
	if errors.As(err, new(*serviceerror.NotFound)) {
		return &runbook.Error{Kind: runbook.ErrJournal, Text: "the workflow " + j.ID + " is gone", Err: err,
			Hint: "it was closed or deleted, or the server lost its memory: take what was archived, see Import"}
	}
	var app *sdk.ApplicationError
	if !errors.As(err, &app) {
		return &runbook.Error{Kind: runbook.ErrJournal, Text: "the workflow " + j.ID + " does not answer", Err: err,
			Hint: "look at the cluster, and whether a worker serves the queue " + j.Queue}
	}
	switch app.Type() {
	case refusedLocked:
		return &runbook.Error{Kind: runbook.ErrLocked, Text: app.Message(), Hint: "wait for it; if it is dead for certain, see Journal.Take"}
	case refusedSuperseded:
		return &runbook.Error{Kind: runbook.ErrLocked, Text: app.Message(), Hint: "a later start of this run goes on elsewhere: nothing is to be done here"}
	case refusedFull:
		return &runbook.Error{Kind: runbook.ErrJournal, Text: app.Message(), Hint: "settle it, and begin another run for what is left"}
	}
	return &runbook.Error{Kind: runbook.ErrJournal, Text: app.Message()}
}

func isFull(err error) bool {
	var app *sdk.ApplicationError
	return errors.As(err, &app) && app.Type() == refusedFull
}

// Append implements runbook.Journal.
func (j *Journal) Append(ctx context.Context, line []byte) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case !j.locked:
		return &runbook.Error{Kind: runbook.ErrJournal, Text: "the journal is not locked"}
	case j.broken != nil:
		return j.broken
	case bytes.IndexByte(line, '\n') >= 0:
		return &runbook.Error{Kind: runbook.ErrJournal, Text: "a line with a line end within"}
	case len(line) > maxLine: // the server would end the workflow
		return &runbook.Error{Kind: runbook.ErrJournal, Text: fmt.Sprintf("a record of %d bytes, more than %d", len(line), maxLine)}
	}
	q := appendRequest{Token: j.token, N: len(j.lines) + 1, Line: bytes.Clone(line)}
	if err := j.update(ctx, fmt.Sprintf("append-%d-%d", q.Token, q.N), updateAppend, nil, q); err != nil {
		j.broken, j.full = j.refused(err), isFull(err)
		if j.lease != nil && !j.full { // a full journal fails its run; it is no other worker's
			j.lease.lose(j.broken)
		}
		return j.broken
	}
	j.lines = append(j.lines, q.Line)
	return nil
}

// Enter implements runbook.Guard: nothing begins once the journal has failed, or while
// it is not certain that this start is still the current one. One that is full is
// nobody else's: what is held may be given back, though not on record.
func (j *Journal) Enter(string) error {
	j.mu.Lock()
	broken, full := j.broken, j.full
	j.mu.Unlock()
	if broken != nil && !full {
		return broken
	}
	if j.lease != nil {
		return j.lease.check()
	}
	return nil
}

// Leave implements runbook.Guard.
func (j *Journal) Leave(string) {}

// snapshot are the lines that this start has read and appended.
func (j *Journal) snapshot() [][]byte {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.lines[:len(j.lines):len(j.lines)]
}
