package launchpad

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/landingteam/landing/launchpad/value"
)

// planner gathers what a plan is made from. Listings are read side by side, with
// no more requests at a time than the client allows.
type planner struct {
	c     *Client
	req   PlanRequest
	began time.Time

	// Where it reads.
	fromLink, toLink     value.Link
	fromSeries, toSeries value.Link

	from   *Archive
	to     *Archive
	series *series
	arches []string // of the target's series
	home   []string // of the origin's series

	mu         sync.Mutex
	sources    map[string][]Publication  // published in the origin, by name
	moving     map[string][]Publication  // pending there
	binaries   map[version][]Publication // of the origin, by their source
	target     map[string][]Publication  // active in the target
	recent     []Publication             // that came into the origin since shortly before the plan
	newest     value.Time                // of the target's rows
	lastSource int                       // highest number of its rows
	lastBinary int
}

// version names one version of a source.
type version struct{ name, version string }

// Plan reads origin and target and decides what to copy. It changes nothing.
// Obstacles that concern the whole target stand in [Plan.Blocked]; those of a
// package make it a conflict, with the reason.
func (c *Client) Plan(ctx context.Context, r PlanRequest) (*Plan, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	r.ToSeries = cmp.Or(r.ToSeries, r.Series)
	r.Pocket = cmp.Or(r.Pocket, release)
	c = c.limited()
	began := c.now()
	p, plan, calm, err := c.readPlan(ctx, r, began, nil)
	for pass := 0; err == nil && !calm; pass++ {
		// Too much moved to read it piece by piece: two readings must agree.
		if pass == 4 {
			return nil, fmt.Errorf("cannot plan: %s changes faster than it can be read; try again when it is at rest", r.From)
		}
		before := plan
		if p, plan, _, err = c.readPlan(ctx, r, began, p); err == nil {
			calm = slices.EqualFunc(before.Packages, plan.Packages, samePackage)
		}
	}
	if err == nil {
		err = c.completeness(ctx, plan)
	}
	if err == nil {
		err = p.missingBuilds(ctx, plan)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot plan: %w", err)
	}
	plan.Taken = value.Time{Time: began.UTC().Truncate(time.Microsecond)}
	return plan, nil
}

// readPlan reads origin and target once; the archives and the series themselves only
// the first time. It is not calm when much of the origin is so new that the reading
// may mix two states of it.
func (c *Client) readPlan(ctx context.Context, r PlanRequest, began time.Time, before *planner) (p *planner, plan *Plan, calm bool, err error) {
	p = &planner{c: c, req: r, began: began, sources: map[string][]Publication{}, moving: map[string][]Publication{},
		binaries: map[version][]Publication{}, target: map[string][]Publication{}}
	if before != nil {
		p.from, p.to, p.series = before.from, before.to, before.series
	}
	if err := p.address(); err != nil {
		return nil, nil, false, err
	}
	if err := p.read(ctx); err != nil {
		return nil, nil, false, p.inWordsOfTheRequest(err)
	}
	if calm, err = p.again(ctx); err != nil {
		return nil, nil, false, err
	}
	return p, p.plan(), calm, nil
}

func samePackage(a, b PackageCopy) bool {
	return a.Name == b.Name && a.Version == b.Version && a.Action == b.Action && a.Reason == b.Reason && sameBinaries(a.Binaries, b.Binaries)
}

// address finds out where everything stands.
func (p *planner) address() error {
	var err1, err2, err3, err4 error
	p.fromLink, err1 = p.c.archiveLink(p.req.From)
	p.toLink, err2 = p.c.archiveLink(p.req.To)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if p.fromLink == p.toLink && p.req.Series == p.req.ToSeries {
		return fmt.Errorf("origin and target are the same: %s %s", p.toLink, p.req.Series)
	}
	p.fromSeries, err3 = p.c.seriesLink(p.fromLink, p.req.Series)
	p.toSeries, err4 = p.c.seriesLink(p.toLink, p.req.ToSeries)
	return errors.Join(err3, err4)
}

// A task reads one of the listings that a plan is made of.
type task = func(context.Context) error

// read asks for all that is needed, as early as it can be asked for.
func (p *planner) read(ctx context.Context) error {
	tasks := []task{
		p.readOrigin,
		p.readTarget,
		once(p.c, p.toLink, &p.to), once(p.c, p.toSeries, &p.series),
		p.newestSource, p.newestBinary,
	}
	if p.fromSeries != p.toSeries {
		tasks = append(tasks, p.tags(p.fromSeries, &p.home))
	}
	return sideBySide(ctx, tasks...)
}

// once reads an entry that was not read before.
func once[T any](c *Client, l value.Link, into **T) task {
	return func(ctx context.Context) (err error) {
		if *into == nil {
			*into, err = read[T](ctx, c, l)
		}
		return err
	}
}

// sideBySide runs tasks all at once: the client has them wait for their turn.
func sideBySide(ctx context.Context, tasks ...task) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, t := range tasks {
		g.Go(func() error { return t(ctx) })
	}
	return g.Wait()
}

// readOrigin reads the origin, and then what came into it meanwhile.
//
// What is Pending is listed before what is Published, so that a row that changes
// between the two is seen at least once.
func (p *planner) readOrigin(ctx context.Context) error {
	r := p.req
	names := r.literal()
	if r.Replay != nil {
		names = r.Replay.names()
	}
	first := []task{
		once(p.c, p.fromLink, &p.from),
		p.tags(p.toSeries, &p.arches),
	}
	if names == nil {
		first = append(first, p.listBinaries(Pending, ""), p.listSources(Pending))
	}
	for _, n := range names {
		first = append(first, func(ctx context.Context) error { return p.byName(ctx, n) })
	}
	if err := sideBySide(ctx, first...); err != nil {
		return err
	}
	if names == nil {
		second := []task{p.listSources(Published)}
		for _, arch := range p.arches {
			second = append(second, p.listBinaries(Published, arch))
		}
		if err := sideBySide(ctx, second...); err != nil {
			return err
		}
	}
	if r.Replay != nil {
		return nil
	}
	margin := p.began.Add(-time.Hour) // clocks differ, and rows wait to be published
	var err error
	p.recent, err = all(p.c.sources(ctx, p.fromLink, PublicationFilter{Series: r.Series, Pocket: r.Pocket, Since: margin}, oldest))
	return err
}

func (p *planner) listSources(status Status) task {
	f := PublicationFilter{Status: status, Series: p.req.Series, Pocket: p.req.Pocket}
	return func(ctx context.Context) error { return each(p.c.Sources(ctx, p.fromLink, f), p.addSource) }
}

// listBinaries reads binaries 300 a request instead of source by source: they
// name their source. An architecture of "" takes all, of every series.
func (p *planner) listBinaries(status Status, arch string) task {
	f := PublicationFilter{Status: status, Arch: arch, Pocket: p.req.Pocket}
	if arch != "" {
		f.Series = p.req.Series
	}
	return func(ctx context.Context) error {
		return each(p.c.Binaries(ctx, p.fromLink, f), func(b Publication) {
			if parent(b.ArchLink).Name() == p.req.Series {
				p.addBinary(b)
			}
		})
	}
}

// tags reads the enabled architectures of a series.
func (p *planner) tags(series value.Link, into *[]string) task {
	return func(ctx context.Context) error {
		return each(pages[architecture](ctx, p.c, string(series)+"/architectures"), func(a architecture) {
			if !a.Enabled.Is(false) {
				*into = append(*into, a.Tag)
			}
		})
	}
}

// byName reads one source and its binaries.
func (p *planner) byName(ctx context.Context, name string) error {
	r := p.req
	f := PublicationFilter{Name: name, Series: r.Series, Pocket: r.Pocket}
	if r.Replay != nil {
		f.Version = r.Replay.version(name)
		return each(p.c.Sources(ctx, p.fromLink, f), func(s Publication) {
			s.Status = Published // rows in any state can be copied
			p.addSource(s)
		})
	}
	for _, f.Status = range [...]Status{Pending, Published} {
		rows, err := all(p.c.Sources(ctx, p.fromLink, f))
		if err != nil {
			return err
		}
		for _, s := range rows {
			p.addSource(s)
			err := each(p.c.SourceBinaries(ctx, s.SelfLink, false), func(b Publication) {
				b.SourceName, b.SourceVersion = s.SourceName, s.SourceVersion // where Launchpad leaves them out
				p.addBinary(b)
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// readTarget lists what counts in the target.
func (p *planner) readTarget(ctx context.Context) error {
	for _, status := range [...]Status{Pending, Published} {
		err := each(p.c.Sources(ctx, p.toLink, PublicationFilter{Status: status, Series: p.req.ToSeries}), func(s Publication) {
			p.target[s.SourceName] = append(p.target[s.SourceName], s)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// few rows are enough to find the newest: of those of the same instant the one
// with the highest number counts.
const few = 75

func (p *planner) newestSource(ctx context.Context) error {
	short := *p.c
	short.PageSize = few
	return each(limit(short.sources(ctx, p.toLink, PublicationFilter{Series: p.req.ToSeries}, newest), few), func(s Publication) { p.addNewest(&p.lastSource, s) })
}

func (p *planner) newestBinary(ctx context.Context) error {
	short := *p.c
	short.PageSize = few
	return each(limit(short.Binaries(ctx, p.toLink, PublicationFilter{}), few), func(b Publication) { p.addNewest(&p.lastBinary, b) })
}

func (p *planner) addNewest(last *int, r Publication) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*last = max(*last, r.SelfLink.ID())
	if r.DateCreated.After(p.newest.Time) {
		p.newest = r.DateCreated
	}
}

func (p *planner) addSource(s Publication) {
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
func (p *planner) addBinary(b Publication) {
	if !p.req.picks(b.SourceName) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	v := version{b.SourceName, b.SourceVersion}
	if i := slices.IndexFunc(p.binaries[v], func(o Publication) bool { return o.SelfLink == b.SelfLink }); i >= 0 {
		if b.Status == Published {
			p.binaries[v][i] = b
		}
		return
	}
	p.binaries[v] = append(p.binaries[v], b)
}

// inWordsOfTheRequest says what is not there as the request names it.
func (p *planner) inWordsOfTheRequest(err error) error {
	var e *Error
	if !errors.As(err, &e) || e.Kind != ErrNotFound {
		return err
	}
	for _, t := range []struct {
		link value.Link
		text string
	}{
		{p.fromLink, "the origin " + p.req.From + " is not there, or not yours to see"},
		{p.toLink, "the target " + p.req.To + " is not there, or not yours to see"},
		{p.toSeries, "there is no series " + p.req.ToSeries},
		{p.fromSeries, "there is no series " + p.req.Series},
	} {
		if strings.HasPrefix(e.URL+"/", string(t.link)+"/") || strings.HasPrefix(e.URL, string(t.link)+"?") {
			return fmt.Errorf("%s: %w", t.text, err)
		}
	}
	return err
}

// literal are the names when they are few and none is a pattern: then each is
// asked for, rather than listing an archive that may be huge.
func (r *PlanRequest) literal() []string {
	const few = 40
	if len(r.Names) == 0 || len(r.Names) > few || slices.ContainsFunc(r.Names, func(n string) bool { return strings.ContainsAny(n, `*?[\`) }) {
		return nil
	}
	return slices.Compact(slices.Sorted(slices.Values(r.Names)))
}
