package launchpad

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sort"
	"time"
)

// plan decides about each source.
func (p *planner) plan() *Plan {
	r := p.req
	plan := &Plan{Format: planFormat, From: p.from.SelfLink, To: p.to.SelfLink, Series: r.Series, ToSeries: r.ToSeries, Pocket: r.Pocket,
		Architectures: p.arches, Binaries: !r.SourceOnly, Unembargo: r.Unembargo, LastSource: p.last[0], LastBinary: p.last[1], Items: []Item{}}
	sort.Strings(plan.Architectures)
	if !p.newest.IsZero() {
		plan.Since = Time{p.newest.Add(-time.Hour)}
	}
	plan.Blocked, plan.Reason = p.obstacle()
	dropped := map[string]bool{}
	for _, arch := range p.behind {
		dropped[arch] = true
	}
	for _, name := range p.names() {
		plan.Items = append(plan.Items, p.item(name, dropped, plan))
	}
	for _, arch := range slices.Sorted(maps.Keys(dropped)) {
		plan.Notes = append(plan.Notes, fmt.Sprintf("%s is not enabled in %s: its binaries stay behind", arch, r.ToSeries))
	}
	if len(r.Names) == 0 && r.Replay == nil {
		for _, name := range slices.Sorted(maps.Keys(p.target)) {
			if len(p.sources[name]) == 0 && len(p.moving[name]) == 0 && r.picks(name) {
				plan.Stale = append(plan.Stale, PackageVersion{name, highest(p.target[name]).SourceVersion})
			}
		}
	}
	return plan
}

// names are those the plan speaks of: what the origin has, and what was asked
// for by name.
func (p *planner) names() []string {
	set := map[string]bool{}
	for n := range p.sources {
		set[n] = true
	}
	for n := range p.moving {
		set[n] = true
	}
	if p.req.Replay != nil {
		for _, n := range p.req.Replay.names() {
			set[n] = true
		}
	} else {
		for _, n := range p.req.literal() {
			set[n] = p.req.picks(n)
		}
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(set)), func(n string) bool { return !set[n] || !p.req.picks(n) })
}

func (p *planner) item(name string, dropped map[string]bool, plan *Plan) Item {
	i := Item{Name: name, Action: CopyIt}
	conflict := func(format string, args ...any) Item {
		i.Action, i.Reason = Conflict, fmt.Sprintf(format, args...)
		return i
	}
	rows := p.sources[name]
	switch {
	case len(rows) > 0:
		i.Version = highest(rows).SourceVersion
	case p.req.Replay != nil:
		i.Version = p.req.Replay.version(name)
		return conflict("this version is not in the origin")
	case len(p.moving[name]) > 0:
		i.Version = highest(p.moving[name]).SourceVersion
		return conflict("it is still Pending in the origin")
	default:
		i.Version = "?"
		return conflict("it is not published in the origin")
	}
	if n := countVersions(rows); n > 1 {
		plan.Notes = append(plan.Notes, fmt.Sprintf("%s has %d published versions in the origin; %s is the highest", name, n, i.Version))
	}
	if m := p.moving[name]; len(m) > 0 && CompareVersions(highest(m).SourceVersion, i.Version) > 0 {
		return conflict("%s is about to replace it in the origin", highest(m).SourceVersion)
	}
	pending := 0
	if p.req.Replay != nil {
		i.Binaries = p.req.Replay.expected(name, p.arches)
	} else {
		i.Binaries, pending = p.expected(PackageVersion{name, i.Version}, dropped)
	}
	if pending > 0 {
		return conflict("%d of its binaries are still Pending in the origin", pending)
	}
	if len(i.Binaries) == 0 && !p.req.SourceOnly {
		return conflict("the origin has no binaries of it")
	}
	for _, t := range p.target[name] {
		switch c := CompareVersions(t.SourceVersion, i.Version); {
		case t.SourceVersion == i.Version:
			i.Action, i.Row = Present, t.SelfLink
		case c > 0:
			return conflict("the target has the newer %s", t.SourceVersion)
		case i.Replaces == "" || CompareVersions(t.SourceVersion, i.Replaces) > 0:
			i.Replaces = t.SourceVersion
		}
	}
	return i
}

// completeness compares the binaries of what is present. A source that lacks
// some is copied again: that adds what is missing and changes nothing else.
func (c *Client) completeness(ctx context.Context, plan *Plan) error {
	var present []*Item
	for n := range plan.Items {
		if i := &plan.Items[n]; i.Action == Present {
			present = append(present, i)
		}
	}
	if len(present) == 0 || !plan.Binaries {
		return nil
	}
	active := map[binaryKey]bool{}
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
			if err := each(c.SourceBinaries(ctx, i.Row, false), func(b Binary) { active[binaryKey{b.Name, b.Version, b.Arch()}] = true }); err != nil {
				return err
			}
		}
	}
	for _, i := range present {
		missing := 0
		for _, k := range i.keys() {
			if !active[k] {
				missing++
			}
		}
		if missing > 0 {
			i.Action, i.Reason = CopyIt, fmt.Sprintf("the target has it and lacks %d of its binaries", missing)
		}
	}
	return nil
}

// expected is what must be in the target for a source: the origin's rows on
// the target's architectures, Architecture: all ones on each of them.
func (p *planner) expected(v PackageVersion, dropped map[string]bool) (out []ExpectedBinary, pending int) {
	byName := map[PackageVersion]*ExpectedBinary{}
	for _, b := range p.binaries[v] {
		if b.Status == Pending {
			pending++
		}
		k := PackageVersion{b.Name, b.Version}
		e := byName[k]
		if e == nil {
			e = &ExpectedBinary{Name: b.Name, Version: b.Version, All: Is(b.ArchSpecific, false), Debug: Is(b.IsDebug, true)}
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
	slices.SortFunc(out, func(a, b ExpectedBinary) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version))
	})
	return out, pending
}

// obstacle is what keeps any package from being copied and published.
func (p *planner) obstacle() (Outcome, string) {
	switch {
	case p.to.Publish.Redacted || p.to.Status == Redacted:
		return Refused, "the target is private and not yours to see"
	case p.to.Status != "" && p.to.Status != "Active":
		return Refused, "the target is " + p.to.Status
	case p.from.DistributionLink != p.to.DistributionLink:
		return Refused, "origin and target belong to different distributions"
	case Is(p.to.Publish, false):
		return PublishingOff, "nothing in the target is published until its publishing is switched on"
	case p.series.Status == string(Obsolete) && !Is(p.to.PermitObsolete, true):
		return ObsoleteSeries, p.series.Name + " is obsolete, and the target does not permit uploads to such a series; an administrator can set that"
	case Is(p.from.Private, true) && !Is(p.to.Private, true) && !p.req.Unembargo:
		return Refused, "the origin is private and the target is not: allow Unembargo after a review"
	}
	return "", ""
}

func highest(rows []Source) Source {
	return slices.MaxFunc(rows, func(a, b Source) int { return CompareVersions(a.SourceVersion, b.SourceVersion) })
}

func countVersions(rows []Source) int {
	set := map[string]bool{}
	for _, r := range rows {
		set[r.SourceVersion] = true
	}
	return len(set)
}
