package runbook_test

import (
	"context"
	"errors"
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
		if time.Since(start) != runbook.DefaultDeadline || looks != int(runbook.DefaultDeadline/runbook.DefaultEvery) {
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
