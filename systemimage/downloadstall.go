package systemimage

import (
	"context"
	"fmt"
	"time"
)

// A download that brings fewer bytes than crawl within stall has got stuck.
const (
	stall = time.Minute
	crawl = 4 << 10
)

// A pulse ends the context of a download that has got stuck: what comes is
// written to it.
type pulse struct {
	timer *time.Timer
	fresh int
}

func withPulse(ctx context.Context) (context.Context, *pulse, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	p := &pulse{timer: time.AfterFunc(stall, func() { cancel(fmt.Errorf("fewer than %d bytes have come in %v", crawl, stall)) })}
	return ctx, p, func() {
		p.timer.Stop()
		cancel(nil)
	}
}

func (p *pulse) Write(b []byte) (int, error) {
	if p.fresh += len(b); p.fresh >= crawl {
		p.fresh = 0
		p.timer.Reset(stall)
	}
	return len(b), nil
}
