package launchpad

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// binaryRow names a row: a binary on an architecture.
type binaryRow struct{ name, version, arch string }

func (k binaryRow) String() string { return k.name + " " + k.version + " " + k.arch }

func rowOf(b Publication) binaryRow { return binaryRow{b.BinaryName, b.BinaryVersion, b.Arch()} }

// fewSources may be read one by one in a round; for more, whole listings are
// cheaper.
const fewSources = 8

// expected are all rows that the package must have.
func (i *PackageCopy) expected() (out []binaryRow) {
	for _, b := range i.Binaries {
		for _, arch := range b.Arches {
			out = append(out, binaryRow{b.Name, b.Version, arch})
		}
	}
	return out
}

// verify finds out which of the packages whose source is Published have all
// their binaries Published. As long as some of them are listed as Pending, it
// costs one short listing for each architecture.
func (t *copier) verify(ctx context.Context) error {
	var open []*item
	for _, i := range t.items {
		if !i.State.Ended() && !i.verified && i.row != nil {
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
	var ready []*item
	for _, i := range open {
		i.Missing = nil
		for _, k := range i.expected() {
			if pending[k] {
				i.Missing = append(i.Missing, k.String()+" Pending")
				i.hopeless = false // something came after all
			}
		}
		// A row that was there before is in no listing of new ones: it is read
		// again with its binaries.
		if (i.row.Status == Published || i.row.SelfLink == i.Row) && len(i.Missing) == 0 {
			ready = append(ready, i)
		}
	}
	if len(ready) > fewSources {
		published, err := t.c.listed(ctx, t.plan, Published)
		if err != nil {
			return err
		}
		ready = slices.DeleteFunc(ready, func(i *item) bool {
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
	var tasks []task
	for _, i := range ready {
		tasks = append(tasks, func(ctx context.Context) error { return t.inspect(ctx, i) })
	}
	return t.c.together(ctx, tasks...)
}

// listed reads all binaries of the plan's target in a status, by architecture.
func (c *Client) listed(ctx context.Context, p *Plan, status Status) (map[binaryRow]bool, error) {
	var mu sync.Mutex
	set := map[binaryRow]bool{}
	var tasks []task
	for _, arch := range p.Architectures {
		f := PublicationFilter{Status: status, Series: p.ToSeries, Arch: arch}
		tasks = append(tasks, func(ctx context.Context) error {
			return each(c.Binaries(ctx, p.To, f), func(b Publication) {
				mu.Lock()
				defer mu.Unlock()
				set[rowOf(b)] = true
			})
		})
	}
	return set, c.together(ctx, tasks...)
}

// present compares the item with a listing of Published binaries.
func (t *copier) present(i *item, published map[binaryRow]bool) bool {
	i.Missing = nil
	for _, k := range i.expected() {
		if !published[k] {
			i.Missing = append(i.Missing, k.String()+" missing")
		}
	}
	return len(i.Missing) == 0
}

// inspect reads every binary row one source has, and the builds of those that
// have none.
func (t *copier) inspect(ctx context.Context, i *item) error {
	if i.row.SelfLink == i.Row && (i.row.DateCreated.IsZero() || i.row.Status != Published) {
		row, err := read[Publication](ctx, t.c, i.Row)
		if err != nil {
			return err
		}
		if i.row = row; row.Status != Published {
			t.apply(i, row, nil)
			return nil
		}
	}
	best := map[binaryRow]Publication{}
	err := each(t.c.SourceBinaries(ctx, i.row.SelfLink, true), func(b Publication) {
		if o, ok := best[rowOf(b)]; !ok || better(&b, &o) {
			best[rowOf(b)] = b
		}
	})
	if err != nil {
		return err
	}
	i.Missing, i.hopeless = nil, false
	var absent []binaryRow
	for _, k := range i.expected() {
		b, ok := best[k]
		if ok && t.binaryEnded(i, k, &b) {
			return nil
		}
		switch {
		case ok && b.Status == Published:
		case ok && b.Status.Active():
			i.Missing = append(i.Missing, k.String()+" "+string(b.Status))
		default:
			i.Missing = append(i.Missing, k.String()+" missing")
			absent = append(absent, k)
		}
	}
	if i.verified = len(i.Missing) == 0; i.verified || len(absent) == 0 {
		return nil
	}
	return t.builds(ctx, i, absent)
}

// binaryEnded ends the package when one of its binaries was deleted or replaced,
// unless that was in an earlier life of it.
func (t *copier) binaryEnded(i *item, k binaryRow, b *Publication) bool {
	if b.SelfLink.ID() <= t.plan.LastBinary && i.Action != actPresent {
		return false
	}
	switch b.Status {
	case Deleted:
		i.end(CopyDeleted, "%s, by %s: %s", k, cmp.Or(b.RemovedByLink.Name(), "somebody"), cmp.Or(b.RemovalComment, "no comment"))
		return true
	case Superseded, Obsolete:
		i.end(CopySuperseded, "%s", k)
		return true
	}
	return false
}

// builds finds out whether binaries that are missing can still be built.
func (t *copier) builds(ctx context.Context, i *item, absent []binaryRow) error {
	i.Detail, i.hopeless = "", true
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
		if !arches[b.Arch()] {
			continue
		}
		switch {
		case b.State.Failed() && b.State.Final():
			i.end(CopyBuildFailed, "on %s: %s %s", b.Arch(), b.State, cmp.Or(b.LogURL, string(b.SelfLink)))
			return nil
		case b.State.Failed() || !b.State.Known():
			i.Detail = strings.TrimSpace(fmt.Sprintf("the build on %s is held: %s %s", b.Arch(), b.State, b.DependencyWaitFor))
		}
	}
	return nil
}

// confirm is one complete observation of the target: every package that was
// verified must be there still, source and binaries.
func (t *copier) confirm(ctx context.Context) (bool, error) {
	if !t.anyVerified() {
		return true, nil
	}
	sources := map[version]bool{}
	err := each(t.c.Sources(ctx, t.plan.To, PublicationFilter{Status: Published, Series: t.plan.ToSeries}), func(s Publication) {
		sources[version{s.SourceName, s.SourceVersion}] = true
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
		if !i.verified || sources[version{i.Name, i.Version}] && t.present(i, published) {
			continue
		}
		// Gone, or a page shifted under the listing: its own row tells.
		ok, i.verified = false, false
		row, err := read[Publication](ctx, t.c, i.row.SelfLink)
		if err != nil {
			return false, err
		}
		t.apply(i, row, nil)
	}
	return ok, nil
}
