package servertest_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/temporal"
	"github.com/landingteam/landing/runbook/temporal/servertest"
)

// A server with a file is started again under a run that works and one that waits: both
// come to their ends, and nothing is done twice.
func TestServerWithFile(t *testing.T) {
	t.Parallel()
	s := servertest.Open(t, filepath.Join(t.TempDir(), "temporal.db"))
	const steps = 30
	working, waiting, queue := t.TempDir(), t.TempDir(), once("queue")
	local(t, s, queue, working)
	local(t, s, queue+"-2", waiting)
	a := start(t, s, queue, "working", temporal.Run{Procedure: "folder", Heartbeat: time.Minute, Input: input(t, folder{Steps: steps, Each: 100 * time.Millisecond})})
	b := start(t, s, queue+"-2", "waiting", temporal.Run{Procedure: "folder", Operator: "copier", Input: input(t, folder{Steps: 2, Ask: true})})
	phase(t, s, "waiting", temporal.Waiting)
	eventually(t, "it is at work", func() bool { return len(folder{dir: working}.steps()) > 3 })
	s.Stop(t)
	time.Sleep(time.Second)
	s.Start(t)
	answerYes(t, s, "waiting")
	if r, err := ends(t, s, a); err != nil || r.Ending != "done" {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err := ends(t, s, b); err != nil || r.Ending != "done" {
		t.Errorf("%+v, %v", r, err)
	}
	onceEach(t, working, steps)
	onceEach(t, waiting, 2)
	done(t, s, "working")
	done(t, s, "waiting")
}

// A server that keeps everything in memory forgets: that is said, and a run goes on
// with what was archived.
func TestServerWithoutFile(t *testing.T) {
	t.Parallel()
	s := servertest.Open(t, "")
	dir, queue := t.TempDir(), once("queue")
	local(t, s, queue, dir)
	r := temporal.Run{Procedure: "folder", Operator: "copier", Input: input(t, folder{Steps: 2, Ask: true})}
	start(t, s, queue, "run", r)
	phase(t, s, "run", temporal.Waiting)
	s.Stop(t)
	s.Start(t)
	_, look := temporal.Look(t.Context(), s.Client, "run")
	_, status := temporal.Status(t.Context(), s.Client, "run")
	answer := temporal.Answer(t.Context(), s.Client, "run", "go", runbook.Answer{Verdict: runbook.Yes, By: "qa", Digest: "x"})
	for name, err := range map[string]error{"look": look, "status": status, "answer": answer} {
		if !errors.Is(err, temporal.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", name, err)
		}
	}
	text, err := os.ReadFile(archived(dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	lines := func(yield func([]byte, error) bool) {
		for line := range bytes.Lines(text) {
			if !yield(bytes.TrimRight(line, "\n"), nil) {
				return
			}
		}
	}
	if n, err := temporal.Import(t.Context(), temporal.JournalOf(s.Client, queue, "run"), lines); err != nil || n == 0 {
		t.Fatal(n, err)
	}
	h := start(t, s, queue, "run", r)
	answerYes(t, s, "run")
	if r, err := ends(t, s, h); err != nil || r.Ending != "done" {
		t.Errorf("%+v, %v", r, err)
	}
	onceEach(t, dir, 2)
	done(t, s, "run")
}

// A client or a worker without rights is told so; once it has them again the run goes
// on, and nothing is done twice.
func TestRights(t *testing.T) {
	t.Parallel()
	s := servertest.Open(t, "")
	dir, queue := t.TempDir(), once("queue")
	local(t, s, queue, dir)
	const steps = 30
	h := start(t, s, queue, "run", temporal.Run{Procedure: "folder", Input: input(t, folder{Steps: steps, Each: 100 * time.Millisecond, Ask: true})})
	eventually(t, "it is at work", func() bool { return len(folder{dir: dir}.steps()) > 3 })
	few := map[string]bool{"PollWorkflowTaskQueue": true, "PollActivityTaskQueue": true, "RespondWorkflowTaskCompleted": true, "RespondWorkflowTaskFailed": true, "GetWorkflowExecutionHistory": true, "RespondQueryTaskCompleted": true}
	s.Refuse(func(method string) bool { return !few[method] })
	_, begin := temporal.Start(t.Context(), s.Client, queue, "another", temporal.Run{Procedure: "folder"})
	_, look := temporal.Look(t.Context(), s.Client, "run")
	var list error
	for _, list = range temporal.List(t.Context(), s.Client) {
		break
	}
	for name, err := range map[string]error{
		"start": begin, "look": look, "list": list,
		"answer": temporal.Answer(t.Context(), s.Client, "run", "go", runbook.Answer{Verdict: runbook.Yes, By: "qa", Digest: "x"}),
		"retry":  temporal.GoOn(t.Context(), s.Client, "run", temporal.Retry),
	} {
		if !errors.Is(err, temporal.ErrDenied) {
			t.Errorf("%s: %v, want ErrDenied", name, err)
		}
	}
	if _, err := temporal.JournalOf(s.Client, queue, "laptop").Lock(t.Context(), "anna"); !errors.Is(err, runbook.ErrJournal) {
		t.Errorf("lock: %v, want ErrJournal", err)
	}
	time.Sleep(2 * beat) // its worker's heartbeats are refused, too
	s.Refuse(nil)
	answerYes(t, s, "run")
	if r, err := ends(t, s, h); err != nil || r.Ending != "done" {
		t.Errorf("%+v, %v", r, err)
	}
	onceEach(t, dir, steps)
	done(t, s, "run")
}

// answerYes answers the question that a run comes to.
func answerYes(t *testing.T, s *servertest.Server, id string) {
	t.Helper()
	q := phase(t, s, id, temporal.Waiting).Last.Waiting[0]
	if err := temporal.Answer(t.Context(), s.Client, id, q.Step, runbook.Answer{Verdict: runbook.Yes, By: "qa", Reason: "tested", Digest: q.Digest}); err != nil {
		t.Fatal(err)
	}
}
