package channelconfig

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage/internal/host"
)

// A Change is a difference between two configurations as the server reads
// them: blanks, comments, quotes and the order of keys are none.
type Change struct {
	Section string `json:"section"`
	Key     string `json:"key,omitempty"` // empty when the whole section came or went
	Before  string `json:"before,omitempty"`
	After   string `json:"after,omitempty"`
	Added   bool   `json:"added,omitempty"`   // section or key
	Removed bool   `json:"removed,omitempty"` // section or key
}

// String says the change in words.
func (c Change) String() string {
	where := "[" + c.Section + "]"
	if name, ok := strings.CutPrefix(c.Section, "channel_"); ok {
		where = "channel " + name
	}
	switch {
	case c.Key == "" && c.Added:
		return where + " is added"
	case c.Key == "" && c.Removed:
		return where + " is removed"
	case c.Added:
		return fmt.Sprintf("%s: %s = %s is added", where, c.Key, c.After)
	case c.Removed:
		return fmt.Sprintf("%s: %s = %s is removed", where, c.Key, c.Before)
	}
	return fmt.Sprintf("%s: %s is %s, was %s", where, c.Key, c.After, c.Before)
}

// Changes returns what is different in another configuration, in the order of
// that one's text, with what is gone behind. A key of [DEFAULT] that changes is a
// change of every section that has it from there.
func (c *Config) Changes(to *Config) (list []Change) {
	for _, section := range to.Sections() {
		if c.byName[section] == nil {
			list = append(list, Change{Section: section, Added: true})
		}
		for _, key := range to.Keys(section) {
			after, _ := to.Get(section, key)
			before, ok := c.Get(section, key)
			switch {
			case !ok:
				list = append(list, Change{Section: section, Key: key, After: after.String(), Added: true})
			case !slices.Equal(before.Names(), after.Names()):
				list = append(list, Change{Section: section, Key: key, Before: before.String(), After: after.String()})
			}
		}
	}
	for _, section := range c.Sections() {
		if to.byName[section] == nil {
			list = append(list, Change{Section: section, Removed: true})
			continue
		}
		for _, key := range c.Keys(section) {
			if _, ok := to.Get(section, key); !ok {
				before, _ := c.Get(section, key)
				list = append(list, Change{Section: section, Key: key, Before: before.String(), Removed: true})
			}
		}
	}
	return list
}

// Diff returns the difference of the two texts as a unified diff with three
// lines around each change; "" when they are equal. Passwords in URLs are left out.
func (c *Config) Diff(to *Config, name string) string {
	a, b := diffLines(c.text), diffLines(to.text)
	var out strings.Builder
	for _, h := range hunks(matches(a, b), len(a), len(b)) {
		if out.Len() == 0 {
			fmt.Fprintf(&out, "--- %s\n+++ %s\n", name, name)
		}
		h.write(&out, a, b)
	}
	return out.String()
}

// diffLines cuts a text behind its newlines.
func diffLines(text []byte) []string {
	lines := strings.SplitAfter(string(bytes.ToValidUTF8(text, []byte("\ufffd"))), "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// A match says that line a of one text is line b of the other.
type match struct{ a, b int }

// matches finds the lines that stay: a longest common subsequence of what is
// between the equal lines at both ends. Where that is very long, nothing of it
// counts as equal.
func matches(a, b []string) (list []match) {
	const most = 4 << 20
	start := 0
	for start < len(a) && start < len(b) && a[start] == b[start] {
		list = append(list, match{start, start})
		start++
	}
	end := 0
	for end < len(a)-start && end < len(b)-start && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	n, m := len(a)-start-end, len(b)-start-end
	if n*m > 0 && n*m <= most {
		length := make([][]int32, n+1)
		for i := range length {
			length[i] = make([]int32, m+1)
		}
		for i := n - 1; i >= 0; i-- {
			for j := m - 1; j >= 0; j-- {
				if a[start+i] == b[start+j] {
					length[i][j] = length[i+1][j+1] + 1
				} else {
					length[i][j] = max(length[i+1][j], length[i][j+1])
				}
			}
		}
		for i, j := 0, 0; i < n && j < m; {
			switch {
			case a[start+i] == b[start+j]:
				list = append(list, match{start + i, start + j})
				i, j = i+1, j+1
			case length[i+1][j] >= length[i][j+1]:
				i++
			default:
				j++
			}
		}
	}
	for i := range end {
		list = append(list, match{len(a) - end + i, len(b) - end + i})
	}
	return list
}

// A hunk is a range of lines of both texts, and which of them are equal.
type hunk struct {
	a, b, endA, endB int
	same             []match
}

// hunks groups the changes: those with six equal lines or less between them
// stand together.
func hunks(same []match, lenA, lenB int) (list []hunk) {
	const around = 3
	same = append(slices.Clip(same), match{lenA, lenB})
	a, b := 0, 0
	for _, m := range same {
		if m.a > a || m.b > b { // a change ends in front of m
			if n := len(list); n > 0 && list[n-1].endA+2*around >= a {
				list[n-1].endA, list[n-1].endB = m.a, m.b
			} else {
				list = append(list, hunk{a: a, b: b, endA: m.a, endB: m.b})
			}
		}
		a, b = m.a+1, m.b+1
	}
	for i := range list {
		h := &list[i]
		before, after := min(around, h.a, h.b), min(around, lenA-h.endA, lenB-h.endB)
		h.a, h.b, h.endA, h.endB = h.a-before, h.b-before, h.endA+after, h.endB+after
		for _, m := range same {
			if m.a >= h.a && m.a < h.endA && m.b < h.endB {
				h.same = append(h.same, m)
			}
		}
	}
	return list
}

func (h hunk) write(out *strings.Builder, a, b []string) {
	span := func(from, to int) string {
		if to == from {
			return fmt.Sprintf("%d,0", from)
		}
		return fmt.Sprintf("%d,%d", from+1, to-from)
	}
	fmt.Fprintf(out, "@@ -%s +%s @@\n", span(h.a, h.endA), span(h.b, h.endB))
	line := func(sign, text string) {
		text, ended := strings.CutSuffix(text, "\n")
		out.WriteString(sign + host.HideSecrets(text) + "\n")
		if !ended {
			out.WriteString("\\ No newline at end of file\n")
		}
	}
	i, j := h.a, h.b
	for _, m := range append(h.same, match{h.endA, h.endB}) {
		for ; i < m.a; i++ {
			line("-", a[i])
		}
		for ; j < m.b; j++ {
			line("+", b[j])
		}
		if m.a < h.endA {
			line(" ", a[i])
		}
		i, j = m.a+1, m.b+1
	}
}
