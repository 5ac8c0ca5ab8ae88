package launchpad

import (
	"fmt"
	"slices"
	"strings"

	"github.com/landingteam/landing/launchpad/value"
)

// A Manifest records exactly what was published where: a plain value to store
// as JSON, to compare with another one, and to replay by [PlanRequest.Replay].
type Manifest struct {
	Format   int        `json:"format"`
	Archive  value.Link `json:"archive"` // where the packages are
	Origin   value.Link `json:"origin"`  // where they were copied from
	Series   string     `json:"series"`
	Taken    value.Time `json:"taken"`
	Packages []Package  `json:"packages"` // by name
}

const manifestFormat = 1

// A Change is a difference between two manifests. Old is "" for a package that
// is new, New for one that is gone; both are equal when only binaries differ.
type Change struct {
	Name string `json:"name"`
	Old  string `json:"old,omitempty"`
	New  string `json:"new,omitempty"`
}

// String is one line about the change.
func (c Change) String() string {
	switch {
	case c.Old == "":
		return fmt.Sprintf("new     %s %s", c.Name, c.New)
	case c.New == "":
		return fmt.Sprintf("gone    %s %s", c.Name, c.Old)
	case c.Old == c.New:
		return fmt.Sprintf("rebuilt %s %s", c.Name, c.New)
	}
	return fmt.Sprintf("changed %s %s to %s", c.Name, c.Old, c.New)
}

// Compare lists what changed from m to n, by name.
func (m *Manifest) Compare(n *Manifest) (out []Change) {
	before, after := m.byName(), n.byName()
	for _, name := range slices.Compact(slices.Sorted(slices.Values(append(m.names(), n.names()...)))) {
		o, hadIt := before[name]
		p, hasIt := after[name]
		if hadIt != hasIt || o.Version != p.Version || !sameBinaries(o.Binaries, p.Binaries) {
			out = append(out, Change{Name: name, Old: o.Version, New: p.Version})
		}
	}
	return out
}

func sameBinaries(a, b []Binary) bool {
	flat := func(in []Binary) (out []string) {
		for _, e := range in {
			for _, arch := range e.Arches {
				out = append(out, e.Name+" "+e.Version+" "+arch)
			}
		}
		slices.Sort(out)
		return out
	}
	return slices.Equal(flat(a), flat(b))
}

func (m *Manifest) byName() map[string]Package {
	out := make(map[string]Package, len(m.Packages))
	for _, p := range m.Packages {
		out[p.Name] = p
	}
	return out
}

func (m *Manifest) names() []string {
	out := make([]string, 0, len(m.Packages))
	for _, p := range m.Packages {
		out = append(out, p.Name)
	}
	return out
}

func (m *Manifest) version(name string) string { return m.byName()[name].Version }

// expected are the recorded binaries on the architectures there are now.
func (m *Manifest) expected(name string, arches []string) (out []Binary) {
	for _, e := range m.byName()[name].Binaries {
		was := e.Arches
		e.Arches = nil
		for _, a := range arches {
			if e.All || slices.Contains(was, a) {
				e.Arches = append(e.Arches, a)
			}
		}
		if len(e.Arches) > 0 {
			out = append(out, e)
		}
	}
	return out
}

// Check says what keeps a manifest from being used that was read from its JSON:
// another format, or packages that are there twice or have no version. nil is good.
func (m *Manifest) Check() error {
	if m.Format != manifestFormat {
		return fmt.Errorf("cannot use the manifest: format %d, want %d", m.Format, manifestFormat)
	}
	seen := map[string]bool{}
	for _, p := range m.Packages {
		if p.Name == "" || p.Version == "" || strings.ContainsAny(p.Name, "*?[\\ ") || seen[p.Name] {
			return fmt.Errorf("cannot use the manifest: package %q is there twice, or has no version or an odd name", p.Name)
		}
		seen[p.Name] = true
	}
	return nil
}
