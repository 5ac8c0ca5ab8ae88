package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/lab"
)

func TestMain(m *testing.M) {
	lab.Program()
	os.Exit(m.Run())
}

// program runs p as its procedure.
func program(p runbook.Procedure) Program {
	return Program{Name: "trial", About: "Tries things out",
		Procedure: func(_ *World, args []string) (any, runbook.Procedure, error) {
			if len(args) > 0 {
				return nil, nil, errors.New("no arguments are taken")
			}
			return nil, p, nil
		}}
}

func TestExitStatus(t *testing.T) {
	t.Parallel()
	done := func(context.Context, *runbook.Run) error { return nil }
	gate := func(ctx context.Context, r *runbook.Run) error {
		return r.Gate(ctx, runbook.Gate{Name: "go", Question: "Shall it be?"})
	}
	owed := func(ctx context.Context, r *runbook.Run) error {
		hold := runbook.Hold{Name: "importer", Intent: "the importer",
			Acquire: func(context.Context) error { return nil },
			Release: func(context.Context) error { return errors.New("crontab is gone") }}
		return r.Hold(ctx, hold, func(ctx context.Context, r *runbook.Run) error {
			_, err := runbook.Do(ctx, r, runbook.Step[int]{Name: "act", Intent: "act", Do: func(context.Context) (int, error) { return 1, nil }})
			return err
		})
	}
	for _, tt := range []struct {
		name  string
		p     runbook.Procedure
		args  []string
		stdin string
		want  int
		says  string
	}{
		{name: "done", p: done, want: ExitDone, says: "nothing; all is done"},
		{name: "help", p: done, args: []string{"-help"}, want: ExitDone, says: "Exit status"},
		{name: "failed", p: func(context.Context, *runbook.Run) error { return errors.New("no such luck") }, want: ExitFailed, says: "no such luck"},
		{name: "argument", p: done, args: []string{"x"}, want: ExitUsage, says: "no arguments are taken"},
		{name: "unknown flag", p: done, args: []string{"-x"}, want: ExitUsage, says: "-x"},
		{name: "contradiction", p: done, args: []string{"-plan", "-settle"}, want: ExitUsage, says: "only one of"},
		{name: "yes on a site", p: done, args: []string{"-yes", "-site", "f"}, want: ExitUsage, says: "lab only"},
		{name: "site without journal", p: done, args: []string{"-site", "f"}, want: ExitUsage, says: "-journal"},
		{name: "no such site", p: done, args: []string{"-site", "/nonexistent/f", "-plan"}, want: ExitUsage, says: "/nonexistent/f"},
		{name: "nobody answers", p: gate, want: ExitPending, says: "Shall it be?"},
		{name: "yes", p: gate, stdin: "yes\nit shall\n", want: ExitDone, says: "it shall"},
		{name: "no", p: gate, stdin: "no\nnot today\n", want: ExitFailed, says: "not today"},
		{name: "-yes", p: gate, args: []string{"-yes"}, want: ExitDone, says: "approved"},
		{name: "owed", p: owed, want: ExitOwed, says: "crontab is gone"},
		{name: "plan", p: gate, args: []string{"-plan"}, want: ExitDone, says: "ask        Shall it be?"},
		{name: "status without journal", p: done, args: []string{"-status"}, want: ExitUsage, says: "-journal"},
		{name: "status of nothing", p: done, args: []string{"-status", "-journal", "/nonexistent/j"}, want: ExitFailed, says: "/nonexistent/j"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			got := program(tt.p).Run(t.Context(), tt.args, strings.NewReader(tt.stdin), &out, &out)
			if got != tt.want || !strings.Contains(out.String(), tt.says) {
				t.Errorf("exit status %d, want %d; printed, without %q:\n%s", got, tt.want, tt.says, out.String())
			}
		})
	}
}

func TestOnlyPending(t *testing.T) {
	t.Parallel()
	pending := fmt.Errorf("krillin: %w", runbook.ErrPending)
	failed := errors.New("failed")
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{pending, true},
		{errors.Join(pending, pending), true},
		{errors.Join(pending, failed), false},
		{failed, false},
	} {
		if got := onlyPending(tt.err); got != tt.want {
			t.Errorf("onlyPending(%v) = %v, want %v", tt.err, got, tt.want)
		}
	}
}

func TestLabKeepsOffOtherFolders(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	precious := filepath.Join(dir, "precious")
	if err := os.WriteFile(precious, []byte("data"), 0o644); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	p := program(func(context.Context, *runbook.Run) error { return nil })
	if got := p.Run(t.Context(), []string{"-lab", dir}, strings.NewReader(""), &out, &out); got != ExitUsage {
		t.Errorf("exit status %d, want %d\n%s", got, ExitUsage, out.String())
	}
	if b, err := os.ReadFile(precious); err != nil || string(b) != "data" {
		t.Errorf("the folder was touched: %q, %v", b, err)
	}
}
