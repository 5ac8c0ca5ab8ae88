package channelconfig

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
)

// A Linter looks for mistakes in a configuration that the server does not
// tell about, or tells in a way that nobody understands. Its zero value looks at
// the text alone; each field that is set adds what can be compared with it.
type Linter struct {
	// Channels are those of the published tree.
	Channels systemimage.Channels

	// Runner is the image server's: folders of builds, series, keyring tarballs
	// and folders of the server are looked for there, with one command. Root is
	// the root of the server.
	Runner command.Runner
	Root   string

	// Probe says whether a URL answers, such as [ProbeURL]; nil asks none. Four
	// are asked at a time, each for Timeout at most, 20 seconds when 0.
	Probe   func(ctx context.Context, url string) error
	Timeout time.Duration
}

// A Finding is a mistake in a configuration.
type Finding struct {
	Line     int                  `json:"line"` // from 1; 0 when it is about something that is missing
	Severity systemimage.Severity `json:"severity"`
	Class    string               `json:"class"` // a short word for programs, such as "unknown-generator"
	Section  string               `json:"section,omitempty"`
	Key      string               `json:"key,omitempty"`
	Problem  string               `json:"problem"`
	Why      string               `json:"why"`           // why it matters: what the server does
	Fix      []Edit               `json:"fix,omitempty"` // mends it; empty when a person must decide
}

func (f Finding) String() string {
	text := fmt.Sprintf("line %d: %s: %s (%s): %s", f.Line, f.Severity, f.Problem, f.Class, f.Why)
	if f.Line == 0 {
		_, text, _ = strings.Cut(text, ": ")
	}
	for i, e := range f.Fix {
		text += []string{"; mend it: ", ", "}[min(i, 1)] + e.String()
	}
	return text
}

// Lint returns the findings by line. Each Fix was tried: it can be given to
// [Config.Edit] of the same Config; those of faults in the grammar in their order.
// Fixes of two findings may be about the same
// value; lint again after each. Only the first hundred findings that can be mended
// have one, since trying takes time.
//
// The error is about the looking only: the host could not be asked, ctx is done, or
// the configuration is larger than any real one.
func (l *Linter) Lint(ctx context.Context, c *Config) ([]Finding, error) {
	n := &lint{Config: c, linter: l}
	if err := n.bounded(); err != nil {
		return nil, err
	}
	if c.failure != nil {
		n.grammar()
		return n.done(), nil
	}
	n.sections()
	n.global()
	for _, name := range n.channelNames() {
		n.channel(name)
	}
	n.tree()
	err := n.host(ctx)
	if err == nil {
		err = n.urls(ctx)
	}
	return n.done(), err
}

// bounded refuses lists that nobody wrote: much below is compared with each other.
func (n *lint) bounded() error {
	const most = 10000
	size := len(n.Config.sections)
	for _, s := range n.Config.sections {
		size = max(size, len(s.keys))
		for _, k := range s.keys {
			size = max(size, len(k.lines), bytes.Count(k.value, []byte(",")))
		}
	}
	if size > most {
		return &systemimage.Error{Op: "lint configuration", Kind: systemimage.ErrMalformed, Err: fmt.Errorf("it has a list, a section or a value with more than %d entries", most)}
	}
	return nil
}

// A lint is one look at a configuration.
type lint struct {
	*Config
	linter   *Linter
	sources  []placed
	findings []Finding
}

// placed is a file source with where it stands.
type placed struct {
	Source
	section, key string
	auto         bool // in a channel that import-images processes
}

func (n *lint) add(severity systemimage.Severity, class, section, key, problem, why string, fix ...Edit) {
	n.findings = append(n.findings, Finding{
		Line: n.Line(section, key), Severity: severity, Class: class, Section: section, Key: key, Problem: problem, Why: why, Fix: fix})
}

// done sorts the findings, and drops fixes that the editor does not take.
func (n *lint) done() []Finding {
	n.fold()
	slices.SortStableFunc(n.findings, func(a, b Finding) int { return a.Line - b.Line })
	tried := 0
	for i, f := range n.findings {
		if len(f.Fix) == 0 || n.failure != nil { // grammar tries its own, one upon the other
			continue
		}
		if tried++; tried <= 100 {
			if _, err := n.Edit(f.Fix...); err == nil {
				continue
			}
		}
		n.findings[i].Fix = nil
	}
	return n.findings
}

// channelNames are the listed channels that have a section.
func (n *lint) channelNames() []string {
	v, ok := n.Get("global", "channels")
	if !ok {
		return nil
	}
	var names []string
	for _, name := range v.Names() {
		if n.byName[Section(name)] != nil && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// set is the edit that gives a key a value.
func set(section, key, value string) Edit {
	return Edit{Do: EditSet, Section: section, Key: key, Value: value}
}

// closest returns the word that somebody may have meant, or "".
func closest(word string, words []string) string {
	best, limit := "", min(2, len(word)/3) // of names with one or two letters none is close
	for _, w := range words {
		if d := distance(strings.ToLower(pyStrip(word)), strings.ToLower(w)); w != word && d <= limit {
			best, limit = w, d-1
		}
	}
	return best
}

// distance is how many letters must be changed, added or taken out, two
// neighbours swapped counting once.
func distance(a, b string) int {
	if len(a) > 200 || len(b) > 200 || len(a)-len(b) > 2 || len(b)-len(a) > 2 {
		return 1000
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
		for j := range rows[i] {
			switch {
			case i == 0:
				rows[i][j] = j
				continue
			case j == 0:
				continue
			}
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

// meant is the question behind a misspelt word.
func meant(word string) string {
	if word == "" {
		return ""
	}
	return fmt.Sprintf(": is %q meant?", word)
}
