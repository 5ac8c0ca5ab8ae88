package procedure

import (
	"context"
	"time"
)

// A Pace is how a rollout goes from one percentage to the next: what it asks and
// looks at, and whether it waits. [Rollout], [Release] and [Hotfix] have one.
type Pace struct {
	// Health is asked before each step and, with Stay, every Every. Nil means
	// that nothing is known. An error is no signal: it ends this start.
	Health func(ctx context.Context) (Health, error)

	// Stop is the stop file on the host; nil is none.
	Stop *StopFile

	Stay  bool          // wait for what is due later instead of being pending until then
	Every time.Duration // how often to look while waiting; a minute when zero

	Now func() time.Time // the clock; time.Now when nil
}

// A Health is what a [Rollout] is told about the devices that have the update.
type Health struct {
	Bad bool   `json:"bad"` // halt
	Why string `json:"why"` // one line for the journal and the gate
}

func (p Pace) now() time.Time {
	if p.Now == nil {
		return time.Now().UTC()
	}
	return p.Now().UTC()
}

func (p Pace) every() time.Duration {
	if p.Every <= 0 {
		return time.Minute
	}
	return p.Every
}
