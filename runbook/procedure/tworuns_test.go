package procedure_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/systemimage/operate"
)

// A rollout and a back-out of the same images at the same time: the back-out
// wins, whenever it begins. Their commands come one after the other: a copy and a
// percentage that commit one index at the same moment break it, as neither of the
// server's programs heeds the other.
func TestRolloutAgainstBackOut(t *testing.T) {
	t.Parallel()
	for _, after := range []time.Duration{0, 50 * time.Millisecond, 150 * time.Millisecond, 300 * time.Millisecond} {
		t.Run(after.String(), func(t *testing.T) {
			t.Parallel()
			l := released(t, 0)
			k := newClock(time.Minute)
			c := rollout(t, l, k, "linear 5h every 10m")
			c.Input.Images, c.Stay = faulty(2), true
			host := &inTurn{Runner: c.Server.Runner}
			c.Server.Runner = host
			ended := make(chan error)
			go func() { ended <- execute(t, c, &runbooktest.Memory{}, nil) }()
			time.Sleep(after)
			b := backout(l)
			b.Stop, b.Server.Runner = c.Stop, host
			y := &runbook.Runner{Name: "backout", Input: b.Input, Journal: &runbooktest.Memory{}, Human: runbooktest.ApproveEverything{}}
			if err := y.Execute(t.Context(), b.Run); err != nil {
				t.Errorf("back-out: %v", err)
			}
			if err := <-ended; err == nil {
				t.Error("the rollout went on to its end")
			}
			if err := execute(t, c, &runbooktest.Memory{}, runbooktest.ApproveEverything{}); !errors.Is(err, procedure.ErrBackedOut) && !errors.Is(err, procedure.ErrSuperseded) {
				t.Errorf("the rollout started again: %v", err)
			}
			nobodyGetsIt(t, l)
		})
	}
}

// inTurn runs one command at a time.
type inTurn struct {
	command.Runner
	mu sync.Mutex
}

func (r *inTurn) Run(ctx context.Context, c command.Command) (command.Output, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.Runner.Run(ctx, c)
}

// Of two runs that hold the importer the second is refused, and leaves no trace.
func TestTwoRunsHoldTheImporter(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	before := snapshot(t, l)
	other := l.Importer()
	other.Owner = operate.Owner{Run: "release-x", Operator: "colleague"}
	if err := other.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	paused := snapshot(t, l)
	x, c := copyrc(l, &runbooktest.Memory{})
	if err := x.Execute(t.Context(), c.Run); err == nil || !strings.Contains(err.Error(), "run release-x (colleague) holds the importer") {
		t.Fatalf("the second run: %v, want it refused", err)
	}
	if d := cmp.Diff(paused, snapshot(t, l)); d != "" {
		t.Errorf("the second run did something (-before +after)\n%s", d)
	}
	if err := other.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(before, snapshot(t, l)); d != "" {
		t.Errorf("after the first (-before +after)\n%s", d)
	}
	if err := x.Execute(t.Context(), c.Run); err != nil {
		t.Errorf("the second run when the first has ended: %v", err)
	}
}

// Of runs that begin at the same moment one does its work; the others are refused,
// or come after it.
func TestManyRunsHoldTheImporter(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	var wg sync.WaitGroup
	errs := make([]error, 3)
	for n := range errs {
		wg.Go(func() {
			x, c := copyrc(l, &runbooktest.Memory{})
			errs[n] = x.Execute(t.Context(), c.Run)
		})
	}
	wg.Wait()
	done := 0
	for _, err := range errs {
		if err == nil {
			done++
		} else if !strings.Contains(err.Error(), "holds the importer since") {
			t.Errorf("refused with %v", err)
		}
	}
	if done == 0 {
		t.Error("none of them did its work")
	}
	for _, p := range rcPairs {
		if version, _, _ := latest(t, l, p.To, p.Device); version != 2 {
			t.Errorf("%s: newest image is %d, want 2", p, version)
		}
	}
	if st := importerState(t, l); st != operate.ImporterOn {
		t.Errorf("after all: importer is %q, want on", st)
	}
}
