package launchpad

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
)

// sender is what a copier needs to send requests side by side.
type sender struct {
	mu       sync.Mutex
	lastSent time.Time
	ledger   *ledger
}

// recall takes over what the ledger says was asked for.
func (t *copier) recall() {
	if t.ledger == nil {
		return
	}
	for _, i := range t.items {
		line, ok := t.ledger.seen[version{i.Name, i.Version}]
		if !ok || i.State != CopyNotRequested {
			continue
		}
		switch line.Answer {
		case accepted:
			i.requested(line.Time.Time)
		case refused:
			i.refuse(line.Sentence)
		case unsent:
		default:
			i.tries, i.State, i.notUntil = 1, CopyRequested, line.Time.Add(t.opt.Settle)
			if i.Row != "" {
				i.requested(line.Time.Time)
			}
		}
	}
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

// answered records what became of a request. The error it returns ends the
// copy, or this round of it.
//
// Where the answer was lost, the package is looked for until it would have shown,
// and then asked for once more.
func (t *copier) answered(ctx context.Context, i *item, err error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.c.now()
	t.lastSent = now
	answer, sentence := accepted, ""
	var e *Error
	errors.As(err, &e)
	switch {
	case err == nil:
		i.requested(now)
	case e == nil || e.Kind == ErrReadOnly || e.Kind == ErrToken:
		answer = unsent
	case e.Ambiguous:
		answer = unknown
		i.State, i.notUntil = CopyRequested, now.Add(t.opt.Settle)
		if i.tries++; i.tries > 1 || i.Row != "" {
			i.requested(now)
		}
	case e.Kind == ErrServer || e.Kind == ErrTimeout: // it never left
		answer = unsent
		if i.tries++; i.tries > failedLooks {
			i.end(CopyRefused, "cannot be asked for: %v", e)
		}
	default:
		answer, sentence = refused, e.Message
		i.refuse(sentence)
	}
	// The note is for the next start; this one knows. Its context may be over.
	if noteErr := t.note(i, answer, sentence); noteErr != nil {
		return noteErr
	}
	if answer == unsent {
		return err
	}
	return ctx.Err()
}

// refuse ends a package for which Launchpad queued nothing.
func (i *item) refuse(sentence string) {
	if strings.Contains(sentence, "is obsolete and will not accept new uploads") {
		i.end(CopySeriesObsolete, "%s", sentence)
		return
	}
	i.end(CopyRefused, "%s", sentence)
}

func (t *copier) note(i *item, answer, sentence string) error {
	return t.ledger.note(version{i.Name, i.Version}, t.c.now(), answer, sentence)
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
