package channelconfig

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// split finds the lines. A file read as text has \n, \r\n and \r as line ends.
func (c *Config) split() {
	c.lines = make([]configLine, 0, bytes.Count(c.text, []byte("\n"))+bytes.Count(c.text, []byte("\r"))+1)
	for start := 0; start < len(c.text); {
		stop, end := len(c.text), len(c.text)
		if i := bytes.IndexAny(c.text[start:], "\r\n"); i >= 0 {
			stop = start + i
			end = stop + 1
			if c.text[stop] == '\r' && end < len(c.text) && c.text[end] == '\n' {
				end++
			}
		}
		c.lines = append(c.lines, configLine{start: int32(start), stop: int32(stop), end: int32(end)})
		start = end
	}
}

// decodable looks for the first byte that is not UTF-8. Python reads a file in
// pieces of 8192 bytes and fails when it gets to the piece that shows the fault:
// it has read the whole lines within the first bytes of the text until then.
func decodable(text []byte) (read, bad int) {
	const piece = 8192
	if utf8.Valid(text) {
		return len(text), -1
	}
	for bad < len(text) {
		r, n := utf8.DecodeRune(text[bad:])
		if r == utf8.RuneError && n < 2 {
			break
		}
		bad += n
	}
	for end := (bad/piece + 1) * piece; ; end += piece {
		switch {
		case utf8.FullRune(text[bad:min(end, len(text))]):
			return min(end-piece, bad), bad
		case end >= len(text):
			return bad, bad // cut off at the end of the file
		}
	}
}

// A textReader goes through the lines of a text as Python's configparser does.
type textReader struct {
	c       *Config
	section *configSection // that the next key belongs to
	option  *configKey     // that a deeper line continues
	indent  int            // of the last line that continued nothing
	bad     *Failure       // the lines that are neither section nor key
}

// read reads the text, or the lines in its first bytes that are known to end
// there: a \r may be half of a line's end.
func (c *Config) read(limit int) *Failure {
	r := &textReader{c: c}
	for n, l := range c.lines {
		if limit < len(c.text) && (int(l.end) > limit || int(l.end) == limit && c.text[l.end-1] == '\r') {
			break
		}
		if f := r.line(n, string(c.text[l.start:l.stop])); f != nil {
			return f
		}
	}
	for _, s := range c.sections {
		for _, k := range s.keys {
			k.value = bytes.TrimRightFunc(k.value, pySpace)
		}
	}
	return r.bad
}

// line reads one line; a failure ends the reading.
func (r *textReader) line(n int, line string) *Failure {
	text := pyStrip(line)
	switch {
	case text == "":
		// A blank line belongs to the value above it, should that go on.
		if r.option != nil {
			r.option.value = append(r.option.value, '\n')
		}
		return nil
	case text[0] == '#' || text[0] == ';':
		return nil
	}
	depth := utf8.RuneCountInString(line[:strings.Index(line, text)])
	if r.option != nil && depth > r.indent {
		r.option.value = append(append(r.option.value, '\n'), text...)
		r.option.lines = append(r.option.lines, n)
		return nil
	}
	r.indent = depth
	if end := strings.LastIndexByte(text, ']'); text[0] == '[' && end > 1 {
		return r.header(n, text[1:end])
	}
	if r.section == nil {
		return &Failure{Class: classNoSection, Line: n + 1, Lines: []Line{r.c.line(n)}}
	}
	return r.key(n, line, text)
}

// header reads the name of a section. Only DEFAULT may come twice.
func (r *textReader) header(n int, name string) *Failure {
	r.section, r.option = r.c.byName[name], nil
	switch {
	case r.section == nil:
		r.section = &configSection{name: name, byName: map[string]*configKey{}}
		r.c.sections, r.c.byName[name] = append(r.c.sections, r.section), r.section
	case name != defaultSection:
		return &Failure{Class: classDuplicateSection, Line: n + 1, Section: name}
	}
	r.section.header = n
	return nil
}

// key reads a key and the first line of its value.
func (r *textReader) key(n int, line, text string) *Failure {
	sep := strings.IndexAny(text, "=:")
	name := ""
	if sep >= 0 {
		name = pyTrimRight(text[:sep])
	}
	if name == "" {
		r.neither(n)
		if sep < 0 {
			return nil
		}
	}
	if r.section.byName[name] != nil {
		return &Failure{Class: classDuplicateOption, Line: n + 1, Section: r.section.name, Key: name}
	}
	rest := pyTrimLeft(text[sep+1:])
	key := &configKey{name: name, lines: []int{n}, value: []byte(rest)}
	key.at = int(r.c.lines[n].start) + strings.Index(line, text) + len(text) - len(rest)
	r.section.keys, r.section.byName[name] = append(r.section.keys, key), key
	if r.option = key; name == "" {
		r.option = nil
	}
	return nil
}

// neither notes a line that is neither a section nor a key; the reading goes on.
func (r *textReader) neither(n int) {
	const most = 100 // that are kept
	if r.bad == nil {
		r.bad = &Failure{Class: classParsing, Line: n + 1}
	}
	if r.bad.Count++; len(r.bad.Lines) < most {
		r.bad.Lines = append(r.bad.Lines, r.c.line(n))
	}
}

// line is a line as the server shows it: with \n behind, if anything is.
func (c *Config) line(n int) Line {
	l := c.lines[n]
	text := string(c.text[l.start:l.stop])
	if l.end > l.stop {
		text += "\n"
	}
	return Line{Number: n + 1, Text: text}
}
