package launchpad

import (
	"fmt"
	"strings"
	"time"
)

// An Outcome is how a copy stands, or how it ended.
type Outcome string

// The outcomes. The first three are on the way, the others are ends.
const (
	Unsent     Outcome = ""           // not asked for yet
	Requested  Outcome = "requested"  // asked for; nothing to be seen in the target
	Publishing Outcome = "publishing" // rows are there and not all of them Published

	FullyPublished Outcome = "published"         // the source and every expected binary on every architecture
	Lost           Outcome = "lost"              // accepted, and never seen: the job failed, and Launchpad tells nobody here
	Refused        Outcome = "refused"           // not accepted
	StuckPending   Outcome = "stuck"             // rows are there and do not get on
	WasSuperseded  Outcome = "superseded"        // another version was put over it
	WasDeleted     Outcome = "deleted"           // somebody deleted it
	BuildFailed    Outcome = "build failed"      // a binary that is expected could not be built in the target
	ObsoleteSeries Outcome = "obsolete series"   // and the target does not permit uploads to one
	PublishingOff  Outcome = "publishing is off" // the publisher passes the target by
)

// Ended reports whether the outcome is final.
func (o Outcome) Ended() bool { return o != Unsent && o != Requested && o != Publishing }

// A Result is how one package of a plan came out.
type Result struct {
	Name    string   `json:"name"`
	Version string   `json:"version"`
	Outcome Outcome  `json:"outcome"`
	Detail  string   `json:"detail,omitempty"`
	Missing []string `json:"missing,omitempty"` // binaries not Published yet, at most 50
	Copied  bool     `json:"copied,omitempty"`  // its row came after the plan
}

// A Report is how a plan came out.
type Report struct {
	From    Link     `json:"from"`
	To      Link     `json:"to"`
	Series  string   `json:"series"`
	Began   Time     `json:"began"`
	Ended   Time     `json:"ended"`
	Results []Result `json:"results"` // in the plan's order

	// Complete is set when every package is published, seen so in complete
	// observations one after the other.
	Complete bool             `json:"complete"`
	Stale    []PackageVersion `json:"stale,omitempty"`
}

// Count is the number of packages with the outcome.
func (r *Report) Count(o Outcome) (n int) {
	for _, p := range r.Results {
		if p.Outcome == o {
			n++
		}
	}
	return n
}

// Err is nil when the report is complete; else it names what is not.
func (r *Report) Err() error {
	if r.Complete {
		return nil
	}
	var bad []string
	for _, p := range r.Results {
		if p.Outcome == FullyPublished {
			continue
		}
		s := fmt.Sprintf("%s %s: %s", p.Name, p.Version, orText(string(p.Outcome), "not requested"))
		if p.Detail != "" {
			s += " (" + p.Detail + ")"
		}
		bad = append(bad, s)
	}
	if len(bad) == 0 {
		return fmt.Errorf("the copy into %s was not confirmed by a second look", r.To)
	}
	return fmt.Errorf("%d of %d packages are not published in %s: %s", len(bad), len(r.Results), r.To, strings.Join(bad, "; "))
}

// Manifest records the plan's packages as they are published now.
func (r *Report) Manifest(p *Plan) *Manifest {
	m := &Manifest{Format: manifestFormat, Archive: p.To, Origin: p.From, Series: p.ToSeries, Taken: r.Ended, Packages: []PackageState{}}
	published := map[PackageVersion]bool{}
	for _, res := range r.Results {
		published[PackageVersion{res.Name, res.Version}] = res.Outcome == FullyPublished
	}
	for _, i := range p.Items {
		if published[PackageVersion{i.Name, i.Version}] {
			m.Packages = append(m.Packages, PackageState{i.Name, i.Version, i.Binaries})
		}
	}
	return m
}

// Progress says how far a copy is. Done and Total count packages.
type Progress struct {
	Label       string
	Done, Total int
	Counts      map[Outcome]int
	Missing     int // binaries known to be missing or Pending
}

// CopyOptions tune how a plan is carried out. The zero value is good.
type CopyOptions struct {
	// Progress is called after every look at the target, from the goroutine
	// that carries out the plan; it must return soon.
	Progress func(Progress)

	// Ledger, when set, is a file in which every request is noted before it is
	// sent, and its answer after. A copy that was killed and is started again
	// with the same plan and ledger sends nothing a second time.
	Ledger string

	// Earlier is for a plan that was started before without a ledger: the time
	// up to which it may have sent requests. A package of which nothing is seen
	// is not asked for before Settle has passed since then.
	Earlier time.Time

	// Batch above 1 asks for so many packages in one request, without pinning
	// their versions; see [Client.RequestCopies].
	Batch int

	Settle     time.Duration // how long an unanswered request may take to show; default 10 min
	LostAfter  time.Duration // after a request nothing is seen; default 15 min
	StuckAfter time.Duration // after the first sight of a row; default 2 h
	Every      time.Duration // pause between looks; default 30 s, later 60 to 120 s
}

func (o *CopyOptions) fill() {
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	set(&o.Settle, 10*time.Minute)
	set(&o.LostAfter, 15*time.Minute)
	set(&o.StuckAfter, 2*time.Hour)
}
