package servertest_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/runbook/temporal"
)

// A run begins in a file and ends on a cluster.
func TestImport(t *testing.T) {
	t.Parallel()
	s := shared(t)
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
	if r, err := ends(t, s, h); err != nil || r.Ending != "done" {
		t.Fatal(r, err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "log"))
	if err != nil || strings.Count(string(text), "\n") != 2 {
		t.Errorf("%s, %v: want each step once", text, err)
	}
	back := filepath.Join(dir, "back.journal")
	if err := os.WriteFile(back, exported(t, s, id), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, err := runbook.ReadStatus(back); err != nil || status.Ending != "done" {
		t.Errorf("%+v, %v", status, err)
	}
}

// A run begins on a cluster and ends in a file.
func TestExport(t *testing.T) {
	t.Parallel()
	s := shared(t)
	dir, queue, id := t.TempDir(), once("queue"), once("home")
	local(t, s, queue, dir)
	in := folder{Steps: 2, Ask: true}
	r := temporal.Run{Procedure: "folder", Operator: "anna", Input: input(t, in)}
	h := start(t, s, queue, id, r)
	phase(t, s, id, temporal.Waiting)
	if err := temporal.GoOn(t.Context(), s.Client, id, temporal.Abandon); err != nil {
		t.Fatal(err)
	}
	if _, err := ends(t, s, h); err == nil {
		t.Error("an abandoned run ended well")
	}
	path := filepath.Join(dir, "run.journal")
	if err := os.WriteFile(path, exported(t, s, id), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := runbook.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	in.dir = dir
	x := &runbook.Runner{Name: "folder", Input: r.Input, World: dir, Journal: file, Operator: "anna", Human: runbooktest.ApproveEverything{}}
	if err := x.Execute(t.Context(), in.run); err != nil {
		t.Fatal(err)
	}
	onceEach(t, dir, 2)
}
