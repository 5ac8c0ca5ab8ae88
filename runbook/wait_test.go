package runbook_test

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
)

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &runbooktest.Memory{}
		looks, ready, boom := 0, 5, error(nil)
		var got string
		p := func(ctx context.Context, r *runbook.Run) (err error) {
			got, err = runbook.Wait(ctx, r, runbook.Poll[string]{Name: "published", Intent: "wait for the index", Every: time.Minute, Deadline: 3 * time.Minute,
				Predict: "soon",
				Check:   func(context.Context) (string, bool, error) { looks++; return "version 42", looks >= ready, boom }})
			return err
		}
		x := &runbook.Runner{Name: "n", Journal: j}

		plan, err := x.Plan(t.Context(), p)
		is(t, err, nil)
		if got != "soon" || len(plan) != 1 || plan[0].Kind != runbook.Planned || plan[0].Intent != "wait for the index" {
			t.Errorf("plan %q, %+v", got, plan)
		}
		looks = 0

		start := time.Now()
		err = x.Execute(t.Context(), p)
		is(t, err, runbook.ErrTimeout)
		if time.Since(start) != 3*time.Minute {
			t.Errorf("gave up after %v", time.Since(start))
		}
		boom = errors.New("boom")
		is(t, x.Execute(t.Context(), p), boom)
		boom, ready = nil, looks+3
		is(t, x.Execute(t.Context(), p), nil)
		if got != "version 42" {
			t.Errorf("got %q", got)
		}
		before := looks
		got = ""
		is(t, x.Execute(t.Context(), p), nil)
		if got != "version 42" || looks != before {
			t.Errorf("resumed with %q after %d looks", got, looks-before)
		}
		plan, err = x.Plan(t.Context(), p)
		is(t, err, nil)
		want(t, "plan", lines(plan), []string{"wait done published"})
	})
}

func TestWaitDefaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, looks := time.Now(), 0
		err := execute(t, &runbooktest.Memory{}, func(ctx context.Context, r *runbook.Run) error {
			_, err := runbook.Wait(ctx, r, runbook.Poll[int]{Name: "w", Check: func(context.Context) (int, bool, error) { looks++; return 0, false, nil }})
			return err
		})
		is(t, err, runbook.ErrTimeout)
		if time.Since(start) != 2*time.Hour || looks != 240 {
			t.Errorf("%d looks in %v", looks, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err = (&runbook.Runner{Name: "n", Journal: &runbooktest.Memory{}}).Execute(ctx, func(ctx context.Context, r *runbook.Run) error {
			_, err := runbook.Wait(ctx, r, runbook.Poll[int]{Name: "w", Check: func(context.Context) (int, bool, error) { return 0, false, nil }})
			return err
		})
		is(t, err, context.DeadlineExceeded)
		if errors.Is(err, runbook.ErrTimeout) {
			t.Error("the end of the run is taken for the deadline of the wait")
		}
	})
	is(t, execute(t, &runbooktest.Memory{}, func(ctx context.Context, r *runbook.Run) error {
		_, err := runbook.Wait(ctx, r, runbook.Poll[int]{Name: "w"})
		return err
	}), runbook.ErrInvalid)
}

// A wait that stays says in the journal what it waits for, once, and not at each look;
// what it said is over when it ends.
func TestWaitThatStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		var seen []string
		j := &runbooktest.Memory{}
		p := func(ctx context.Context, r *runbook.Run) error {
			_, err := runbook.Wait(ctx, r.Group("round 1"), runbook.Poll[int]{Name: "due", Intent: "wait for the next step", Every: time.Second, Deadline: 24 * time.Hour, Stay: true,
				Check: func(context.Context) (int, bool, error) {
					pending := &runbook.Error{Kind: runbook.ErrPending, Text: "at 5% now", Due: begun.Add(time.Hour)}
					switch since := time.Since(begun); {
					case since >= 2*time.Hour:
						return 1, true, nil
					case since >= time.Hour:
						pending.Text, pending.Due = "at 10% now", begun.Add(2*time.Hour)
					}
					s, err := runbook.StatusOf(ctx, j)
					if err != nil {
						return 0, false, err
					}
					s.Running = "anna"
					state := regexp.MustCompile(` \(in [^)]*\)`).ReplaceAllString(s.State(), "") // how long still differs from look to look
					if n := len(seen); (n == 0 || seen[n-1] != state) && !strings.Contains(state, "(it is time)") {
						seen = append(seen, state)
					}
					return 0, false, pending
				}})
			return err
		}
		x := &runbook.Runner{Name: "n", Journal: j}
		is(t, x.Execute(t.Context(), p), nil)
		want(t, "journal", lines(records(t, j)), []string{"run opened", "wait started round 1/due", "wait progress round 1/due", "wait progress round 1/due", "wait done round 1/due", "run ended"})
		want(t, "states", seen, []string{"under way: anna", "under way: anna; waits until 01:00 UTC: at 5% now", "under way: anna; waits until 02:00 UTC: at 10% now"})
		s, err := runbook.StatusOf(t.Context(), j)
		if err != nil || len(s.Far) > 0 {
			t.Errorf("%+v, %v", s.Far, err)
		}
		is(t, x.Execute(t.Context(), p), nil) // its journal goes on
	})
}

// Any other error ends a wait that stays too.
func TestWaitThatStaysEnds(t *testing.T) {
	for _, why := range []error{runbook.ErrPending, errors.New("no route"), errors.Join(errors.New("no route"), &runbook.Error{Kind: runbook.ErrPending, Due: time.Now().Add(time.Hour)})} {
		p := func(ctx context.Context, r *runbook.Run) error {
			_, err := runbook.Wait(ctx, r, runbook.Poll[int]{Name: "due", Intent: "wait", Stay: true, Every: time.Hour,
				Check: func(context.Context) (int, bool, error) { return 0, false, why }})
			return err
		}
		x := &runbook.Runner{Name: "n", Journal: &runbooktest.Memory{}}
		is(t, x.Execute(t.Context(), p), why)
	}
}
