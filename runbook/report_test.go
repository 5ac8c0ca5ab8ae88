package runbook_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
)

var update = flag.Bool("update", false, "write the golden files")

var randomID = regexp.MustCompile(`\b\d{8}t\d{6}-[0-9a-f]{8}\b`)

// landing is a run that a report is written about.
type landing struct {
	w     world
	human runbooktest.Human
	x     runbook.Runner
	j     runbooktest.Memory
}

func (l *landing) procedure(ctx context.Context, r *runbook.Run) error {
	build, err := runbook.Read(ctx, r, "latest", func(context.Context) (int, error) { return 42, nil })
	if err != nil {
		return err
	}
	copyTo := func(device string) runbook.Step[string] {
		return runbook.Step[string]{Name: "copy", Intent: fmt.Sprintf("copy build %d to rc", build), Timeout: time.Hour,
			Do: func(context.Context) (string, error) {
				time.Sleep(90 * time.Second)
				return "version 7", l.w.act(device)
			}}
	}
	if err := r.Hold(ctx, l.w.hold("importer"), func(ctx context.Context, r *runbook.Run) error {
		return runbook.Each(ctx, r, list("arale", "bacon"), 1, func(ctx context.Context, r *runbook.Run, device string, _ int) error {
			return do(ctx, r, copyTo(device))
		})
	}); err != nil {
		return err
	}
	if err := r.Note("the changelog is at \x1b[1mhttps://example.com/42"); err != nil {
		return err
	}
	if err := r.Gate(ctx, runbook.Gate{Name: "go", Question: "phase build 42?", Evidence: map[string]any{"build": build, "tests": "17 of 17"}, Not: []string{"operator"}, Timeout: 24 * time.Hour}); err != nil {
		return err
	}
	return r.Verify(ctx, "index", func(context.Context) error { return nil })
}

func (l *landing) report(t *testing.T) string {
	t.Helper()
	return reportOf(t, statusOf(t, &l.j))
}

func reportOf(t *testing.T, s runbook.Status) string {
	t.Helper()
	var b strings.Builder
	if err := s.WriteReport(&b); err != nil {
		t.Fatal(err)
	}
	return randomID.ReplaceAllString(b.String(), "ID")
}

func TestReport(t *testing.T) {
	var got strings.Builder
	for _, tc := range []struct {
		name string
		run  func(*testing.T, *landing)
	}{
		{"not begun", func(*testing.T, *landing) {}},
		{"pending", func(t *testing.T, l *landing) { is(t, l.x.Execute(t.Context(), l.procedure), runbook.ErrPending) }},
		{"done", func(t *testing.T, l *landing) {
			is(t, l.x.Execute(t.Context(), l.procedure), runbook.ErrPending)
			time.Sleep(time.Hour)
			l.human.Answers = map[string]runbook.Answer{"go": {Verdict: runbook.Yes, By: "qa", Reason: "tested on two devices"}}
			l.x.Operator = "qa"
			is(t, l.x.Execute(t.Context(), l.procedure), nil)
		}},
		{"rejected", func(t *testing.T, l *landing) {
			l.human.Answers = map[string]runbook.Answer{"go": {Verdict: runbook.No, By: "qa", Reason: "the radio is off"}}
			is(t, l.x.Execute(t.Context(), l.procedure), runbook.ErrRejected)
		}},
		{"failed", func(t *testing.T, l *landing) {
			l.w.fail = map[string]error{"bacon": errors.New("no space left on device")}
			is(t, l.x.Execute(t.Context(), l.procedure), l.w.fail["bacon"])
		}},
		{"owed", func(t *testing.T, l *landing) {
			l.w.fail = map[string]error{"give importer": errors.New("no route to host")}
			is(t, l.x.Execute(t.Context(), l.procedure), runbook.ErrOwed)
		}},
		{"settled", func(t *testing.T, l *landing) {
			l.w.fail = map[string]error{"give importer": errors.New("no route to host")}
			is(t, l.x.Execute(t.Context(), l.procedure), runbook.ErrOwed)
			l.w.fail = nil
			is(t, l.x.Settle(t.Context(), l.procedure), nil)
		}},
		{"pending and settled", func(t *testing.T, l *landing) {
			is(t, l.x.Execute(t.Context(), l.procedure), runbook.ErrPending)
			is(t, l.x.Settle(t.Context(), l.procedure), nil)
		}},
		{"in doubt", func(t *testing.T, l *landing) {
			l.w.fail = map[string]error{"arale": fmt.Errorf("connection lost: %w", runbook.ErrInDoubt)}
			is(t, l.x.Execute(t.Context(), l.procedure), runbook.ErrInDoubt)
		}},
		{"in doubt, asked", func(t *testing.T, l *landing) {
			l.w.fail = map[string]error{"arale": fmt.Errorf("connection lost: %w", runbook.ErrInDoubt)}
			is(t, l.x.Execute(t.Context(), l.procedure), runbook.ErrInDoubt)
			is(t, l.x.Execute(t.Context(), l.procedure), runbook.ErrPending)
		}},
		{"killed", func(t *testing.T, l *landing) {
			is(t, l.x.Execute(t.Context(), l.procedure), runbook.ErrPending)
			dead := cut(t, &l.j, "do started bacon/copy")
			lines := dead.Lines(t.Context())
			l.j = runbooktest.Memory{}
			unlock, err := l.j.Lock(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			for line := range lines {
				is(t, l.j.Append(t.Context(), line), nil)
			}
			is(t, unlock(), nil)
		}},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := &landing{}
			l.x = runbook.Runner{Name: "copyrc", Input: map[string]string{"channel": "rc"}, Operator: "operator", Journal: &l.j, Human: &l.human}
			tc.run(t, l)
			fmt.Fprintf(&got, "-- %s --\n%s", tc.name, l.report(t))
		})
	}
	synctest.Test(t, func(t *testing.T) { // at work, as another process sees it
		l := &landing{}
		l.x = runbook.Runner{Name: "copyrc", Operator: "operator", Journal: &l.j, Human: &l.human}
		is(t, l.x.Execute(t.Context(), l.procedure), runbook.ErrPending)
		s := statusOf(t, cut(t, &l.j, "do started bacon/copy"))
		s.Running = "operator, process 4711 on snakefruit, since 2000-01-01T00:00:00Z"
		fmt.Fprintf(&got, "-- under way --\n%s", reportOf(t, s))
	})
	golden(t, "testdata/reports.txtar", got.String())
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(text), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got; -update writes it)\n%s", path, diff)
	}
}
