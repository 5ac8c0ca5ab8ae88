package cdimage

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Evidence is what [Diagnose] looks at. Only Log is needed; with more, more
// can be said.
type Evidence struct {
	Build Build // which build it is; the log itself does not say
	Log   *BuildLog

	// Livefs holds the logs of failed live file systems by label.
	Livefs map[string]*LivefsLog

	// Now is the time by the clock of the image host. It tells a run at work
	// from a killed one, and whether an image published now would get another
	// day's ID. Zero: the last time in the log, so that an unfinished run
	// counts as being at work.
	Now time.Time

	// Grown is when the log last changed; zero: the last time in the log, or, when
	// it has none yet, any time of the build's day.
	Grown time.Time

	// Ended says that the run is known to have ended, however young its log.
	Ended bool

	// Files are the names in the published directory, which are believed before
	// the log. nil: nobody looked; empty: there is nothing.
	Files []string

	// Wanted lists the labels that the image set should have. Empty: those
	// that the run asked for.
	Wanted []string
}

// A run that is at work prints something at least this often. While live file
// systems are built only their ends are printed.
const (
	quietBuilding = 6 * time.Hour
	quietElse     = 2 * time.Hour
)

// reuseSince is the year from which a run without --live no longer publishes
// and CDIMAGE_REUSE_BUILD exists.
const reuseSince = 2022

// A Diagnosis is the verdict on one build: what is fine, what failed and why,
// and what to do. Its JSON form has the names that landing teams' tools use;
// String is its text form.
type Diagnosis struct {
	Build
	Era       string    `json:"era,omitempty"` // year of the run
	Arches    Verdicts  `json:"arches"`
	Causes    []Cause   `json:"causes"`
	Publish   Outcome   `json:"publish"`
	Finished  bool      `json:"finished_marker"`
	Running   bool      `json:"running"` // no end yet, and young enough to have one
	Remedy    string    `json:"remedy"`
	Actions   []Action  `json:"actions"`
	Republish Republish `json:"publish_rerun"`
	Warnings  []string  `json:"warnings,omitempty"`
	End       time.Time `json:"end,omitzero"` // last time in the log
}

// A Verdict is about one architecture.
type Verdict struct {
	Label     string
	State     string // Launchpad's word, "in progress" or "unknown"
	Link      string // web page of the livefs build, may be empty
	Reused    string // API address of the older build that was taken
	Published bool
}

// A Republish says whether publishing again without new livefs builds would give
// the image that this run was to give.
type Republish struct {
	Safe bool   `json:"safe"`
	Why  string `json:"why"`

	// Before is the end of the build's day on the host. An image published
	// later gets the ID of another day.
	Before time.Time `json:"before,omitzero"`
}

// Diagnose weighs the evidence. It reads no clock and no network.
func Diagnose(e Evidence) Diagnosis {
	l := e.Log
	if l == nil {
		l = &BuildLog{Publish: NotYet}
	}
	if e.Files != nil {
		l = l.believing(e.Files)
	}
	now, grown := e.Now, e.Grown
	if grown.IsZero() {
		grown = l.End
	}
	if grown.IsZero() && !e.Build.ID.IsZero() { // a log that has just been made is empty
		grown = e.Build.ID.Date().AddDate(0, 0, 1)
		if !now.IsZero() && now.Before(grown) {
			grown = now
		}
	}
	if now.IsZero() {
		now = grown
	}
	d := Diagnosis{
		Build: e.Build, Publish: l.Publish, Finished: l.Finished,
		Causes: []Cause{}, Warnings: slices.Clone(l.Warnings), End: l.End,
	}
	id := d.ID
	if id.IsZero() && !l.Start.IsZero() {
		id.Day = l.Start.Year()*10000 + int(l.Start.Month())*100 + l.Start.Day()
	}
	year := id.Day / 10000
	if year > 0 {
		d.Era = fmt.Sprint(year)
	}
	ended := l.Finished || l.Fatal != "" || l.Publish == None || l.Publish == Broken
	quiet := quietElse
	if n := len(l.Stages); n > 0 && strings.HasPrefix(l.Stages[n-1].Name, stageBuild) {
		quiet = quietBuilding
	}
	d.Running = !ended && !e.Ended && l.Incomplete == "" && now.Sub(grown) < quiet
	killed := !ended && !d.Running && l.Incomplete == ""
	if killed {
		d.Publish = None
		if l.has(stagePublish) {
			d.Publish = Broken
			if l.has(stagePurge) { // the publisher was through
				d.Publish = l.published()
			}
		}
	}
	for _, a := range l.Arches {
		v := Verdict{a.Label, a.State, a.Link, a.Reused, a.Published}
		if v.State == "" {
			v.State = "unknown"
			if d.Running {
				v.State = "in progress"
			}
		}
		d.Arches = append(d.Arches, v)
	}
	d.Causes = append(d.Causes, explain(l, e.Livefs)...)
	for _, a := range l.Arches {
		if log := e.Livefs[a.Label]; log != nil && log.Incomplete != "" && !log.Missing {
			d.Warnings = append(d.Warnings, "livefs log of "+a.Label+": "+log.Incomplete)
		}
	}
	w := weigher{d: &d, log: l, id: id, today: year >= reuseSince, killed: killed, quietFor: now.Sub(grown), now: now}
	r := w.remedy()
	d.Remedy, d.Actions = r.Text, r.Actions
	d.Republish = w.republish(e)
	return d
}

// explain puts what the livefs logs say in the place of what Launchpad's state
// says.
func explain(l *BuildLog, livefs map[string]*LivefsLog) []Cause {
	var out []Cause
	for _, c := range l.Causes {
		log := livefs[c.Scope]
		if log != nil && log.Missing && c.Class == Unknown {
			c.Class, c.Needs = Infrastructure, "" // the builder was lost, several times over
		}
		if log == nil || len(log.Causes) == 0 {
			out = append(out, c)
			continue
		}
		switch why := log.Causes[0]; c.Class {
		case Chroot:
			if why.Class != Chroot {
				why.Underlying, why.Class = why.Class, Chroot
			}
			why.Scope = c.Scope
			out = append(out, why)
		case Cancelled:
			c.Line, c.Number = why.Line, why.Number
			out = append(out, c)
		case Unknown:
			for _, why := range log.Causes {
				why.Scope = c.Scope
				out = append(out, why)
			}
		default:
			out = append(out, c)
		}
	}
	return out
}
