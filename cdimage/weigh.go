package cdimage

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// weigher chooses the remedy.
type weigher struct {
	d        *Diagnosis
	log      *BuildLog
	id       BuildID // the day of the start stands in for one that is not known
	today    bool
	killed   bool
	quietFor time.Duration
	now      time.Time
}

func (w *weigher) remedy() Remedy {
	d := w.d
	var real []Cause // those that kept something from being published
	for _, c := range d.Causes {
		if c.Severity != "warning" {
			real = append(real, c)
		}
	}
	inBuild := slices.DeleteFunc(slices.Clone(real), func(c Cause) bool { return w.log.arch(c.Scope) == nil || w.log.arch(c.Scope).Good() })
	switch {
	case d.Publish == NotYet && w.log.Incomplete != "":
		return remedy("fetch the log again; the copy at hand is incomplete: "+w.log.Incomplete, Wait)
	case d.Running && w.log.Lines == 0:
		return remedy("wait; the log is empty so far", Wait)
	case d.Running && len(w.log.Stages) == 0:
		return remedy("wait; the log has no stage of a run so far, if it is a cd-build-log at all", Wait)
	case d.Running && len(inBuild) > 0:
		return remedy("wait (the log is mirrored every 15 minutes); after that: "+rebuildRemedy(inBuild).Text, Wait)
	case d.Running:
		return remedy("wait (the log is mirrored every 15 minutes)", Wait)
	case len(inBuild) > 0:
		return w.withRest(rebuildRemedy(inBuild), real)
	case w.killed && d.Publish == Complete:
		return remedy("re-trigger mirrors; the image is published", TriggerMirrors)
	case w.killed:
		return w.killedRemedy()
	case len(real) > 0 && d.Publish == Complete:
		return w.afterwards(real[0])
	case len(real) > 0:
		return w.causeRemedy(real[0])
	case d.Publish == Skipped:
		return remedy("publish-only re-run if an image is wanted", PublishOnly)
	case d.Publish == Complete && len(d.Causes) > 0 && d.Causes[0].Scope == "mirrors":
		return remedy("re-trigger mirrors", TriggerMirrors)
	case d.Publish == Complete:
		return remedy("none", Nothing)
	}
	return w.publishOnly("")
}

// withRest adds to a rebuild what else stands in the way, and why publishing
// again is no way round.
func (w *weigher) withRest(r Remedy, real []Cause) Remedy {
	for _, c := range real {
		if c.Class == DiskSpace && c.Scope == "host" {
			r.Actions = append([]Action{FreeSpace}, r.Actions...)
			r.Text = "free space on the cdimage host, " + r.Text
		}
	}
	var good, bad []string
	for _, a := range w.log.Arches {
		if a.Good() {
			good = append(good, a.Label)
		} else {
			bad = append(bad, a.Label)
		}
	}
	if len(good) > 0 && slices.Contains(r.Actions, FullRebuild) {
		r.Text += "; a publish-only re-run would mix in an older rootfs of " + strings.Join(bad, ", ")
	}
	return r
}

// afterwards is for runs that died when the image was published already.
func (w *weigher) afterwards(c Cause) Remedy {
	r := remedy("re-trigger mirrors; the image is published", TriggerMirrors)
	if w.log.Finished {
		r = remedy("none; the image is published", Nothing)
	}
	switch c.Class {
	case Lock:
		r = remedy("wait for the lock to be given back, then "+r.Text, append([]Action{Wait}, r.Actions...)...)
	case DiskSpace:
		r = remedy("free space on the cdimage host, then "+r.Text, append([]Action{FreeSpace}, r.Actions...)...)
	}
	return r
}

func (w *weigher) killedRemedy() Remedy {
	text := "killed: the run ended without a word"
	if w.quietFor > quietElse {
		text = fmt.Sprintf("killed: the log has not grown for %s", w.quietFor.Round(time.Minute))
	}
	if w.allGood() {
		r := w.publishOnly("")
		r.Text += "; " + text
		return r
	}
	return remedy("full rebuild; "+text, FullRebuild)
}

func (w *weigher) allGood() bool {
	return len(w.log.Arches) > 0 && !slices.ContainsFunc(w.log.Arches, func(a Arch) bool { return !a.Good() })
}

// causeRemedy is for runs whose livefs builds, if there were any, are good or
// were never seen to the end.
func (w *weigher) causeRemedy(c Cause) Remedy {
	built := w.allGood() || len(w.log.Arches) == 0 // nothing to build again
	switch c.Class {
	case DiskSpace:
		r := w.publishOnly("free space on the cdimage host, then ")
		if !built {
			r = remedy("free space on the cdimage host, then full rebuild", FullRebuild)
		}
		r.Actions = append([]Action{FreeSpace}, r.Actions...)
		return r
	case Lock:
		if len(w.log.Stages) == 0 {
			return remedy("wait for the running build, then repeat the same command; the lock is broken by itself two hours after it was made", Wait, RepeatCommand)
		}
		return w.publishOnly("wait for the lock to be given back, then ", Wait)
	case Configuration:
		return remedy("add what is missing to the cdimage configuration (or correct the command), full rebuild", FixConfiguration, FullRebuild)
	case Operator:
		return w.operatorRemedy(c)
	case Seed:
		return w.publishOnly("fix the seed branch, then ", FixSeed)
	case Infrastructure:
		if !built {
			text := "full rebuild when Launchpad is back"
			if on := w.stillBuilding(); on != "" {
				text += "; " + on
			}
			return remedy(text, FullRebuild)
		}
		r := w.publishOnly("")
		r.Text += " when Launchpad is back"
		return r
	case Network:
		if !built {
			return remedy("full rebuild when the network is back", FullRebuild)
		}
		r := w.publishOnly("")
		if w.log.has(stageGerminate) {
			r.Text += " when the network is back"
		}
		return r
	}
	if built {
		return w.publishOnly("read the log, then ")
	}
	return remedy("read the log, then full rebuild", FullRebuild)
}

func (w *weigher) operatorRemedy(c Cause) Remedy {
	switch {
	case strings.Contains(c.Line, "already pending"):
		return remedy("wait for (or cancel) the pending build, then full rebuild or publish-only re-run", Wait, FullRebuild)
	case strings.Contains(c.Line, "No successful builds found"):
		return remedy("full rebuild with --live", FullRebuild)
	case strings.Contains(c.Line, "no build found to reuse"):
		return remedy("full rebuild with --live; without CDIMAGE_REUSE_BUILD", FullRebuild)
	case strings.Contains(c.Line, "'NoneType'"):
		return remedy("use CDIMAGE_REUSE_BUILD=1 with --live; publish-only without --live no longer works", PublishOnly)
	case strings.Contains(c.Line, "File exists"):
		r := w.publishOnly("unset DATE and DATE_SUFFIX (the forced ID is in use), then ")
		r.Actions = append([]Action{CorrectCommand}, r.Actions...)
		return r
	case strings.Contains(c.Line, "no such option: -l"):
		return remedy("use --live", CorrectCommand)
	}
	return remedy("correct the command", CorrectCommand)
}

func (w *weigher) publishOnly(before string, actions ...Action) Remedy {
	text := "publish-only re-run the same UTC day"
	switch {
	case w.today:
		text = "re-run with CDIMAGE_REUSE_BUILD=1 and --live"
	case w.pastMidnight():
		text = "publish-only re-run; it is past midnight UTC, so the result gets the ID of the new day"
	}
	return Remedy{append(actions, PublishOnly), before + text}
}

// pastMidnight reports whether an image published now gets another day's ID.
func (w *weigher) pastMidnight() bool {
	return w.id.Day != 0 && !w.now.Before(w.id.Date().AddDate(0, 0, 1))
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

// republish judges whether publishing again is safe.
func (w *weigher) republish(e Evidence) Republish {
	d := w.d
	var r Republish
	if w.id.Day != 0 {
		r.Before = w.id.Date().AddDate(0, 0, 1)
	}
	bad := ""
	for _, label := range e.Wanted {
		if w.log.arch(label) == nil {
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
	switch {
	case d.Running:
		r.Why = "the run is still at work"
	case d.Publish == NotYet:
		r.Why = "the log at hand is incomplete"
	case len(w.log.Arches) == 0:
		r.Why = "the log shows no livefs build: look up the newest one of each architecture first"
	case bad != "":
		r.Why = bad
	case w.pastMidnight():
		r.Why = "on the host it is past midnight UTC: the image would get the ID of another day"
	case e.Now.IsZero():
		r.Why = "the host's clock is not known; only before " + r.Before.Format("2006-01-02 15:04 UTC") + " would the image keep its day"
	default:
		r.Safe = true
		r.Why = "every architecture has a good build of this run; before " + r.Before.Format("2006-01-02 15:04 UTC")
		if w.today {
			r.Why += ", with CDIMAGE_REUSE_BUILD=1 and --live"
		}
	}
	return r
}
