package servertest_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/temporal"
)

// A journal that is full fails its run, which gives back what it holds. What it has is
// kept, and there is room to settle.
func TestFullJournal(t *testing.T) {
	t.Parallel()
	s := shared(t)
	dir, queue, id := t.TempDir(), once("queue"), once("full")
	local(t, s, queue, dir)
	h := start(t, s, queue, id, temporal.Run{Procedure: "folder", Heartbeat: time.Minute, Input: input(t, folder{Steps: 40, Noise: 100_000})})
	st := phase(t, s, id, temporal.Failing)
	if !strings.Contains(st.Last.Error, "the journal is full") {
		t.Errorf("%+v", st.Last)
	}
	if off(dir) {
		t.Error("it is still held")
	}
	done := len(folder{dir: dir}.steps())
	onceEach(t, dir, done)
	if status, err := temporal.Status(t.Context(), s.Client, id); err != nil || done < 5 || len(status.Owed()) != 1 || len(status.InDoubt()) != 1 {
		t.Errorf("after %d steps: %d owed, %d in doubt, %v; want 1 of each", done, len(status.Owed()), len(status.InDoubt()), err)
	}
	if err := temporal.GoOn(t.Context(), s.Client, id, temporal.Settle); err != nil {
		t.Fatal(err)
	}
	if _, err := ends(t, s, h); err == nil || strings.Contains(err.Error(), "still held: importer") {
		t.Errorf("settled: %v", err)
	}
	if status, err := temporal.Status(t.Context(), s.Client, id); err != nil || len(status.Owed()) > 0 {
		t.Errorf("%v, owed: %+v", err, status.Owed())
	}
}

// Thousands of records are no matter, and no input or answer is too long unnoticed.
func TestManyRecords(t *testing.T) {
	t.Parallel()
	const steps = 1250 // of two records each
	s := shared(t)
	dir, queue, id := t.TempDir(), once("queue"), once("many")
	local(t, s, queue, dir)
	h := start(t, s, queue, id, temporal.Run{Procedure: "folder", Heartbeat: time.Minute, Input: input(t, folder{Steps: steps})})
	if r, err := ends(t, s, h); err != nil || r.Ending != "done" || r.Lines < 2*steps {
		t.Errorf("%d lines, %v", r.Lines, err)
	}
	done(t, s, id)
	onceEach(t, dir, steps)
	_, err := temporal.Start(t.Context(), s.Client, queue, once("large"), temporal.Run{Procedure: "folder", Input: input(t, strings.Repeat("x", 1<<20))})
	if !errors.Is(err, temporal.ErrRefused) {
		t.Errorf("an input of 1 MiB: %v, want ErrRefused", err)
	}
}

// A journal that the server has forgotten while its run goes on is not begun anew.
func TestForgottenJournal(t *testing.T) {
	t.Parallel()
	s := shared(t)
	dir, queue, id := t.TempDir(), once("queue"), once("forgotten")
	local(t, s, queue, dir)
	start(t, s, queue, id, temporal.Run{Procedure: "folder", Input: input(t, folder{Steps: 2, Ask: true})})
	phase(t, s, id, temporal.Waiting)
	journal := temporal.JournalOf(s.Client, queue, id).ID
	if _, err := s.Client.WorkflowService().DeleteWorkflowExecution(t.Context(), &workflowservice.DeleteWorkflowExecutionRequest{
		Namespace: s.Namespace, WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: journal}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the journal is gone", func() bool {
		_, err := s.Client.DescribeWorkflowExecution(t.Context(), journal, "")
		return err != nil
	})
	if err := temporal.GoOn(t.Context(), s.Client, id, temporal.Retry); err != nil {
		t.Fatal(err)
	}
	if st := phase(t, s, id, temporal.Failing); !strings.Contains(st.Last.Error, "it was deleted, or its retention is over") {
		t.Errorf("%+v", st.Last)
	}
	onceEach(t, dir, 2)
}

// A run that was terminated is not begun again. What it holds is given back from
// anywhere, by whoever takes its journal.
func TestTerminated(t *testing.T) {
	t.Parallel()
	s := shared(t)
	dir, queue, id := t.TempDir(), once("queue"), once("terminated")
	w := process(t, s, queue, dir)
	f := folder{Steps: 500, Each: 50 * time.Millisecond}
	r := temporal.Run{Procedure: "folder", Operator: "operator", Input: input(t, f)}
	start(t, s, queue, id, r)
	eventually(t, "it is at work", func() bool { return len(folder{dir: dir}.steps()) > 3 })
	if status, err := temporal.Status(t.Context(), s.Client, id); err != nil || status.StateWord() != runbook.StateUnderWay {
		t.Errorf("while a worker is at it a run is %q, %v", status.StateWord(), err)
	}
	if err := w.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := s.Client.TerminateWorkflow(t.Context(), id, "", "by a person"); err != nil {
		t.Fatal(err)
	}
	local(t, s, queue, dir)
	if _, err := temporal.Start(t.Context(), s.Client, queue, id, r); !errors.Is(err, temporal.ErrExists) {
		t.Errorf("begun again: %v, want ErrExists", err)
	}
	if !off(dir) {
		t.Fatal("it is not held any more: this shows nothing")
	}
	p, world, err := buildFolder(dir)(t.Context(), r.Input)
	if err != nil {
		t.Fatal(err)
	}
	j := temporal.JournalOf(s.Client, queue, id)
	x := &runbook.Runner{Name: "folder", Input: r.Input, World: world, Journal: j, Operator: "operator"}
	if err := x.Settle(t.Context(), p); !errors.Is(err, runbook.ErrLocked) {
		t.Errorf("with the lock of the dead: %v, want ErrLocked", err)
	}
	j.Take = true
	if err := x.Settle(t.Context(), p); err != nil || off(dir) {
		t.Errorf("settled: %v; still held: %v", err, off(dir))
	}
	done := folder{dir: dir}.steps()
	onceEach(t, dir, len(done))
}
