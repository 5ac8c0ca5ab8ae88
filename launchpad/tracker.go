package launchpad

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// tracker follows the items of a plan. One goroutine owns it; while requests
// are sent in parallel, mu guards the items.
type tracker struct {
	c      *Client
	plan   *Plan
	opt    CopyOptions
	ledger *ledger
	mu     sync.Mutex

	began     time.Time
	lastSent  time.Time
	items     []*tracked
	confirmed int       // complete observations in a row
	turn      int       // whose binaries are read one by one next
	askedWhy  time.Time // when the target archive was last read
}

// tracked is one item with what is known of it.
type tracked struct {
	*Item
	outcome  Outcome
	detail   string
	missing  []string
	row      *Source   // best row of the target
	seen     time.Time // when the row was first seen
	sent     time.Time // when it was asked for, zero if not
	notUntil time.Time // not to be asked for before
	tries    int
	hopeless bool // binaries have no rows, and nothing will make any
	verified bool // source and all binaries were seen Published
}

func newTracker(c *Client, p *Plan, o CopyOptions) (*tracker, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	o.fill()
	t := &tracker{c: c, plan: p, opt: o, began: c.now()}
	for n := range p.Items {
		i := &tracked{Item: &p.Items[n]}
		switch {
		case i.Action == Conflict:
			i.outcome, i.detail = Refused, i.Reason
		case i.Action == Present:
			i.requested(t.began)
		case p.Blocked != "":
			i.outcome, i.detail = p.Blocked, p.Reason
		case !o.Earlier.IsZero():
			i.notUntil = o.Earlier.Add(o.Settle)
		}
		t.items = append(t.items, i)
	}
	return t, nil
}

// recall takes over what the ledger says was asked for.
func (t *tracker) recall() {
	if t.ledger == nil {
		return
	}
	for _, i := range t.items {
		line, ok := t.ledger.seen[PackageVersion{i.Name, i.Version}]
		if !ok || i.outcome != Unsent {
			continue
		}
		switch line.Answer {
		case accepted:
			i.requested(line.Time.Time)
		case refused:
			i.refuse(line.Sentence)
		case unsent:
		default:
			i.tries, i.outcome, i.notUntil = 1, Requested, line.Time.Add(t.opt.Settle)
			if i.Row != "" {
				i.requested(line.Time.Time)
			}
		}
	}
}

// presume takes everything as asked for.
func (t *tracker) presume() {
	for _, i := range t.items {
		if i.outcome == Unsent {
			i.requested(t.began)
		}
	}
}

// requested starts the clock. A source that is there already has its row, which
// is checked when its binaries are.
func (i *tracked) requested(when time.Time) {
	i.sent, i.outcome = when, Requested
	if i.Row != "" {
		i.row, i.seen, i.outcome = &Source{Publication: Publication{Entry: Entry{SelfLink: i.Row}, Status: Published}}, when, Publishing
	}
}

func (i *tracked) end(o Outcome, format string, args ...any) {
	i.outcome, i.detail, i.verified = o, fmt.Sprintf(format, args...), false
}

// look reads the sources that came into the target after the plan was made, in
// whatever state they are now. Rows stay in this listing, newest first, so
// that none is missed while pages shift.
func (t *tracker) look(ctx context.Context) error {
	p := t.plan
	rows := map[string][]Source{}
	wanted := map[string]bool{}
	for _, i := range t.items {
		wanted[i.Name] = true
	}
	err := each(t.c.Sources(ctx, p.To, SourceFilter{Series: p.ToSeries, CreatedSince: p.Since.Time, Order: Newest}), func(s Source) {
		if s.SelfLink.ID() > p.LastSource && wanted[s.SourceName] {
			rows[s.SourceName] = append(rows[s.SourceName], s)
		}
	})
	if err != nil {
		return err
	}
	for _, i := range t.items {
		if best := bestSource(rows[i.Name], i.Version); best != nil {
			t.apply(i, best, rows[i.Name])
		}
	}
	return nil
}

// apply draws what a row of the item's version says.
func (t *tracker) apply(i *tracked, row *Source, others []Source) {
	if i.outcome.Ended() && i.outcome != Lost {
		return
	}
	i.row = row
	switch {
	case row.Status.Active():
		if i.seen.IsZero() {
			i.seen = t.c.now()
		}
		i.outcome, i.detail = Publishing, ""
	case row.Status == Deleted:
		i.end(WasDeleted, "by %s: %s", orText(row.RemovedByLink.Name(), "somebody"), orText(row.RemovalComment, "no comment"))
	case row.Status == Superseded:
		by := "another version"
		for _, o := range others {
			if CompareVersions(o.SourceVersion, i.Version) > 0 {
				by = o.SourceVersion
				break
			}
		}
		i.end(WasSuperseded, "by %s", by)
	case row.Status == Obsolete:
		i.end(ObsoleteSeries, "%s ended", t.plan.ToSeries)
	default:
		if i.seen.IsZero() {
			i.seen = t.c.now()
		}
		i.outcome, i.detail = Publishing, fmt.Sprintf("in a state unknown here: %.40s", row.Status)
	}
}

// bestSource prefers an active row, then the newest.
func bestSource(rows []Source, version string) *Source {
	var best *Source
	for n := range rows {
		r := &rows[n]
		if r.SourceVersion == version && (best == nil || r.Status.Active() && !best.Status.Active() ||
			r.Status.Active() == best.Status.Active() && r.SelfLink.ID() > best.SelfLink.ID()) {
			best = r
		}
	}
	return best
}

// mayBeSent are the items of which nothing was asked for or seen, and no
// earlier request can be under way.
func (t *tracker) mayBeSent() (out []*tracked) {
	now := t.c.now()
	for _, i := range t.items {
		if i.row == nil && i.sent.IsZero() && !i.outcome.Ended() && !now.Before(i.notUntil) {
			out = append(out, i)
		}
	}
	return out
}

// owes reports whether something is still to be sent.
func (t *tracker) owes() bool {
	return slices.ContainsFunc(t.items, func(i *tracked) bool { return i.row == nil && i.sent.IsZero() && !i.outcome.Ended() })
}

// send asks for what may be asked for.
func (t *tracker) send(ctx context.Context) error {
	items := t.mayBeSent()
	var tasks []func(context.Context) error
	for _, i := range items {
		if i.Row != "" {
			tasks = append(tasks, func(ctx context.Context) error { return t.complete(ctx, i) })
		}
	}
	items = slices.DeleteFunc(items, func(i *tracked) bool { return i.Row != "" })
	for batch := range slices.Chunk(items, max(t.opt.Batch, 1)) {
		tasks = append(tasks, func(ctx context.Context) error { return t.request(ctx, batch) })
	}
	return t.c.together(ctx, tasks...)
}

// complete asks for a source that is there without some of its binaries, unless
// an earlier start has brought them meanwhile.
func (t *tracker) complete(ctx context.Context, i *tracked) error {
	i.requested(t.c.now())
	err := t.inspect(ctx, i)
	if err == nil && (i.verified || i.outcome.Ended()) {
		return nil
	}
	i.row, i.sent, i.outcome, i.hopeless = nil, time.Time{}, Unsent, false
	if err != nil {
		return err
	}
	return t.request(ctx, []*tracked{i})
}

func (t *tracker) request(ctx context.Context, items []*tracked) error {
	p := t.plan
	r := CopyRequest{From: p.From, To: p.To, FromSeries: p.Series, ToSeries: p.ToSeries, FromPocket: p.Pocket, Binaries: p.Binaries, Unembargo: p.Unembargo}
	if err := t.note(items, "", ""); err != nil {
		return err
	}
	var err error
	if len(items) == 1 {
		r.Source, r.Version = items[0].Name, items[0].Version
		err = t.c.RequestCopy(ctx, r)
	} else {
		names := make([]string, len(items))
		for n, i := range items {
			names[n] = i.Name
		}
		err = t.c.RequestCopies(ctx, names, r)
	}
	return t.answered(ctx, items, err)
}

// answered records what became of a request. The error it returns ends the
// copy, or this round of it.
func (t *tracker) answered(ctx context.Context, items []*tracked, err error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.c.now()
	t.lastSent = now
	answer, sentence := accepted, ""
	var e *Error
	errors.As(err, &e)
	for _, i := range items {
		switch {
		case err == nil:
			i.requested(now)
		case e == nil || e.Kind == ErrReadOnly || e.Kind == ErrToken:
			answer = unsent
		case e.Ambiguous:
			// Looked for until it would have shown, then asked for once more.
			answer = unknown
			i.outcome, i.notUntil = Requested, now.Add(t.opt.Settle)
			if i.tries++; i.tries > 1 || i.Row != "" {
				i.requested(now)
			}
		case e.Kind == ErrServer || e.Kind == ErrTimeout: // it never left
			answer = unsent
			if i.tries++; i.tries > maxFailedLooks {
				i.end(Refused, "cannot be asked for: %v", e)
			}
		default:
			answer, sentence = refused, e.Message
			i.refuse(sentence)
		}
	}
	// The note is for the next start; this one knows. Its context may be over.
	if noteErr := t.note(items, answer, sentence); noteErr != nil {
		return noteErr
	}
	if answer == unsent {
		return err
	}
	return ctx.Err()
}

func (i *tracked) refuse(sentence string) {
	if strings.Contains(sentence, "is obsolete and will not accept new uploads") {
		i.end(ObsoleteSeries, "%s", sentence)
		return
	}
	i.end(Refused, "%s", sentence)
}

func (t *tracker) note(items []*tracked, answer, sentence string) error {
	for _, i := range items {
		if err := t.ledger.note(PackageVersion{i.Name, i.Version}, t.c.now(), answer, sentence); err != nil {
			return err
		}
	}
	return nil
}

// settled reports whether every item has ended or was seen published.
func (t *tracker) settled() bool {
	return !slices.ContainsFunc(t.items, func(i *tracked) bool { return !i.outcome.Ended() && !i.verified })
}

func (t *tracker) anyVerified() bool {
	return slices.ContainsFunc(t.items, func(i *tracked) bool { return i.verified })
}

// finish makes what was verified published.
func (t *tracker) finish() {
	for _, i := range t.items {
		if i.verified {
			i.outcome, i.detail, i.missing = FullyPublished, "", nil
		}
	}
}

func (t *tracker) report() *Report {
	stamp := func(v time.Time) Time { return Time{v.UTC().Truncate(time.Microsecond)} }
	r := &Report{From: t.plan.From, To: t.plan.To, Series: t.plan.ToSeries, Began: stamp(t.began), Ended: stamp(t.c.now()), Complete: true, Stale: t.plan.Stale, Results: []Result{}}
	for _, i := range t.items {
		const most = 50
		res := Result{Name: i.Name, Version: i.Version, Outcome: i.outcome, Detail: i.detail, Copied: i.row != nil && i.row.SelfLink.ID() > t.plan.LastSource}
		if i.outcome != FullyPublished {
			r.Complete = false
			res.Missing = slices.Clone(i.missing[:min(len(i.missing), most)])
		}
		r.Results = append(r.Results, res)
	}
	return r
}

// tell reports progress. A package counts as done when it has ended or was
// seen published once.
func (t *tracker) tell() {
	if t.opt.Progress == nil {
		return
	}
	p := Progress{Label: "copy to " + t.plan.To.Name(), Total: len(t.items), Counts: map[Outcome]int{}}
	for _, i := range t.items {
		p.Counts[i.outcome]++
		p.Missing += len(i.missing)
		if i.outcome.Ended() || i.verified {
			p.Done++
		}
	}
	t.opt.Progress(p)
}
