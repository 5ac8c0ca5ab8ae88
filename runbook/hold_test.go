package runbook_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
)

func execute(t *testing.T, j runbook.Journal, p runbook.Procedure) error {
	t.Helper()
	return (&runbook.Runner{Name: "n", Journal: j}).Execute(t.Context(), p)
}

// However the body ends, what was taken is given back.
func TestHoldIsGivenBack(t *testing.T) {
	boom := errors.New("boom")
	for name, tc := range map[string]struct {
		body func(context.Context, *runbook.Run, context.CancelFunc) error
		err  error
	}{
		"return": {func(context.Context, *runbook.Run, context.CancelFunc) error { return nil }, nil},
		"error":  {func(context.Context, *runbook.Run, context.CancelFunc) error { return boom }, boom},
		"cancel": {func(ctx context.Context, _ *runbook.Run, cancel context.CancelFunc) error { cancel(); return ctx.Err() }, context.Canceled},
		"pending": {func(ctx context.Context, r *runbook.Run, _ context.CancelFunc) error {
			return r.Gate(ctx, runbook.Gate{Name: "g"})
		}, runbook.ErrPending},
		"panic":  {func(context.Context, *runbook.Run, context.CancelFunc) error { panic("boom") }, nil},
		"goexit": {func(context.Context, *runbook.Run, context.CancelFunc) error { runtime.Goexit(); return nil }, nil},
	} {
		for _, inside := range []string{"", " in Each", " in a parallel Each"} {
			t.Run(name+inside, func(t *testing.T) {
				w, j := &world{}, &runbooktest.Memory{}
				var alive error
				h := w.hold("importer")
				release := h.Release
				h.Release = func(ctx context.Context) error {
					if _, limited := ctx.Deadline(); !limited {
						t.Error("giving back has no deadline")
					}
					alive = ctx.Err()
					return release(ctx)
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var err error
				var panicked any
				done := make(chan bool)
				go func() {
					defer close(done)
					defer func() { panicked = recover() }()
					err = (&runbook.Runner{Name: "n", Journal: j}).Execute(ctx, func(ctx context.Context, r *runbook.Run) error {
						return r.Hold(ctx, h, func(ctx context.Context, r *runbook.Run) error {
							if err := do(ctx, r, w.step("a")); err != nil {
								return err
							}
							if inside == "" {
								return tc.body(ctx, r, cancel)
							}
							return runbook.Each(ctx, r, slices.All([]int{7}), len(inside)-7, func(ctx context.Context, r *runbook.Run, _, _ int) error { return tc.body(ctx, r, cancel) })
						})
					})
				}()
				<-done
				is(t, err, tc.err)
				want(t, "acts", w.took(), []string{"take importer", "a", "give importer"})
				if alive != nil {
					t.Errorf("given back with a context that was done: %v", alive)
				}
				if (name == "panic") != (panicked != nil && strings.Contains(fmt.Sprint(panicked), "boom")) {
					t.Errorf("panicked with %v", panicked)
				}
				if got := lines(records(t, j)); got[len(got)-1] != "run ended" {
					t.Errorf("the journal ends with %s", got[len(got)-1])
				}
				if unlock, err := j.Lock(t.Context(), "x"); err != nil {
					t.Error(err)
				} else if err := unlock(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestHoldIsLazy(t *testing.T) {
	w := &world{is: map[string]string{"b": "so already"}}
	is(t, execute(t, &runbooktest.Memory{}, func(ctx context.Context, r *runbook.Run) error {
		return r.Hold(ctx, w.hold("outer"), func(ctx context.Context, r *runbook.Run) error {
			if err := r.Hold(ctx, w.hold("nothing"), func(ctx context.Context, r *runbook.Run) error {
				if _, err := runbook.Read(ctx, r, "look", func(context.Context) (int, error) { return 1, w.act("look") }); err != nil {
					return err
				}
				return do(ctx, r, w.probed("b"))
			}); err != nil {
				return err
			}
			return r.Hold(ctx, w.hold("inner"), func(ctx context.Context, r *runbook.Run) error { return do(ctx, r, w.step("a")) })
		})
	}), nil)
	want(t, "acts", w.took(), []string{"look", "take outer", "take inner", "a", "give inner", "give outer"})
}

// What an earlier start left taken is given back at the end, and taken anew
// only if there is something left to do.
func TestHoldIsTakenOver(t *testing.T) {
	w, j := &world{}, &runbooktest.Memory{}
	p := func(ctx context.Context, r *runbook.Run) error {
		return r.Hold(ctx, w.hold("importer"), func(ctx context.Context, r *runbook.Run) error {
			if err := do(ctx, r, w.probed("a")); err != nil {
				return err
			}
			return do(ctx, r, w.probed("b"))
		})
	}
	is(t, execute(t, j, p), nil)
	w.took()
	for at, acts := range map[string][]string{
		"run opened":             {"take importer", "a", "b", "give importer"},
		"hold armed importer":    {"take importer", "a", "b", "give importer"},
		"hold acquired importer": {"take importer", "a", "b", "give importer"},
		"do done a":              {"take importer", "b", "give importer"},
		"do done b":              {"give importer"},
		"hold released importer": nil,
		"run ended":              nil,
	} {
		m := cut(t, j, at)
		is(t, execute(t, m, p), nil)
		want(t, "after "+at, w.took(), acts)
		is(t, execute(t, m, p), nil)
		want(t, "after "+at+", and again", w.took(), nil)
	}
}

func TestAcquireFails(t *testing.T) {
	w, j := &world{fail: map[string]error{"take importer": errors.New("no route")}}, &runbooktest.Memory{}
	p := func(ctx context.Context, r *runbook.Run) error {
		return r.Hold(ctx, w.hold("importer"), func(ctx context.Context, r *runbook.Run) error {
			return runbook.Each(ctx, r, slices.All([]int{1, 2}), 2, func(ctx context.Context, r *runbook.Run, _, _ int) error { return do(ctx, r, w.step("a")) })
		})
	}
	is(t, execute(t, j, p), w.fail["take importer"])
	want(t, "acts", w.took(), []string{"take importer", "give importer"})
	w.fail = nil
	is(t, execute(t, j, p), nil)
	want(t, "acts", w.took(), []string{"take importer", "a", "a", "give importer"})
}

func TestReleaseFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		boom, noRoute := errors.New("boom"), errors.New("no route")
		w, j := &world{fail: map[string]error{"give importer": noRoute, "a": boom}}, &runbooktest.Memory{}
		swallow := false
		p := func(ctx context.Context, r *runbook.Run) error {
			err := r.Hold(ctx, w.hold("importer"), func(ctx context.Context, r *runbook.Run) error { return do(ctx, r, w.step("a")) })
			if swallow {
				return nil
			}
			return err
		}
		err := execute(t, j, p)
		is(t, err, runbook.ErrOwed, noRoute, boom)
		if !strings.HasPrefix(err.Error(), "importer: still held: take importer: no route") {
			t.Errorf("the debt does not come first: %v", err)
		}
		want(t, "acts", w.took(), []string{"take importer", "a", "give importer", "give importer", "give importer"})
		if owed := statusOf(t, j).Owed(); len(owed) != 1 || owed[0].Step != "importer" || owed[0].Error != "no route" {
			t.Errorf("owed %v", owed)
		}
		swallow = true
		is(t, execute(t, j, p), runbook.ErrOwed)
		w.fail = nil
		is(t, execute(t, j, p), nil)
		is(t, (&runbook.Runner{Name: "n", Journal: j}).Settle(t.Context(), p), nil)
	})
}

// A blip while giving back is no debt, and giving back ends at its deadline.
func TestReleaseIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, tries := &world{}, 0
		h := w.hold("importer")
		h.Release = func(ctx context.Context) error {
			if tries++; tries < 2 {
				return errors.New("blip")
			}
			return nil
		}
		p := func(ctx context.Context, r *runbook.Run) error {
			return r.Hold(ctx, h, func(ctx context.Context, r *runbook.Run) error { return do(ctx, r, w.step("a")) })
		}
		is(t, execute(t, &runbooktest.Memory{}, p), nil)
		h.Release = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		start := time.Now()
		is(t, (&runbook.Runner{Name: "n", Journal: &runbooktest.Memory{}, Cleanup: time.Minute}).Execute(t.Context(), p), runbook.ErrOwed, context.DeadlineExceeded)
		if took := time.Since(start); took != time.Minute {
			t.Errorf("giving back ended after %v", took)
		}
	})
}

func TestHoldInParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := 0
		h := runbook.Hold{Name: "importer", Intent: "pause",
			Acquire: func(context.Context) error { time.Sleep(time.Second); free++; return nil },
			Release: func(context.Context) error { free--; return nil }}
		start := time.Now()
		is(t, execute(t, &runbooktest.Memory{}, func(ctx context.Context, r *runbook.Run) error {
			return r.Hold(ctx, h, func(ctx context.Context, r *runbook.Run) error {
				return runbook.Each(ctx, r, slices.All(make([]int, 10)), 10, func(ctx context.Context, r *runbook.Run, _, _ int) error {
					_, err := runbook.Do(ctx, r, runbook.Step[int]{Name: "a", Do: func(context.Context) (int, error) {
						if free != 1 {
							t.Errorf("an effect while it is taken %d times", free)
						}
						time.Sleep(time.Second)
						return 1, nil
					}})
					return err
				})
			})
		}), nil)
		if took := time.Since(start); took != 2*time.Second || free != 0 {
			t.Errorf("took %v, %d taken at the end", took, free)
		}
	})
}

func TestHoldNeedsBoth(t *testing.T) {
	is(t, execute(t, &runbooktest.Memory{}, func(ctx context.Context, r *runbook.Run) error {
		return r.Hold(ctx, runbook.Hold{Name: "h"}, func(context.Context, *runbook.Run) error { t.Error("entered"); return nil })
	}), runbook.ErrInvalid)
}
