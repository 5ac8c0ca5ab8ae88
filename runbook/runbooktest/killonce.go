package runbooktest

import (
	"context"
	"time"

	"github.com/landingteam/landing/runbook"
)

// A Start is what became of one start of a run: see [KillOnce].
type Start struct {
	Left   *Memory // the journal that is left
	Writes int     // of this start
	Killed bool
	Err    error // of a run that ended by itself
	bury   func()
}

// Bury lets what was stopped of a killed run end. Call it when nothing looks at
// its world any more.
func (s Start) Bury() { s.bury() }

// KillOnce starts a run with what an earlier one left in its journal, nil for
// nothing, and kills it, in the way of [KillAnywhere], at the write that at picks:
// now says that it dies there, stored that the record is in the journal all the
// same. Writes are counted from 0 at each start. grip, if set, is given a function
// that kills it at any other moment; an effect that calls it asks [runbook.Current]
// afterwards, which does not return before the dead process wakes.
func KillOnce(ctx context.Context, x *runbook.Runner, p runbook.Procedure, left *Memory, at func(write int, rec runbook.Record) (now, stored bool), grip func(kill func())) Start {
	k := newKiller(at)
	if left != nil {
		k.lines = left.survivor().lines
	}
	if grip != nil {
		grip(k.kill)
	}
	x.Journal = k
	ended := make(chan error, 1)
	go func() {
		defer close(ended)
		ended <- x.Execute(ctx, p)
	}()
	s := Start{bury: k.bury}
	select {
	case <-k.died:
		k.ended, s.Killed = ended, true
		select {
		case <-k.quiet:
		case <-time.After(patience):
		}
	case s.Err = <-ended:
	}
	k.mu.Lock()
	s.Writes = k.writes
	k.mu.Unlock()
	s.Left = k.survivor()
	return s
}
