package channelconfig

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/landingteam/landing/systemimage"
)

// An Edit is one change of a [Config], made by one of the functions below or of a [Line]. In JSON
// it has the names of the recorded form: do, section, key, value, before, line, old.
type Edit struct{ form editForm }

// An editForm is an edit as it is recorded.
type editForm struct {
	Do string `json:"do"` // name of an editVerb

	Section string `json:"section,omitempty"`
	Key     string `json:"key,omitempty"`
	Value   string `json:"value,omitempty"`
	Before  string `json:"before,omitempty"`

	Line int    `json:"line,omitempty"` // from 1
	Old  string `json:"old,omitempty"`
}

// Set gives a key of a section, such as "global" or [Section] of a channel, a value:
// a text, or names joined by ", ". A key that is not there is added behind the
// section's others.
func Set(section, key, value string) Edit {
	return Edit{editForm{Do: "set", Section: section, Key: key, Value: value}}
}

// Remove takes a key out of a section.
func Remove(section, key string) Edit {
	return Edit{editForm{Do: "remove", Section: section, Key: key}}
}

// AddSection adds a section at the end of the file.
func AddSection(section string) Edit { return Edit{editForm{Do: "add section", Section: section}} }

// RemoveSection takes out a section with its keys and the comments between them.
func RemoveSection(section string) Edit {
	return Edit{editForm{Do: "remove section", Section: section}}
}

// AddChannel adds the section of a channel and lists the channel, before another
// one or, with before "", last.
func AddChannel(channel, before string) Edit {
	return Edit{editForm{Do: "add channel", Key: channel, Before: before}}
}

// RemoveChannel takes a channel out of the list, and its section.
func RemoveChannel(channel string) Edit {
	return Edit{editForm{Do: "remove channel", Key: channel}}
}

// AddFile adds an entry to the files of a section, before another one or, with
// before "", last, with source as its file key.
func AddFile(section, entry, source, before string) Edit {
	return Edit{editForm{Do: "add file", Section: section, Key: entry, Value: source, Before: before}}
}

// RemoveFile takes an entry out of the files of a section, and its file key.
func RemoveFile(section, entry string) Edit {
	return Edit{editForm{Do: "remove file", Section: section, Key: entry}}
}

// Replace writes another text in the line, which must still be as l has it. Like
// [Line.Remove] it works on a text with a fault in its grammar too.
func (l Line) Replace(text string) Edit {
	line, old := l.Number, strings.TrimRight(l.Text, "\r\n")
	return Edit{editForm{Do: "line", Line: line, Old: old, Value: text}}
}

// Remove takes out the line, which must still be as l has it.
func (l Line) Remove() Edit {
	line, old := l.Number, strings.TrimRight(l.Text, "\r\n")
	return Edit{editForm{Do: "remove line", Line: line, Old: old}}
}

// An editVerb is what an edit can do.
type editVerb struct {
	name  string
	words func(e editForm) string
	apply func(c *Config, e editForm) (*Config, error)
	lines bool // it works on lines, also of a text against the grammar
	named bool // its key must not be empty
}

func verbs() []editVerb {
	named := func(e editForm) string { return e.Do + " " + e.Key }
	section := func(e editForm) string { return e.Do + " [" + e.Section + "]" }
	return []editVerb{
		{name: "set", words: func(e editForm) string { return fmt.Sprintf("set %s = %s in [%s]", e.Key, e.Value, e.Section) },
			apply: func(c *Config, e editForm) (*Config, error) { return c.set(e.Section, e.Key, e.Value) }},
		{name: "remove", words: func(e editForm) string { return fmt.Sprintf("remove %s from [%s]", e.Key, e.Section) },
			apply: func(c *Config, e editForm) (*Config, error) { return c.remove(e.Section, e.Key) }},
		{name: "add section", words: section, apply: func(c *Config, e editForm) (*Config, error) { return c.addSection(e.Section) }},
		{name: "remove section", words: section, apply: func(c *Config, e editForm) (*Config, error) { return c.removeSection(e.Section) }},
		{name: "add channel", words: named, named: true, apply: func(c *Config, e editForm) (*Config, error) { return c.addChannel(e.Key, e.Before) }},
		{name: "remove channel", words: named, named: true, apply: func(c *Config, e editForm) (*Config, error) { return c.removeChannel(e.Key) }},
		{name: "add file", named: true, words: func(e editForm) string { return fmt.Sprintf("add file %s = %s to [%s]", e.Key, e.Value, e.Section) },
			apply: func(c *Config, e editForm) (*Config, error) { return c.addFile(e.Section, e.Key, e.Value, e.Before) }},
		{name: "remove file", named: true, words: func(e editForm) string { return fmt.Sprintf("remove file %s from [%s]", e.Key, e.Section) },
			apply: func(c *Config, e editForm) (*Config, error) { return c.removeFile(e.Section, e.Key) }},
		{name: "line", lines: true, words: func(e editForm) string { return fmt.Sprintf("write %q in line %d", e.Value, e.Line) }, apply: (*Config).editLine},
		{name: "remove line", lines: true, words: func(e editForm) string { return fmt.Sprintf("remove line %d", e.Line) }, apply: (*Config).editLine},
	}
}

func (e Edit) verb() (editVerb, bool) {
	for _, v := range verbs() {
		if v.name == e.form.Do {
			return v, true
		}
	}
	return editVerb{}, false
}

// String says the edit in words.
func (e Edit) String() string {
	if v, ok := e.verb(); ok {
		return v.words(e.form)
	}
	return fmt.Sprintf("unknown edit %q", e.form.Do)
}

// MarshalJSON writes the recorded form.
func (e Edit) MarshalJSON() ([]byte, error) { return json.Marshal(e.form) }

// UnmarshalJSON reads the recorded form.
func (e *Edit) UnmarshalJSON(data []byte) error { return json.Unmarshal(data, &e.form) }

// Edit returns the configuration with some changes made, in order. Every byte
// that is not part of a change stays: comments, blanks, line ends, the order of
// everything.
//
// After each change the text is read again. When the server would read anything
// but exactly what was asked, nothing is changed and the error is ErrRefused: a
// value that it would split, shorten or take for a comment, a key that it would
// take for a section. An edit that is so already changes no byte. Edits after
// which the programs of the server would not load the configuration any more,
// though they do now, are refused as well.
func (c *Config) Edit(edits ...Edit) (*Config, error) {
	now := c
	for _, e := range edits {
		next, err := now.edit(e)
		if err != nil {
			return nil, &systemimage.Error{Op: "edit configuration", Kind: systemimage.ErrRefused, Err: fmt.Errorf("%v: %w", e, err)}
		}
		now = next
	}
	if _, err := now.Settings("/"); err != nil && c.failure == nil {
		if _, before := c.Settings("/"); before == nil {
			return nil, &systemimage.Error{Op: "edit configuration", Kind: systemimage.ErrRefused, Err: fmt.Errorf("the server would not load it any more: %w", err)}
		}
	}
	return now, nil
}

func (c *Config) edit(e Edit) (*Config, error) {
	v, ok := e.verb()
	switch {
	case v.lines:
	case c.failure != nil:
		return nil, fmt.Errorf("%w: %w", errNoConfig, c.failure)
	case !ok:
		return nil, errors.New("there is no such edit")
	case v.named && e.form.Key == "":
		return nil, errors.New("it has no name")
	}
	return v.apply(c, e.form)
}
