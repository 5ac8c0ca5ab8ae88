package launchpad

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
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
	p := &planner{c: c, req: r, sources: map[string][]Source{}, moving: map[string][]Source{}, binaries: map[PackageVersion][]Binary{}, target: map[string][]Source{}}
	began := c.now()
	if err := p.places(ctx); err != nil {
		return nil, fmt.Errorf("cannot plan: %w", err)
	}
	if err := p.list(ctx); err != nil {
		return nil, fmt.Errorf("cannot plan: %w", err)
	}
	if err := p.again(ctx, began); err != nil {
		return nil, fmt.Errorf("cannot plan: %w", err)
	}
	plan := p.plan()
	if err := c.completeness(ctx, plan); err != nil {
		return nil, fmt.Errorf("cannot plan: %w", err)
	}
	plan.Taken = Time{began.UTC().Truncate(time.Microsecond)}
	return plan, nil
}

// places reads the archives, the series and its architectures, all at once.
func (p *planner) places(ctx context.Context) error {
	from, err := p.c.archiveLink(p.req.From)
	if err != nil {
		return err
	}
	to, err := p.c.archiveLink(p.req.To)
	if err != nil {
		return err
	}
	if from == to && p.req.Series == p.req.ToSeries {
		return fmt.Errorf("origin and target are the same: %s %s", to, p.req.Series)
	}
	series, err := p.c.seriesLink(to, p.req.ToSeries)
	if err != nil {
		return err
	}
	var origin []string
	tags := func(series Link, into *[]string) func(context.Context) error {
		return func(ctx context.Context) error {
			return each(pages[Architecture](ctx, p.c, string(series)+"/architectures"), func(a Architecture) {
				if !Is(a.Enabled, false) {
					*into = append(*into, a.Tag)
				}
			})
		}
	}
	tasks := []func(context.Context) error{
		func(ctx context.Context) (err error) { p.from, err = read[Archive](ctx, p.c, from); return err },
		func(ctx context.Context) (err error) { p.to, err = read[Archive](ctx, p.c, to); return err },
		func(ctx context.Context) (err error) { p.series, err = read[Series](ctx, p.c, series); return err },
		tags(series, &p.arches),
	}
	if p.req.Series != p.req.ToSeries {
		l, err := p.c.seriesLink(from, p.req.Series)
		if err != nil {
			return err
		}
		tasks = append(tasks, tags(l, &origin))
	}
	err = p.c.together(ctx, tasks...)
	p.behind = slices.DeleteFunc(origin, func(a string) bool { return slices.Contains(p.arches, a) })
	return err
}

// list reads the rows of origin and target. Binaries are listed by
// architecture, 300 a request, instead of source by source: they name their
// source.
func (p *planner) list(ctx context.Context) error {
	from, to := p.from.SelfLink, p.to.SelfLink
	r := p.req
	var tasks []func(context.Context) error
	sources := func(archive Link, f SourceFilter, add func(Source)) {
		tasks = append(tasks, func(ctx context.Context) error { return each(p.c.Sources(ctx, archive, f), add) })
	}
	binaries := func(archive Link, f BinaryFilter, add func(Binary)) {
		tasks = append(tasks, func(ctx context.Context) error { return each(p.c.Binaries(ctx, archive, f), add) })
	}
	names := r.literal()
	if r.Replay != nil {
		names = r.Replay.names()
	}
	if names != nil {
		for _, n := range names {
			tasks = append(tasks, func(ctx context.Context) error { return p.byName(ctx, n) })
		}
	} else { // the longest first, so that all are done at about the same time
		for _, arch := range p.arches {
			binaries(from, BinaryFilter{Status: Published, Arch: r.Series + "/" + arch, Pocket: r.Pocket, Order: Unordered}, p.addBinary)
		}
		sources(from, SourceFilter{Status: Published, Series: r.Series, Pocket: r.Pocket}, p.addSource)
		sources(from, SourceFilter{Status: Pending, Series: r.Series, Pocket: r.Pocket}, p.addSource)
		binaries(from, BinaryFilter{Status: Pending, Pocket: r.Pocket, Order: Unordered}, func(b Binary) {
			if seriesOf(b.ArchLink) == r.Series {
				p.addBinary(b)
			}
		})
	}
	sources(to, SourceFilter{Status: Pending, Series: r.ToSeries}, p.addTarget)
	sources(to, SourceFilter{Status: Published, Series: r.ToSeries}, p.addTarget)
	tasks = append(tasks, func(ctx context.Context) error { return p.baseline(ctx, to) })
	return p.c.together(ctx, tasks...)
}

// baseline finds the newest rows of the target.
func (p *planner) baseline(ctx context.Context, to Link) error {
	const few = 75 // of a day's rows the one with the highest number counts
	c := *p.c
	c.PageSize = few
	see := func(which int, r Publication) {
		p.last[which] = max(p.last[which], r.SelfLink.ID())
		if r.DateCreated.After(p.newest.Time) {
			p.newest = r.DateCreated
		}
	}
	if err := each(limit(c.Sources(ctx, to, SourceFilter{Series: p.req.ToSeries, Order: Newest}), few), func(s Source) { see(0, s.Publication) }); err != nil {
		return err
	}
	return each(limit(c.Binaries(ctx, to, BinaryFilter{Order: Unordered}), few), func(b Binary) { see(1, b.Publication) })
}

// byName reads one source and its binaries.
func (p *planner) byName(ctx context.Context, name string) error {
	r, from := p.req, p.from.SelfLink
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
// Their names are read once more, one by one.
func (p *planner) again(ctx context.Context, began time.Time) error {
	if p.req.Replay != nil {
		return nil
	}
	suspects := map[string]bool{}
	margin := began.Add(-5 * time.Minute) // clocks differ
	for s, err := range p.c.Sources(ctx, p.from.SelfLink, SourceFilter{Series: p.req.Series, Pocket: p.req.Pocket, CreatedSince: margin, Order: Oldest}) {
		if err != nil {
			return err
		}
		known := func(in map[string][]Source) bool {
			return slices.ContainsFunc(in[s.SourceName], func(o Source) bool { return o.SelfLink == s.SelfLink && o.Status == s.Status })
		}
		if p.req.picks(s.SourceName) && !known(p.sources) && !known(p.moving) {
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
	var tasks []func(context.Context) error
	for name := range suspects {
		delete(p.sources, name)
		delete(p.moving, name)
		for v := range p.binaries {
			if v.Name == name {
				delete(p.binaries, v)
			}
		}
		tasks = append(tasks, func(ctx context.Context) error { return p.byName(ctx, name) })
	}
	return p.c.together(ctx, tasks...)
}

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

// each hands a listing to add.
func each[T any](seq iter.Seq2[T, error], add func(T)) error {
	for v, err := range seq {
		if err != nil {
			return err
		}
		add(v)
	}
	return nil
}

// limit ends a listing after n entries.
func limit[T any](seq iter.Seq2[T, error], n int) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		left := n
		for v, err := range seq {
			if left--; !yield(v, err) || left <= 0 {
				return
			}
		}
	}
}
