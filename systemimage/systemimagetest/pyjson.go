package systemimagetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// An object is a JSON object of the published tree. The tree's files are kept
// as generic values, not as structs, because the server keeps fields it does
// not know, and so must its fake. Integers are int, other
// numbers keep their text.
type object = map[string]any

// decodeJSON reads one JSON value.
func decodeJSON(b []byte) (any, error) {
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, jsonError(b, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, raise("json.decoder.JSONDecodeError", "Extra data: %s", position(b, int(d.InputOffset())))
	}
	return plain(v), nil
}

// jsonError says what the server's interpreter says about a damaged file.
func jsonError(b []byte, err error) error {
	s, ok := err.(*json.SyntaxError)
	if !ok || s.Offset == 0 || strings.Contains(s.Error(), "unexpected end") {
		what, at := truncated(b)
		return raise("json.decoder.JSONDecodeError", "%s: %s", what, position(b, at))
	}
	what := "Expecting value"
	switch {
	case strings.Contains(s.Error(), "looking for beginning of object key"):
		what = "Expecting property name enclosed in double quotes"
	case strings.Contains(s.Error(), "after object key"):
		what = "Expecting ':' delimiter"
	case strings.Contains(s.Error(), "after"):
		what = "Expecting ',' delimiter"
	}
	at := min(int(s.Offset)-1, len(b))
	if strings.Contains(s.Error(), "in literal") { // which counts from its beginning
		for at > 0 && b[at-1] >= 'a' && b[at-1] <= 'z' {
			at--
		}
	}
	return raise("json.decoder.JSONDecodeError", "%s: %s", what, position(b, at))
}

// truncated says what is missing at the end of a text that begins as JSON.
func truncated(b []byte) (what string, at int) {
	var open []byte // brackets
	last := byte(0) // last byte outside strings; '"' for a whole string
	key := false    // the last string is a key
	inside := func(bracket byte) bool { return len(open) > 0 && open[len(open)-1] == bracket }
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch c {
		case '"':
			end := stringEnd(b, i)
			if end < 0 {
				return "Unterminated string starting at", i
			}
			i = end
			key = inside('{') && (last == '{' || last == ',')
		case '{', '[':
			open = append(open, c)
		case '}', ']':
			open = open[:max(len(open)-1, 0)]
		case ' ', '\t', '\r', '\n':
			continue
		}
		last = c
	}
	switch {
	case inside('{') && (last == '{' || last == ','):
		return "Expecting property name enclosed in double quotes", len(b)
	case last == '"' && key:
		return "Expecting ':' delimiter", len(b)
	case last == 0 || strings.IndexByte("[,:", last) >= 0:
		return "Expecting value", len(b)
	}
	return "Expecting ',' delimiter", len(b)
}

// stringEnd is the place of the quote that ends the string at a place, or -1.
func stringEnd(b []byte, at int) int {
	for i := at + 1; i < len(b); i++ {
		switch b[i] {
		case '"':
			return i
		case '\\':
			i++
		}
	}
	return -1
}

func position(b []byte, offset int) string {
	before := string(b[:offset])
	line := strings.Count(before, "\n") + 1
	column := offset - strings.LastIndex(before, "\n")
	return fmt.Sprintf("line %d column %d (char %d)", line, column, offset)
}

func plain(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := strconv.Atoi(v.String()); err == nil {
			return n
		}
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case object:
		for k := range v {
			v[k] = plain(v[k])
		}
	}
	return v
}

// clone returns a deep copy of a decoded value.
func clone(v any) any {
	switch v := v.(type) {
	case []any:
		c := make([]any, len(v))
		for i := range v {
			c[i] = clone(v[i])
		}
		return c
	case object:
		c := make(object, len(v))
		for k := range v {
			c[k] = clone(v[k])
		}
		return c
	}
	return v
}

// equal compares decoded values.
func equal(a, b any) bool {
	switch a := a.(type) {
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, equal)
	case object:
		b, ok := b.(object)
		return ok && maps.EqualFunc(a, b, equal)
	}
	return reflect.DeepEqual(a, b)
}

// encodeJSON writes v in the server's style: four spaces, sorted keys, ASCII
// only, a newline at the end.
func encodeJSON(v any) []byte {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "    ")
	_ = e.Encode(v) // what was decoded, or made of the same types
	printable := func(r rune) bool { return r == '\n' || r >= ' ' && r <= '~' }
	if !bytes.ContainsFunc(text.Bytes(), func(r rune) bool { return !printable(r) }) {
		return text.Bytes()
	}
	var b []byte
	for _, r := range text.String() {
		switch {
		case printable(r):
			b = append(b, byte(r))
		default:
			for _, u := range utf16.Encode([]rune{r}) {
				b = fmt.Appendf(b, `\u%04x`, u)
			}
		}
	}
	return b
}

// repr prints a value as the server's debug records print it.
func repr(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case string:
		q := "'"
		if strings.Contains(v, "'") && !strings.Contains(v, `"`) {
			q = `"`
		}
		r := strings.NewReplacer(`\`, `\\`, q, `\`+q, "\n", `\n`, "\r", `\r`, "\t", `\t`)
		return q + r.Replace(v) + q
	case []string:
		return reprList(v)
	case []any:
		return reprList(v)
	case []object:
		return reprList(v)
	case object:
		parts := make([]string, 0, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, repr(k)+": "+repr(v[k]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return fmt.Sprint(v)
}

func reprList[T any](list []T) string {
	var parts []string
	for _, e := range list {
		parts = append(parts, repr(e))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}
