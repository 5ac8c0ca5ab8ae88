package runbook_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
)

// inBubble is a test in virtual time: of what is tried again after a while.
func inBubble(f func(t *testing.T)) func(t *testing.T) {
	return func(t *testing.T) { synctest.Test(t, f) }
}

type site struct {
	Name string `json:"name"`
	Host string `json:"host,omitempty"`
}

// What is recorded of one world is no reason to act in another, nor are its debts
// paid there.
func TestOtherWorld(t *testing.T) {
	here := site{"staging", "a.example.net"}
	for name, other := range map[string]any{
		"another name":  site{"production", "a.example.net"},
		"another host":  site{"staging", "b.example.net"},
		"the lab":       map[string]string{"name": "lab"},
		"no world":      nil,
		"an empty name": site{},
	} {
		t.Run(name, inBubble(func(t *testing.T) {
			w, j := &world{fail: map[string]error{"a": runbook.ErrInDoubt, "give importer": errors.New("boom")}}, &runbooktest.Memory{}
			p := func(ctx context.Context, r *runbook.Run) error {
				return r.Hold(ctx, w.hold("importer"), func(ctx context.Context, r *runbook.Run) error { return do(ctx, r, w.step("a")) })
			}
			x := &runbook.Runner{Name: "n", World: here, Journal: j}
			is(t, x.Execute(t.Context(), p), runbook.ErrOwed)
			before := lines(records(t, j))
			w.took()
			w.fail = nil
			x.World = other
			for what, start := range map[string]func() error{
				"execute": func() error { return x.Execute(t.Context(), p) },
				"settle":  func() error { return x.Settle(t.Context(), p) },
				"plan":    func() error { _, err := x.Plan(t.Context(), p); return err },
			} {
				err := start()
				is(t, err, runbook.ErrDiverged)
				if !strings.Contains(fmt.Sprint(err), "staging") || (what != "plan") != errors.Is(err, runbook.ErrOwed) {
					t.Errorf("%s: %v", what, err)
				}
			}
			want(t, "acts", w.took(), nil)
			want(t, "journal", lines(records(t, j)), before)
			x.World = here
			is(t, x.Settle(t.Context(), p), nil)
			want(t, "acts at home", w.took(), []string{"give importer"})
		}))
	}
}

// A journal that does not say where it is of is gone on with, and bound.
func TestWorldOfAnOldJournal(t *testing.T) {
	j := &runbooktest.Memory{}
	x := &runbook.Runner{Name: "n", Journal: j}
	p := func(context.Context, *runbook.Run) error { return nil }
	is(t, x.Execute(t.Context(), p), nil)
	x.World = site{Name: "staging"}
	if _, err := x.Plan(t.Context(), p); err != nil {
		t.Error(err)
	}
	is(t, x.Execute(t.Context(), p), nil)
	is(t, x.Execute(t.Context(), p), nil)
	x.World = site{Name: "production"}
	is(t, x.Execute(t.Context(), p), runbook.ErrDiverged)
	n := 0
	for _, rec := range records(t, j) {
		if len(rec.World) > 0 {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d records say what the run works on, want 1", n)
	}
}

func TestWorldInReport(t *testing.T) {
	j := &runbooktest.Memory{}
	x := &runbook.Runner{Name: "n", Journal: j, World: site{Name: "staging"}}
	is(t, x.Execute(t.Context(), func(context.Context, *runbook.Run) error { return nil }), nil)
	first := records(t, j)[0]
	if string(first.World) != `{"name":"staging"}` {
		t.Errorf("the first record says %s", first.World)
	}
	var b strings.Builder
	if err := statusOf(t, j).WriteReport(&b); err != nil || !strings.Contains(b.String(), "world    name: staging") {
		t.Errorf("%v\n%s", err, b.String())
	}
}
