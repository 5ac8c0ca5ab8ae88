package lab_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/runbook/runbooktest"
)

// killAt is the write at which a start dies.
func (w *simWorld) killAt() func(int, runbook.Record) (now, stored bool) {
	return func(int, runbook.Record) (bool, bool) {
		k, ok := w.next(atWrite, command.Command{})
		if w.counted[atWrite] > endlessly {
			w.endless = true
			return true, true
		}
		if ok {
			w.meet(k.name)
			w.away = w.away || k.elsewhere
		}
		return ok, k.stored
	}
}

// endlessly is a number of records that no run comes to with its starts.
const endlessly = 2000

// buried keeps a killed process: it may wake.
func (w *simWorld) buried(s runbooktest.Start) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead = append(w.dead, s)
}

// elsewhereToo starts the run, if that is what a fault says, with the journal that
// is left, on another site: it must not touch anything there.
func (w *simWorld) elsewhereToo(ctx context.Context, left *runbooktest.Memory) {
	if !w.away {
		return
	}
	w.away = false
	dir, err := os.MkdirTemp(w.dir, "elsewhere-")
	if err != nil {
		panic(err)
	}
	site, err := w.s.newWorld(dir, nil)
	if err != nil {
		panic(err)
	}
	for _, start := range []func(*runbook.Runner, context.Context, runbook.Procedure) error{(*runbook.Runner).Execute, (*runbook.Runner).Settle} {
		x, p := w.s.make(&hand{w: site})
		x.Journal, x.World = left, map[string]string{"root": "another"}
		if err := start(x, ctx, p); !errors.Is(err, runbook.ErrDiverged) {
			w.elsewhere = fmt.Sprintf("started on another site it ended with %v", err)
		}
	}
	if text, err := site.server.Snapshot(); err != nil || text != w.s.begin {
		w.elsewhere = "the other site was changed"
	}
}

// another is a person who runs something in the same world meanwhile, without
// faults, and starts it again every ten minutes until it is done, or gives it up.
func (w *simWorld) another(make func(*hand) (*runbook.Runner, runbook.Procedure)) {
	w.mu.Lock()
	j := &runbooktest.Memory{}
	w.others = append(w.others, j)
	h := &hand{w: w, who: len(w.others)}
	w.mu.Unlock()
	w.ending.Go(func() {
		ctx := context.Background()
		for range maxStarts {
			x, p := make(h)
			x.Journal = j
			err := x.Execute(ctx, p)
			if err == nil {
				return
			}
			w.s.pause(err)
			time.Sleep(9 * time.Minute)
		}
		x, p := make(h)
		x.Journal = j
		_ = x.Settle(ctx, p)
	})
}

func writeFile(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}
