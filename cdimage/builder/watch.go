package builder

import (
	"context"
	"slices"
	"time"

	"github.com/landingteam/landing/cdimage"
)

// Progress is how far a run is.
type Progress struct {
	Build cdimage.Build
	Stage string // the last marker, "" before the first
	Done  int    // live file systems that have ended
	Total int    // live file systems asked for
	Bytes int64  // of the log
}

// watch follows the log of the run until ctx ends.
func (b *Builder) watch(ctx context.Context, set cdimage.ImageSet, after cdimage.BuildID) {
	if b.Observe == nil {
		return
	}
	poll := b.Poll
	if poll <= 0 {
		poll = 30 * time.Second
	}
	tick := time.NewTicker(poll)
	defer tick.Stop()
	var last Progress
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		ids, err := b.IDs(ctx, set)
		i := slices.IndexFunc(ids, func(id cdimage.BuildID) bool { return id.Compare(after) > 0 })
		if err != nil || i < 0 {
			continue // not begun, or not to be seen just now
		}
		log, err := b.readLog(ctx, cdimage.Build{ImageSet: set, ID: ids[i]})
		if err != nil {
			continue
		}
		p := Progress{Build: cdimage.Build{ImageSet: set, ID: ids[i]}, Total: len(log.Arches), Bytes: log.Bytes}
		if n := len(log.Stages); n > 0 {
			p.Stage = log.Stages[n-1].Name
		}
		for _, a := range log.Arches {
			if a.State != "" {
				p.Done++
			}
		}
		if p != last {
			last = p
			b.Observe(p)
		}
	}
}
