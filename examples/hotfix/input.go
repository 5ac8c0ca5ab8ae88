package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/runbook/procedure"
)

// hotfixFile is the input as people write it.
type hotfixFile struct {
	procedure.HotfixInput
	Grace duration `json:"grace"`
}

// A duration is written as text: a bare number says nothing about its unit.
type duration time.Duration

// UnmarshalJSON reads "48h" or "1h30m".
func (d *duration) UnmarshalJSON(text []byte) error {
	var s string
	if json.Unmarshal(text, &s) != nil || s == "" {
		return fmt.Errorf("%s is no time: write it with its unit, such as \"48h\"", text)
	}
	t, err := time.ParseDuration(s)
	if err != nil {
		return fmt.Errorf("%q is no time: write it such as \"48h\" or \"1h30m\"", s)
	}
	*d = duration(t)
	return nil
}

// readInput reads the input of a hotfix from a file. Its error lists all that is wrong
// with how it is written, a line each; what is wrong with what it says, Faults find
// once the rest is filled in.
func readInput(name string) (in procedure.HotfixInput, at lines, err error) {
	text, err := readAll(name)
	if err != nil {
		return in, at, err
	}
	at = lines{name: name, of: map[string]int{}}
	top, err := membersOf(text, 0)
	if err != nil {
		return in, at, located(name, text, 0, err)
	}
	var faults []error
	probe := func(m member, wrapped string) {
		d := json.NewDecoder(strings.NewReader(fmt.Sprintf(wrapped, m.name, m.value)))
		d.DisallowUnknownFields()
		if err := d.Decode(new(hotfixFile)); err != nil {
			field, err := described(err)
			if field == "" {
				field = m.path
			}
			faults = append(faults, fmt.Errorf("%s:%d: %s: %w", name, lineAt(text, m.at), field, err))
		}
	}
	for _, m := range top {
		m.path = m.name
		if at.of[m.name] > 0 {
			faults = append(faults, fmt.Errorf("%s:%d: %s: it stands in line %d already", name, lineAt(text, m.at), m.name, at.of[m.name]))
		}
		at.of[m.name] = lineAt(text, m.at)
		kids, isList := elementsOf(text, m)
		if !isList {
			probe(m, `{%q:%s}`)
		}
		for i, kid := range kids {
			at.of[fmt.Sprintf("%s[%d]", m.name, i)] = lineAt(text, kid.at)
			for _, k := range kid.members {
				at.of[fmt.Sprintf("%s[%d].%s", m.name, i, k.name)] = lineAt(text, k.at)
				k.path = m.name + "." + k.name
				probe(k, fmt.Sprintf("{%q:[{%%q:%%s}]}", m.name))
			}
		}
	}
	if err := errors.Join(faults...); err != nil {
		return in, at, err
	}
	var f hotfixFile
	err = json.Unmarshal(text, &f)
	f.HotfixInput.Grace = time.Duration(f.Grace)
	return f.HotfixInput, at, err
}

// lines are where the fields of a file stand.
type lines struct {
	name string
	of   map[string]int
}

// faults says of each fault in which line it is: a field that is missing, in that of
// what it is missing from.
func (l lines) faults(in procedure.HotfixInput) error {
	var all []error
	for _, f := range in.Faults() {
		line := l.of[f.Field]
		if element, _, ok := strings.Cut(f.Field, "."); line == 0 && ok {
			line = l.of[element]
		}
		all = append(all, fmt.Errorf("%s:%d: %s: %s", l.name, max(line, 1), f.Field, f.Text))
	}
	return errors.Join(all...)
}

// A member of an object, or of a list the objects in it.
type member struct {
	name, path string
	value      json.RawMessage
	at         int // where its name, or the element, stands in the text
	start      int // where its value begins
	members    []member
}

// membersOf reads the members of an object that begins at start.
func membersOf(text []byte, start int) (list []member, err error) {
	d := json.NewDecoder(bytes.NewReader(text[start:]))
	open, err := d.Token()
	if err != nil {
		return nil, err
	}
	if open != json.Delim('{') {
		return nil, errors.New("want { and the fields of a hotfix")
	}
	for d.More() {
		m := member{}
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		m.name, m.at = fmt.Sprint(key), start+int(d.InputOffset())
		if err := d.Decode(&m.value); err != nil {
			return nil, atOffset{err, start + int(d.InputOffset())}
		}
		m.start = start + int(d.InputOffset()) - len(m.value)
		list = append(list, m)
	}
	if _, err := d.Token(); err != nil {
		return nil, atOffset{err, start + int(d.InputOffset())}
	}
	if _, err := d.Token(); start == 0 && err != io.EOF {
		return nil, atOffset{errors.New("something follows the end"), int(d.InputOffset())}
	}
	return list, nil
}

// atOffset is an error of which the decoder says only where it had come to.
type atOffset struct {
	error
	at int
}

func (e atOffset) Unwrap() error { return e.error }

// elementsOf are the objects in a list of objects.
func elementsOf(text []byte, m member) (list []member, ok bool) {
	var raw []json.RawMessage
	if json.Unmarshal(m.value, &raw) != nil || len(raw) == 0 {
		return nil, false
	}
	from := m.start
	for _, r := range raw {
		if r[0] != '{' {
			return nil, false
		}
		e := member{at: from + bytes.Index(text[from:], r)}
		e.start = e.at
		var err error
		if e.members, err = membersOf(text, e.start); err != nil {
			return nil, false
		}
		from = e.start + len(r)
		list = append(list, e)
	}
	return list, true
}

func lineAt(text []byte, at int) int {
	return 1 + bytes.Count(text[:min(max(at, 0), len(text))], []byte("\n"))
}

// most is more than any input is long.
const most = 16 << 20

// readAll reads a file that may be an input.
func readAll(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && len(text) > most {
		err = fmt.Errorf("%s is longer than %d MB", name, most>>20)
	}
	return text, err
}

// readManifest decodes a manifest. A field that is none is a misspelt one.
func readManifest(name string) (*launchpad.Manifest, error) {
	text, err := readAll(name)
	if err != nil {
		return nil, err
	}
	m := &launchpad.Manifest{}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err = d.Decode(m); err == nil {
		if _, err = d.Token(); err == io.EOF {
			return m, nil
		}
		err = errors.New("something follows the end")
	}
	return nil, located(name, text, d.InputOffset(), err)
}

var unknownField = regexp.MustCompile(`unknown field "([^"]*)"`)

// located adds the line to an error of the decoder, and the field.
func located(name string, text []byte, offset int64, err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	var placed atOffset
	switch {
	case errors.As(err, &placed) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF):
		offset = int64(placed.at)
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &kind):
		offset = kind.Offset
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		offset = int64(len(text))
	}
	field, err := described(err)
	if field != "" {
		field += ": "
	}
	return fmt.Errorf("%s:%d: %s%w", name, lineAt(text, int(offset)), field, err)
}

// described puts an error of the decoder into words without Go's, and says the field
// if the decoder knows it.
func described(err error) (field string, _ error) {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return "", errors.New(strings.TrimPrefix(syntax.Error(), "json: "))
	case errors.As(err, &kind):
		return strings.TrimPrefix(kind.Field, "HotfixInput."), fmt.Errorf("a %s is written where a %s is wanted", kind.Value, plainKind(kind))
	case unknownField.MatchString(err.Error()):
		return unknownField.FindStringSubmatch(err.Error())[1], errors.New("there is no such field: it may be misspelt")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "", errors.New("the text ends too early")
	}
	return "", err
}

// plainKind says what a field takes, without Go's words.
func plainKind(e *json.UnmarshalTypeError) string {
	switch kind := e.Type.Kind().String(); kind {
	case "slice", "array":
		return "list"
	case "struct", "map":
		return "group in braces"
	case "bool":
		return "true or false"
	case "string":
		return "text in quotes"
	}
	return "number"
}
