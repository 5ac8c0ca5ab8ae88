package cdimage

import (
	"slices"
	"strconv"
	"time"

	"github.com/landingteam/landing/cdimage/cause"
)

// Evidence is what [Diagnose] looks at. Only Log is needed; with more, more
// can be said.
type Evidence struct {
	Build Build // which build it is; the log itself does not say
	Log   *BuildLog

	// Livefs holds the logs of failed live file systems by label.
	Livefs map[string]*LivefsLog

	// States are Launchpad's words for live file systems whose end is not in the log,
	// by label.
	States map[string]string

	// Now is the time by the clock of the image host. It tells a run at work
	// from a killed one, and whether an image published now would get another
	// day's ID. Zero: the last time in the log, so that an unfinished run
	// counts as being at work.
	Now time.Time

	// Grown is when the log last changed; zero: the last time in the log, or, when
	// it has none yet, any time of the build's day.
	Grown time.Time

	// Booted is when the image host was started: a run whose log has not grown since
	// is over. Zero: not known.
	Booted time.Time

	// Exit is the status with which the run ended; nil: not known. A status of 0
	// without an end in the log says that the log could not be written.
	Exit *int

	// Ended says that the run is known to have ended, however young its log.
	Ended bool

	// Files are the names in the published directory, which are believed before
	// the log. nil: nobody looked; empty: there is nothing.
	Files []string

	// Wanted lists the labels that the image set should have. Empty: those
	// that the run asked for.
	Wanted []string
}

// A Diagnosis is the verdict on one build: what is fine, what failed and why,
// and what to do. Its JSON form has the names that landing teams' tools use;
// String is its text form.
type Diagnosis struct {
	Build
	Era       string         `json:"era,omitempty"` // year of the run
	Arches    Arches         `json:"arches"`
	Causes    []cause.Cause  `json:"causes"`
	Publish   Outcome        `json:"publish"`
	Finished  bool           `json:"finished_marker"`
	Running   bool           `json:"running"` // no end yet, and young enough to have one
	Remedy    string         `json:"remedy"`
	Actions   []cause.Action `json:"actions"`
	Republish Republish      `json:"publish_rerun"`
	Warnings  []string       `json:"warnings,omitempty"`
	End       time.Time      `json:"end,omitzero"` // last time in the log
}

// Diagnose weighs the evidence. It reads no clock and no network.
func Diagnose(e Evidence) Diagnosis {
	l := e.log()
	d := Diagnosis{
		Build: e.Build, Publish: l.Publish, Finished: l.Finished,
		Causes: explain(l, e.Livefs), Warnings: slices.Clone(l.Warnings), End: l.End,
	}
	w := weigher{d: &d, log: l, id: d.ID}
	if w.id.IsZero() && !l.Start.IsZero() {
		w.id.Day = l.Start.Year()*10000 + int(l.Start.Month())*100 + l.Start.Day()
	}
	if year := w.id.Day / 10000; year > 0 {
		d.Era = strconv.Itoa(year)
	}
	a := ageOf(e, l)
	d.Running, w.killed = a.running(e, l)
	w.now, w.quietFor = a.now, a.quietFor()
	if w.killed && e.Exit != nil && *e.Exit == 0 && e.Files != nil {
		w.killed = false
		d.Publish = l.publishedBy(e.Files)
		d.Causes = append(d.Causes, lostLog(d.Publish))
	}
	if w.killed {
		d.Publish = l.publishedWhenKilled()
		if d.Publish != Complete && len(d.Causes) == 0 {
			d.Causes = append(d.Causes, l.suspects...)
		}
	}
	if l.Cut && !d.Running && l.Lines > 0 {
		d.Warnings = append(d.Warnings, "the log stops in the middle of a line")
	}
	if l.unnamed() {
		d.Warnings = append(d.Warnings, "the log does not name the live file systems that were taken: the newest good one of each architecture at that time, of whatever run")
	}
	d.Arches = l.Arches.diagnosed(d.Running)
	for _, a := range l.Arches {
		if log := e.Livefs[a.Label]; log != nil && log.Incomplete != "" && !log.Missing {
			d.Warnings = append(d.Warnings, "livefs log of "+a.Label+": "+log.Incomplete)
		}
	}
	d.Republish = w.republish(e)
	r := w.remedy()
	d.Remedy, d.Actions = r.Text, r.Actions
	return d
}

// log is the log with what is known from elsewhere.
func (e Evidence) log() *BuildLog {
	l := e.Log
	if l == nil {
		l = &BuildLog{Publish: NotYet}
	}
	if len(e.States) > 0 {
		l = l.ended(e.States)
	}
	if e.Files != nil {
		l = l.believing(e.Files)
	}
	return l
}

// explain puts what the livefs logs say in the place of what Launchpad's state
// says.
func explain(l *BuildLog, livefs map[string]*LivefsLog) []cause.Cause {
	out := []cause.Cause{}
	for _, c := range l.Causes {
		log := livefs[c.Scope]
		if log != nil && log.Missing && c.Class == cause.Unknown {
			c.Class, c.Needs = cause.Infrastructure, "" // the builder was lost, several times over
		}
		if log == nil || len(log.Causes) == 0 {
			out = append(out, c)
			continue
		}
		switch why := log.Causes[0]; c.Class {
		case cause.Chroot:
			if why.Class != cause.Chroot {
				why.Underlying, why.Class = why.Class, cause.Chroot
			}
			why.Scope = c.Scope
			out = append(out, why)
		case cause.Cancelled:
			c.Line, c.Number = why.Line, why.Number
			out = append(out, c)
		case cause.Unknown:
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
