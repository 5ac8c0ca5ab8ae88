package channelconfig

import (
	"errors"
	"fmt"
	"strings"

	"github.com/landingteam/landing/systemimage/internal/host"
)

// A model is what a text says: sections with their own keys and values.
type model map[string]map[string]string

func (c *Config) model() model {
	m := model{}
	for _, s := range c.sections {
		m[s.name] = map[string]string{}
		for _, k := range s.keys {
			m[s.name][k.name] = string(k.value)
		}
	}
	return m
}

// want checks that next says what m says.
func (m model) want(next *Config, err error) (*Config, error) {
	if err != nil {
		return nil, err
	}
	got := next.model()
	for name, keys := range m {
		if got[name] == nil {
			return nil, fmt.Errorf("the server would not see the section [%s]", name)
		}
		for key, value := range keys {
			switch v, ok := got[name][key]; {
			case !ok:
				return nil, fmt.Errorf("the server would not see the key %q in [%s]", key, name)
			case v != value:
				return nil, fmt.Errorf("the server would read %q, not %q, as %q in [%s]", v, value, key, name)
			}
		}
	}
	for name, keys := range got {
		for key := range keys {
			if _, ok := m[name][key]; !ok {
				return nil, fmt.Errorf("the server would see a key %q in [%s]", key, name)
			}
		}
		if m[name] == nil {
			return nil, fmt.Errorf("the server would see a section [%s]", name)
		}
	}
	return next, nil
}

// plainValue checks that the server reads a value as it is written. A list may go
// on in lines that begin with a comma.
func plainValue(value string) error {
	value = strings.ReplaceAll(value, "\n, ", ", ")
	if v := newConfigValue(value); v.String() != value || (v.List != nil) != strings.Contains(value, ", ") {
		return fmt.Errorf("the server would read %q: it splits at comma and blank, and takes quotes and white space off", v.Names())
	}
	return nil
}

func (c *Config) set(section, key, value string) (*Config, error) {
	if v, ok := c.Get(section, key); ok && v.String() == value {
		return c, nil
	}
	if err := plainValue(value); err != nil {
		return nil, err
	}
	s := c.byName[section]
	if s == nil {
		return nil, fmt.Errorf("there is no section [%s]", section)
	}
	want := c.model()
	want[section][key] = value
	k := s.byName[key]
	if k == nil {
		return want.want(c.apply(c.newKey(s, len(s.keys), key, value)))
	}
	first := c.lines[k.lines[0]]
	stop := int(first.start) + len(pyTrimRight(string(c.text[first.start:first.stop])))
	indent := c.indent(k.lines[0]) + "    "
	list := []splice{}
	for _, n := range k.lines[1:] {
		indent = c.indent(n)
		list = append(list, splice{from: int(c.lines[n].start), to: int(c.lines[n].end)})
	}
	head, rest, more := strings.Cut(value, "\n")
	at := min(k.at, stop)
	if at == stop { // nothing there yet
		if before := c.text[stop-2]; head != "" && (before == ' ' || before == '\t') {
			head = " " + head
		}
	}
	list = append(list, splice{at, stop, head})
	if more {
		list = append(list, splice{int(first.stop), int(first.stop), c.continued(k.lines[0], indent, rest)})
	}
	return want.want(c.apply(list...))
}

func (c *Config) remove(section, key string) (*Config, error) {
	s := c.byName[section]
	if s == nil {
		return nil, fmt.Errorf("there is no section [%s]", section)
	}
	k := s.byName[key]
	if k == nil {
		if _, inherited := c.Get(section, key); inherited {
			return nil, fmt.Errorf("the key comes from [%s]", defaultSection)
		}
		return c, nil
	}
	want := c.model()
	delete(want[section], key)
	var list []splice
	for _, n := range k.lines {
		list = append(list, splice{from: int(c.lines[n].start), to: int(c.lines[n].end)})
	}
	return want.want(c.apply(list...))
}

func (c *Config) addSection(name string) (*Config, error) {
	if c.byName[name] != nil {
		return c, nil
	}
	want := c.model()
	want[name] = map[string]string{}
	n, text := len(c.lines)-1, "["+name+"]"
	if n < 0 {
		return want.want(c.apply(splice{text: text + "\n"}))
	}
	end, l := c.lineEnd(n), c.lines[n]
	text += end
	if pyStrip(string(c.text[l.start:l.stop])) != "" {
		text = end + text // a blank line between
	}
	if l.stop == l.end {
		text = end + text
	}
	return want.want(c.apply(splice{len(c.text), len(c.text), text}))
}

func (c *Config) removeSection(name string) (*Config, error) {
	s := c.byName[name]
	switch {
	case s == nil:
		return c, nil
	case name == defaultSection:
		return nil, errors.New("its keys are in every section: remove them one by one")
	}
	want := c.model()
	delete(want, name)
	last := s.last()
	from, to := c.lines[s.header].start, c.lines[last].end
	// The blank lines behind it go too, where blank lines or nothing stand before it.
	if before := s.header - 1; before < 0 || c.blank(before) {
		for last+1 < len(c.lines) && c.blank(last+1) {
			last++
			to = c.lines[last].end
		}
		for last+1 == len(c.lines) && before >= 0 && c.blank(before) {
			from = c.lines[before].start
			before--
		}
	}
	return want.want(c.apply(splice{from: int(from), to: int(to)}))
}

// editLine changes a line, whatever it is.
func (c *Config) editLine(e editForm) (*Config, error) {
	if e.Line < 1 || e.Line > len(c.lines) {
		return nil, fmt.Errorf("there are %d lines", len(c.lines))
	}
	l := c.lines[e.Line-1]
	if now := string(c.text[l.start:l.stop]); now != e.Old {
		return nil, fmt.Errorf("the line is %q, not %q", host.Shorten(now), host.Shorten(e.Old))
	}
	change := splice{int(l.start), int(l.stop), e.Value}
	if e.Do == "remove line" {
		change = splice{from: int(l.start), to: int(l.end)}
	}
	next, err := c.apply(change)
	switch {
	case strings.ContainsAny(e.Value, "\r\n"):
		return nil, errors.New("the new line is more than one")
	case err != nil && c.failure == nil:
		return nil, err
	case err != nil && next.failure.Line <= e.Line && next.failure.Class == c.failure.Class && len(next.failure.Lines) >= len(c.failure.Lines):
		return nil, fmt.Errorf("it would not mend the line: %w", next.failure)
	}
	return next, nil
}
