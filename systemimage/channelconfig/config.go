package channelconfig

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

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
// a [systemimage.Error], and all the same a Config: an empty one, for that is what the
// server goes on with. [Linter.Lint] of it says how the text can be mended.
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
