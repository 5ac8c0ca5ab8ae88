package launchpad

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/landingteam/landing/launchpad/debversion"
	"github.com/landingteam/landing/launchpad/value"
)

// plan decides about each source.
func (p *planner) plan() *Plan {
	r := p.req
	plan := &Plan{Format: planFormat, From: p.from.SelfLink, To: p.to.SelfLink, Series: r.Series, ToSeries: r.ToSeries, Pocket: r.Pocket,
		Architectures: slices.Sorted(slices.Values(p.arches)), Binaries: !r.SourceOnly, Unembargo: r.Unembargo,
		LastSource: p.lastSource, LastBinary: p.lastBinary, Packages: []PackageCopy{}}
	if !p.newest.IsZero() {
		plan.Since = value.Time{Time: p.newest.Add(-time.Hour)}
	}
	plan.Blocked, plan.Reason = p.obstacle()
	dropped := map[string]bool{} // architectures
	for _, arch := range p.home {
		if !slices.Contains(p.arches, arch) {
			dropped[arch] = true
		}
	}
	for _, name := range p.names() {
		plan.Packages = append(plan.Packages, p.decide(name, dropped))
		if n := countVersions(p.sources[name]); n > 1 {
			plan.Notes = append(plan.Notes, fmt.Sprintf("%s has %d published versions in the origin; %s is the highest", name, n, highest(p.sources[name]).SourceVersion))
		}
	}
	for _, arch := range slices.Sorted(maps.Keys(dropped)) {
		plan.Notes = append(plan.Notes, fmt.Sprintf("%s is not enabled in %s: its binaries stay behind", arch, r.ToSeries))
	}
	if len(r.Names) == 0 && r.Replay == nil {
		for _, name := range slices.Sorted(maps.Keys(p.target)) {
			if len(p.rows(name)) == 0 && r.picks(name) {
				plan.Stale = append(plan.Stale, Package{Name: name, Version: highest(p.target[name]).SourceVersion})
			}
		}
	}
	return plan
}

// names are those the plan speaks of: what the origin has, and what was asked
// for by name.
func (p *planner) names() []string {
	names := slices.Concat(slices.Collect(maps.Keys(p.sources)), slices.Collect(maps.Keys(p.moving)))
	if p.req.Replay != nil {
		names = append(names, p.req.Replay.names()...)
	} else {
		names = append(names, p.req.literal()...)
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(n string) bool { return !p.req.picks(n) })
}

// decide finds out whether a package can be copied, and what must be there then.
func (p *planner) decide(name string, dropped map[string]bool) PackageCopy {
	i := PackageCopy{Name: name, Action: actCopy}
	i.Version, i.Reason = p.choose(name)
	if i.Reason == "" {
		var pending int
		if p.req.Replay != nil {
			i.Binaries = p.req.Replay.expected(name, p.arches)
		} else {
			i.Binaries, pending = p.expected(version{name, i.Version}, dropped)
		}
		switch {
		case pending > 0:
			i.Reason = fmt.Sprintf("%d of its binaries are still Pending in the origin", pending)
		case len(i.Binaries) == 0 && !p.req.SourceOnly:
			i.Reason = "the origin has no binaries of it"
		default:
			p.compareWithTarget(&i)
		}
	}
	if i.Reason != "" {
		i.Action = actConflict
	}
	return i
}

// choose is the version to copy, and what is wrong with it, if anything.
func (p *planner) choose(name string) (version, conflict string) {
	rows, moving := p.sources[name], p.moving[name]
	switch {
	case len(rows) == 0 && p.req.Replay != nil:
		return p.req.Replay.version(name), "this version is not in the origin"
	case len(rows) == 0 && len(moving) > 0:
		return highest(moving).SourceVersion, "it is still Pending in the origin"
	case len(rows) == 0:
		return "?", "it is not published in the origin"
	}
	version = highest(rows).SourceVersion
	if len(moving) > 0 {
		if next := highest(moving).SourceVersion; debversion.Compare(next, version) > 0 {
			return version, next + " is about to replace it in the origin"
		}
	}
	return version, ""
}

// compareWithTarget finds what the target has of the package.
func (p *planner) compareWithTarget(i *PackageCopy) {
	for _, t := range p.target[i.Name] {
		switch c := debversion.Compare(t.SourceVersion, i.Version); {
		case t.SourceVersion == i.Version:
			i.Action, i.Row = actPresent, t.SelfLink
		case c > 0:
			i.Reason = "the target has the newer " + t.SourceVersion
			return
		case i.Replaces == "" || debversion.Compare(t.SourceVersion, i.Replaces) > 0:
			i.Replaces = t.SourceVersion
		}
	}
}

// completeness compares the binaries of what is present. A source that lacks
// some is copied again: that adds what is missing and changes nothing else.
func (c *Client) completeness(ctx context.Context, plan *Plan) error {
	var present []*PackageCopy
	for n := range plan.Packages {
		if i := &plan.Packages[n]; i.Action == actPresent {
			present = append(present, i)
		}
	}
	if len(present) == 0 || !plan.Binaries {
		return nil
	}
	active := map[binaryRow]bool{}
	if len(present) > fewSources {
		for _, status := range [...]Status{Pending, Published} {
			set, err := c.listed(ctx, plan, status)
			if err != nil {
				return err
			}
			maps.Copy(active, set)
		}
	} else {
		for _, i := range present {
			if err := each(c.SourceBinaries(ctx, i.Row, false), func(b Publication) { active[rowOf(b)] = true }); err != nil {
				return err
			}
		}
	}
	for _, i := range present {
		missing := slices.DeleteFunc(i.expected(), func(k binaryRow) bool { return active[k] })
		if len(missing) > 0 {
			i.Action, i.Reason = actCopy, fmt.Sprintf("the target has it and lacks %d of its binaries", len(missing))
		}
	}
	return nil
}

// expected is what must be in the target for a source: the origin's rows on
// the target's architectures, Architecture: all ones on each of them.
func (p *planner) expected(v version, dropped map[string]bool) (out []Binary, pending int) {
	byName := map[version]*Binary{}
	for _, b := range p.binaries[v] {
		if b.Status == Pending {
			pending++
		}
		k := version{b.BinaryName, b.BinaryVersion}
		e := byName[k]
		if e == nil {
			e = &Binary{Name: b.BinaryName, Version: b.BinaryVersion, All: b.ArchSpecific.Is(false), Debug: b.IsDebug.Is(true)}
			byName[k] = e
		}
		arch := b.Arch()
		switch {
		case e.All:
			e.Arches = slices.Clone(p.arches)
		case !slices.Contains(p.arches, arch):
			dropped[arch] = true
		case !slices.Contains(e.Arches, arch):
			e.Arches = append(e.Arches, arch)
		}
	}
	for _, e := range byName {
		if len(e.Arches) > 0 {
			slices.Sort(e.Arches)
			out = append(out, *e)
		}
	}
	slices.SortFunc(out, func(a, b Binary) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version))
	})
	return out, pending
}

// obstacle is what keeps any package from being copied and published.
func (p *planner) obstacle() (CopyState, string) {
	switch {
	case p.to.Publish.Redacted || p.to.Status == string(value.Redacted):
		return CopyRefused, "the target is private and not yours to see"
	case p.to.Status != "" && p.to.Status != "Active":
		return CopyRefused, "the target is " + p.to.Status
	case p.from.DistributionLink != p.to.DistributionLink:
		return CopyRefused, "origin and target belong to different distributions"
	case p.to.Publish.Is(false):
		return CopyPublishingOff, "nothing in the target is published until its publishing is switched on"
	case p.series.Status == string(Obsolete) && !p.to.PermitObsolete.Is(true):
		return CopySeriesObsolete, p.series.Name + " is obsolete, and the target does not permit uploads to such a series; an administrator can set that"
	case p.from.Private.Is(true) && !p.to.Private.Is(true) && !p.req.Unembargo:
		return CopyRefused, "the origin is private and the target is not: allow Unembargo after a review"
	}
	return "", ""
}

func highest(rows []Publication) Publication {
	return slices.MaxFunc(rows, func(a, b Publication) int { return debversion.Compare(a.SourceVersion, b.SourceVersion) })
}

func countVersions(rows []Publication) int {
	set := map[string]bool{}
	for _, r := range rows {
		set[r.SourceVersion] = true
	}
	return len(set)
}
