package servertest_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/temporal"
	"github.com/landingteam/landing/runbook/temporal/servertest"
)

var waitingRuns = flag.Int("waiting", 5, "how many runs wait on one worker while TestFigures looks at its memory")

// What a run costs on Temporal, beside a journal in a file:
//
//	go test -v -run TestFigures . -args -waiting 100
//
// Times are printed, not checked; what lies on the server has bounds.
func TestFigures(t *testing.T) {
	t.Parallel()
	s := shared(t)
	t.Run("records", func(t *testing.T) { figureRecords(t, s) })
	t.Run("copyrc", func(t *testing.T) { figureCopyRC(t, s) })
	t.Run("waiting", func(t *testing.T) { figureWaiting(t, s) })
}

// figureRecords appends the same lines to both journals.
func figureRecords(t *testing.T, s *servertest.Server) {
	const n = 300
	queue, id := once("queue"), once("figures")
	local(t, s, queue, t.TempDir())
	file, err := runbook.OpenFile(filepath.Join(t.TempDir(), "journal"))
	if err != nil {
		t.Fatal(err)
	}
	line := []byte(`{"n":1,"step":"` + strings.Repeat("x", 280) + `"}`) // as long as most records are
	j := temporal.JournalOf(s.Client, queue, id)
	onServer, inFile := appendAll(t, j, line, n), appendAll(t, file, line, n)
	events, bytes := history(t, s, j.ID)
	t.Logf("a record of %d bytes: %.1f ms on the server, %.2f ms in a file; %.1f events and %d bytes of history",
		len(line), ms(onServer)/n, ms(inFile)/n, float64(events)/n, bytes/n)
	if events > 6*n || bytes > 2000*n {
		t.Errorf("%d records cost %d events and %d bytes", n, events, bytes)
	}
	began := time.Now()
	lines := 0
	for _, err := range j.Lines(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		lines++
	}
	t.Logf("%d lines are read in %.0f ms", lines, ms(time.Since(began)))
}

func appendAll(t *testing.T, j runbook.Journal, line []byte, n int) time.Duration {
	t.Helper()
	unlock, err := j.Lock(t.Context(), "figures")
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for range n {
		if err := j.Append(t.Context(), line); err != nil {
			t.Fatal(err)
		}
	}
	took := time.Since(began)
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	return took
}

// figureCopyRC is a whole run of the smallest procedure that copies.
func figureCopyRC(t *testing.T, s *servertest.Server) {
	sc := scenes["copyrc"]
	dir, queue, id := sc.home(t), once("queue"), once("copyrc")
	local(t, s, queue, dir)
	r := sc.run(t, "copyrc", dir)
	r.Heartbeat = time.Minute
	began := time.Now()
	res, err := ends(t, s, start(t, s, queue, id, r))
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	began = time.Now()
	sc.undisturbed(t, "copyrc")
	events, bytes := history(t, s, id)
	more, moreBytes := history(t, s, temporal.JournalOf(s.Client, queue, id).ID)
	t.Logf("copyrc: %d records in %.1f s, with a journal in a file in %.1f s; %d events, %d kB of history",
		res.Lines, took.Seconds(), time.Since(began).Seconds(), events+more, (bytes+moreBytes)/1000)
}

// figureWaiting is the memory of a worker before and after many runs began to wait.
func figureWaiting(t *testing.T, s *servertest.Server) {
	dir, queue := t.TempDir(), once("queue")
	p := process(t, s, queue, dir)
	waits := func(name string) {
		start(t, s, queue, name, temporal.Run{Procedure: "folder", Operator: "copier", Input: input(t, folder{Ask: true})})
		phase(t, s, name, temporal.Waiting)
	}
	waits(once("first"))
	before := resident(t, p)
	for n := range *waitingRuns {
		waits(once(fmt.Sprint("waits-", n)))
	}
	time.Sleep(time.Second)
	after := resident(t, p)
	t.Logf("a worker: %d MB, and with %d runs more that wait %d MB", before>>20, *waitingRuns, after>>20)
	pending := 0
	for l, err := range temporal.List(t.Context(), s.Client) {
		if err != nil {
			t.Fatal(err)
		}
		if d, err := s.Client.DescribeWorkflowExecution(t.Context(), l.ID, ""); err == nil && strings.HasPrefix(l.ID, "waits-") {
			pending += len(d.GetPendingActivities())
		}
	}
	if pending > 0 {
		t.Errorf("%d runs that wait keep a worker busy", pending)
	}
}

// resident is the memory of a process.
func resident(t *testing.T, p *os.Process) (bytes int) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.Pid))
	if err != nil {
		t.Skipf("no such figure on this system: %v", err)
	}
	var size, pages int
	if _, err := fmt.Sscan(string(text), &size, &pages); err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// history is that of all executions of a workflow.
func history(t *testing.T, s *servertest.Server, id string) (events, bytes int64) {
	t.Helper()
	eventually(t, "the executions of "+id+" are listed", func() bool {
		events, bytes = executions(t.Context(), s, id)
		return events > 0
	})
	return events, bytes
}

func executions(ctx context.Context, s *servertest.Server, id string) (events, bytes int64) {
	page, err := s.Client.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: fmt.Sprintf("WorkflowId = '%s'", id)})
	if err != nil {
		return 0, 0
	}
	for _, x := range page.GetExecutions() {
		d, err := s.Client.DescribeWorkflowExecution(ctx, id, x.GetExecution().GetRunId())
		if err != nil {
			return 0, 0
		}
		events += d.GetWorkflowExecutionInfo().GetHistoryLength()
		bytes += d.GetWorkflowExecutionInfo().GetHistorySizeBytes()
	}
	return events, bytes
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
