package servertest_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/client"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/runbook/temporal"
	"github.com/landingteam/landing/runbook/temporal/servertest"
	"github.com/landingteam/landing/systemimage/operate"
)

var (
	kills   = flag.Int("kills", 6, "how many workers TestKilledWorkers kills")
	zombies = flag.Int("zombies", 3, "how many workers TestZombies lets sleep")
)

// once makes names of runs that a server which stays has not seen.
func once(name string) string {
	return fmt.Sprintf("%s-%d-%d", name, os.Getpid(), time.Now().UnixNano())
}

// beat is a heartbeat short enough for tests.
const beat = 2 * time.Second

func start(t *testing.T, s *servertest.Server, queue, id string, r temporal.Run) client.WorkflowRun {
	t.Helper()
	if r.Heartbeat == 0 {
		r.Heartbeat = beat
	}
	h, err := temporal.Start(t.Context(), s.Client, queue, id, r)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// ends waits for the end of a run.
func ends(t *testing.T, h client.WorkflowRun) (temporal.Result, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	var r temporal.Result
	err := h.Get(ctx, &r)
	if ctx.Err() != nil {
		t.Fatalf("%s does not end", h.GetID())
	}
	return r, err
}

func state(t *testing.T, s *servertest.Server, id string) temporal.State {
	t.Helper()
	st, err := temporal.Look(t.Context(), s.Client, id)
	if err != nil {
		return temporal.State{} // no worker has taken it up yet
	}
	return st
}

func phase(t *testing.T, s *servertest.Server, id string, want temporal.Phase) temporal.State {
	t.Helper()
	var st temporal.State
	eventually(t, id+" is "+string(want), func() bool { st = state(t, s, id); return st.Phase == want })
	return st
}

func copyrc(t *testing.T) temporal.Run {
	return temporal.Run{Procedure: "copyrc", Operator: "operator", Input: input(t, procedure.CopyRCInput{Tag: "OTA-13-rc", From: "rc-proposed", To: "rc"})}
}

func TestJournal(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	queue, names := once("queue"), once("conformance")
	local(t, s, queue, t.TempDir())
	runbooktest.TestJournal(t, func(_ *testing.T, name string) runbook.Journal {
		return temporal.JournalOf(s.Client, queue, names+"-"+strings.NewReplacer("/", ".", " ", ".").Replace(name))
	})
}

// An undisturbed copyrc leaves the world that a file journal's run leaves, and killed
// workers change nothing about it.
func TestKilledWorkers(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	ref := t.TempDir()
	queue := once("queue")
	p := process(t, s, queue, ref)
	began := time.Now()
	if r, err := ends(t, start(t, s, queue, once("undisturbed"), copyrc(t))); err != nil || r.Ending != "done" {
		t.Fatal(r, err)
	}
	took := time.Since(began)
	_ = p.Kill()
	want, _ := world(t, ref)
	killed, runs, lost := 0, 0, 0
	var costs []time.Duration
	for killed < *kills {
		runs++
		dir, queue, id := t.TempDir(), once("queue"), once("killed")
		byPID := map[int]*os.Process{}
		for range 2 {
			p := process(t, s, queue, dir)
			byPID[p.Pid] = p
		}
		h := start(t, s, queue, id, copyrc(t))
		for range 1 + rand.IntN(3) {
			over := false
			eventually(t, "a worker works at "+id, func() bool {
				d, err := s.Client.DescribeWorkflowExecution(t.Context(), id, "")
				over = err == nil && d.WorkflowExecutionInfo.CloseTime != nil
				return over || byPID[at(dir)] != nil
			})
			time.Sleep(time.Duration(rand.Int64N(int64(took * 6 / 10))))
			if d, err := s.Client.DescribeWorkflowExecution(t.Context(), id, ""); over || err == nil && d.WorkflowExecutionInfo.CloseTime != nil {
				break
			}
			pid := at(dir)
			_ = os.Remove(filepath.Join(dir, "working"))
			_ = byPID[pid].Kill()
			delete(byPID, pid)
			killed++
			at0 := time.Now()
			p := process(t, s, queue, dir)
			byPID[p.Pid] = p
			eventually(t, "another goes on", func() bool {
				if at(dir) != 0 {
					costs = append(costs, time.Since(at0))
					return true
				}
				d, err := s.Client.DescribeWorkflowExecution(t.Context(), id, "")
				return err == nil && d.WorkflowExecutionInfo.CloseTime != nil
			})
		}
		if r, err := ends(t, h); err != nil || r.Ending != "done" {
			t.Errorf("%s: %+v, %v", id, r, err)
		}
		lost += state(t, s, id).Lost
		for _, p := range byPID {
			_ = p.Kill()
		}
		if got, importer := world(t, dir); got != want || importer != operate.ImporterOn {
			t.Errorf("%s: the importer is %s, and the world (-undisturbed +killed)\n%s", id, importer, cmp.Diff(want, got))
		}
	}
	slices.Sort(costs)
	t.Logf("%d kills in %d runs, %d starts lost; a loss costs %v (median), %v (worst), with a heartbeat of %v", killed, runs, lost, costs[len(costs)/2].Round(10*time.Millisecond), costs[len(costs)-1].Round(10*time.Millisecond), beat)
}

// A worker that sleeps past its heartbeat and wakes beside its successor does nothing
// twice, and takes no hold from it.
func TestZombies(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	for n := range *zombies {
		dir, queue, id := t.TempDir(), once("queue"), once("zombie")
		log := func() string { text, _ := os.ReadFile(filepath.Join(dir, "log")); return string(text) }
		a := process(t, s, queue, dir)
		h := start(t, s, queue, id, temporal.Run{Procedure: "folder", Heartbeat: time.Second, Input: input(t, folder{Steps: 12, Each: 150 * time.Millisecond})})
		eventually(t, "three steps are done", func() bool { return strings.Count(log(), "\n") >= 3 })
		time.Sleep(time.Duration(rand.IntN(200)) * time.Millisecond)
		if err := a.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		process(t, s, queue, dir)
		eventually(t, "the other goes on", func() bool { return strings.Count(log(), "\n") >= 6 })
		if err := a.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		if r, err := ends(t, h); err != nil || r.Ending != "done" {
			t.Errorf("%+v, %v", r, err)
		}
		time.Sleep(300 * time.Millisecond) // whatever the zombie was about to do
		seen := map[string]int{}
		for line := range strings.Lines(log()) {
			seen[strings.Fields(line)[0]]++
			if strings.Contains(line, "NOT-HELD") {
				t.Errorf("zombie %d: an effect without the hold: %s", n, line)
			}
		}
		for step, times := range seen {
			if times > 1 {
				t.Errorf("zombie %d: %s was done %d times:\n%s", n, step, times, log())
			}
		}
		if _, err := os.Stat(filepath.Join(dir, "off")); err == nil || len(seen) != 12 {
			t.Errorf("zombie %d: still held, or %d of 12 steps", n, len(seen))
		}
	}
}

// Questions are answered from anywhere, once, by whoever may.
func TestAnswers(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	dir, queue, id := t.TempDir(), once("queue"), once("gate")
	w := process(t, s, queue, dir)
	h := start(t, s, queue, id, temporal.Run{Procedure: "folder", Operator: "copier", Input: input(t, folder{Steps: 1, Ask: true})})
	q := phase(t, s, id, temporal.Waiting).Last.Waiting[0]
	yes := func(by string) runbook.Answer {
		return runbook.Answer{Verdict: runbook.Yes, By: by, Reason: "tested", Digest: q.Digest}
	}
	for name, tt := range map[string]struct {
		step string
		a    runbook.Answer
	}{
		"excluded":     {q.Step, yes("Copier")},
		"another step": {"gone", yes("qa")},
		"old evidence": {q.Step, runbook.Answer{Verdict: runbook.Yes, By: "qa", Reason: "x", Digest: strings.Repeat("0", 64)}},
	} {
		if err := temporal.Answer(t.Context(), s.Client, id, tt.step, tt.a); !errors.Is(err, temporal.ErrRefused) {
			t.Errorf("%s: %v, want ErrRefused", name, err)
		}
	}
	_ = w.Kill()
	if src := (temporal.Source{Client: s.Client}); true {
		if e, err := src.Run(t.Context(), id); err != nil || e.Running != "" {
			t.Errorf("the source has %+v, %v", e, err)
		}
		if _, err := src.Run(t.Context(), "no-such-run"); err == nil {
			t.Error("the source has a run that is none")
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := temporal.Answer(ctx, s.Client, id, q.Step, yes("qa")); !errors.Is(err, temporal.ErrUnknown) {
		t.Errorf("without a worker: %v, want ErrUnknown", err)
	}
	process(t, s, queue, dir)
	// sent again it is the same answer, whether or not the first one came through
	eventually(t, "the answer is taken", func() bool {
		err := temporal.Answer(t.Context(), s.Client, id, q.Step, yes("qa"))
		return err == nil || errors.Is(err, temporal.ErrNotFound) || state(t, s, id).Phase == temporal.Ended
	})
	if r, err := ends(t, h); err != nil || r.Ending != "done" {
		t.Fatal(r, err)
	}
	approved := 0
	for rec, err := range runbook.Records(t.Context(), runbook.ReadOnly(temporal.Lines(t.Context(), s.Client, id))) {
		if err != nil {
			t.Fatal(err)
		}
		if rec.Kind == runbook.Approved && rec.By == "qa" {
			approved++
		}
	}
	if approved != 1 {
		t.Errorf("approved %d times", approved)
	}
	if _, err := temporal.Start(t.Context(), s.Client, queue, id, temporal.Run{Procedure: "folder"}); !errors.Is(err, temporal.ErrExists) {
		t.Errorf("begun again: %v, want ErrExists", err)
	}
}

// What goes wrong ends in a clear error, nothing doubled, nothing lost.
func TestTroubles(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	dir, queue := t.TempDir(), once("queue")
	local(t, s, queue, dir)
	t.Run("a broken world is mended", func(t *testing.T) {
		id := once("broken")
		h := start(t, s, queue, id, temporal.Run{Procedure: "folder", Input: input(t, folder{Steps: 4, Fail: "step02"})})
		if st := phase(t, s, id, temporal.Failing); !strings.Contains(st.Last.Error, "the world is broken") {
			t.Errorf("%+v", st)
		}
		if err := os.WriteFile(filepath.Join(dir, "mended"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := temporal.GoOn(t.Context(), s.Client, id, temporal.Retry); err != nil {
			t.Fatal(err)
		}
		if r, err := ends(t, h); err != nil || r.Ending != "done" {
			t.Error(r, err)
		}
	})
	t.Run("cancelled at work", func(t *testing.T) {
		_ = os.Remove(filepath.Join(dir, "log"))
		id := once("cancelled")
		h := start(t, s, queue, id, temporal.Run{Procedure: "folder", Input: input(t, folder{Steps: 90, Each: 100 * time.Millisecond})})
		off := filepath.Join(dir, "off")
		eventually(t, "it holds", func() bool { _, err := os.Stat(off); return err == nil })
		if err := s.Client.CancelWorkflow(t.Context(), id, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := ends(t, h); err == nil {
			t.Error("it ended well")
		}
		if _, err := os.Stat(off); err == nil {
			t.Error("it is still held")
		}
	})
	t.Run("no such procedure", func(t *testing.T) {
		id := once("unknown")
		h := start(t, s, queue, id, temporal.Run{Procedure: "copyrk"})
		if st := phase(t, s, id, temporal.Failing); !strings.Contains(st.Last.Error, "it has copyrc, folder") {
			t.Errorf("%+v", st.Last)
		}
		if err := temporal.GoOn(t.Context(), s.Client, id, temporal.Abandon); err != nil {
			t.Fatal(err)
		}
		if _, err := ends(t, h); err == nil {
			t.Error("it ended well")
		}
	})
	t.Run("a record beyond the limit", func(t *testing.T) {
		_ = os.Remove(filepath.Join(dir, "log"))
		id := once("large")
		start(t, s, queue, id, temporal.Run{Procedure: "folder", Input: input(t, folder{Steps: 1, Large: 2 << 20})})
		st := phase(t, s, id, temporal.Failing)
		if len(st.Last.Error) == 0 {
			t.Errorf("%+v", st)
		}
		if status, err := temporal.Status(t.Context(), s.Client, id); err != nil || len(status.InDoubt()) != 1 {
			t.Errorf("%+v, %v: want the step in doubt, and the journal whole", status, err)
		}
	})
	t.Run("a terminated journal is not begun anew", func(t *testing.T) {
		id := once("terminated")
		j := temporal.JournalOf(s.Client, queue, id)
		unlock, err := j.Lock(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Append(t.Context(), []byte(`{"n":1}`)); err != nil {
			t.Fatal(err)
		}
		if err := unlock(); err != nil {
			t.Fatal(err)
		}
		if err := s.Client.TerminateWorkflow(t.Context(), j.ID, "", "by a person"); err != nil {
			t.Fatal(err)
		}
		if _, err := temporal.JournalOf(s.Client, queue, id).Lock(t.Context(), "b"); !errors.Is(err, runbook.ErrJournal) {
			t.Errorf("%v, want ErrJournal", err)
		}
	})
	t.Run("a lost journal is not begun anew", func(t *testing.T) {
		j := temporal.JournalOf(s.Client, queue, once("lost"))
		j.Known = 3
		if _, err := j.Lock(t.Context(), "b"); !errors.Is(err, runbook.ErrJournal) {
			t.Errorf("%v, want ErrJournal", err)
		}
	})
	t.Run("a time of seconds", func(t *testing.T) {
		_ = os.Remove(filepath.Join(dir, "log"))
		began := time.Now()
		r, err := ends(t, start(t, s, queue, once("due"), temporal.Run{Procedure: "folder", Input: input(t, folder{Steps: 1, Wait: 3 * time.Second})}))
		if err != nil || r.Ending != "done" || time.Since(began) < 3*time.Second {
			t.Errorf("%+v, %v after %v", r, err, time.Since(began))
		}
	})
}

// A run begins in a file and ends on a cluster.
func TestImport(t *testing.T) {
	t.Parallel()
	s := servertest.New(t)
	dir, queue, id := t.TempDir(), once("queue"), once("moved")
	local(t, s, queue, dir)
	in := folder{Steps: 2, Ask: true}
	file, err := runbook.OpenFile(filepath.Join(dir, "run.journal"))
	if err != nil {
		t.Fatal(err)
	}
	in.dir = dir
	x := &runbook.Runner{Name: "folder", Input: input(t, in), World: dir, Journal: file, Operator: "anna"}
	if err := x.Execute(t.Context(), in.run); !errors.Is(err, runbook.ErrPending) {
		t.Fatal(err)
	}
	j := temporal.JournalOf(s.Client, queue, id)
	n, err := temporal.Import(t.Context(), j, file.Lines(t.Context()))
	if err != nil || n == 0 {
		t.Fatal(n, err)
	}
	if again, err := temporal.Import(t.Context(), temporal.JournalOf(s.Client, queue, id), file.Lines(t.Context())); err != nil || again != n {
		t.Errorf("again: %d of %d, %v", again, n, err)
	}
	h := start(t, s, queue, id, temporal.Run{Procedure: "folder", Operator: "anna", Input: input(t, in)})
	q := phase(t, s, id, temporal.Waiting).Last.Waiting[0]
	if err := temporal.Answer(t.Context(), s.Client, id, q.Step, runbook.Answer{Verdict: runbook.Yes, By: "qa", Reason: "tested", Digest: q.Digest}); err != nil {
		t.Fatal(err)
	}
	if r, err := ends(t, h); err != nil || r.Ending != "done" {
		t.Fatal(r, err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "log"))
	if err != nil || strings.Count(string(text), "\n") != 2 {
		t.Errorf("%s, %v: want each step once", text, err)
	}
	var b strings.Builder
	if err := temporal.WriteLines(&b, temporal.Lines(t.Context(), s.Client, id)); err != nil {
		t.Fatal(err)
	}
	back := filepath.Join(dir, "back.journal")
	if err := os.WriteFile(back, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, err := runbook.ReadStatus(back); err != nil || status.Ending != "done" {
		t.Errorf("%+v, %v", status, err)
	}
}
