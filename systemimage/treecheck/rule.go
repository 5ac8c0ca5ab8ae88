package treecheck

import (
	"cmp"
	"slices"
	"strings"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
)

// A rule is one thing that can be wrong with a T. All that [Check] knows stands in
// tables of rules, one table in each file: to add a rule is to add an entry there,
// and to its test.
type rule[T any] struct {
	class    string
	severity systemimage.Severity
	remedy   string // {channel}, {device} and {place} stand for those of the finding
	final    bool   // what breaks it breaks the rules behind it as well, so they are left out

	look func(t *tree, on T) []problem
}

// A problem is where a rule is broken.
type problem struct {
	channel, device, place string
	text                   string
	severity               systemimage.Severity // the rule's when empty
	remedy                 string               // the rule's when empty
}

// apply looks at one thing by the rules of a table.
func apply[T any](t *tree, table []rule[T], on T) {
	for _, r := range table {
		problems := r.look(t, on)
		for _, p := range problems {
			t.add(systemimage.Finding{
				Severity: cmp.Or(p.severity, r.severity), Class: r.class,
				Channel: p.channel, Device: p.device, Place: p.place, Problem: p.text,
				// Names and paths are what a document says, and somebody will paste this into a shell.
				Remedy: strings.NewReplacer("{channel}", command.Word(p.channel), "{device}", command.Word(p.device), "{place}", command.Word(p.place)).Replace(cmp.Or(p.remedy, r.remedy)),
			})
		}
		if r.final && len(problems) > 0 {
			return
		}
	}
}

func (t *tree) add(f systemimage.Finding) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.findings = append(t.findings, f)
}

// sorted are the findings, the worst first and each once.
func (t *tree) sorted() []systemimage.Finding {
	rank := []systemimage.Severity{systemimage.Harmful, systemimage.Risky, systemimage.Worth}
	slices.SortStableFunc(t.findings, func(a, b systemimage.Finding) int {
		return cmp.Or(slices.Index(rank, a.Severity)-slices.Index(rank, b.Severity), cmp.Compare(a.Channel, b.Channel),
			cmp.Compare(a.Device, b.Device), cmp.Compare(a.Place, b.Place), cmp.Compare(a.Class, b.Class))
	})
	return slices.Compact(t.findings)
}
