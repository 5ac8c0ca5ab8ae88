package servertest_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/temporal"
)

// Questions are answered from anywhere, once, by whoever may.
func TestAnswers(t *testing.T) {
	t.Parallel()
	s := shared(t)
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
	if r, err := ends(t, s, h); err != nil || r.Ending != "done" {
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
