package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/mailbox"
)

// On a site a pipe answers nothing, whatever and however much comes out of it.
func TestPipeDoesNotAnswerOnASite(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	h := human(options{}, &World{site: &Site{}}, strings.NewReader(strings.Repeat("yes\n", 1000)), &out)
	_, err := h.Ask(t.Context(), runbook.Question{Step: "g", Text: "go?"})
	if !errors.Is(err, runbook.ErrPending) || !strings.Contains(err.Error(), "the standard input is none") || out.Len() > 0 {
		t.Errorf("%v; printed %q", err, out.String())
	}
}

// A name does not help who uses an account that may not answer.
func TestAccountMayNotAnswer(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	h := human(options{}, &World{Operator: "anna", site: &Site{}, attended: true}, strings.NewReader("yes\n\n"), &out)
	_, err := h.Ask(t.Context(), runbook.Question{Step: "g", Text: "go?", Not: []string{strings.ToUpper(Whoami())}})
	if !errors.Is(err, runbook.ErrPending) || !strings.Contains(err.Error(), "may not answer this") {
		t.Error(err)
	}
}

// A question is at the terminal and in the mailbox; the first answer counts, and the
// other place is told.
func TestAskedHereAndInTheMailbox(t *testing.T) {
	t.Parallel()
	q := runbook.Question{Run: "r", Step: "g", Text: "go?", Digest: "d"}
	for name, tc := range map[string]struct {
		typed     string
		elsewhere *runbook.Answer
		want      runbook.Verdict
		by        string
		open      int // questions left in the mailbox
	}{
		"here":          {"yes\nseen\n", nil, runbook.Yes, "anna", 0},
		"later":         {"later\n", nil, runbook.Later, "anna", 1},
		"nobody":        {"", nil, "", "", 1},
		"elsewhere":     {"", &runbook.Answer{Verdict: runbook.No, By: "bert"}, runbook.No, "bert", 0},
		"elsewhere too": {"yes\n\n", &runbook.Answer{Verdict: runbook.No, By: "bert"}, runbook.No, "bert", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			box := &mailbox.Box{Dir: filepath.Join(t.TempDir(), "box")}
			if tc.elsewhere != nil {
				if _, err := box.Ask(t.Context(), q); !errors.Is(err, runbook.ErrPending) {
					t.Fatal(err)
				}
				if err := box.Answer(q, *tc.elsewhere); err != nil {
					t.Fatal(err)
				}
			}
			h := human(options{mailbox: box.Dir}, &World{Operator: "anna"}, strings.NewReader(tc.typed), io.Discard)
			a, err := h.Ask(t.Context(), q)
			if a.Verdict != tc.want || a.By != tc.by || (err != nil) != (tc.want == "") {
				t.Errorf("%+v, %v", a, err)
			}
			if open, err := box.Open(); err != nil || len(open) != tc.open {
				t.Errorf("open: %v, %v", open, err)
			}
			if given, err := box.Given(q); tc.open == 0 && (err != nil || given.Verdict != tc.want) {
				t.Errorf("in the mailbox: %+v, %v", given, err)
			}
		})
	}
}

// With a folder of runs the same words go on with what has not ended, and other words,
// or what has ended, begin a run of their own.
func TestRunsFolderNamesJournals(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "runs")
	input := "one"
	p := program(func(ctx context.Context, r *runbook.Run) error {
		return r.Gate(ctx, runbook.Gate{Name: "go", Question: "Shall it be?"})
	})
	plain := p.Procedure
	p.Procedure = func(w *World, args []string) (any, runbook.Procedure, error) {
		_, procedure, err := plain(w, args)
		return input, procedure, err
	}
	run := func(stdin string, args ...string) (int, string) {
		var out bytes.Buffer
		code := p.Run(t.Context(), append(args, "-runs", dir), strings.NewReader(stdin), &out, &out)
		return code, out.String()
	}
	journals := func() int {
		found, err := FindRuns(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	for _, step := range []struct {
		name, input, stdin string
		want, journals     int
	}{
		{"begun", "one", "", ExitPending, 1},
		{"goes on", "one", "", ExitPending, 1},
		{"other words", "two", "", ExitPending, 2},
		{"and to its end", "one", "yes\n\n", ExitDone, 2},
		{"a new one", "one", "", ExitPending, 3},
	} {
		input = step.input
		if got, out := run(step.stdin); got != step.want || journals() != step.journals {
			t.Fatalf("%s: exit status %d, %d journals\n%s", step.name, got, journals(), out)
		}
	}
	open, err := (&mailbox.Box{Dir: filepath.Join(dir, mailbox.Folder)}).Open()
	if err != nil || len(open) != 2 {
		t.Errorf("in its mailbox: %v, %v", open, err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// The hook is told when a question opens and when a run fails.
func TestNotifyCommand(t *testing.T) {
	t.Parallel()
	told := filepath.Join(t.TempDir(), "told")
	p := program(func(ctx context.Context, r *runbook.Run) error {
		if err := r.Gate(ctx, runbook.Gate{Name: "go", Question: "Shall it be?", Evidence: "image 2"}); err != nil {
			return err
		}
		return errors.New("no such luck")
	})
	journal := filepath.Join(t.TempDir(), "j")
	for _, stdin := range []string{"", "yes\n\n"} {
		var out bytes.Buffer
		p.Run(t.Context(), []string{"-json", "-journal", journal, "-notify", `(echo "$EVENT|$SUBJECT"; cat) >>'` + told + `'`}, strings.NewReader(stdin), &out, &out)
	}
	text, err := os.ReadFile(told)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"question|asked: Shall it be?\nimage 2\n\nShall it be?\n", "failed|failed: run trial-", "no such luck\n"} {
		if strings.Count(string(text), want) != 1 {
			t.Errorf("it does not say once %q:\n%s", want, text)
		}
	}
}
