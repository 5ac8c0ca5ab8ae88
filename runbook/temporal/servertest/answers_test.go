package servertest_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	sdk "go.temporal.io/sdk/temporal"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/temporal"
	"github.com/landingteam/landing/runbook/temporal/servertest"
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

// Of two people who answer at once one counts, and the other is told who.
func TestTwoAnswers(t *testing.T) {
	t.Parallel()
	s := shared(t)
	dir, queue, id := t.TempDir(), once("queue"), once("two")
	local(t, s, queue, dir)
	h := start(t, s, queue, id, temporal.Run{Procedure: "folder", Operator: "copier", Heartbeat: time.Minute, Input: input(t, folder{Steps: 1, Ask: true})})
	q := phase(t, s, id, temporal.Waiting).Last.Waiting[0]
	said := make(chan error)
	for _, by := range []string{"anna", "bert"} {
		go func() {
			said <- temporal.Answer(t.Context(), s.Client, id, q.Step, runbook.Answer{Verdict: runbook.Yes, By: by, Reason: "tested", Digest: q.Digest})
		}()
	}
	a, b := <-said, <-said
	if a == nil {
		a, b = b, a
	}
	if b != nil || !errors.Is(a, temporal.ErrRefused) && !errors.Is(a, temporal.ErrNotFound) {
		t.Errorf("%v and %v: want one taken and one refused", a, b)
	}
	if r, err := ends(t, s, h); err != nil || r.Ending != "done" {
		t.Error(r, err)
	}
	onceEach(t, dir, 1)
}

// With a codec, as one that encrypts, nothing of a run is in plain on the server but its
// name, its procedure and its operator, also of what it failed of; and all works as
// without.
func TestCodec(t *testing.T) {
	t.Parallel()
	s := shared(t)
	codec := converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), converter.NewZlibCodec(converter.ZlibCodecOptions{AlwaysEncode: true}))
	c, err := client.DialContext(t.Context(), client.Options{HostPort: s.Address, Namespace: s.Namespace, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
		DataConverter: codec, FailureConverter: sdk.NewDefaultFailureConverter(sdk.DefaultFailureConverterOptions{DataConverter: codec, EncodeCommonAttributes: true})})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	coded := &servertest.Server{Client: c, Address: s.Address, Namespace: s.Namespace}
	dir, queue, id := t.TempDir(), once("queue"), once("coded")
	local(t, coded, queue, dir)
	h := start(t, coded, queue, id, temporal.Run{Procedure: "folder", Operator: "copier", Heartbeat: time.Minute, Input: input(t, folder{Steps: 1, Ask: true})})
	answerYes(t, coded, id)
	if r, err := ends(t, coded, h); err != nil || r.Ending != "done" {
		t.Error(r, err)
	}
	done(t, coded, id)
	broken := once("broken")
	h = start(t, coded, queue, broken, temporal.Run{Procedure: "folder", Operator: "copier", Input: input(t, folder{Steps: 2, Fail: "step01"})})
	if st := phase(t, coded, broken, temporal.Failing); !strings.Contains(st.Last.Error, "the world is broken") {
		t.Errorf("%+v", st.Last)
	}
	if err := temporal.GoOn(t.Context(), c, broken, temporal.Abandon); err != nil {
		t.Fatal(err)
	}
	if _, err := ends(t, coded, h); err == nil || !strings.Contains(err.Error(), "the world is broken") {
		t.Errorf("abandoned: %v", err)
	}
	for _, name := range []string{id, broken, temporal.JournalOf(c, queue, id).ID} {
		for events := s.Client.GetWorkflowHistory(t.Context(), name, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); events.HasNext(); {
			e, err := events.Next()
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range []string{"the world is broken", "write step0", "begun by"} {
				if text := e.String(); strings.Contains(text, secret) {
					t.Errorf("in plain: %s", text)
				}
			}
		}
	}
	if l := listed(t, coded, id); l.Procedure != "folder" || l.Operator != "copier" {
		t.Errorf("it is listed as %+v", l)
	}
}
