package runbook_test

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
)

// world is what the procedures of these tests act on.
type world struct {
	acts     []string
	importer string
	fail     map[string]error
}

func (w *world) act(name string) error {
	if err := w.fail[name]; err != nil {
		return err
	}
	w.acts = append(w.acts, name)
	return nil
}

func (w *world) hold() runbook.Hold {
	return runbook.Hold{Name: "importer", Intent: "pause the importer",
		Acquire: func(context.Context) error { w.importer = "off"; return w.act("pause") },
		Release: func(context.Context) error { w.importer = "on"; return w.act("resume") },
	}
}

func (w *world) step(name string) runbook.Step[string] {
	return runbook.Step[string]{Name: name, Intent: "copy " + name,
		Do:      func(context.Context) (string, error) { return "did " + name, w.act(name) },
		Predict: "did " + name,
	}
}

func (w *world) procedure(ctx context.Context, r *runbook.Run) error {
	if _, err := runbook.Read(ctx, r, "latest", func(context.Context) (int, error) { return 42, w.act("look") }); err != nil {
		return err
	}
	return r.Hold(ctx, w.hold(), func(ctx context.Context, r *runbook.Run) error {
		devices := maps.All(map[string]int{"arale": 1})
		if err := runbook.Each(ctx, r, devices, 2, func(ctx context.Context, r *runbook.Run, k string, v int) error {
			_, err := runbook.Do(ctx, r, w.step("copy"))
			return err
		}); err != nil {
			return err
		}
		if err := r.Gate(ctx, runbook.Gate{Name: "go", Question: "phase it?", Evidence: 42}); err != nil {
			return err
		}
		_, err := runbook.Do(ctx, r.Group("last"), w.step("phase"))
		return err
	})
}

func kinds(t *testing.T, records []runbook.Record) (list []string) {
	for _, r := range records {
		list = append(list, strings.TrimSpace(string(r.Verb)+" "+string(r.Kind)+" "+r.Step))
	}
	return list
}

func TestExecuteResume(t *testing.T) {
	j, err := runbook.OpenFile(filepath.Join(t.TempDir(), "journal"))
	if err != nil {
		t.Fatal(err)
	}
	for name, journal := range map[string]runbook.Journal{"file": j, "memory": &runbooktest.Memory{}} {
		t.Run(name, func(t *testing.T) {
			w := &world{}
			human := &runbooktest.Human{}
			x := &runbook.Runner{Name: "copy", Input: "rc", Journal: journal, Human: human}
			if plan, err := x.Plan(t.Context(), w.procedure); err != nil {
				t.Fatal(err)
			} else if diff := cmp.Diff([]string{"read done latest", "hold planned importer", "do planned arale/copy", "gate planned go", "do planned last/phase", "hold released importer"}, kinds(t, plan)); diff != "" {
				t.Error(diff)
			}
			w.acts = nil
			if err := x.Execute(t.Context(), w.procedure); !errors.Is(err, runbook.ErrPending) {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"look", "pause", "copy", "resume"}, w.acts); diff != "" {
				t.Error(diff)
			}
			human.Answers = map[string]runbook.Answer{"go": {Verdict: runbook.Yes, By: "anna", Reason: "looks good"}}
			if err := x.Execute(t.Context(), w.procedure); err != nil {
				t.Fatal(err)
			}
			if err := x.Execute(t.Context(), w.procedure); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"look", "pause", "copy", "resume", "pause", "phase", "resume"}, w.acts); diff != "" {
				t.Error(diff)
			}
		})
	}
}
