package launchpad

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"time"
)

// Snapshot plans and copies in one call. Use [Client.Plan] and [Client.Copy]
// to look at the plan before, or to be able to go on after a kill.
func (c *Client) Snapshot(ctx context.Context, r PlanRequest, o CopyOptions) (*Plan, *Report, error) {
	p, err := c.Plan(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	if err := p.Err(); err != nil {
		report, _ := c.report(p)
		return p, report, err
	}
	report, err := c.Copy(ctx, p, o)
	return p, report, err
}

// Copy asks for what the plan lacks in the target, and follows every package
// until it is fully published or has another end. It looks before it sends:
// called again with the same plan, it goes on where it stands. The error is nil
// only when the report is complete; the report is there in any case, except
// when the plan is not one.
func (c *Client) Copy(ctx context.Context, p *Plan, o CopyOptions) (*Report, error) {
	return c.carryOut(ctx, p, o, true, true)
}

// Start asks for what the plan lacks in the target and returns without waiting
// for it, except where an earlier request may still show up.
func (c *Client) Start(ctx context.Context, p *Plan, o CopyOptions) (*Report, error) {
	return c.carryOut(ctx, p, o, true, false)
}

// Watch follows a plan that was started until all of it has ended. It sends
// nothing.
func (c *Client) Watch(ctx context.Context, p *Plan, o CopyOptions) (*Report, error) {
	return c.carryOut(ctx, p, o, false, true)
}

// Probe looks once at how far a plan has come: nothing to be seen ([Unsent]
// everywhere), under way, failed, or done ([Report.Complete]). With a ledger it
// also knows what was asked for and is not to be seen yet. It changes nothing.
func (c *Client) Probe(ctx context.Context, p *Plan, o CopyOptions) (*Report, error) {
	t, err := newTracker(c, p, o)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(o.Ledger); err == nil {
		if t.ledger, err = openLedger(o.Ledger, p); err != nil {
			return nil, err
		}
		t.recall()
		if err := t.ledger.close(); err != nil {
			return nil, err
		}
	}
	for _, i := range t.items {
		if i.Row != "" && i.outcome == Unsent {
			i.requested(t.began) // its source is there: see how far it is
		}
	}
	if err := t.look(ctx); err != nil {
		return nil, err
	}
	if err := t.verify(ctx); err != nil {
		return nil, err
	}
	if t.settled() {
		ok, err := t.confirm(ctx)
		if err != nil {
			return nil, err
		}
		if ok {
			t.finish()
		}
	}
	return t.report(), nil
}

// report is that of a plan nobody carried out.
func (c *Client) report(p *Plan) (*Report, error) {
	t, err := newTracker(c, p, CopyOptions{})
	if err != nil {
		return nil, err
	}
	return t.report(), nil
}

// maxFailedLooks in a row end the watching of a copy.
const maxFailedLooks = 10

func (c *Client) carryOut(ctx context.Context, p *Plan, o CopyOptions, send, watch bool) (*Report, error) {
	t, err := newTracker(c, p, o)
	if err != nil {
		return nil, err
	}
	if send {
		if c.ReadOnly && p.Count(CopyIt) > 0 {
			return nil, &Error{Method: "POST", URL: string(p.To), Kind: ErrReadOnly}
		}
		if t.ledger, err = openLedger(o.Ledger, p); err != nil {
			return nil, err
		}
		defer t.ledger.close()
		t.recall()
	} else {
		t.presume()
	}
	for failed := 0; ; {
		done, err := t.round(ctx, send, watch)
		switch {
		case err == nil:
			failed = 0
		case ctx.Err() != nil || !passing(err):
			return t.report(), err
		default:
			c.log().Warn("cannot look at the target", "error", err)
			if failed++; failed >= maxFailedLooks {
				return t.report(), err
			}
		}
		t.tell()
		if done {
			r := t.report()
			if !watch {
				return r, nil
			}
			return r, r.Err()
		}
		if err := c.sleep(ctx, t.pause()); err != nil {
			return t.report(), err
		}
	}
}

// round looks once, sends what may be sent, and decides what can be decided.
func (t *tracker) round(ctx context.Context, send, watch bool) (done bool, err error) {
	if err := t.look(ctx); err != nil {
		return false, err
	}
	if send {
		if err := t.send(ctx); err != nil {
			return false, err
		}
		if !watch {
			return !t.owes(), nil
		}
	}
	if err := t.verify(ctx); err != nil {
		return false, err
	}
	if err := t.expire(ctx); err != nil {
		return false, err
	}
	if !t.settled() {
		t.confirmed = 0
		return false, nil
	}
	ok, err := t.confirm(ctx)
	if err != nil || !ok {
		t.confirmed = 0
		return false, err
	}
	// One complete observation may be a lucky sample; two in a row count.
	if t.confirmed++; t.confirmed < 2 && t.anyVerified() {
		return false, nil
	}
	t.finish()
	return true, nil
}

// passing reports whether a failed look may succeed the next time.
func passing(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.Kind == ErrServer || e.Kind == ErrTimeout)
}

// pause is short after a request and longer later, with some jitter.
func (t *tracker) pause() time.Duration {
	switch {
	case t.opt.Every > 0:
		return t.opt.Every
	case t.c.now().Sub(t.lastSent) < 5*time.Minute || t.confirmed > 0:
		return 30 * time.Second
	}
	return time.Minute + rand.N(time.Minute)
}
