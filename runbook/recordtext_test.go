package runbook_test

import (
	"context"
	"strings"
	"testing"

	"github.com/landingteam/landing/runbook"
)

func TestRecordInWords(t *testing.T) {
	for _, tt := range []struct {
		rec  runbook.Record
		want string
	}{
		{runbook.Record{Kind: runbook.Resumed, Verb: runbook.VerbRun, Run: "r1", Intent: "copy"}, "go on      run r1"},
		{runbook.Record{Kind: runbook.Planned, Verb: runbook.VerbWait, Step: "index", Intent: "wait for the index"}, "wait       wait for the index"},
		{runbook.Record{Kind: runbook.Planned, Verb: runbook.VerbGate, Intent: "copy?", Not: []string{"qa"}}, "ask        copy? (not qa)"},
		{runbook.Record{Kind: runbook.Planned, Verb: runbook.VerbVerify, Step: "phased"}, "check      phased"},
		{runbook.Record{Kind: runbook.Done, Verb: runbook.VerbRead, Step: "latest"}, "look       latest"},
		{runbook.Record{Kind: runbook.Done, Verb: runbook.VerbDo, Intent: "copy 42"}, "done       copy 42"},
		{runbook.Record{Kind: runbook.Adopted, Verb: runbook.VerbDo, Intent: "copy 42"}, "is so      copy 42"},
		{runbook.Record{Kind: runbook.Rejected, Verb: runbook.VerbGate, Intent: "copy?", By: "qa", Reason: "too early"}, "rejected   copy? (qa: too early)"},
		{runbook.Record{Kind: runbook.Failed, Verb: runbook.VerbDo, Intent: "copy 42", Error: "no space\n\x1b[2Jleft"}, "FAILED     copy 42: no space; \ufffd[2Jleft"},
		{runbook.Record{Kind: runbook.Progress, Label: "bytes", Done: 3, Total: 9}, "...        bytes: 3 of 9"},
		{runbook.Record{Kind: runbook.Progress, Label: "bytes", Done: 3}, "...        bytes: 3"},
	} {
		if got := tt.rec.String(); got != tt.want {
			t.Errorf("%s %s: got %q, want %q", tt.rec.Verb, tt.rec.Kind, got, tt.want)
		}
	}
}

func TestWritePlanOfWhatIsDone(t *testing.T) {
	var b strings.Builder
	is(t, (&runbook.Runner{Name: "n"}).WritePlan(t.Context(), &b, func(ctx context.Context, r *runbook.Run) error {
		_, err := runbook.Read(ctx, r, "latest", func(context.Context) (int, error) { return 42, nil })
		return err
	}), nil)
	if b.String() != "nothing to do\n" {
		t.Errorf("%q", &b)
	}
}
