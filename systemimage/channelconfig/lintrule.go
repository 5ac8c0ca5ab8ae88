package channelconfig

import (
	"cmp"

	"github.com/landingteam/landing/systemimage"
)

// A rule is one kind of mistake: its name, how bad it is and what the server does
// about it. The tables of rules stand in the files of what they look at: sections
// and keys, [global] and mirrors, channels, the entries of files, URLs, the order of
// files, the published tree. To add one, add an entry there, and a line to TestLint.
type rule[T any] struct {
	class    string               // a short word for programs
	severity systemimage.Severity // unless a mistake says otherwise
	why      string               // what the server does; unless a mistake says otherwise
	last     bool                 // where this rule finds something, those behind it are not asked
	look     func(n *lint, at T) []mistake
}

// A mistake is what a rule finds.
type mistake struct {
	section, key string
	problem      string
	severity     systemimage.Severity
	why          string
	fix          []Edit
	line         int // where that is not the line of section and key
}

// check asks the rules of a table about one thing. It reports whether one of them
// was the last that had to be asked.
func check[T any](n *lint, rules []rule[T], at T) bool {
	for _, r := range rules {
		list := r.look(n, at)
		for _, m := range list {
			n.add(r.class, cmp.Or(m.severity, r.severity), cmp.Or(m.why, r.why), m)
		}
		if r.last && len(list) > 0 {
			return true
		}
	}
	return false
}

// add turns a mistake into a finding.
func (n *lint) add(class string, severity systemimage.Severity, why string, m mistake) {
	n.findings = append(n.findings, Finding{
		Line:    cmp.Or(m.line, n.Line(m.section, m.key)),
		Finding: systemimage.Finding{Severity: severity, Class: class, Problem: m.problem},
		Section: m.section, Key: m.key, Why: why, Fix: m.fix,
	})
}

// only is the mistake, or none.
func only(there bool, m mistake) []mistake {
	if !there {
		return nil
	}
	return []mistake{m}
}
