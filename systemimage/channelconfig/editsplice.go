package channelconfig

import (
	"bytes"
	"slices"
	"strings"
)

// A splice replaces a part of the text.
type splice struct {
	from, to int
	text     string
}

// apply makes splices, which must not overlap, and reads the text again.
func (c *Config) apply(list ...splice) (*Config, error) {
	slices.SortStableFunc(list, func(a, b splice) int { return a.from - b.from })
	var b bytes.Buffer
	at := 0
	for _, s := range list {
		b.Write(c.text[at:s.from])
		b.WriteString(s.text)
		at = s.to
	}
	b.Write(c.text[at:])
	return Parse(b.Bytes())
}

// newKey writes the i-th key of a section: behind the one before it, with its
// indent and with the blanks that stand around its separator.
func (c *Config) newKey(s *configSection, i int, key, value string) splice {
	line, indent, between := s.header, "", " = "
	if i == len(s.keys) {
		line = s.last()
	}
	like := slices.Clip(s.keys[:i])
	if i == 0 {
		for _, o := range c.sections {
			like = append(like, o.keys...)
		}
	} else {
		lines := s.keys[i-1].lines
		line, indent = lines[len(lines)-1], c.indent(lines[0])
	}
	for _, k := range slices.Backward(like) {
		l := c.lines[k.lines[0]]
		from := int(l.start) + len(c.indent(k.lines[0])) + len(k.name)
		if k.at < int(l.start)+len(pyTrimRight(string(c.text[l.start:l.stop]))) {
			between = string(c.text[from:k.at])
			break
		}
	}
	head, rest, more := strings.Cut(value, "\n")
	text := indent + key + between + head
	if head == "" {
		text = indent + key + strings.TrimRight(between, " \t")
	}
	if more {
		text += c.continued(line, indent+"    ", rest)
	}
	return c.behind(line, text)
}

// continued is the rest of a value on lines of its own.
func (c *Config) continued(line int, indent, rest string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(rest, "\n") {
		b.WriteString(c.lineEnd(line))
		if part != "" {
			b.WriteString(indent + part)
		}
	}
	return b.String()
}

// last is the index of the last line of a section that says something.
func (s *configSection) last() int {
	last := s.header
	for _, k := range s.keys {
		last = max(last, k.lines[len(k.lines)-1])
	}
	return last
}

// behind inserts a line.
func (c *Config) behind(line int, text string) splice {
	l := c.lines[line]
	if l.stop == l.end { // the last line of a text without a line end
		return splice{int(l.end), int(l.end), c.lineEnd(line) + text}
	}
	return splice{int(l.end), int(l.end), text + c.lineEnd(line)}
}

// lineEnd is how a line ends; where nothing is, how the first line does.
func (c *Config) lineEnd(line int) string {
	for _, n := range []int{line, 0} {
		if n < len(c.lines) && c.lines[n].stop < c.lines[n].end {
			return string(c.text[c.lines[n].stop:c.lines[n].end])
		}
	}
	return "\n"
}

// indent is the white space in front of a line.
func (c *Config) indent(line int) string {
	text := string(c.text[c.lines[line].start:c.lines[line].stop])
	return text[:len(text)-len(pyTrimLeft(text))]
}

func (c *Config) blank(line int) bool {
	return pyStrip(string(c.text[c.lines[line].start:c.lines[line].stop])) == ""
}
