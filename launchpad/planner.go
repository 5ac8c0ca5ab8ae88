package launchpad

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// planner gathers what a plan is made from.
type planner struct {
	c      *Client
	req    PlanRequest
	from   *Archive
	to     *Archive
	series *Series
	arches []string // of the target's series
	behind []string // of the origin's series that the target's does not have

	mu       sync.Mutex
	sources  map[string][]Source // published in the origin, by name
	moving   map[string][]Source // pending there
	binaries map[PackageVersion][]Binary
	target   map[string][]Source // active in the target
	recent   []Source            // that came into the origin since shortly before the plan
	newest   Time                // of the target's rows
	last     [2]int              // highest numbers of its source and binary rows
}

// Plan reads origin and target and decides what to copy. It changes nothing.
// Obstacles that concern the whole target stand in [Plan.Blocked]; those of a
// package make it a [Conflict].
func (c *Client) Plan(ctx context.Context, r PlanRequest) (*Plan, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	if r.ToSeries == "" {
		r.ToSeries = r.Series
	}
	if r.Pocket == "" {
		r.Pocket = Release
	}
	began := c.now()
	plan, calm, err := c.readPlan(ctx, r, began)
	for pass := 0; err == nil && !calm; pass++ {
		// Too much moved to read it piece by piece: two readings must agree.
		if pass == 4 {
			return nil, fmt.Errorf("cannot plan: %s changes faster than it can be read; try again when it is at rest", r.From)
		}
		before := plan
		if plan, _, err = c.readPlan(ctx, r, began); err == nil {
			calm = slices.EqualFunc(before.Items, plan.Items, sameItem)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("cannot plan: %w", err)
	}
	if err := c.completeness(ctx, plan); err != nil {
		return nil, fmt.Errorf("cannot plan: %w", err)
	}
	plan.Taken = Time{began.UTC().Truncate(time.Microsecond)}
	return plan, nil
}

// readPlan reads origin and target once. It is not calm when much of the origin
// is so new that the reading may mix two states of it.
func (c *Client) readPlan(ctx context.Context, r PlanRequest, began time.Time) (plan *Plan, calm bool, err error) {
	p := &planner{c: c, req: r, sources: map[string][]Source{}, moving: map[string][]Source{}, binaries: map[PackageVersion][]Binary{}, target: map[string][]Source{}}
	if err := p.read(ctx, began); err != nil {
		return nil, false, err
	}
	if calm, err = p.again(ctx, began); err != nil {
		return nil, false, err
	}
	return p.plan(), calm, nil
}

func sameItem(a, b Item) bool {
	return a.Name == b.Name && a.Version == b.Version && a.Action == b.Action && a.Reason == b.Reason && sameBinaries(a.Binaries, b.Binaries)
}

// read asks for all that is needed, as early as it can be asked for: the
// listings by architecture are the longest and start as soon as the
// architectures are known; what came meanwhile is asked for when the origin has
// been read.
func (p *planner) read(ctx context.Context, began time.Time) error {
	r := p.req
	from, err := p.c.archiveLink(r.From)
	if err != nil {
		return err
	}
	to, err := p.c.archiveLink(r.To)
	if err != nil {
		return err
	}
	if from == to && r.Series == r.ToSeries {
		return fmt.Errorf("origin and target are the same: %s %s", to, r.Series)
	}
	series, err := p.c.seriesLink(to, r.ToSeries)
	if err != nil {
		return err
	}
	home, err := p.c.seriesLink(from, r.Series)
	if err != nil {
		return err
	}
	names := r.literal()
	if r.Replay != nil {
		names = r.Replay.names()
	}
	w := p.c.crew(ctx)
	var reading atomic.Int32 // of the origin
	reading.Store(1)         // this function
	done := func() {
		if reading.Add(-1) == 0 && r.Replay == nil {
			w.give(func(ctx context.Context) (err error) {
				margin := began.Add(-time.Hour) // clocks differ, and rows wait to be published
				p.recent, err = all(p.c.Sources(ctx, from, SourceFilter{Series: r.Series, Pocket: r.Pocket, CreatedSince: margin, Order: Oldest}))
				return err
			})
		}
	}
	origin := func(tasks ...task) {
		for _, t := range tasks {
			reading.Add(1)
			w.give(func(ctx context.Context) error { defer done(); return t(ctx) })
		}
	}
	rest := []task{
		func(ctx context.Context) error {
			for _, status := range [...]Status{Pending, Published} {
				if err := each(p.c.Sources(ctx, to, SourceFilter{Status: status, Series: r.ToSeries}), p.addTarget); err != nil {
					return err
				}
			}
			return nil
		},
		func(ctx context.Context) (err error) { p.to, err = read[Archive](ctx, p.c, to); return err },
		func(ctx context.Context) (err error) { p.series, err = read[Series](ctx, p.c, series); return err },
		func(ctx context.Context) error {
			return each(limit(p.few().Sources(ctx, to, SourceFilter{Series: r.ToSeries, Order: Newest}), few), func(s Source) { p.addNewest(0, s.Publication) })
		},
		func(ctx context.Context) error {
			return each(limit(p.few().Binaries(ctx, to, BinaryFilter{Order: Unordered}), few), func(b Binary) { p.addNewest(1, b.Publication) })
		},
	}
	var here []string
	if home != series {
		rest = append(rest, p.tags(home, &here))
	}
	tags := p.tags(series, &p.arches)
	origin(func(ctx context.Context) (err error) { p.from, err = read[Archive](ctx, p.c, from); return err })
	if names == nil {
		// What is Pending is listed before what is Published, so that a row
		// that changes between the two is seen at least once. The longest
		// listings come first then.
		var first atomic.Int32
		first.Store(3)
		next := func() {
			if first.Add(-1) > 0 {
				return
			}
			for _, arch := range p.arches {
				origin(p.listBinaries(from, BinaryFilter{Status: Published, Arch: r.Series + "/" + arch, Pocket: r.Pocket, Order: Unordered}))
			}
			origin(p.listSources(from, SourceFilter{Status: Published, Series: r.Series, Pocket: r.Pocket}))
			w.give(rest...)
		}
		origin(then(tags, next),
			then(p.listBinaries(from, BinaryFilter{Status: Pending, Pocket: r.Pocket, Order: Unordered}), next),
			then(p.listSources(from, SourceFilter{Status: Pending, Series: r.Series, Pocket: r.Pocket}), next))
	} else {
		w.give(tags)
		w.give(rest...)
	}
	for _, n := range names {
		origin(func(ctx context.Context) error { return p.byName(ctx, from, n) })
	}
	done()
	err = p.name(w.wait(), from, to, home, series)
	p.behind = slices.DeleteFunc(here, func(a string) bool { return slices.Contains(p.arches, a) })
	return err
}

// name says in the words of the request what is not there.
func (p *planner) name(err error, from, to, home, series Link) error {
	var e *Error
	if !errors.As(err, &e) || e.Kind != ErrNotFound {
		return err
	}
	of := func(l Link) bool {
		return strings.HasPrefix(e.URL+"/", string(l)+"/") || strings.HasPrefix(e.URL, string(l)+"?")
	}
	switch {
	case of(from):
		return fmt.Errorf("the origin %s is not there, or not yours to see: %w", p.req.From, err)
	case of(to):
		return fmt.Errorf("the target %s is not there, or not yours to see: %w", p.req.To, err)
	case of(series):
		return fmt.Errorf("there is no series %s: %w", p.req.ToSeries, err)
	case of(home):
		return fmt.Errorf("there is no series %s: %w", p.req.Series, err)
	}
	return err
}

func (p *planner) addNewest(which int, r Publication) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last[which] = max(p.last[which], r.SelfLink.ID())
	if r.DateCreated.After(p.newest.Time) {
		p.newest = r.DateCreated
	}
}

// byName reads one source and its binaries.
func (p *planner) byName(ctx context.Context, from Link, name string) error {
	r := p.req
	if r.Replay != nil {
		version := r.Replay.version(name)
		for s, err := range p.c.Sources(ctx, from, SourceFilter{Name: name, Version: version, Series: r.Series, Pocket: r.Pocket}) {
			if err != nil {
				return err
			}
			s.Status = Published // rows in any state can be copied
			p.addSource(s)
		}
		return nil
	}
	for _, status := range [...]Status{Pending, Published} {
		for s, err := range p.c.Sources(ctx, from, SourceFilter{Name: name, Status: status, Series: r.Series, Pocket: r.Pocket}) {
			if err != nil {
				return err
			}
			p.addSource(s)
			for b, err := range p.c.SourceBinaries(ctx, s.SelfLink, false) {
				if err != nil {
					return err
				}
				b.SourceName, b.SourceVersion = s.SourceName, s.SourceVersion // where Launchpad leaves them out
				p.addBinary(b)
			}
		}
	}
	return nil
}

// again looks for what came into the origin while it was read, and for sources
// and binaries that do not fit together, which a page that shifted may cause.
// Their names are read once more, one by one; it reports false if they are too
// many for that.
func (p *planner) again(ctx context.Context, began time.Time) (bool, error) {
	if p.req.Replay != nil {
		return true, nil
	}
	fresh := began.Add(-5 * time.Minute) // clocks differ
	suspects := map[string]bool{}
	for _, s := range p.recent {
		listed, same := false, false
		for _, o := range slices.Concat(p.sources[s.SourceName], p.moving[s.SourceName]) {
			listed = listed || o.SelfLink == s.SelfLink
			same = same || o.SelfLink == s.SelfLink && o.Status == s.Status
		}
		// A row that came, got on or went while the lists were read.
		if p.req.picks(s.SourceName) && (!same && (listed || s.Status.Active()) || s.Status.Active() && s.DateCreated.After(fresh)) {
			suspects[s.SourceName] = true
		}
	}
	if p.req.literal() == nil && !p.req.SourceOnly {
		for v := range p.binaries {
			if !slices.ContainsFunc(slices.Concat(p.sources[v.Name], p.moving[v.Name]), func(s Source) bool { return s.SourceVersion == v.Version }) && len(p.sources[v.Name]) == 0 {
				suspects[v.Name] = true
			}
		}
		for name, rows := range p.sources {
			if len(p.binaries[PackageVersion{name, highest(rows).SourceVersion}]) == 0 {
				suspects[name] = true
			}
		}
	}
	if len(suspects) > fewSuspects {
		return false, nil
	}
	var tasks []task
	for name := range suspects {
		delete(p.sources, name)
		delete(p.moving, name)
		for v := range p.binaries {
			if v.Name == name {
				delete(p.binaries, v)
			}
		}
		tasks = append(tasks, func(ctx context.Context) error { return p.byName(ctx, p.from.SelfLink, name) })
	}
	return true, p.c.together(ctx, tasks...)
}

// fewSuspects are read one by one; each takes some three requests.
const fewSuspects = 20

func (p *planner) addSource(s Source) {
	if !p.req.picks(s.SourceName) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	into := p.sources
	if s.Status == Pending {
		into = p.moving
	}
	into[s.SourceName] = append(into[s.SourceName], s)
}

// addBinary keeps a row under the source it names; a row seen Pending and then
// Published is kept once.
func (p *planner) addBinary(b Binary) {
	if !p.req.picks(b.SourceName) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	v := PackageVersion{b.SourceName, b.SourceVersion}
	for i, o := range p.binaries[v] {
		if o.SelfLink == b.SelfLink {
			if b.Status == Published {
				p.binaries[v][i] = b
			}
			return
		}
	}
	p.binaries[v] = append(p.binaries[v], b)
}

func (p *planner) addTarget(s Source) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target[s.SourceName] = append(p.target[s.SourceName], s)
}

// seriesOf is the last but one segment of an architecture's link.
func seriesOf(l Link) string {
	s := string(l)
	if n := len(l.Name()); len(s) > n+1 {
		return Link(s[:len(s)-n-1]).Name()
	}
	return ""
}
