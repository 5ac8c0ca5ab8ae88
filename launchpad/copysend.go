package launchpad

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// sender is what a copier needs to send requests side by side.
type sender struct {
	mu       sync.Mutex
	lastSent time.Time
	ledger   *ledger
}

// requested starts the clock. A source that is there already has its row, which
// is checked when its binaries are.
func (i *item) requested(when time.Time) {
	i.sent, i.State = when, CopyRequested
	if i.Row != "" {
		i.row, i.seen, i.State = &Publication{SelfLink: i.Row, Status: Published}, when, CopyPublishing
	}
}

// send asks for what may be asked for: of which nothing was asked for or seen, and
// no earlier request can be under way.
func (t *copier) send(ctx context.Context) error {
	now := t.c.now()
	var tasks []task
	for _, i := range t.items {
		switch {
		case i.row != nil || !i.sent.IsZero() || i.State.Ended() || now.Before(i.notUntil):
		case i.Row != "":
			tasks = append(tasks, func(ctx context.Context) error { return t.complete(ctx, i) })
		default:
			tasks = append(tasks, func(ctx context.Context) error { return t.request(ctx, i) })
		}
	}
	return t.c.together(ctx, tasks...)
}

// complete asks for a source that is there without some of its binaries, unless
// an earlier start has brought them meanwhile.
func (t *copier) complete(ctx context.Context, i *item) error {
	i.requested(t.c.now())
	err := t.inspect(ctx, i)
	if err == nil && (i.verified || i.State.Ended()) {
		return nil
	}
	i.row, i.sent, i.State, i.hopeless = nil, time.Time{}, CopyNotRequested, false
	if err != nil {
		return err
	}
	return t.request(ctx, i)
}

// request asks for one copy, its version and its series pinned: else the newest
// row of any series would be taken. Success means no more than that a job was
// queued: whether the copy is made shows only in the target, and its failure
// nowhere in the web service.
func (t *copier) request(ctx context.Context, i *item) error {
	if err := t.note(i, "", ""); err != nil {
		return err
	}
	p := t.plan
	err := t.c.write(ctx, p.To, op("copyPackage").text("source_name", i.Name).text("version", i.Version).text("from_archive", string(p.From)).
		text("from_series", p.Series).text("from_pocket", p.Pocket).text("to_series", p.ToSeries).text("to_pocket", release).
		flag("include_binaries", p.Binaries).flag("unembargo", p.Unembargo))
	return t.answered(ctx, i, err)
}

// pause is short after a request and longer later, with some jitter.
func (t *copier) pause() time.Duration {
	switch {
	case t.opt.Every > 0:
		return t.opt.Every
	case t.c.now().Sub(t.lastSent) < 5*time.Minute || t.confirmed > 0:
		return 30 * time.Second
	}
	return time.Minute + rand.N(time.Minute)
}
