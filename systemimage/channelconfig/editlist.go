package channelconfig

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A listName is an entry of a list, with its place in the text.
type listName struct {
	name     string
	from, to int // in the value, without the white space around
}

// names finds the entries of a key's value.
func (k *configKey) names() []listName {
	var list []listName
	at := 0
	for i, part := range strings.Split(string(k.value), ", ") {
		if i > 0 {
			at += len(", ")
		}
		from := at + len(part) - len(pyTrimLeft(part))
		list = append(list, listName{pyStrip(strings.Trim(part, `"`)), from, from + len(pyStrip(part))})
		at += len(part)
	}
	return list
}

// place returns where in the text an offset in a value is: the value's lines
// stand apart there, with white space around and comments between.
func (c *Config) place(k *configKey, offset int) int {
	last := k.lines[len(k.lines)-1]
	place := k.at
	for n := k.lines[0]; n <= last; n++ {
		l := c.lines[n]
		from := int(l.start) + len(c.indent(n))
		if n == k.lines[0] {
			from = k.at
		}
		length := max(0, int(l.start)+len(pyTrimRight(string(c.text[l.start:l.stop])))-from)
		if _, ok := slices.BinarySearch(k.lines, n); ok {
			if offset <= length {
				return from + offset
			}
			offset -= length + 1
			place = from + length
		} else if c.blank(n) {
			offset--
		}
	}
	return place
}

// insertName adds a name to the list that a key of a section is, before another
// one or last. A key that is not there, or empty, becomes a list of that name.
func (c *Config) insertName(section, key, name, before string) (*Config, error) {
	if strings.Contains(name, ", ") || name == "" || plainValue(name) != nil || strings.ContainsAny(name, "\r\n") {
		return nil, fmt.Errorf("%q cannot be in a list", name)
	}
	v, ok := c.Get(section, key)
	names := v.Names()
	if !ok || len(names) == 1 && names[0] == "" {
		if before != "" {
			return nil, fmt.Errorf("there is no %q in %s", before, key)
		}
		return c.set(section, key, name)
	}
	if slices.Contains(names, name) {
		return c, nil
	}
	k := c.byName[section].byName[key]
	if k == nil {
		return nil, fmt.Errorf("%s comes from [%s]", key, defaultSection)
	}
	places := k.names()
	i := len(names)
	change := splice{text: ", " + name}
	change.from = c.place(k, places[i-1].to)
	if before != "" {
		if i = slices.Index(names, before); i < 0 {
			return nil, fmt.Errorf("there is no %q in %s", before, key)
		}
		change = splice{text: name + ", "}
		change.from = c.place(k, places[i].from)
	}
	change.to = change.from
	next, err := c.apply(change)
	return c.listed(next, err, section, key, slices.Insert(slices.Clone(names), i, name))
}

// removeName takes a name out of a list, everywhere. With the last name goes
// the key: an empty value would be a list of one empty name.
func (c *Config) removeName(section, key, name string) (*Config, error) {
	for {
		v, ok := c.Get(section, key)
		names := v.Names()
		i := slices.Index(names, name)
		if !ok || i < 0 {
			return c, nil
		}
		if len(names) == 1 {
			return c.remove(section, key)
		}
		k := c.byName[section].byName[key]
		if k == nil {
			return nil, fmt.Errorf("%s comes from [%s]", key, defaultSection)
		}
		places := k.names()
		from, to := places[i].from, places[i].to
		if i > 0 {
			from = strings.LastIndex(string(k.value[:from]), ", ")
		} else {
			to = strings.Index(string(k.value[to:]), ", ") + to + len(", ")
		}
		// What goes may stand on two lines: their ends and indents stay.
		var list []splice
		for _, part := range cutLines(string(k.value), from, to) {
			a, b := c.place(k, part[0]), c.place(k, part[1])
			list = append(list, c.wholeLine(k, splice{from: a, to: b}))
		}
		next, err := c.apply(list...)
		if c, err = c.listed(next, err, section, key, slices.Delete(slices.Clone(names), i, i+1)); err != nil {
			return nil, err
		}
	}
}

// cutLines cuts a range of a value at its newlines.
func cutLines(value string, from, to int) (list [][2]int) {
	for from < to {
		end := to
		if i := strings.IndexByte(value[from:to], '\n'); i >= 0 {
			end = from + i
		}
		if end > from {
			list = append(list, [2]int{from, end})
		}
		from = end + 1
	}
	return list
}

// wholeLine makes a splice that empties a continuation line one that removes it.
func (c *Config) wholeLine(k *configKey, s splice) splice {
	for _, n := range k.lines[1:] {
		l := c.lines[n]
		if int(l.start) <= s.from && s.to <= int(l.stop) && pyStrip(string(c.text[l.start:s.from])+string(c.text[s.to:l.stop])) == "" {
			return splice{from: int(l.start), to: int(l.end)}
		}
	}
	return s
}

// listed checks that next differs from c in one list only, and how.
func (c *Config) listed(next *Config, err error, section, key string, names []string) (*Config, error) {
	if err != nil {
		return nil, err
	}
	v, _ := next.Get(section, key)
	if !slices.Equal(v.Names(), names) {
		return nil, fmt.Errorf("the server would read %q, not %q", v.Names(), names)
	}
	want := c.model()
	want[section][key] = v.Raw
	return want.want(next, nil)
}

func (c *Config) addChannel(name, before string) (*Config, error) {
	c, err := c.addSection(Section(name))
	if err == nil {
		c, err = c.addSection("global")
	}
	if err != nil {
		return nil, err
	}
	return c.insertName("global", "channels", name, before)
}

func (c *Config) removeChannel(name string) (*Config, error) {
	c, err := c.removeName("global", "channels", name)
	if err != nil {
		return nil, err
	}
	return c.removeSection(Section(name))
}

func (c *Config) addFile(section, entry, value, before string) (*Config, error) {
	s, key := c.byName[section], "file_"+entry
	if s == nil {
		return nil, fmt.Errorf("there is no section [%s]", section)
	}
	if strings.Contains(value, ", ") {
		return nil, errors.New("comma and blank in a file value make it a list, and every program of the server dies of it")
	}
	if v, ok := c.Get(section, key); ok && v.String() != value {
		return nil, fmt.Errorf("%s is there already, and is %q", key, v)
	}
	var err error
	if _, ok := c.Get(section, key); !ok {
		if err := plainValue(value); err != nil {
			return nil, err
		}
		// In front of the other's key, so that the keys stand in the order of the list.
		i := len(s.keys)
		if k := s.byName["file_"+before]; before != "" && k != nil {
			i = slices.Index(s.keys, k)
		}
		want := c.model()
		want[section][key] = value
		if c, err = want.want(c.apply(c.newKey(s, i, key, value))); err != nil {
			return nil, err
		}
	}
	return c.insertName(section, "files", entry, before)
}

func (c *Config) removeFile(section, entry string) (*Config, error) {
	if c.byName[section] == nil {
		return nil, fmt.Errorf("there is no section [%s]", section)
	}
	c, err := c.removeName(section, "files", entry)
	if err != nil {
		return nil, err
	}
	return c.remove(section, "file_"+entry)
}
