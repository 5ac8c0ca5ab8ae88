package cdimage

import (
	"slices"
	"strings"
	"time"
)

// A Republish says whether publishing again without new livefs builds would give
// the image that this run was to give.
type Republish struct {
	Safe bool   `json:"safe"`
	Why  string `json:"why"`

	// Before is the end of the build's day on the host. An image published
	// later gets the ID of another day.
	Before time.Time `json:"before,omitzero"`
}

// reuseSince is the first day from which a run without --live no longer
// publishes and CDIMAGE_REUSE_BUILD exists.
const reuseSince = 20220101

// NeedsReuse reports whether the image builder of the ID's day publishes again only
// with CDIMAGE_REUSE_BUILD and --live, as it does since 2022. Before, a run
// without --live did.
func (id BuildID) NeedsReuse() bool { return id.Day >= reuseSince }

// republish judges whether publishing again is safe.
func (w *weigher) republish(e Evidence) Republish {
	d := w.d
	var r Republish
	if w.id.Day != 0 {
		r.Before = w.endOfDay()
	}
	mixed := w.mixedIn(e.Wanted)
	switch {
	case d.Running:
		r.Why = "the run is still at work"
	case d.Publish == NotYet:
		r.Why = "the log at hand is incomplete"
	case len(w.log.Arches) == 0:
		r.Why = "the log shows no livefs build: look up the newest one of each architecture first"
	case mixed != "":
		r.Why = mixed
	case w.pastMidnight():
		r.Why = "on the host it is past midnight UTC: the image would get the ID of another day"
	case e.Now.IsZero():
		r.Why = "the host's clock is not known; only before " + r.Before.Format("2006-01-02 15:04 UTC") + " would the image keep its day"
	default:
		r.Safe = true
		r.Why = "every architecture has a good build of this run; before " + r.Before.Format("2006-01-02 15:04 UTC")
		if w.id.NeedsReuse() {
			r.Why += ", with CDIMAGE_REUSE_BUILD=1 and --live"
		}
	}
	return r
}

// mixedIn says which architecture would be an older one if the run were published
// again; "" when none would.
func (w *weigher) mixedIn(wanted []string) (bad string) {
	for _, label := range wanted {
		if w.log.Arches.find(label) == nil {
			bad = label + " is wanted and was not built in this run"
		}
	}
	for _, a := range w.log.Arches {
		switch {
		case a.Reused != "":
			bad = a.Label + " was not built in this run but reused"
		case !a.Good():
			bad = a.Label + " has no good build of this run, an older one would be mixed in"
		}
	}
	return bad
}

// pastMidnight reports whether an image published now gets another day's ID: the
// day is that of the ID, by the host's clock, UTC.
func (w *weigher) pastMidnight() bool { return w.id.Day != 0 && !w.now.Before(w.endOfDay()) }

func (w *weigher) endOfDay() time.Time { return w.id.Date().AddDate(0, 0, 1) }

// publishOnly is how an image is published again.
func (w *weigher) publishOnly() Remedy {
	text := "publish-only re-run the same UTC day"
	switch {
	case w.id.NeedsReuse():
		text = "re-run with CDIMAGE_REUSE_BUILD=1 and --live"
	case w.pastMidnight():
		text = "publish-only re-run; it is past midnight UTC, so the result gets the ID of the new day"
	}
	return Remedy{text, []Action{PublishOnly}}
}

func (w *weigher) allGood() bool {
	return len(w.log.Arches) > 0 && !slices.ContainsFunc(w.log.Arches, func(a Arch) bool { return !a.Good() })
}

// again is how the image is made again: publishing is enough where all that is
// built is good.
func (w *weigher) again() Remedy {
	if w.allGood() || len(w.log.Arches) == 0 {
		return w.publishOnly()
	}
	r := fullRebuild
	if on := w.stillBuilding(); on != "" {
		r.Text += "; " + on
	}
	return r
}

// stillBuilding names the builds that Launchpad goes on with by itself.
func (w *weigher) stillBuilding() string {
	var on []string
	for _, a := range w.log.Arches {
		if a.State == "" && a.Link != "" {
			on = append(on, a.Link[strings.LastIndexByte(a.Link, '/')+1:])
		}
	}
	switch len(on) {
	case 0:
		return ""
	case 1:
		return "build " + on[0] + " goes on alone"
	}
	return "builds " + strings.Join(on, ", ") + " go on alone"
}
