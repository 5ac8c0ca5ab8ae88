package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/landingteam/landing/runbook"
)

// With -report a run and -status write the same report, in the form that its name says.
func TestReportFile(t *testing.T) {
	dir := t.TempDir()
	p := Program{Name: "demo", About: "Notes something", Procedure: func(*World, []string) (any, runbook.Procedure, error) {
		return nil, func(_ context.Context, r *runbook.Run) error { return r.Note("the <radio> is on") }, nil
	}}
	run := func(want int, args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		if got := p.Run(t.Context(), args, strings.NewReader(""), &out, &errs); got != want {
			t.Fatalf("%q: exit status %d, want %d\n%s%s", args, got, want, out.String(), errs.String())
		}
		return errs.String()
	}
	file := func(name string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	journal := filepath.Join(dir, "j")
	run(ExitDone, "-journal", journal, "-report", filepath.Join(dir, "run.html"))
	if text := file("run.html"); !strings.HasPrefix(text, "<!DOCTYPE html>") || !strings.Contains(text, "the &lt;radio&gt; is on") {
		t.Errorf("the page:\n%s", text)
	}
	if info, err := os.Stat(filepath.Join(dir, "run.html")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the page is for others too: %v, %v", info.Mode(), err)
	}
	run(ExitDone, "-status", "-journal", journal, "-report", filepath.Join(dir, "status.HTML"))
	if file("run.html") != file("status.HTML") {
		t.Error("-status writes something else")
	}
	run(ExitDone, "-status", "-journal", journal, "-report", filepath.Join(dir, "status.md"))
	if text := file("status.md"); !strings.Contains(text, `the \<radio\> is on`) {
		t.Errorf("in Markdown:\n%s", text)
	}
	for name, args := range map[string][]string{
		"another form": {"-report", filepath.Join(dir, "report.pdf")},
		"no form":      {"-report", filepath.Join(dir, "report")},
		"no folder":    {"-report", filepath.Join(dir, "absent", "report.md")},
		"a plan":       {"-plan", "-report", filepath.Join(dir, "report.md")},
	} {
		if says := run(ExitUsage, args...); !strings.Contains(says, "-report") {
			t.Errorf("%s: %s", name, says)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".report-*")); err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}
