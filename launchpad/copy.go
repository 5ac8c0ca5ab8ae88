package launchpad

import (
	"context"
	"os"
	"slices"
	"time"

	"github.com/landingteam/landing/launchpad/value"
)

// CopyOptions tune how a plan is carried out. The zero value is good.
type CopyOptions struct {
	// Progress is called after every look at the target with the number of
	// packages that have ended or were seen published, and of all. It is called
	// from the goroutine that carries out the plan, and must return soon.
	Progress func(done, total int)

	// Ledger, when set, is a file in which every request is noted before it is
	// sent, and its answer after. A copy that was killed and is started again
	// with the same plan and ledger sends nothing a second time.
	Ledger string

	// Earlier is for a plan that was started before without a ledger: the time
	// up to which it may have sent requests. A package of which nothing is seen
	// is not asked for before Settle has passed since then.
	Earlier time.Time

	Settle     time.Duration // how long an unanswered request may take to show; default 10 min
	LostAfter  time.Duration // after a request nothing is seen; default 15 min
	StuckAfter time.Duration // after the first sight of a row; default 2 h
	Every      time.Duration // pause between looks; default 30 s, later 60 to 120 s
}

func (o *CopyOptions) fill() {
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	set(&o.Settle, 10*time.Minute)
	set(&o.LostAfter, 15*time.Minute)
	set(&o.StuckAfter, 2*time.Hour)
}

// Copy asks for what the plan lacks in the target, and follows every package
// until it is fully published or has another end. It looks before it sends:
// called again with the same plan, it goes on where it stands. The error is nil
// only when the report is complete; the report is there in any case, except
// when the plan is not one.
func (c *Client) Copy(ctx context.Context, p *Plan, o CopyOptions) (*CopyReport, error) {
	t, err := newCopier(c, p, o)
	if err != nil {
		return nil, err
	}
	if c.ReadOnly && p.Copies() > 0 {
		return nil, &Error{Method: "POST", URL: string(p.To), Kind: ErrReadOnly}
	}
	if t.ledger, err = openLedger(o.Ledger, p); err != nil {
		return nil, err
	}
	defer t.ledger.close()
	t.recall()
	for failed := 0; ; {
		done, err := t.round(ctx)
		switch {
		case err == nil:
			failed = 0
		case ctx.Err() != nil || !passing(err):
			return t.report(), err
		default:
			c.log().Warn("cannot look at the target", "error", err)
			if failed++; failed >= failedLooks {
				return t.report(), err
			}
		}
		t.tell()
		if done {
			r := t.report()
			return r, r.Err()
		}
		if err := c.sleep(ctx, t.pause()); err != nil {
			return t.report(), err
		}
	}
}

// Probe looks once at how far a plan has come: nothing to be seen
// ([CopyNotRequested] everywhere), under way, failed, or done
// ([CopyReport.Complete]). With a ledger it also knows what was asked for and is
// not to be seen yet. It changes nothing.
func (c *Client) Probe(ctx context.Context, p *Plan, o CopyOptions) (*CopyReport, error) {
	t, err := newCopier(c, p, o)
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
		if i.Row != "" && i.State == CopyNotRequested {
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

// copier carries out a plan. One goroutine owns it; while requests are sent in
// parallel, each has its own item, and mu guards the rest.
type copier struct {
	c    *Client
	plan *Plan
	opt  CopyOptions
	sender

	began     time.Time
	items     []*item
	confirmed int       // complete observations in a row
	turn      int       // whose binaries are read one by one next
	askedWhy  time.Time // when the target archive was last read
}

// item is one package with what is known of it.
type item struct {
	PackageCopy
	row      *Publication // best row of the target
	seen     time.Time    // when the row was first seen
	sent     time.Time    // when it was asked for, zero if not
	notUntil time.Time    // not to be asked for before
	tries    int
	hopeless bool // binaries have no rows, and nothing will make any
	verified bool // source and all binaries were seen Published
}

func newCopier(c *Client, p *Plan, o CopyOptions) (*copier, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	o.fill()
	t := &copier{c: c, plan: p, opt: o, began: c.now()}
	for _, what := range p.Packages {
		i := &item{PackageCopy: what}
		switch {
		case i.Action == actConflict:
			i.State, i.Detail = CopyRefused, i.Reason
		case i.Action == actPresent:
			i.requested(t.began)
		case p.Blocked != "":
			i.State, i.Detail = p.Blocked, p.Reason
		case !o.Earlier.IsZero():
			i.notUntil = o.Earlier.Add(o.Settle)
		}
		t.items = append(t.items, i)
	}
	return t, nil
}

// round looks once, sends what may be sent, and decides what can be decided.
func (t *copier) round(ctx context.Context) (done bool, err error) {
	for _, step := range [...]func(context.Context) error{t.look, t.send, t.verify, t.expire} {
		if err := step(ctx); err != nil {
			return false, err
		}
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

// settled reports whether every item has ended or was seen published.
func (t *copier) settled() bool {
	return !slices.ContainsFunc(t.items, func(i *item) bool { return !i.State.Ended() && !i.verified })
}

func (t *copier) anyVerified() bool {
	return slices.ContainsFunc(t.items, func(i *item) bool { return i.verified })
}

// finish makes what was verified published.
func (t *copier) finish() {
	for _, i := range t.items {
		if i.verified {
			i.State, i.Detail, i.Missing = CopyPublished, "", nil
		}
	}
}

// report says how it stands.
func (t *copier) report() *CopyReport {
	stamp := func(v time.Time) value.Time { return value.Time{Time: v.UTC().Truncate(time.Microsecond)} }
	r := &CopyReport{From: t.plan.From, To: t.plan.To, Series: t.plan.ToSeries, Began: stamp(t.began), Ended: stamp(t.c.now()),
		Complete: true, Stale: t.plan.Stale, Packages: []PackageCopy{}}
	for _, i := range t.items {
		const most = 50
		p := i.PackageCopy
		p.Copied = i.row != nil && i.row.SelfLink.ID() > t.plan.LastSource
		p.Missing = slices.Clone(p.Missing[:min(len(p.Missing), most)])
		r.Complete = r.Complete && p.State == CopyPublished
		r.Packages = append(r.Packages, p)
	}
	return r
}

// tell reports progress.
func (t *copier) tell() {
	if t.opt.Progress == nil {
		return
	}
	done := 0
	for _, i := range t.items {
		if i.State.Ended() || i.verified {
			done++
		}
	}
	t.opt.Progress(done, len(t.items))
}
