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

// A Finding is a systemimage.Finding about a configuration: with its line, what the
// server does about it, and the edits that mend it. Remedy says these in words; it
// is empty when a person must decide.
type Finding struct {
	Line int `json:"line"` // from 1; 0 when it is about something that is missing
	systemimage.Finding
	Section string `json:"section,omitempty"`
	Key     string `json:"key,omitempty"`
	Why     string `json:"why"` // why it matters: what the server does
	Fix     []Edit `json:"fix,omitempty"`
}

// String is the finding in one line.
func (f Finding) String() string {
	text := fmt.Sprintf("%s: %s (%s): %s", f.Severity, f.Problem, f.Class, f.Why)
	if f.Line > 0 {
		text = fmt.Sprintf("line %d: %s", f.Line, text)
	}
	if f.Remedy != "" {
		text += "; mend it: " + f.Remedy
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
	for _, section := range c.sections {
		if check(n, sectionRules, section) {
			continue
		}
		for _, key := range section.keys {
			check(n, keyRules, keyAt{section.name, key})
		}
	}
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
	sources  []entryAt // whose arguments can be read
	findings []Finding
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
	for i := range n.findings {
		f := &n.findings[i]
		var words []string
		for _, e := range f.Fix {
			words = append(words, e.String())
		}
		f.Remedy = strings.Join(words, ", ")
	}
	return n.findings
}
