package launchpad

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/landingteam/landing/launchpad/value"
)

// An origin may have published a source although one of its builds failed, or is not
// done: then there is nothing of it on that architecture, and a copy of all that is
// there would be called complete.

// missingBuilds notes the builds of the origin that made nothing for the target. Only
// sources are asked about that have no binaries of their own on an architecture of
// the target; most of those are not made for it.
func (p *planner) missingBuilds(ctx context.Context, plan *Plan) error {
	if !plan.Binaries {
		return nil
	}
	var suspects []*suspect
	for n := range plan.Packages {
		i := &plan.Packages[n]
		if arches := i.bare(plan.Architectures); len(arches) > 0 && i.Action != actConflict {
			suspects = append(suspects, &suspect{i, p.row(i.Name, i.Version).SelfLink, arches})
		}
	}
	suspects, err := p.narrow(ctx, suspects)
	if err != nil {
		return err
	}
	var tasks []task
	for _, s := range suspects {
		tasks = append(tasks, func(ctx context.Context) error {
			return each(p.c.SourceBuilds(ctx, s.row), func(b Build) {
				if b.State != Built && slices.Contains(s.arches, b.Arch()) {
					s.Unbuilt = append(s.Unbuilt, fmt.Sprintf("%s (%s)", b.Arch(), b.State))
				}
			})
		})
	}
	if err := sideBySide(ctx, tasks...); err != nil {
		return err
	}
	for _, s := range suspects {
		slices.Sort(s.Unbuilt)
		for _, u := range s.Unbuilt {
			arch, state, _ := strings.Cut(strings.TrimSuffix(u, ")"), " (")
			plan.Notes = append(plan.Notes, fmt.Sprintf("%s %s on %s is not in the origin: its build there is: %s", s.Name, s.Version, arch, state))
		}
	}
	return nil
}

// suspect is a package that may lack what a build should have made.
type suspect struct {
	*PackageCopy
	row    value.Link // of the origin
	arches []string   // on which it has no binaries of their own
}

// bare are the architectures on which the package has nothing but Architecture: all.
func (i *PackageCopy) bare(arches []string) (out []string) {
	for _, arch := range arches {
		if !slices.ContainsFunc(i.Binaries, func(b Binary) bool { return !b.All && slices.Contains(b.Arches, arch) }) {
			out = append(out, arch)
		}
	}
	return out
}

// row is the origin's publication of a version.
func (p *planner) row(name, version string) Publication {
	for _, s := range p.sources[name] {
		if s.SourceVersion == version {
			return s
		}
	}
	return Publication{}
}

// unfinished are all states of a build that has made nothing.
var unfinished = [...]BuildState{FailedToBuild, DependencyWait, ChrootProblem, FailedToUpload, Cancelled, SupersededSource,
	NeedsBuilding, Building, Gathering, Uploading, Cancelling}

// narrow leaves, of many suspects, those for which the archive has any build that
// made nothing: one listing for each state is cheaper than one for each source. A
// listing does not tell series apart, so it only narrows.
func (p *planner) narrow(ctx context.Context, suspects []*suspect) ([]*suspect, error) {
	if len(suspects) <= fewSources {
		return suspects, nil
	}
	var mu sync.Mutex
	found := map[version]bool{}
	var tasks []task
	for _, state := range unfinished {
		q := op("getBuildRecords").text("build_state", string(state))
		tasks = append(tasks, func(ctx context.Context) error {
			return each(listing[Build](ctx, p.c, p.fromLink, q), func(b Build) {
				mu.Lock()
				defer mu.Unlock()
				found[version{b.SourceName, b.SourceVersion}] = true
			})
		})
	}
	err := sideBySide(ctx, tasks...)
	return slices.DeleteFunc(suspects, func(s *suspect) bool { return !found[version{s.Name, s.Version}] }), err
}
