package runbook_test

import (
	"context"
	"errors"
	"testing"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
)

func TestPlan(t *testing.T) {
	w, human, j := &world{}, &runbooktest.Human{}, &runbooktest.Memory{}
	x := &runbook.Runner{Name: "copy", Human: human}
	full := []string{"read done latest", "hold planned importer", "do planned 0/copy arale", "do planned 1/copy bacon", "note noted",
		"gate planned go", "do planned last/phase", "verify planned phased", "hold released importer"}
	plan, err := x.Plan(t.Context(), w.copyrc)
	is(t, err, nil)
	want(t, "plan without journal", lines(plan), full)
	if got := string(plan[2].Result); got != `"did copy arale"` || plan[2].Intent != "do copy arale" {
		t.Errorf("planned step: %+v", plan[2])
	}
	x.Journal = j
	plan, err = x.Plan(t.Context(), w.copyrc)
	is(t, err, nil)
	want(t, "plan with an empty journal", lines(plan), full)
	want(t, "plans act", w.took(), []string{"look", "look"})
	if len(human.Asked()) > 0 || len(records(t, j)) > 0 {
		t.Error("a plan asked or wrote")
	}

	is(t, x.Execute(t.Context(), w.copyrc), runbook.ErrPending)
	before := len(records(t, j))
	w.took()
	plan, err = x.Plan(t.Context(), w.copyrc)
	is(t, err, nil)
	want(t, "plan of the rest", lines(plan), []string{"read done latest", "do done 0/copy arale", "do done 1/copy bacon",
		"gate planned go", "hold planned importer", "do planned last/phase", "verify planned phased", "hold released importer"})
	want(t, "plans act", w.took(), nil)

	dead := cut(t, j, "do started 1/copy bacon")
	plan, err = (&runbook.Runner{Name: "copy", Journal: dead}).Plan(t.Context(), w.copyrc)
	is(t, err, nil)
	want(t, "plan after a kill", lines(plan)[:4], []string{"read done latest", "hold acquired importer", "do done 0/copy arale", "do doubt 1/copy bacon"})
	if n := len(records(t, j)); n != before {
		t.Error("a plan wrote")
	}
	if _, err := (&runbook.Runner{Name: "other", Journal: j}).Plan(t.Context(), w.copyrc); !errors.Is(err, runbook.ErrDiverged) {
		t.Error(err)
	}
}

func TestPlanShowsFailedPreconditions(t *testing.T) {
	w := &world{fail: map[string]error{"server": errors.New("no route")}}
	plan, err := (&runbook.Runner{Name: "copy"}).Plan(t.Context(), func(ctx context.Context, r *runbook.Run) error {
		if !r.Planning() {
			t.Error("not planning")
		}
		return r.Require(ctx, "server", func(context.Context) error { return w.act("server") })
	})
	if err == nil || err.Error() != "server: no route" {
		t.Error(err)
	}
	want(t, "plan", lines(plan), []string{"require failed server"})
}
