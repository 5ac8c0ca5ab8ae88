package cdimage

import (
	"path"
	"slices"
	"strings"
	"time"

	"github.com/landingteam/landing/cdimage/cause"
)

// A Republish says whether publishing again without new livefs builds would give
// the image that this run was to give. The remedy of a [Diagnosis] is derived from
// it: it advises to publish again only where that is safe, or where it is said
// what has to hold first.
type Republish struct {
	Safe bool   `json:"safe"`
	Why  string `json:"why"`

	// First is what has to be known or accepted before publishing again is right;
	// empty when it is safe, and when nothing makes it so.
	First string `json:"first,omitempty"`

	// Before is the end of the build's day on the host. An image published
	// later gets the ID of another day.
	Before time.Time `json:"before,omitzero"`
}

// possible reports whether publishing again can be advised.
func (r Republish) possible() bool { return r.Safe || r.First != "" }

// acceptNewDay is what comes first when all that is wrong is the day.
const acceptNewDay = "accept the ID of the new day"

// reuseSince is the first day from which a run without --live no longer
// publishes and CDIMAGE_REUSE_BUILD exists.
const reuseSince = 20220101

// NeedsReuse reports whether the image builder of the ID's day publishes again only
// with CDIMAGE_REUSE_BUILD and --live, as it does since 2022. Before, a run
// without --live did.
func (id BuildID) NeedsReuse() bool { return id.Day >= reuseSince }

// republish judges whether publishing again is safe.
func (w *weigher) republish(e Evidence) Republish {
	var r Republish
	until := ""
	if w.id.Day != 0 {
		r.Before = w.endOfDay()
		until = r.Before.Format("2006-01-02 15:04 UTC")
	}
	not := func(why, first string) Republish {
		r.Why, r.First = why, first
		return r
	}
	switch {
	case w.d.Running:
		return not("the run is still at work", "")
	case w.d.Publish == NotYet:
		return not("the log at hand is incomplete", "")
	case len(w.log.Arches) == 0 && w.log.has(stageBuild):
		return not("the run asked for no live file system", "")
	case len(w.log.Arches) == 0:
		return not("the log shows no livefs build: look up the newest one of each architecture first", "look up the newest live file system of each architecture")
	}
	if why, first := w.mixedIn(e.Wanted); why != "" {
		return not(why, first)
	}
	switch {
	case w.pastMidnight():
		return not("on the host it is past midnight UTC: the image would get the ID of another day", acceptNewDay)
	case e.Now.IsZero():
		return not("the host's clock is not known; only before "+until+" would the image keep its day", "look at the host's clock")
	}
	r.Safe = true
	r.Why = "every architecture has a good build of this run; before " + until
	if w.id.NeedsReuse() {
		r.Why += ", with CDIMAGE_REUSE_BUILD=1 and --live"
	}
	return r
}

// mixedIn says why a live file system that is not of this run could be published,
// and what has to be known first if it can be right all the same. A build whose end is
// not in the log may still be good. wanted are the labels that count; none: all of the
// run's.
func (w *weigher) mixedIn(wanted []string) (why, first string) {
	counts := func(a Arch) bool { return len(wanted) == 0 || slices.Contains(wanted, a.Label) }
	var open []string // builds of which nobody knows how they ended
	for _, a := range w.log.Arches {
		switch {
		case !counts(a) || a.Good() || w.goesOn(a):
		case a.State == "" && a.Link != "":
			open = append(open, path.Base(a.Link))
		default:
			return a.Label + " has no good build of this run, an older one would be mixed in", ""
		}
	}
	for _, label := range wanted {
		if w.log.Arches.find(label) == nil {
			return label + " is wanted and was not built in this run", ""
		}
	}
	if len(open) > 0 {
		return "how Launchpad ended " + builds(open) + " is not in the log: one that is no good one, or is not there, would be replaced by an older one", ""
	}
	if on := w.stillBuilding(wanted); len(on) > 0 {
		return "Launchpad has not ended " + builds(on), "wait for a good end of " + builds(on)
	}
	if !w.log.allAsked && len(wanted) == 0 {
		return "the run ended before Launchpad was asked for all architectures, as far as its log says", "look whether the run has asked for all architectures"
	}
	for _, a := range w.log.Arches {
		if a.Reused != "" && counts(a) {
			return a.Label + " was not built in this run but reused", "look up whether the newest live file system of each architecture is the one that is wanted"
		}
	}
	return "", ""
}

// pastMidnight reports whether an image published now gets another day's ID: the
// day is that of the ID, by the host's clock, UTC.
func (w *weigher) pastMidnight() bool { return w.id.Day != 0 && !w.now.Before(w.endOfDay()) }

func (w *weigher) endOfDay() time.Time { return w.id.Date().AddDate(0, 0, 1) }

// publishOnly is how an image is published again.
func (w *weigher) publishOnly() cause.Remedy {
	text := "publish-only re-run the same UTC day"
	switch {
	case w.id.NeedsReuse():
		text = "re-run with CDIMAGE_REUSE_BUILD=1 and --live"
	case w.pastMidnight():
		text = "publish-only re-run"
	}
	if w.pastMidnight() && w.d.Republish.First != acceptNewDay {
		text += "; it is past midnight UTC, so the result gets the ID of the new day"
	}
	return cause.Remedy{Text: text, Actions: []cause.Action{cause.PublishOnly}}
}

// again is how the image is made again: by publishing where that can be right, and
// with new live file systems where it cannot.
func (w *weigher) again() cause.Remedy {
	on := w.stillBuilding(nil)
	if rep := w.d.Republish; rep.possible() {
		r := w.publishOnly()
		if rep.First != "" {
			r.Text = rep.First + ", then " + r.Text
		}
		if len(on) > 0 {
			r.Actions = append([]cause.Action{cause.Wait}, r.Actions...)
		}
		return r
	}
	r := fullRebuild
	if len(on) == 1 {
		r.Text += "; " + builds(on) + " goes on alone"
	} else if len(on) > 1 {
		r.Text += "; " + builds(on) + " go on alone"
	}
	return r
}

// goesOn reports whether an architecture's build is one that Launchpad goes on
// with by itself, after everything was asked for.
func (w *weigher) goesOn(a Arch) bool {
	return w.log.allAsked && a.State == "" && a.Link != "" && !w.killed
}

// stillBuilding are the numbers of the builds that have not ended, of the wanted labels;
// none: of all.
func (w *weigher) stillBuilding(wanted []string) (on []string) {
	for _, a := range w.log.Arches {
		if a.State == "" && a.Link != "" && (len(wanted) == 0 || slices.Contains(wanted, a.Label)) {
			on = append(on, path.Base(a.Link))
		}
	}
	return on
}

// builds is "build 76001", or "builds 76001, 76002".
func builds(numbers []string) string {
	if len(numbers) == 1 {
		return "build " + numbers[0]
	}
	return "builds " + strings.Join(numbers, ", ")
}
