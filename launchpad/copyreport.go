package launchpad

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/landingteam/landing/launchpad/value"
)

// A CopyState is how the copy of a package stands, or how it ended.
type CopyState string

// The states of a copy. The first three are on the way, the others are ends.
const (
	CopyNotRequested CopyState = ""           // not asked for yet
	CopyRequested    CopyState = "requested"  // asked for; nothing to be seen in the target
	CopyPublishing   CopyState = "publishing" // rows are there and not all of them Published

	CopyPublished      CopyState = "published"         // the source and every expected binary on every architecture
	CopyLost           CopyState = "lost"              // accepted, and never seen: the job failed, and Launchpad tells nobody here
	CopyRefused        CopyState = "refused"           // not accepted
	CopyStuck          CopyState = "stuck"             // rows are there and do not get on
	CopySuperseded     CopyState = "superseded"        // another version was put over it
	CopyDeleted        CopyState = "deleted"           // somebody deleted it
	CopyBuildFailed    CopyState = "build failed"      // a binary that is expected could not be built in the target
	CopySeriesObsolete CopyState = "obsolete series"   // and the target does not permit uploads to one
	CopyPublishingOff  CopyState = "publishing is off" // the publisher passes the target by
)

// Ended reports whether the state is final.
func (s CopyState) Ended() bool {
	return s != CopyNotRequested && s != CopyRequested && s != CopyPublishing
}

// A CopyReport is how a plan came out.
type CopyReport struct {
	From     value.Link    `json:"from"`
	To       value.Link    `json:"to"`
	Series   string        `json:"series"`
	Began    value.Time    `json:"began"`
	Ended    value.Time    `json:"ended"`
	Packages []PackageCopy `json:"results"` // in the plan's order

	// Complete is set when every package is published, seen so in complete
	// observations one after the other.
	Complete bool      `json:"complete"`
	Stale    []Package `json:"stale,omitempty"`
}

// Count is the number of packages in the state.
func (r *CopyReport) Count(s CopyState) (n int) {
	for _, p := range r.Packages {
		if p.State == s {
			n++
		}
	}
	return n
}

// Err is nil when the report is complete; else it names what is not.
func (r *CopyReport) Err() error {
	if r.Complete {
		return nil
	}
	var bad []string
	for _, p := range r.Packages {
		if p.State == CopyPublished {
			continue
		}
		s := fmt.Sprintf("%s %s: %s", p.Name, p.Version, cmp.Or(string(p.State), "not requested"))
		if p.Detail != "" {
			s += " (" + p.Detail + ")"
		}
		bad = append(bad, s)
	}
	if len(bad) == 0 {
		return fmt.Errorf("the copy into %s was not confirmed by a second look", r.To)
	}
	return fmt.Errorf("%d of %d packages are not published in %s: %s", len(bad), len(r.Packages), r.To, strings.Join(bad, "; "))
}

// Manifest records the packages that are published now.
func (r *CopyReport) Manifest() *Manifest {
	m := &Manifest{Format: manifestFormat, Archive: r.To, Origin: r.From, Series: r.Series, Taken: r.Ended, Packages: []Package{}}
	for _, p := range r.Packages {
		if p.State == CopyPublished {
			m.Packages = append(m.Packages, Package{p.Name, p.Version, p.Binaries})
		}
	}
	return m
}
