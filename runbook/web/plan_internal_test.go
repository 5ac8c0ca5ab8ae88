package web

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook"
)

const planText = `{"time":"2026-03-02T09:00:00Z","run":"r","step":"candidates","verb":"read","kind":"done","result":[1]}
{"time":"2026-03-02T09:00:00Z","run":"r","step":"go","verb":"gate","kind":"planned","intent":"Release these images?"}

{"time":"2026-03-02T09:00:00Z","run":"r","step":"a/copy","verb":"do","kind":"planned","intent":"copy image 7"}
{"time":"2026-03-02T09:00:00Z","run":"r","step":"b/copy","verb":"do","kind":"planned","intent":"copy image 8"}
{"time":"2026-03-02T09:00:00Z","run":"r","verb":"note","kind":"noted","reason":"at 11:00: 10 %"}
{"what":"a program came to"}
`

// A plan beside the journal is held against what is done.
func TestPlan(t *testing.T) {
	f := Folder{Dir: t.TempDir()}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(f.Dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("j.plan", planText)
	plan, err := f.Plan(t.Context(), "j")
	if err != nil {
		t.Fatal(err)
	}
	s := runbook.Status{Steps: []runbook.StepStatus{step("go", runbook.VerbGate, runbook.Approved, 0, 1, ""), step("a/copy", runbook.VerbDo, runbook.Failed, 1, 2, "")}}
	want := []planned{{"done", "ask: Release these images?"}, {"failed", "copy image 7"}, {"not yet", "copy image 8"}, {"", "at 11:00: 10 %"}}
	if diff := cmp.Diff(want, against(plan, s)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := f.Run(t.Context(), "j.plan"); err == nil {
		t.Error("a plan is taken for a run")
	}
	write("odd.plan", "{}\nno JSON\n")
	if err := os.Symlink(filepath.Join(f.Dir, "j.plan"), filepath.Join(f.Dir, "link.plan")); err != nil {
		t.Fatal(err)
	}
	for name, says := range map[string]string{"absent": "", "../j": "", "odd": "line 2 is no record", "link": "is not a file"} {
		plan, err := f.Plan(t.Context(), name)
		if len(plan) > 0 || (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %d records, %v", name, len(plan), err)
		}
	}
}

// A plan is read without panic, and within its bounds.
func FuzzPlan(f *testing.F) {
	f.Add(planText)
	f.Add("{}")
	f.Fuzz(func(t *testing.T, text string) {
		plan, err := readPlan(strings.NewReader(text))
		if err == nil && len(plan) > strings.Count(text, "\n")+1 {
			t.Errorf("%d records of %q", len(plan), text)
		}
		against(plan, runbook.Status{})
	})
}
