package cdimage

import (
	"strings"
	"time"
)

// A run that is at work prints something at least this often. While live file
// systems are built only their ends are printed.
const (
	quietBuilding = 6 * time.Hour
	quietElse     = 2 * time.Hour
)

// An age tells a run at work from a killed one: neither log has an end.
type age struct{ now, grown time.Time }

// ageOf takes the times that the evidence does not have from the log. A log that has
// just been made is empty: it may have grown at any time of the build's day.
func ageOf(e Evidence, l *BuildLog) age {
	a := age{e.Now, e.Grown}
	if a.grown.IsZero() {
		a.grown = l.End
	}
	if a.grown.IsZero() && !e.Build.ID.IsZero() {
		a.grown = e.Build.ID.Date().AddDate(0, 0, 1)
		if !a.now.IsZero() && a.now.Before(a.grown) {
			a.grown = a.now
		}
	}
	switch { // without both its age is not known, and it counts as being at work
	case a.now.IsZero():
		a.now = a.grown
	case a.grown.IsZero():
		a.grown = a.now
	}
	return a
}

// quietFor is for how long the log has not grown.
func (a age) quietFor() time.Duration { return a.now.Sub(a.grown) }

// running tells how it is with a run whose log has no end; neither when it has one.
func (a age) running(e Evidence, l *BuildLog) (running, killed bool) {
	if l.Finished || l.Fatal != "" || l.Publish == None || l.Publish == Broken || l.Incomplete != "" {
		return false, false
	}
	quiet := quietElse
	if n := len(l.Stages); n > 0 && strings.HasPrefix(l.Stages[n-1].Name, stageBuild) {
		quiet = quietBuilding
	}
	before := !e.Booted.IsZero() && !a.grown.IsZero() && a.grown.Before(e.Booted)
	running = !e.Ended && !before && a.quietFor() < quiet
	return running, !running
}

// publishedWhenKilled is the outcome of a run that came so far and then ended
// without a word.
func (l *BuildLog) publishedWhenKilled() Outcome {
	switch {
	case l.has(stagePurge): // the publisher was through
		return l.published()
	case l.has(stagePublish):
		return Broken
	}
	return None
}
