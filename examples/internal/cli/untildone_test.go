package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/landingteam/landing/runbook"
)

// later is a procedure whose last step waits for a time.
func later(wait time.Duration, times *int, then func() error) runbook.Procedure {
	return func(ctx context.Context, r *runbook.Run) error {
		begun, err := runbook.Read(ctx, r, "begin", func(context.Context) (time.Time, error) { return time.Now().UTC(), nil })
		if err != nil {
			return err
		}
		_, err = runbook.Wait(ctx, r, runbook.Poll[int]{Name: "time", Intent: "wait for the time", Every: time.Second, Deadline: 100 * time.Hour,
			Check: func(context.Context) (int, bool, error) {
				*times++
				due := begun.Add(wait)
				if time.Now().Before(due) {
					return 0, false, &runbook.Error{Kind: runbook.ErrPending, Text: "too early", Due: due}
				}
				return 1, true, then()
			}})
		return err
	}
}

// A run is started again at the moment that it waits for, and no sooner.
func TestUntilDone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "j")
	synctest.Test(t, func(t *testing.T) {
		j, err := runbook.OpenFile(path)
		if err != nil {
			t.Fatal(err)
		}
		times, said, last := 0, 0, ""
		x := &runbook.Runner{Name: "later", Journal: j}
		begin := time.Now()
		p := later(3*time.Hour, &times, func() error { return nil })
		err = untilDone(t.Context(), path, func() error { return x.Execute(t.Context(), p) }, func(s runbook.Status) { said, last = said+1, s.WaitsUntil() })
		if took := time.Since(begin); err != nil || times != 2 || said != 1 || took < 3*time.Hour || took > 3*time.Hour+time.Minute {
			t.Errorf("%v after %v: looked %d times, said %d times", err, took, times, said)
		}
		if want := "waits until 03:00 UTC (in 3 h)"; last != want {
			t.Errorf("it says %q, want %q", last, want)
		}
	})
}

// What is no waiting for a time ends it.
func TestUntilDoneEnds(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, tt := range map[string]struct {
		p      func(times *int) runbook.Procedure
		cancel time.Duration
		want   error
	}{
		"failure": {p: func(times *int) runbook.Procedure { return later(time.Hour, times, func() error { return broken }) }, want: broken},
		"question": {p: func(*int) runbook.Procedure {
			return func(ctx context.Context, r *runbook.Run) error {
				return r.Gate(ctx, runbook.Gate{Name: "go", Question: "Go on?"})
			}
		}, want: runbook.ErrPending},
		"interrupt": {p: func(times *int) runbook.Procedure { return later(time.Hour, times, func() error { return nil }) }, cancel: time.Minute, want: runbook.ErrPending},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "j")
			synctest.Test(t, func(t *testing.T) {
				j, err := runbook.OpenFile(path)
				if err != nil {
					t.Fatal(err)
				}
				ctx := t.Context()
				if tt.cancel > 0 {
					var stop context.CancelFunc
					ctx, stop = context.WithTimeout(ctx, tt.cancel)
					defer stop()
				}
				times := 0
				x := &runbook.Runner{Name: "later", Journal: j}
				p := tt.p(&times)
				if err := untilDone(ctx, path, func() error { return x.Execute(t.Context(), p) }, func(runbook.Status) {}); !errors.Is(err, tt.want) {
					t.Errorf("%v, want %v", err, tt.want)
				}
			})
		})
	}
}

func TestLog(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	logger(options{log: "json"}, &b).Info("run", "step", "copy")
	if !json.Valid(b.Bytes()) || !strings.Contains(b.String(), `"step":"copy"`) {
		t.Errorf("no JSON: %s", &b)
	}
	if logger(options{}, &b) != nil {
		t.Error("it logs unasked")
	}
	var out bytes.Buffer
	if got := program(func(context.Context, *runbook.Run) error { return nil }).Run(t.Context(), []string{"-log", "xml"}, strings.NewReader(""), &out, &out); got != ExitUsage {
		t.Errorf("-log xml: exit status %d, %s", got, &out)
	}
}
