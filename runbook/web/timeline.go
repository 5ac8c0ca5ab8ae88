package web

import (
	"time"

	"github.com/landingteam/landing/runbook"
)

// A timeline shows when each group, or step in none, was at work.
type timeline struct {
	From, To time.Time
	Bars     []bar
	Left     int // bars that are not shown
}

// A bar lies between 0 and lineWidth.
type bar struct {
	Name  string
	Class string
	X, W  float64
	Took  time.Duration
	Who   string // who answered
}

const (
	lineWidth = 1000
	maxBars   = 60
)

// timelineOf draws a status; nil when there is nothing to draw.
func timelineOf(s runbook.Status) *timeline {
	if len(s.Steps) == 0 {
		return nil
	}
	line := &timeline{From: s.Began, To: s.Last}
	whole := max(line.To.Sub(line.From), time.Millisecond)
	var steps []runbook.StepStatus
	for _, step := range s.Steps {
		if step.Verb != runbook.VerbNote {
			steps = append(steps, step)
		}
	}
	add := func(name, word, who string, from, to time.Time) {
		if len(line.Bars) == maxBars {
			line.Left++
			return
		}
		x := lineWidth * float64(from.Sub(line.From)) / float64(whole)
		w := lineWidth * float64(to.Sub(from)) / float64(whole)
		w = max(w, 4)
		x = min(x, lineWidth-w)
		line.Bars = append(line.Bars, bar{Name: name, Class: class(word), X: max(x, 0), W: w, Took: to.Sub(from), Who: who})
	}
	for _, g := range groupsOf(steps) {
		if g.Name != "" {
			add(g.Name, g.Word, "", g.From, g.To)
			continue
		}
		for _, step := range g.Steps {
			from, who := step.Began, ""
			if step.Verb == runbook.VerbGate {
				who = step.By
			}
			add(step.Step, wordOfStep(step), who, from, step.Time)
		}
	}
	return line
}
