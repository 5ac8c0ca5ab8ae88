package web

import (
	"slices"
	"strings"
	"time"

	"github.com/landingteam/landing/runbook"
)

// A group is the steps that stand together on a page: those of one pair, or of one
// round with all that is below it.
type group struct {
	Name  string // "" are the steps in no group
	Steps []runbook.StepStatus
	From  time.Time
	To    time.Time
	Word  string // the worst of its steps
	Open  bool   // shown unfolded
}

// groupsOf puts steps into groups, in the order in which they began.
func groupsOf(steps []runbook.StepStatus) []group {
	parents := map[string]bool{}
	for _, step := range steps {
		parents[parentOf(step.Step)] = true
	}
	at := map[string]int{}
	var groups []group
	for _, step := range steps {
		name := topOf(parentOf(step.Step), parents)
		i, ok := at[name]
		if !ok {
			i = len(groups)
			at[name] = i
			groups = append(groups, group{Name: name, From: step.Began, To: step.Time})
		}
		g := &groups[i]
		g.Steps = append(g.Steps, step)
		if step.Time.After(g.To) {
			g.To = step.Time
		}
	}
	for i := range groups {
		g := &groups[i]
		g.Word = worst(g.Steps)
		g.Open = g.Name == "" || g.Word != wordDone || len(groups) == 1
	}
	return groups
}

// parentOf is the group of a step's name.
func parentOf(step string) string { return step[:max(strings.LastIndexByte(step, '/'), 0)] }

// topOf is the shortest group that has steps of its own and that name is below: names
// of groups may have slashes, as those of channels.
func topOf(name string, parents map[string]bool) string {
	for i, c := range name {
		if c == '/' && parents[name[:i]] {
			return name[:i]
		}
	}
	return name
}

// wordOfStep is the state of a step in one of the words.
func wordOfStep(step runbook.StepStatus) string {
	switch step.Kind {
	case runbook.Failed:
		return wordFailed
	case runbook.Owed:
		return runbook.StateOwed
	case runbook.Doubt:
		return wordDoubt
	case runbook.Asked:
		return runbook.StatePerson
	case runbook.Rejected:
		return wordRejected
	case runbook.Deferred:
		return runbook.StateTime
	case runbook.Started, runbook.Armed, runbook.Acquired:
		return runbook.StateUnderWay
	}
	return wordDone
}

// worst is the word among those of steps that stands first in the list of words.
func worst(steps []runbook.StepStatus) string {
	n := len(words) - 1
	for _, step := range steps {
		n = min(n, slices.Index(words, wordOfStep(step)))
	}
	return words[n]
}

// Below is a step's name inside a group.
func (g group) Below(step string) string {
	return strings.TrimPrefix(strings.TrimPrefix(step, g.Name), "/")
}

// Class is a step's word for the style sheet.
func (g group) Class(step runbook.StepStatus) string { return class(wordOfStep(step)) }

// Lasted is how long a step took; 0 when it only looked.
func (g group) Lasted(step runbook.StepStatus) time.Duration { return step.Time.Sub(step.Began) }

// Took is how long the group took.
func (g group) Took() time.Duration { return g.To.Sub(g.From) }
