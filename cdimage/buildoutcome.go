package cdimage

import (
	"slices"
	"strings"
)

// An Outcome says what a run published.
type Outcome string

// The outcomes. Broken is a run that died while publishing: its directory is
// half filled and "pending" and "current" still point to the image before.
const (
	Complete Outcome = "complete" // every architecture that was asked for
	Partial  Outcome = "partial"  // some of them
	None     Outcome = "none"     // nothing was published
	Skipped  Outcome = "skipped"  // finished without publishing, by CDIMAGE_NOPUBLISH or DEBUG
	Broken   Outcome = "broken"   // died while publishing
	NotYet   Outcome = "not yet"  // it has not come so far
)

// outcome decides what was published.
func (p *buildParser) outcome(fatal *traceback) {
	l := p.log
	dead := fatal != nil && fatal.stage == stagePublish && !(p.signed && fatal.linked())
	switch {
	case !l.has(stagePublish):
		l.Publish, l.Published = p.unpublished(fatal), nil
		return
	case p.stage == stagePublish && !l.Finished && fatal == nil:
		l.Publish, l.Published = NotYet, nil
		return
	case dead && len(l.Published) > 0:
		l.Publish, l.Published = Broken, nil
		return
	}
	for _, name := range l.Published {
		if a := l.Arches.find(l.Arches.Label(name)); a != nil {
			a.Published = true
		}
	}
	l.Publish = l.published()
	if l.Publish == Complete && (len(p.noImages) > 0 || len(l.Arches) == 0 && len(p.downloads.failed) > 0) {
		l.Publish = Partial // a publish-only run may have gone without something
	}
}

// unpublished is the outcome of a run that has not come to publishing.
func (p *buildParser) unpublished(fatal *traceback) Outcome {
	switch {
	case p.log.Finished:
		return Skipped
	case fatal != nil || p.refused():
		return None
	}
	return NotYet
}

// refused reports that what was read is what a command printed that never
// began a run.
func (p *buildParser) refused() bool {
	return slices.ContainsFunc(p.hits, func(h hit) bool { return h.rule.Scope == "command" })
}

// published is the outcome of a run whose publisher is through.
func (l *BuildLog) published() Outcome {
	switch {
	case len(l.Published) == 0:
		return None
	case slices.ContainsFunc(l.Arches, func(a Arch) bool { return !a.Published }):
		return Partial
	}
	return Complete
}

// Anew reports whether the run was to make new live file systems, and not to publish
// what there is.
func (l *BuildLog) Anew() bool {
	return l.has(stageBuild) && !strings.Contains(l.Fatal, "no build found to reuse") && !slices.ContainsFunc(l.Arches, func(a Arch) bool { return a.Reused != "" })
}

// unnamed reports whether a run took live file systems that its log does not name, as
// those of the touch era did that only published.
func (l *BuildLog) unnamed() bool {
	return l.has(stageDownload) && !l.has(stageBuild) && !slices.ContainsFunc(l.Arches, func(a Arch) bool { return a.Link != "" || a.Reused != "" })
}

// AllAsked reports whether Launchpad was asked for every live file system that the run
// wanted; a run that ended before has no more architectures in its log.
func (l *BuildLog) AllAsked() bool { return l.allAsked }

// has reports whether the log has the marker of a stage.
func (l *BuildLog) has(stage string) bool {
	for _, s := range l.Stages {
		if strings.HasPrefix(s.Name, stage) {
			return true
		}
	}
	return false
}
