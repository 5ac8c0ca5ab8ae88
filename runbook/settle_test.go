package runbook_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
)

func TestSettle(t *testing.T) {
	w, j := &world{}, &runbooktest.Memory{}
	p := func(ctx context.Context, r *runbook.Run) error {
		if err := r.Require(ctx, "weekday", func(context.Context) error { return w.act("weekday") }); err != nil {
			return err
		}
		device, err := runbook.Read(ctx, r, "device", func(context.Context) (string, error) { return "arale", w.act("look") })
		if err != nil {
			return err
		}
		return r.Hold(ctx, w.hold("outer"), func(ctx context.Context, r *runbook.Run) error {
			if err := do(ctx, r, w.step("a")); err != nil {
				return err
			}
			return r.Hold(ctx, w.hold("inner "+device), func(ctx context.Context, r *runbook.Run) error {
				if err := do(ctx, r, w.step("b")); err != nil {
					return err
				}
				return do(ctx, r, w.step("c"))
			})
		})
	}
	is(t, (&runbook.Runner{Name: "n", Journal: j}).Settle(t.Context(), p), nil)
	if len(records(t, j)) > 0 {
		t.Error("settling nothing wrote")
	}
	is(t, (&runbook.Runner{Name: "n", Journal: j}).Execute(t.Context(), p), nil)
	w.took()

	for at, acts := range map[string][]string{
		"do started b":           {"give inner arale", "give outer"},
		"do done b":              {"give inner arale", "give outer"},
		"hold armed inner arale": {"give inner arale", "give outer"},
		"do started a":           {"give outer"},
		"read done device":       nil,
		// What was under way at a kill may come to its end later, so what is
		// given back on record is given back again.
		"run ended": {"give inner arale", "give outer"},
	} {
		m := cut(t, j, at)
		x := &runbook.Runner{Name: "n", Journal: m}
		is(t, x.Settle(t.Context(), p), nil)
		want(t, at, w.took(), acts)
		is(t, x.Settle(t.Context(), p), nil)
		want(t, at+", settled twice", w.took(), acts)
		if owed := statusOf(t, m).Owed(); len(owed) > 0 {
			t.Errorf("%s: owed %v", at, owed)
		}
	}

	t.Run("execute settles what it does not reach", func(t *testing.T) {
		m := cut(t, j, "do started b")
		w.fail = map[string]error{"weekday": errors.New("it is Sunday")}
		err := (&runbook.Runner{Name: "n", Journal: m}).Execute(t.Context(), p)
		is(t, err, w.fail["weekday"])
		if errors.Is(err, runbook.ErrOwed) {
			t.Error(err)
		}
		want(t, "acts", w.took(), []string{"weekday", "give inner arale", "give outer"})
	})
	t.Run("a release that fails", inBubble(func(t *testing.T) {
		m := cut(t, j, "do started b")
		w.fail = map[string]error{"give outer": errors.New("no route")}
		x := &runbook.Runner{Name: "n", Journal: m}
		err := x.Settle(t.Context(), p)
		is(t, err, runbook.ErrOwed, w.fail["give outer"])
		if text := err.Error(); strings.Count(text, "give outer") > 1 || strings.Contains(text, "not done yet") {
			t.Errorf("more is said than what is owed: %s", text)
		}
		w.fail["weekday"] = errors.New("it is Sunday")
		err = x.Execute(t.Context(), p)
		is(t, err, runbook.ErrOwed, w.fail["give outer"], w.fail["weekday"])
		if text := err.Error(); strings.Count(text, "by hand") != 1 {
			t.Errorf("the debt is not said once: %s", text)
		}
		w.took()
		w.fail = nil
		is(t, x.Settle(t.Context(), p), nil)
		want(t, "acts", w.took(), []string{"give inner arale", "give outer"})
	}))
	t.Run("a hold that is gone from the procedure", func(t *testing.T) {
		m := cut(t, j, "do started b")
		err := (&runbook.Runner{Name: "n", Journal: m}).Settle(t.Context(), func(context.Context, *runbook.Run) error { return nil })
		is(t, err, runbook.ErrOwed)
		for _, text := range []string{"outer", "inner arale", "take outer"} {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%q does not name %q", err, text)
			}
		}
	})
	t.Run("a procedure that fails on the way", func(t *testing.T) {
		m := cut(t, j, "do started b")
		x := &runbook.Runner{Name: "n", Journal: m}
		is(t, x.Settle(t.Context(), func(ctx context.Context, r *runbook.Run) error {
			p(ctx, r)
			return errors.New("something else")
		}), nil)
		want(t, "acts", w.took(), []string{"give inner arale", "give outer"})
	})
	t.Run("another input", func(t *testing.T) {
		m := cut(t, j, "do started a")
		err := (&runbook.Runner{Name: "n", Input: 1, Journal: m}).Settle(t.Context(), p)
		is(t, err, runbook.ErrOwed, runbook.ErrDiverged)
		want(t, "acts", w.took(), nil)
	})
	t.Run("a hold that is another", func(t *testing.T) {
		m := cut(t, j, "do started a")
		err := (&runbook.Runner{Name: "n", Journal: m}).Settle(t.Context(), func(ctx context.Context, r *runbook.Run) error {
			h := w.hold("outer")
			h.Intent = "take something else"
			return r.Hold(ctx, h, func(context.Context, *runbook.Run) error { return nil })
		})
		is(t, err, runbook.ErrOwed, runbook.ErrDiverged)
		want(t, "acts", w.took(), nil)
	})
}
