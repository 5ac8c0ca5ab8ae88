package systemimagetest

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
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

// encodeJSON writes v in the server's style: four spaces, sorted keys, ASCII
// only, a newline at the end.
func encodeJSON(v any) []byte {
	var b strings.Builder
	writeJSON(&b, v, "\n")
	b.WriteByte('\n')
	return []byte(b.String())
}

func writeJSON(b *strings.Builder, v any, indent string) {
	switch v := v.(type) {
	case nil:
		b.WriteString("null")
	case string:
		writeString(b, v)
	case object:
		if len(v) == 0 {
			b.WriteString("{}")
			return
		}
		sep := "{"
		for _, k := range slices.Sorted(maps.Keys(v)) {
			b.WriteString(sep + indent + "    ")
			writeString(b, k)
			b.WriteString(": ")
			writeJSON(b, v[k], indent+"    ")
			sep = ","
		}
		b.WriteString(indent + "}")
	case []any:
		if len(v) == 0 {
			b.WriteString("[]")
			return
		}
		sep := "["
		for _, e := range v {
			b.WriteString(sep + indent + "    ")
			writeJSON(b, e, indent+"    ")
			sep = ","
		}
		b.WriteString(indent + "]")
	default:
		fmt.Fprint(b, v)
	}
}

func writeString(b *strings.Builder, s string) {
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\b':
			b.WriteString(`\b`)
		case r == '\f':
			b.WriteString(`\f`)
		case r >= ' ' && r <= '~':
			b.WriteRune(r)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(b, `\u%04x\u%04x`, hi, lo)
		default:
			fmt.Fprintf(b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
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
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = repr(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = repr(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case []object:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = repr(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case object:
		parts := make([]string, 0, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, repr(k)+": "+repr(v[k]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return fmt.Sprint(v)
}
