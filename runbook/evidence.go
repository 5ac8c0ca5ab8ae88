package runbook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// EvidenceText is what a person is shown of the evidence: its text if it has one,
// and otherwise its JSON as lines "key: value" and tables. What could steer a terminal
// is replaced. It has no line end at its end.
func (q Question) EvidenceText() string {
	if q.Shown != "" {
		return printableLines(q.Shown)
	}
	return readable(q.Evidence)
}

// evidence is what a person is shown, in lines that are indented.
func (q Question) evidence(indent string) string {
	lines := strings.Split(q.EvidenceText(), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(indent+line, " ")
	}
	return strings.Join(lines, "\n")
}

// wide is how many columns a table, or a list in one line, may have.
const wide = 72

// readable puts JSON into lines for a person.
func readable(m json.RawMessage) string {
	d := json.NewDecoder(bytes.NewReader(m))
	d.UseNumber()
	n, err := readNode(d)
	if err != nil {
		return printable(string(m))
	}
	if text := strings.Join(n.lines(), "\n"); text != "" {
		return text
	}
	return "(empty)"
}

// A node is a JSON value whose members are in the order in which they are written.
type node struct {
	text string   // of what has no members
	keys []string // of an object
	kids []node   // of an object or a list
	leaf bool
}

func readNode(d *json.Decoder) (node, error) {
	t, err := d.Token()
	if err != nil {
		return node{}, err
	}
	open, ok := t.(json.Delim)
	if !ok {
		return leaf(t), nil
	}
	n := node{}
	for d.More() {
		if open == '{' {
			key, err := d.Token()
			if err != nil {
				return n, err
			}
			n.keys = append(n.keys, printable(strings.ReplaceAll(fmt.Sprint(key), "_", " ")))
		}
		kid, err := readNode(d)
		if err != nil {
			return n, err
		}
		n.kids = append(n.kids, kid)
	}
	_, err = d.Token()
	if len(n.kids) == 0 {
		return node{text: "none", leaf: true}, err
	}
	return n, err
}

func leaf(t json.Token) node {
	switch v := t.(type) {
	case nil:
		return node{text: "none", leaf: true}
	case bool:
		return node{text: map[bool]string{true: "yes", false: "no"}[v], leaf: true}
	case string:
		if len(v) > wide/2 && !strings.Contains(v, " ") { // one word, which no line could break
			v = strings.ReplaceAll(v, ",", ", ")
		}
		return node{text: printableLines(v), leaf: true}
	}
	return node{text: fmt.Sprint(t), leaf: true}
}

// short reports whether a leaf fits into a line with others.
func (n node) short() bool { return n.leaf && !strings.Contains(n.text, "\n") }

func (n node) lines() []string {
	switch {
	case n.leaf:
		return strings.Split(n.text, "\n")
	case n.keys != nil:
		return n.members()
	}
	if slices.ContainsFunc(n.kids, func(k node) bool { return !k.leaf }) {
		if table := n.table(); table != nil {
			return table
		}
		var lines []string
		for _, k := range n.kids {
			for i, line := range k.lines() {
				lines = append(lines, []string{"- ", "  "}[min(i, 1)]+line)
			}
		}
		return lines
	}
	var lines []string
	for _, k := range n.kids {
		lines = append(lines, k.lines()...)
	}
	return lines
}

// members are lines "key: value"; what needs more lines stands below its key.
func (n node) members() (lines []string) {
	for i, k := range n.kids {
		if text, ok := k.inLine(); ok {
			lines = append(lines, n.keys[i]+": "+text)
			continue
		}
		lines = append(lines, n.keys[i]+":")
		for _, line := range k.lines() {
			lines = append(lines, "  "+line)
		}
	}
	return lines
}

// inLine is a value, or a list of few words, in the line of its key.
func (n node) inLine() (string, bool) {
	if n.leaf {
		return n.text, n.short()
	}
	var words []string
	for _, k := range n.kids {
		if !k.short() || k.text == "" {
			return "", false
		}
		words = append(words, k.text)
	}
	text := strings.Join(words, ", ")
	return text, n.keys == nil && len(text) <= wide/2
}

// table shows a list of objects that have the same members, if it is not too wide.
func (n node) table() []string {
	var rows [][]string
	for _, k := range n.kids {
		if k.keys == nil || !slices.Equal(k.keys, n.kids[0].keys) || slices.ContainsFunc(k.kids, func(n node) bool { return !n.short() }) {
			return nil
		}
		if rows == nil {
			rows = append(rows, k.keys)
		}
		var row []string
		for _, kid := range k.kids {
			row = append(row, kid.text)
		}
		rows = append(rows, row)
	}
	total, widths := 0, make([]int, len(rows[0]))
	for i := range widths {
		for _, row := range rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
		total += widths[i] + 2
	}
	if total-2 > wide {
		return nil
	}
	var lines []string
	for _, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			b.WriteString(cell + strings.Repeat(" ", widths[i]+2-utf8.RuneCountInString(cell)))
		}
		lines = append(lines, strings.TrimRight(b.String(), " "))
	}
	return lines
}
