package launchpad

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/landingteam/landing/launchpad/value"
)

// A PlanRequest says what to copy.
type PlanRequest struct {
	From, To string // archives, as for [Client.Archive]
	Series   string // of the origin, for example vivid
	ToSeries string // default: the same
	Pocket   string // of the origin; default Release

	// Names picks sources: names, or patterns as of [path.Match]. Empty takes
	// all, and then what the target has beyond them is told as stale.
	Names   []string
	Exclude []string

	// Replay pins every version to one recorded before. Versions the origin has
	// superseded or deleted since can still be copied while its files exist.
	Replay *Manifest

	SourceOnly bool // without binaries: the target builds everything again
	Unembargo  bool // allow a copy from a private archive into a public one
}

// A Plan is what to copy, and what must be there in the end, down to each
// binary on each architecture. It is a plain value: it can be stored as JSON,
// read by a person and carried out later or again.
type Plan struct {
	Format        int        `json:"format"`
	From          value.Link `json:"from"`
	To            value.Link `json:"to"`
	Series        string     `json:"series"`
	ToSeries      string     `json:"to_series"`
	Pocket        string     `json:"pocket"`
	Architectures []string   `json:"architectures"` // enabled ones of the target's series
	Binaries      bool       `json:"binaries"`
	Unembargo     bool       `json:"unembargo,omitempty"`
	Taken         value.Time `json:"taken"`

	// The newest rows the target had when the plan was made: what has a higher
	// number came after it. Since is an hour before the younger one of them.
	LastSource int        `json:"last_source"`
	LastBinary int        `json:"last_binary"`
	Since      value.Time `json:"since"`

	Packages []PackageCopy `json:"items"`

	// Blocked is set when nothing can be copied, and why.
	Blocked CopyState `json:"blocked,omitempty"`
	Reason  string    `json:"reason,omitempty"`

	Stale []Package `json:"stale,omitempty"` // in the target, not in the origin
	Notes []string  `json:"notes,omitempty"` // for the person who approves
}

// planFormat is raised when a plan can no longer be read by older code.
const planFormat = 1

// A PackageCopy is the way of one source package from the origin to the target: in
// a [Plan] what is done with it, in a [CopyReport] also how it came out.
type PackageCopy struct {
	Name     string     `json:"name"`
	Version  string     `json:"version"`
	Action   string     `json:"action"`             // "copy", "present" (it is there, and is only verified) or "conflict"
	Replaces string     `json:"replaces,omitempty"` // older version in the target
	Reason   string     `json:"reason,omitempty"`   // of a conflict
	Row      value.Link `json:"row,omitempty"`      // of the target, when its source is there
	Binaries []Binary   `json:"binaries,omitempty"`

	// Unbuilt are the architectures of the target for which the origin has a build
	// that made nothing, with its state: "armhf (Failed to build)". What it should
	// have made is not among Binaries, and nobody waits for it.
	Unbuilt []string `json:"unbuilt,omitempty"`

	// Of a report.
	State   CopyState `json:"outcome,omitempty"`
	Detail  string    `json:"detail,omitempty"`
	Missing []string  `json:"missing,omitempty"` // binaries not Published yet, at most 50
	Copied  bool      `json:"copied,omitempty"`  // its row came after the plan
}

// What a plan does with a package.
const (
	actCopy     = "copy" // with its binaries
	actPresent  = "present"
	actConflict = "conflict"
)

// A Package is a version of a source package, with its binaries where they are
// known.
type Package struct {
	Name     string   `json:"name"`
	Version  string   `json:"version"`
	Binaries []Binary `json:"binaries,omitempty"`
}

// A Binary is a binary of a package, on each of its architectures.
type Binary struct {
	Name    string   `json:"name"`
	Version string   `json:"version"`
	Arches  []string `json:"arches"`
	All     bool     `json:"all,omitempty"`   // Architecture: all
	Debug   bool     `json:"debug,omitempty"` // a row like any other, but in no index
}

// Copies is the number of packages that are to be copied.
func (p *Plan) Copies() int { return p.count(actCopy) }

func (p *Plan) count(action string) (n int) {
	for _, i := range p.Packages {
		if i.Action == action {
			n++
		}
	}
	return n
}

// Unbuilt is what will be missing although everything is copied, because a build of
// the origin failed or is not done: "mir 0.21 on armhf (Failed to build)". Whether to
// wait for it or to go on without is for a person to decide.
func (p *Plan) Unbuilt() (out []string) {
	for _, i := range p.Packages {
		for _, u := range i.Unbuilt {
			out = append(out, i.Name+" "+i.Version+" on "+u)
		}
	}
	return out
}

// Err is nil when every item can be copied or is there; else it names what
// stands in the way. An origin in motion is such a thing: its snapshot would
// be torn. So is a plan of nothing: a pattern may be misspelt.
func (p *Plan) Err() error {
	if p.Blocked != "" {
		return fmt.Errorf("cannot copy into %s: %s: %s", p.To, p.Blocked, p.Reason)
	}
	var bad []string
	for _, i := range p.Packages {
		if i.Action == actConflict {
			bad = append(bad, fmt.Sprintf("%s %s (%s)", i.Name, i.Version, i.Reason))
		}
	}
	if len(bad) > 0 {
		return fmt.Errorf("cannot copy %d of %d packages: %s", len(bad), len(p.Packages), strings.Join(bad, ", "))
	}
	if len(p.Packages) == 0 {
		return fmt.Errorf("cannot copy: %s has nothing in %s that was asked for", p.From, p.Series)
	}
	return nil
}

// Text shows the difference between origin and target, one line a package.
func (p *Plan) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "from %s %s\nto   %s %s\n", p.From, p.Series, p.To, p.ToSeries)
	if p.Blocked != "" {
		fmt.Fprintf(&b, "blocked: %s: %s\n", p.Blocked, p.Reason)
	}
	for _, action := range [...]string{actConflict, actCopy, actPresent} {
		for _, i := range p.Packages {
			if i.Action != action {
				continue
			}
			fmt.Fprintf(&b, "%-8s %s %s", action, i.Name, i.Version)
			if i.Replaces != "" {
				fmt.Fprintf(&b, " replaces %s", i.Replaces)
			}
			if n := i.rows(); n > 0 && action != actConflict {
				fmt.Fprintf(&b, ", %d binaries", n)
			}
			if i.Reason != "" {
				fmt.Fprintf(&b, ": %s", i.Reason)
			}
			b.WriteByte('\n')
		}
	}
	for _, s := range p.Stale {
		fmt.Fprintf(&b, "%-8s %s %s\n", "stale", s.Name, s.Version)
	}
	for _, n := range p.Notes {
		fmt.Fprintf(&b, "note     %s\n", n)
	}
	return b.String()
}

// rows is the number of binary publications the package comes to.
func (i *PackageCopy) rows() (n int) {
	for _, b := range i.Binaries {
		n += len(b.Arches)
	}
	return n
}

// check finds out whether a plan that was stored is one.
func (p *Plan) check() error {
	if p.Format != planFormat {
		return fmt.Errorf("cannot use the plan: format %d, want %d", p.Format, planFormat)
	}
	if p.From == "" || p.To == "" || p.ToSeries == "" {
		return fmt.Errorf("cannot use the plan: it names no archives or no series")
	}
	seen := map[string]bool{}
	for _, i := range p.Packages {
		if i.Name == "" || i.Version == "" || seen[i.Name] {
			return fmt.Errorf("cannot use the plan: package %q is there twice or has no version", i.Name)
		}
		seen[i.Name] = true
	}
	return nil
}

// picks reports whether the request takes the source of that name.
func (r *PlanRequest) picks(name string) bool {
	match := func(patterns []string) bool {
		return slices.ContainsFunc(patterns, func(p string) bool { ok, _ := path.Match(p, name); return ok })
	}
	return (len(r.Names) == 0 || match(r.Names)) && !match(r.Exclude)
}

func (r *PlanRequest) check() error {
	for _, p := range slices.Concat(r.Names, r.Exclude) {
		if _, err := path.Match(p, ""); err != nil || p == "" {
			return fmt.Errorf("cannot plan: bad pattern %q", p)
		}
	}
	if r.Series == "" {
		return fmt.Errorf("cannot plan: Series is empty")
	}
	if r.Replay != nil {
		return r.Replay.Check()
	}
	return nil
}
