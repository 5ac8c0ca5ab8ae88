package channelconfig

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/landingteam/landing/systemimage"
)

// maxConfig is the largest etc/config that is read: one with thousands of
// channels has a megabyte.
const maxConfig = 8 << 20

// defaultSection is the section whose keys stand in every other section too.
const defaultSection = "DEFAULT"

// A Config is the text of an image server's etc/config, read as the server
// reads it: by the rules of Python's configparser without interpolation and
// with keys that keep their case. It remembers where each line stands, so that
// [Config.Edit] changes nothing else.
//
// What the text means to the server's programs is in [Config.Settings].
//
// A Config is not changed by its methods and may be used by several goroutines.
type Config struct {
	text     []byte
	lines    []configLine
	sections []*configSection // in the order of the file; DEFAULT where it stands first
	byName   map[string]*configSection
	failure  *Failure // of the grammar
}

// A configLine is a place in the text. Lines end with \n, \r\n or a \r alone.
type configLine struct {
	start, stop, end int32 // of the text, stop without the line's end, end with it
}

type configSection struct {
	name   string
	header int // index of the line of its (last) header
	keys   []*configKey
	byName map[string]*configKey
}

// A configKey is a key with its value, which may go over several lines.
type configKey struct {
	name  string
	value []byte // the value's lines, stripped and joined by \n; a blank line is one too
	lines []int  // index of each line of the value, without blank ones
	at    int    // where the value begins in the text, on the first of the lines
}

// Parse reads an etc/config.
//
// The parser is our own: go-ini cannot be made to agree with the server's. With
// any options it joins two sections of one name and takes the last of two equal
// keys, where the server finds no configuration at all; takes keys in front of
// the first section; ends a value at a comment or a blank line within it;
// swallows a key that is indented like the one above it; gives backquotes and
// triple quotes a meaning; and does not say where in the text a value stands.
//
// A text that is against the grammar gives an error, a [*Failure] within
// an [Error], and all the same a Config: an empty one, for that is what the
// server goes on with. [Config.Lint] of it says how the text can be mended.
func Parse(data []byte) (*Config, error) {
	c := &Config{byName: map[string]*configSection{}}
	if len(data) > maxConfig {
		return c, c.fail(&Failure{Class: "MemoryError", Text: fmt.Sprintf(
			"the configuration of %d bytes is larger than the limit of %d", len(data), maxConfig)})
	}
	c.text = bytes.Clone(data)
	c.split()
	read, bad := decodable(c.text)
	failure := c.read(read)
	switch {
	case bad < 0 || failure != nil && failure.Class != classParsing:
	default:
		// Python gives up on the piece of the file that it cannot decode; what
		// stands before that piece was read until then.
		n, _ := slices.BinarySearchFunc(c.lines, bad, func(l configLine, at int) int { return int(l.end) - at - 1 })
		failure = &Failure{Class: "UnicodeDecodeError", Line: n + 1, Text: fmt.Sprintf("byte 0x%02x at position %d is not UTF-8", c.text[bad], bad)}
	}
	if failure != nil {
		return c, c.fail(failure)
	}
	return c, nil
}

func (c *Config) fail(f *Failure) error {
	f.Empty = f.Class != "UnicodeDecodeError" && f.Class != "MemoryError"
	c.failure, c.sections, c.byName = f, nil, map[string]*configSection{}
	e := &systemimage.Error{Op: "parse configuration", Kind: systemimage.ErrMalformed, Err: f}
	if f.Line > 0 && f.Line <= len(c.lines) {
		e.Line, e.Column, e.Offset = f.Line, 1, int64(c.lines[f.Line-1].start)
	}
	return e
}

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

// read reads the text, or the lines in its first bytes that are known to end
// there: a \r may be half of a line's end.
func (c *Config) read(limit int) *Failure {
	const maxFaultyLines = 100
	var (
		section *configSection
		option  *configKey
		indent  int
		bad     *Failure
	)
	for n, l := range c.lines {
		if limit < len(c.text) && (int(l.end) > limit || int(l.end) == limit && c.text[l.end-1] == '\r') {
			break
		}
		line := string(c.text[l.start:l.stop])
		value := pyStrip(line)
		if value == "" {
			// A blank line belongs to the value above it, should that go on.
			if option != nil {
				option.value = append(option.value, '\n')
			}
			continue
		}
		if value[0] == '#' || value[0] == ';' {
			continue
		}
		depth := utf8.RuneCountInString(line[:strings.Index(line, value)])
		if option != nil && depth > indent {
			option.value = append(append(option.value, '\n'), value...)
			option.lines = append(option.lines, n)
			continue
		}
		indent = depth
		if end := strings.LastIndexByte(value, ']'); value[0] == '[' && end > 1 {
			name := value[1:end]
			section, option = c.byName[name], nil
			switch {
			case section == nil:
				section = &configSection{name: name, byName: map[string]*configKey{}}
				c.sections, c.byName[name] = append(c.sections, section), section
			case name != defaultSection:
				return &Failure{Class: classDuplicateSection, Line: n + 1, Section: name}
			}
			section.header = n
			continue
		}
		if section == nil {
			return &Failure{Class: classNoSection, Line: n + 1, Lines: []Line{c.line(n)}}
		}
		sep := strings.IndexAny(value, "=:")
		name := ""
		if sep >= 0 {
			name = pyTrimRight(value[:sep])
		}
		if name == "" {
			if bad == nil {
				bad = &Failure{Class: classParsing, Line: n + 1}
			}
			if bad.Count++; len(bad.Lines) < maxFaultyLines {
				bad.Lines = append(bad.Lines, c.line(n))
			}
			if sep < 0 {
				continue
			}
		}
		if section.byName[name] != nil {
			return &Failure{Class: classDuplicateOption, Line: n + 1, Section: section.name, Key: name}
		}
		rest := pyTrimLeft(value[sep+1:])
		key := &configKey{name: name, lines: []int{n}, value: []byte(rest)}
		key.at = int(l.start) + strings.Index(line, value) + len(value) - len(rest)
		section.keys, section.byName[name] = append(section.keys, key), key
		if option = key; name == "" {
			option = nil
		}
	}
	for _, s := range c.sections {
		for _, k := range s.keys {
			k.value = bytes.TrimRightFunc(k.value, pySpace)
		}
	}
	return bad
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

// Text returns the text, byte for byte.
func (c *Config) Text() []byte { return bytes.Clone(c.text) }

// Sections returns the names of the sections in the order of the file, without
// DEFAULT.
func (c *Config) Sections() []string {
	var names []string
	for _, s := range c.sections {
		if s.name != defaultSection {
			names = append(names, s.name)
		}
	}
	return names
}

// Keys returns the keys of a section in the order of the file, with those that
// it has from [DEFAULT] behind.
func (c *Config) Keys(section string) []string {
	s := c.byName[section]
	if s == nil {
		return nil
	}
	var names []string
	for _, k := range s.keys {
		names = append(names, k.name)
	}
	if d := c.byName[defaultSection]; d != nil && d != s {
		for _, k := range d.keys {
			if s.byName[k.name] == nil {
				names = append(names, k.name)
			}
		}
	}
	return names
}

// Get returns the value of a key; ok is false when the section, or the key in
// it and in [DEFAULT], does not exist.
func (c *Config) Get(section, key string) (v Value, ok bool) {
	k := c.key(section, key)
	if k == nil {
		return Value{}, false
	}
	return newConfigValue(string(k.value)), true
}

// Line returns the number of the line, from 1, where a key stands, or the header
// of a section when key is empty. It is 0 when there is none.
func (c *Config) Line(section, key string) int {
	if k := c.key(section, key); k != nil && key != "" {
		return k.lines[0] + 1
	}
	if s := c.byName[section]; s != nil && key == "" {
		return s.header + 1
	}
	return 0
}

func (c *Config) key(section, key string) *configKey {
	s := c.byName[section]
	if s == nil {
		return nil
	}
	if k := s.byName[key]; k != nil {
		return k
	}
	if d := c.byName[defaultSection]; d != nil {
		return d.byName[key]
	}
	return nil
}

// Section is the name of the section of a channel.
func Section(channel string) string { return "channel_" + channel }

// errNoConfig is what methods say of a Config whose text is against the grammar.
var errNoConfig = errors.New("the text is against the grammar: mend it first, see Lint")
