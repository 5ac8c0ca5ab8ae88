package runbook_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
)

// list pairs each device with its place.
func list(devices ...string) iter.Seq2[string, int] {
	return func(yield func(string, int) bool) {
		for i, d := range devices {
			if !yield(d, i) {
				return
			}
		}
	}
}

func TestEachGoesOnAfterFailures(t *testing.T) {
	boom := errors.New("boom")
	for _, limit := range []int{0, 1, 3} {
		synctest.Test(t, func(t *testing.T) {
			var done atomic.Int32
			err := execute(t, &runbooktest.Memory{}, func(ctx context.Context, r *runbook.Run) error {
				return runbook.Each(ctx, r.Group("devices"), list("arale", "bacon", "krillin", "mako"), limit, func(ctx context.Context, r *runbook.Run, device string, i int) error {
					switch i {
					case 0:
						time.Sleep(time.Second)
						return boom
					case 1:
						return r.Gate(ctx, runbook.Gate{Name: "go"})
					}
					_, err := runbook.Do(ctx, r, runbook.Step[int]{Name: "copy", Do: func(context.Context) (int, error) { done.Add(1); return 1, nil }})
					return err
				})
			})
			is(t, err, boom, runbook.ErrPending)
			if done.Load() != 2 {
				t.Errorf("limit %d: %d keys done, want 2", limit, done.Load())
			}
			if text := err.Error(); !strings.HasPrefix(text, "devices/arale: boom\ndevices/bacon/go: waiting") {
				t.Errorf("limit %d: %s", limit, text)
			}
		})
	}
}

func TestEachIsLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int32
		start := time.Now()
		is(t, execute(t, &runbooktest.Memory{}, func(ctx context.Context, r *runbook.Run) error {
			return runbook.Each(ctx, r, slices.All(make([]bool, 10)), 3, func(context.Context, *runbook.Run, int, bool) error {
				most.Store(max(most.Load(), now.Add(1)))
				time.Sleep(time.Second)
				now.Add(-1)
				return nil
			})
		}), nil)
		if most.Load() != 3 || time.Since(start) != 4*time.Second {
			t.Errorf("%d at a time, in %v", most.Load(), time.Since(start))
		}
	})
}

func TestEachStopsStarting(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	err := (&runbook.Runner{Name: "n", Journal: &runbooktest.Memory{}}).Execute(ctx, func(ctx context.Context, r *runbook.Run) error {
		return runbook.Each(ctx, r, list("a", "b", "c"), 1, func(context.Context, *runbook.Run, string, int) error { n++; cancel(); return nil })
	})
	is(t, err, context.Canceled)
	if n != 1 {
		t.Errorf("%d keys", n)
	}
}

// The text of an error names the group once, also when keys look alike.
func TestEachNamesTheKey(t *testing.T) {
	err := execute(t, &runbooktest.Memory{}, func(ctx context.Context, r *runbook.Run) error {
		return runbook.Each(ctx, r, list("1"), 1, func(ctx context.Context, r *runbook.Run, _ string, _ int) error {
			return runbook.Each(ctx, r, list("2"), 1, func(context.Context, *runbook.Run, string, int) error { return errors.New("1/25 failed") })
		})
	})
	if err == nil || err.Error() != "1/2: 1/25 failed" {
		t.Error(err)
	}
}

// Two keys with the same text would share their steps.
func TestEachTellsKeysApart(t *testing.T) {
	n := 0
	err := execute(t, &runbooktest.Memory{}, func(ctx context.Context, r *runbook.Run) error {
		return runbook.Each(ctx, r, maps.All(map[any]int{1: 1, "1": 2, "a\n": 3}), 2, func(context.Context, *runbook.Run, any, int) error { n++; return nil })
	})
	is(t, err, runbook.ErrDuplicate, runbook.ErrInvalid)
	if n != 1 {
		t.Errorf("%d keys were run", n)
	}
}

func TestEachOnManyKeysInAnyOrder(t *testing.T) {
	j := &runbooktest.Memory{}
	var acts atomic.Int32
	boom := true
	p := func(ctx context.Context, r *runbook.Run) error {
		devices := map[string]int{} // a map is iterated in another order every time
		for i := range 100 {
			devices[fmt.Sprint("device", i)] = i
		}
		return runbook.Each(ctx, r, maps.All(devices), 8, func(ctx context.Context, r *runbook.Run, device string, i int) error {
			got, err := runbook.Do(ctx, r, runbook.Step[int]{Name: "copy", Intent: "copy to " + device, Do: func(context.Context) (int, error) {
				if boom && i%2 == 0 {
					return 0, errors.New("boom")
				}
				acts.Add(1)
				return i, nil
			}})
			if err == nil && got != i {
				t.Errorf("%s got %d", device, got)
			}
			return err
		})
	}
	if err := execute(t, j, p); err == nil {
		t.Error("no error")
	}
	boom = false
	is(t, execute(t, j, p), nil)
	if acts.Load() != 100 {
		t.Errorf("%d effects, want 100", acts.Load())
	}
}
