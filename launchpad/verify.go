package launchpad

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// binaryKey names a binary on an architecture.
type binaryKey struct{ name, version, arch string }

func (k binaryKey) String() string { return k.name + " " + k.version + " " + k.arch }

// fewSources may be read one by one in a round; for more, whole listings are
// cheaper.
const fewSources = 8

// keys are all rows the item must have.
func (i *Item) keys() (out []binaryKey) {
	for _, b := range i.Binaries {
		for _, arch := range b.Arches {
			out = append(out, binaryKey{b.Name, b.Version, arch})
		}
	}
	return out
}

// verify finds out which of the packages whose source is Published have all
// their binaries Published. As long as some of them are listed as Pending, it
// costs one short listing for each architecture.
func (t *tracker) verify(ctx context.Context) error {
	var open []*tracked
	for _, i := range t.items {
		if !i.outcome.Ended() && !i.verified && i.row != nil {
			open = append(open, i)
		}
	}
	if len(open) == 0 {
		return nil
	}
	pending, err := t.c.listed(ctx, t.plan, Pending)
	if err != nil {
		return err
	}
	var ready []*tracked
	for _, i := range open {
		i.missing = nil
		for _, k := range i.keys() {
			if pending[k] {
				i.missing = append(i.missing, k.String()+" Pending")
				i.hopeless = false // something came after all
			}
		}
		// A row that was there before is in no listing of new ones: it is read
		// again with its binaries.
		if (i.row.Status == Published || i.row.SelfLink == i.Row) && len(i.missing) == 0 {
			ready = append(ready, i)
		}
	}
	if len(ready) > fewSources {
		published, err := t.c.listed(ctx, t.plan, Published)
		if err != nil {
			return err
		}
		ready = slices.DeleteFunc(ready, func(i *tracked) bool {
			i.verified = t.present(i, published)
			return i.verified
		})
	}
	// Those that are not complete are read one by one, some each round.
	if len(ready) > fewSources {
		n := t.turn % len(ready)
		t.turn += fewSources
		ready = slices.Concat(ready[n:], ready[:n])[:fewSources]
	}
	var tasks []func(context.Context) error
	for _, i := range ready {
		tasks = append(tasks, func(ctx context.Context) error { return t.inspect(ctx, i) })
	}
	return t.c.together(ctx, tasks...)
}

// listed reads all binaries of the plan's target in a status, by architecture.
func (c *Client) listed(ctx context.Context, p *Plan, status Status) (map[binaryKey]bool, error) {
	var mu sync.Mutex
	set := map[binaryKey]bool{}
	var tasks []func(context.Context) error
	for _, arch := range p.Architectures {
		f := BinaryFilter{Status: status, Arch: p.ToSeries + "/" + arch, Order: Unordered}
		tasks = append(tasks, func(ctx context.Context) error {
			return each(c.Binaries(ctx, p.To, f), func(b Binary) {
				mu.Lock()
				defer mu.Unlock()
				set[binaryKey{b.Name, b.Version, b.Arch()}] = true
			})
		})
	}
	return set, c.together(ctx, tasks...)
}

// present compares the item with a listing of Published binaries.
func (t *tracker) present(i *tracked, published map[binaryKey]bool) bool {
	i.missing = nil
	for _, k := range i.keys() {
		if !published[k] {
			i.missing = append(i.missing, k.String()+" missing")
		}
	}
	return len(i.missing) == 0
}

// inspect reads every binary row one source has, and the builds of those that
// have none.
func (t *tracker) inspect(ctx context.Context, i *tracked) error {
	if i.row.SelfLink == i.Row && (i.row.DateCreated.IsZero() || i.row.Status != Published) {
		row, err := read[Source](ctx, t.c, i.Row)
		if err != nil {
			return err
		}
		if i.row = row; row.Status != Published {
			t.apply(i, row, nil)
			return nil
		}
	}
	best := map[binaryKey]Binary{}
	err := each(t.c.SourceBinaries(ctx, i.row.SelfLink, true), func(b Binary) {
		k := binaryKey{b.Name, b.Version, b.Arch()}
		o, ok := best[k]
		if !ok || b.Status.Active() && !o.Status.Active() || b.Status.Active() == o.Status.Active() && b.SelfLink.ID() > o.SelfLink.ID() {
			best[k] = b
		}
	})
	if err != nil {
		return err
	}
	i.missing, i.hopeless = nil, false
	var absent []binaryKey
	for _, k := range i.keys() {
		b, ok := best[k]
		old := b.SelfLink.ID() <= t.plan.LastBinary && i.Action != Present // of an earlier life
		switch {
		case ok && b.Status == Published:
			continue
		case ok && b.Status == Deleted && !old:
			i.end(WasDeleted, "%s, by %s: %s", k, orText(b.RemovedByLink.Name(), "somebody"), orText(b.RemovalComment, "no comment"))
			return nil
		case ok && (b.Status == Superseded || b.Status == Obsolete) && !old:
			i.end(WasSuperseded, "%s", k)
			return nil
		case ok && b.Status.Active():
			i.missing = append(i.missing, k.String()+" "+string(b.Status))
		default:
			i.missing = append(i.missing, k.String()+" missing")
			absent = append(absent, k)
		}
	}
	if i.verified = len(i.missing) == 0; i.verified || len(absent) == 0 {
		return nil
	}
	return t.builds(ctx, i, absent)
}

// builds finds out whether binaries that are missing can still be built.
func (t *tracker) builds(ctx context.Context, i *tracked, absent []binaryKey) error {
	i.detail, i.hopeless = "", true
	arches := map[string]bool{}
	for _, k := range absent {
		arches[k.arch] = true
	}
	for b, err := range t.c.SourceBuilds(ctx, i.row.SelfLink) {
		if err != nil {
			return err
		}
		if b.ArchiveLink != t.plan.To {
			continue
		}
		if !b.State.Final() {
			i.hopeless = false
		}
		if !arches[b.Arch] {
			continue
		}
		switch {
		case b.State.Failed() && b.State.Final():
			i.end(BuildFailed, "on %s: %s %s", b.Arch, b.State, orText(b.LogURL, string(b.SelfLink)))
			return nil
		case b.State.Failed() || !b.State.Known():
			i.detail = strings.TrimSpace(fmt.Sprintf("the build on %s is held: %s %s", b.Arch, b.State, b.DependencyWaitFor))
		}
	}
	return nil
}

// confirm is one complete observation of the target: every package that was
// verified must be there still, source and binaries.
func (t *tracker) confirm(ctx context.Context) (bool, error) {
	if !t.anyVerified() {
		return true, nil
	}
	sources := map[PackageVersion]bool{}
	err := each(t.c.Sources(ctx, t.plan.To, SourceFilter{Status: Published, Series: t.plan.ToSeries}), func(s Source) {
		sources[PackageVersion{s.SourceName, s.SourceVersion}] = true
	})
	if err != nil {
		return false, err
	}
	published, err := t.c.listed(ctx, t.plan, Published)
	if err != nil {
		return false, err
	}
	ok := true
	for _, i := range t.items {
		if !i.verified || sources[PackageVersion{i.Name, i.Version}] && t.present(i, published) {
			continue
		}
		// Gone, or a page shifted under the listing: its own row tells.
		ok, i.verified = false, false
		row, err := read[Source](ctx, t.c, i.row.SelfLink)
		if err != nil {
			return false, err
		}
		t.apply(i, row, nil)
	}
	return ok, nil
}

// expire ends what has taken too long.
func (t *tracker) expire(ctx context.Context) error {
	now := t.c.now()
	if err := t.askWhy(ctx, now); err != nil {
		return err
	}
	for _, i := range t.items {
		switch {
		case i.outcome.Ended() || i.verified:
		case i.row == nil && !i.sent.IsZero() && now.Sub(i.sent) >= t.opt.LostAfter:
			if err := t.lose(ctx, i); err != nil {
				return err
			}
		case i.hopeless && now.Sub(i.seen) >= t.opt.LostAfter:
			i.end(StuckPending, "binaries are missing and no build is under way that could make them; copied again with a new plan, they may come")
		case i.row != nil && now.Sub(i.seen) >= t.opt.StuckAfter:
			why := orText(i.detail, "rows do not become Published")
			i.end(StuckPending, "%s for %v", why, now.Sub(i.seen).Round(time.Minute))
		}
	}
	return nil
}

// lose gives up a package that never came, after a last look for exactly it,
// with what can be seen of a reason.
func (t *tracker) lose(ctx context.Context, i *tracked) error {
	var rows, fresh []Source
	err := each(t.c.Sources(ctx, t.plan.To, SourceFilter{Name: i.Name, Series: t.plan.ToSeries}), func(s Source) {
		rows = append(rows, s)
		if s.SelfLink.ID() > t.plan.LastSource || s.Status.Active() {
			fresh = append(fresh, s)
		}
	})
	if err != nil {
		return err
	}
	if row := bestSource(fresh, i.Version); row != nil {
		t.apply(i, row, fresh)
		return nil
	}
	why := "the copy job failed or waits; the requester gets a mail, and the target's +packages page may show why"
	for _, s := range rows {
		if s.Status.Active() && CompareVersions(s.SourceVersion, i.Version) > 0 {
			why = "the target has the newer " + s.SourceVersion
			break
		}
		if s.SourceVersion == i.Version {
			why = "the target had this version before (" + string(s.Status) + "): other files of it may stand in the way"
		}
	}
	i.end(Lost, "%s", why)
	return nil
}

// askWhy reads the target archive now and then while rows do not get on: its
// publishing may have been switched off.
func (t *tracker) askWhy(ctx context.Context, now time.Time) error {
	const patience = 15 * time.Minute
	slow := slices.ContainsFunc(t.items, func(i *tracked) bool {
		return i.row != nil && !i.verified && !i.outcome.Ended() && now.Sub(i.seen) >= min(patience, t.opt.StuckAfter)
	})
	if !slow || now.Sub(t.askedWhy) < patience/2 {
		return nil
	}
	a, err := read[Archive](ctx, t.c, t.plan.To)
	if err != nil {
		return err
	}
	t.askedWhy = now
	if !Is(a.Publish, false) && (a.Status == "Active" || a.Status == "" || a.Status == Redacted) {
		return nil
	}
	for _, i := range t.items {
		if i.row == nil || i.verified || i.outcome.Ended() {
			continue
		}
		if Is(a.Publish, false) {
			i.end(PublishingOff, "somebody switched it off for %s", a.Reference)
		} else {
			i.end(WasDeleted, "%s is %s", a.Reference, a.Status)
		}
	}
	return nil
}
