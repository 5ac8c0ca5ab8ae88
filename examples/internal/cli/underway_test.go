package cli

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook"
)

// The last line of a run as its records come in: each is the line after one record, by
// what happened and when.
func TestUnderway(t *testing.T) {
	t.Parallel()
	begun := time.Date(2016, 9, 7, 11, 0, 0, 0, time.UTC)
	due := begun.Add(time.Hour)
	count := func(label string, done, total int64) runbook.Record {
		return runbook.Record{Kind: runbook.Progress, Label: label, Done: done, Total: total}
	}
	step := func(kind runbook.Kind, step, intent string) runbook.Record {
		return runbook.Record{Kind: kind, Verb: runbook.VerbDo, Step: step, Intent: intent}
	}
	type moment struct {
		after time.Duration
		rec   runbook.Record
		want  string
	}
	for name, moments := range map[string][]moment{
		"pairs: what was done before does not count for the pace": {
			{0, count("pairs", 0, 12), "0:00  0 of 12  pairs"},
			{time.Second, count("pairs", 8, 12), "0:01  8 of 12  pairs"},
			{time.Second, step(runbook.Started, "p9/copy", "copy image 9"), "0:00  8 of 12  pairs  copy image 9"},
			{61 * time.Second, step(runbook.Done, "p9/copy", "copy image 9"), "1:01  8 of 12  pairs"},
			{61 * time.Second, count("pairs", 9, 12), "1:01  9 of 12, 1.0 a minute, 3:00 to go  pairs"},
			{62 * time.Second, count("pairs", 12, 12), ""},
		},
		"an import ends with its step": {
			{0, step(runbook.Started, "import", "run import-images"), "0:00  run import-images"},
			{time.Second, count("devices", 1, 30), "0:01  1 of 30  devices  run import-images"},
			{31 * time.Second, count("devices", 11, 30), "0:31  11 of 30, 20.0 a minute, 0:57 to go  devices  run import-images"},
			{40 * time.Second, step(runbook.Done, "import", "run import-images"), ""},
		},
		"a rollout that stays": {
			{0, step(runbook.Started, "round 1/what is due", "wait for the next step"), "0:00  wait for the next step"},
			{0, runbook.Record{Kind: runbook.Progress, Step: "round 1/what is due", Label: "at 5 % now; 10 % is due then", Due: &due},
				"0:00  waits until 12:00 UTC (in 1 h): at 5 % now; 10 % is due then  wait for the next step"},
			{13 * time.Minute, runbook.Record{Kind: runbook.Noted, Verb: runbook.VerbNote},
				"13:00  waits until 12:00 UTC (in 47 min): at 5 % now; 10 % is due then  wait for the next step"},
			{time.Hour, step(runbook.Done, "round 1/what is due", "wait for the next step"), ""},
		},
		"several at once": {
			{0, step(runbook.Started, "a/build", "build a"), "0:00  build a"},
			{0, step(runbook.Started, "b/build", "build b"), "0:00  build b (and 1 more)"},
			{time.Second, runbook.Record{Kind: runbook.Ended, Verb: runbook.VerbRun}, ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var u underway
			for _, m := range moments {
				m.rec.Time = begun.Add(m.after)
				u.follow(m.rec)
				got := u.line(m.rec.Time)
				if got != "" {
					got = got[2:] // what turns
				}
				if diff := cmp.Diff(m.want, got); diff != "" {
					t.Errorf("after %v (-want +got):\n%s", m.after, diff)
				}
			}
		})
	}
}
