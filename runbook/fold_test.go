package runbook_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
)

func TestStatusCause(t *testing.T) {
	for _, tc := range [][2]string{
		{"", ""},
		{"boom", "boom"},
		{"a/copy: no route to host\nb/copy: no route to host", "a/copy: no route to host\nb/copy: no route to host"},
		{"a/copy: no route\nx: boom\nb/copy: no route\nc/copy: no route", "a/copy, b/copy, c/copy: no route\nx: boom"},
		{"1: x\n2: x\n3: x\n4: x\n5: x", "1, 2, 3 and 2 more: x"},
	} {
		if d := cmp.Diff(tc[1], runbook.Status{Error: tc[0]}.Cause()); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
	}
}

// Twelve pairs are one line of the report, and what differs keeps its own; the first
// lines say what happened, what is owed and what comes next.
func TestReportFolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &runbooktest.Memory{}
		err := execute(t, j, func(ctx context.Context, r *runbook.Run) error {
			var pairs []string
			for i := range 12 {
				pairs = append(pairs, fmt.Sprintf("ubuntu-touch/rc/d%d", i))
			}
			return runbook.Each(ctx, r, slices.All(pairs), 1, func(ctx context.Context, r *runbook.Run, i int, pair string) error {
				if _, err := runbook.Do(ctx, r, runbook.Step[int]{Name: "copy", Intent: "copy " + pair, Do: func(context.Context) (int, error) { return i, nil }}); err != nil {
					return err
				}
				return r.Verify(ctx, "published", func(context.Context) error {
					if i > 7 {
						return errors.New("no route to host")
					}
					return nil
				})
			})
		})
		if err == nil {
			t.Fatal("nothing failed")
		}
		s, err := runbook.StatusOf(t.Context(), j)
		is(t, err, nil)
		const want = `n
  state    failed
           8/published, 9/published, 10/published, 11/published: no route to host
  owed     nothing
  next     see to the cause and start it again with the same journal: what is done is not repeated

  run      n-ID
  begun    2000-01-01 00:00:00 UTC
  last     2000-01-01 00:00:00 UTC

Steps
  01-01 00:00:00  checked    published: 8 times, for 0, 1 and 6 more
  01-01 00:00:00  done       copy: 12 times, for 0, 1 and 10 more, the last: copy ubuntu-touch/rc/d11
  01-01 00:00:00  FAILED     published: 4 times, for 8, 9 and 2 more: no route to host

Next
  see to the cause and start it again with the same journal: what is done is not repeated
`
		if d := cmp.Diff(strings.Split(want, "\n"), strings.Split(reportOf(t, s), "\n")); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
	})
}

// How far a long effect is stands in the journal from time to time, not each time.
func TestProgressIsJournalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, told := &runbooktest.Memory{}, 0
		var seen runbook.Status
		x := &runbook.Runner{Name: "n", Journal: j, Observe: func(rec runbook.Record) {
			if rec.Kind == runbook.Progress {
				told++
			}
		}}
		p := func(ctx context.Context, r *runbook.Run) error {
			_, err := runbook.Do(ctx, r, runbook.Step[int]{Name: "copy", Intent: "copy", Do: func(context.Context) (int, error) {
				for i := range 120 {
					r.Progress("packages", int64(i), 120)
					time.Sleep(time.Second)
				}
				var err error
				seen, err = runbook.StatusOf(ctx, j)
				return 1, err
			}})
			return err
		}
		is(t, x.Execute(t.Context(), p), nil)
		want(t, "journal", lines(records(t, j)), []string{"run opened", "do started copy", "note progress", "note progress", "note progress", "do done copy", "run ended"})
		if told != 120 || len(seen.Far) != 1 || seen.Far[0].Done != 90 {
			t.Errorf("told %d times, and seen elsewhere: %+v", told, seen.Far)
		}
		seen.Running = "anna"
		if report := reportOf(t, seen); !strings.Contains(report, "How far\n  packages: 90 of 120, ") {
			t.Errorf("the report does not say it:\n%s", report)
		}
		is(t, x.Execute(t.Context(), p), nil) // a journal with progress goes on
		if s, err := runbook.StatusOf(t.Context(), j); err != nil || len(s.Far) > 0 || len(s.Steps) != 1 {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

// Programs are told apart who or what a run waits for.
func TestStateWord(t *testing.T) {
	step := func(k runbook.Kind) []runbook.StepStatus {
		return []runbook.StepStatus{{Record: runbook.Record{Verb: runbook.VerbGate, Kind: k}}}
	}
	for want, s := range map[string]runbook.Status{
		"not begun":          {},
		"under way":          {Starts: 1, Running: "anna"},
		"waits for a person": {Starts: 1, Ending: "pending", Due: time.Now(), Steps: step(runbook.Asked)},
		"waits for a time":   {Starts: 1, Ending: "pending", Due: time.Now(), Steps: step(runbook.Approved)},
		"cut off":            {Starts: 1},
		"rejected":           {Starts: 1, Ending: "rejected"},
	} {
		text, err := s.MarshalJSON()
		if err != nil || s.StateWord() != want || !strings.HasPrefix(string(text), `{"state":"`+want+`",`) {
			t.Errorf("%q, want %q: %s, %v", s.StateWord(), want, text, err)
		}
	}
}
