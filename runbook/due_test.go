package runbook_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
)

// A run that waits for a time asks nobody, says when, and goes on then.
func TestDue(t *testing.T) {
	for _, verb := range []runbook.Verb{runbook.VerbWait, runbook.VerbRead, runbook.VerbRequire, runbook.VerbDo, runbook.VerbVerify} {
		t.Run(string(verb), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				due, acts := time.Now().Add(2*time.Hour).UTC(), 0
				when := func() error {
					if acts++; time.Now().Before(due) {
						return &runbook.Error{Kind: runbook.ErrPending, Text: "30% is due then", Due: due}
					}
					return nil
				}
				p := func(ctx context.Context, r *runbook.Run) (err error) {
					switch verb {
					case runbook.VerbWait:
						_, err = runbook.Wait(ctx, r, runbook.Poll[int]{Name: "next", Intent: "wait", Check: func(context.Context) (int, bool, error) { err := when(); return 1, err == nil, err }})
					case runbook.VerbRead:
						_, err = runbook.Read(ctx, r, "next", func(context.Context) (int, error) { return 1, when() })
					case runbook.VerbRequire:
						err = r.Require(ctx, "next", func(context.Context) error { return when() })
					case runbook.VerbDo:
						_, err = runbook.Do(ctx, r, runbook.Step[int]{Name: "next", Intent: "raise", Do: func(context.Context) (int, error) { return 1, when() }})
					case runbook.VerbVerify:
						err = r.Verify(ctx, "next", func(context.Context) error { return when() })
					}
					return err
				}
				j := &runbooktest.Memory{}
				x := &runbook.Runner{Name: "n", Journal: j, Human: &runbooktest.Human{}}
				err := x.Execute(t.Context(), p)
				is(t, err, runbook.ErrPending)
				if text := "next: waits until 2000-01-01 02:00 UTC: 30% is due then; start it again then; earlier does no harm"; fmt.Sprint(err) != text {
					t.Errorf("error %v, want %s", err, text)
				}
				s, err := runbook.StatusOf(t.Context(), j)
				is(t, err, nil)
				if s.Ending != "pending" || !s.Due.Equal(due) || len(s.Waiting()) > 0 || len(s.InDoubt()) > 0 {
					t.Errorf("status %+v", s)
				}
				last := s.Steps[len(s.Steps)-1]
				if last.Kind != runbook.Deferred || last.Due == nil || !last.Due.Equal(due) || last.Verb != verb {
					t.Errorf("step %+v", last)
				}
				report := reportOf(t, s)
				for _, text := range []string{"state    waits until 02:00 UTC (in 2 h); start it again then", "Due\n  next: 02:00 UTC (in 2 h)", "Next\n  start it again at 02:00 UTC (in 2 h), with the same journal; earlier does no harm"} {
					if !strings.Contains(report, text) {
						t.Errorf("the report does not say %q:\n%s", text, report)
					}
				}
				for _, text := range []string{"answer", "FAILED", "failed"} {
					if strings.Contains(report+last.String(), text) {
						t.Errorf("the report speaks of %q:\n%s\n%s", text, report, last)
					}
				}
				time.Sleep(2 * time.Hour)
				is(t, x.Execute(t.Context(), p), nil)
				if s, _ := runbook.StatusOf(t.Context(), j); acts != 2 || s.Ending != "done" || !s.Due.IsZero() {
					t.Errorf("%d acts, status %+v", acts, s)
				}
			})
		})
	}
}

// Of several times the first counts, and what else waits or failed is not hidden.
func TestDueAmongOthers(t *testing.T) {
	at := func(hour int) error {
		return &runbook.Error{Kind: runbook.ErrPending, Due: time.Date(2016, 9, 7, hour, 0, 0, 0, time.UTC)}
	}
	ask := func(ctx context.Context, r *runbook.Run) error {
		return r.Gate(ctx, runbook.Gate{Name: "go", Question: "go?"})
	}
	boom := errors.New("boom")
	for name, tc := range map[string]struct {
		end    func(ctx context.Context, r *runbook.Run) error
		ending string
		due    int
		says   string
	}{
		"two times":         {func(context.Context, *runbook.Run) error { return errors.Join(at(11), at(9)) }, "pending", 9, "waits until 2016-09-07 09:00 UTC (it is time)"},
		"wrapped":           {func(context.Context, *runbook.Run) error { return fmt.Errorf("arale: %w", at(11)) }, "pending", 11, "waits until 2016-09-07 11:00 UTC (it is time)"},
		"a time, a person":  {func(ctx context.Context, r *runbook.Run) error { return errors.Join(at(11), ask(ctx, r)) }, "pending", 11, "answer the question"},
		"a time, a failure": {func(context.Context, *runbook.Run) error { return errors.Join(at(11), boom) }, "failed", 11, "see to the cause"},
		"a person":          {ask, "pending", 0, "answer the question"},
	} {
		t.Run(name, func(t *testing.T) {
			j := &runbooktest.Memory{}
			_ = execute(t, j, tc.end)
			s, err := runbook.StatusOf(t.Context(), j)
			is(t, err, nil)
			if s.Ending != tc.ending || s.Due.IsZero() != (tc.due == 0) || s.Due.Hour() != tc.due {
				t.Errorf("%s, due %v", s.Ending, s.Due)
			}
			var b bytes.Buffer
			is(t, s.WriteReport(&b), nil)
			if !strings.Contains(b.String(), tc.says) {
				t.Errorf("the report does not say %q:\n%s", tc.says, b.String())
			}
		})
	}
}
