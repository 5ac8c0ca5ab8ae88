package cdimage

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/landingteam/landing/cdimage/cause"
)

// A weigher chooses the remedy of a build by how far the run came.
type weigher struct {
	d        *Diagnosis
	log      *BuildLog
	id       BuildID // the day of the start stands in for one that is not known
	killed   bool
	quietFor time.Duration
	now      time.Time
}

// remedy chooses.
func (w *weigher) remedy() cause.Remedy {
	d := w.d
	missing := slices.DeleteFunc(slices.Clone(d.Causes), func(c cause.Cause) bool { return c.Severity == warning })
	inBuild := slices.DeleteFunc(slices.Clone(missing), func(c cause.Cause) bool {
		a := w.log.Arches.find(c.Scope)
		return a == nil || a.Good()
	})
	switch {
	case d.Publish == NotYet && w.log.Incomplete != "":
		return cause.Remedy{Text: "fetch the log again; the copy at hand is incomplete: " + w.log.Incomplete, Actions: []cause.Action{cause.Wait}}
	case d.Running:
		return w.atWork(inBuild)
	case len(inBuild) > 0:
		return w.rebuild(inBuild, missing)
	case w.killed && len(missing) == 0:
		return w.killedRemedy()
	case d.Publish == Complete:
		return w.published(missing)
	case len(missing) > 0:
		var r remedies
		for _, c := range missing {
			r.add(remedyOf(c, buildRemedies()), c.Package, w.again())
		}
		if w.killed {
			r.notes = append(r.notes, w.howKilled())
		}
		return r.join()
	case d.Publish == Skipped:
		return cause.Remedy{Text: w.again().Text + ", if an image is wanted", Actions: w.again().Actions}
	}
	return w.again()
}

// atWork is for runs without an end that may have one.
func (w *weigher) atWork(inBuild []cause.Cause) cause.Remedy {
	text := waitForMirror
	switch {
	case w.log.Lines == 0:
		text = "wait; the log is empty so far"
	case len(w.log.Stages) == 0:
		text = "wait; the log has no stage of a run so far, if it is a cd-build-log at all"
	case len(inBuild) > 0:
		text += "; after that: " + rebuildRemedy(inBuild).Text
	}
	return cause.Remedy{Text: text, Actions: []cause.Action{cause.Wait}}
}

// rebuild is for runs of which a live file system failed. It adds what else
// stands in the way, and why publishing again is no way round.
func (w *weigher) rebuild(inBuild, missing []cause.Cause) cause.Remedy {
	r := rebuildRemedy(inBuild)
	if slices.ContainsFunc(missing, func(c cause.Cause) bool { return c.Class == cause.DiskSpace && c.Scope == "host" }) {
		r = cause.Remedy{Text: "free space on the cdimage host, " + r.Text, Actions: append([]cause.Action{cause.FreeSpace}, r.Actions...)}
	}
	var bad []string
	for _, a := range w.log.Arches {
		if !a.Good() {
			bad = append(bad, a.Label)
		}
	}
	if len(bad) < len(w.log.Arches) && slices.Contains(r.Actions, cause.FullRebuild) {
		r.Text += "; a publish-only re-run would mix in an older rootfs of " + strings.Join(bad, ", ")
	}
	return r
}

// published is for runs whose image is there: what went wrong came afterwards.
func (w *weigher) published(missing []cause.Cause) cause.Remedy {
	var r remedies
	for _, c := range w.d.Causes {
		if c.Severity == warning {
			r.add(c.Remedy, c.Package, cause.Remedy{})
		}
	}
	if len(missing) > 0 {
		rest := cause.Remedy{Text: "re-trigger mirrors; the image is published", Actions: []cause.Action{cause.TriggerMirrors}}
		if w.log.Finished {
			rest = cause.Remedy{Text: "none; the image is published"}
		}
		c := missing[0]
		rem := remedyOf(c, buildRemedies())
		if c.Class != cause.Lock && c.Class != cause.DiskSpace {
			rem = cause.Remedy{Text: again}
		}
		r.add(rem, c.Package, rest)
	}
	done := r.join()
	if done.Text == "" {
		done.Text = "none"
	}
	if len(done.Actions) == 0 {
		done.Actions = []cause.Action{cause.Nothing}
	}
	return done
}

// killedRemedy is for runs that ended without a word.
func (w *weigher) killedRemedy() cause.Remedy {
	if w.d.Publish == Complete {
		return cause.Remedy{Text: "re-trigger mirrors; the image is published", Actions: []cause.Action{cause.TriggerMirrors}}
	}
	r := w.again()
	r.Text += "; " + w.howKilled()
	return r
}

func (w *weigher) howKilled() string {
	if w.quietFor > quietElse {
		return fmt.Sprintf("killed: the log has not grown for %s", w.quietFor.Round(time.Minute))
	}
	return "killed: the run ended without a word"
}
