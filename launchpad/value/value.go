// Package value has what the entries of Launchpad's web service are made of, and what
// it may hide from whoever asks: a [Link], a [Time], and as [Field] a flag, a number or
// an object. A hidden one is neither true nor false, and neither there nor missing.
//
//	situation               a Link or a text  a Time  a Field
//	hidden from the caller  Redacted          zero    Redacted is set
//	null, or left out       ""                zero    Known is not set
//	something else          -                 error   error of encoding/json
package value

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Redacted is what Launchpad sends in place of a value that the caller may not
// read, whatever the type of the field: a link, a text, a flag.
const Redacted Link = "tag:launchpad.net:2008:redacted"

var redactedJSON = []byte(strconv.Quote(string(Redacted)))

// A Field is a boolean, a number or an object that Launchpad may hide from the
// caller. Its value counts only when Known is set: a hidden field, a null and a
// missing key all leave Value zero, and for a flag such as Archive.Publish the
// zero value would be a lie. Ask it with [Field.Is].
//
// Text fields are plain strings: a hidden one reads [Redacted], a null is "".
type Field[T any] struct {
	Value    T
	Known    bool // Launchpad sent a value
	Redacted bool // Launchpad hides the value from this caller
}

// Is reports whether the field is known to hold v.
func (f Field[T]) Is(v T) bool { return f.Known && reflect.DeepEqual(f.Value, v) }

// UnmarshalJSON accepts the value, null, and the text of a hidden field.
func (f *Field[T]) UnmarshalJSON(b []byte) error {
	*f = Field[T]{}
	switch {
	case bytes.Equal(b, redactedJSON):
		f.Redacted = true
		return nil
	case string(b) == "null":
		return nil
	}
	if flag, ok := any(&f.Value).(*bool); ok && (string(b) == "true" || string(b) == "false") {
		*flag = b[0] == 't' // the common case, without a decoder of its own
	} else if err := json.Unmarshal(b, &f.Value); err != nil {
		return err
	}
	f.Known = true
	return nil
}

// MarshalJSON writes what UnmarshalJSON reads.
func (f Field[T]) MarshalJSON() ([]byte, error) {
	switch {
	case f.Redacted:
		return redactedJSON, nil
	case !f.Known:
		return []byte("null"), nil
	}
	return json.Marshal(f.Value)
}

// String is the value, "unknown" or "redacted".
func (f Field[T]) String() string {
	switch {
	case f.Redacted:
		return "redacted"
	case !f.Known:
		return "unknown"
	}
	return fmt.Sprint(f.Value)
}

// A Time is an instant in UTC with up to microseconds. It is zero when
// Launchpad sent null, hid it, or left it out.
type Time struct{ time.Time }

// UnmarshalJSON reads Launchpad's instants: always with an offset, with a
// fraction of zero to six digits.
func (t *Time) UnmarshalJSON(b []byte) error {
	t.Time = time.Time{}
	if string(b) == "null" || bytes.Equal(b, redactedJSON) {
		return nil
	}
	s, err := unquote(b)
	if err != nil {
		return wrongType[Time](b)
	}
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return wrongType[Time](b)
	}
	t.Time = v.UTC()
	return nil
}

const timeFormat = "2006-01-02T15:04:05.999999-07:00"

// MarshalJSON writes null for the zero time.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return []byte(strconv.Quote(t.UTC().Format(timeFormat))), nil
}

// wrongType is an error to which the decoder adds the field it stands in.
func wrongType[T any](b []byte) error {
	return &json.UnmarshalTypeError{Value: fmt.Sprintf("%.60s", b), Type: reflect.TypeFor[T]()}
}

// unquote decodes a JSON string; one without escapes needs no decoder.
func unquote(b []byte) (s string, err error) {
	if n := len(b); n >= 2 && b[0] == '"' && b[n-1] == '"' && bytes.IndexByte(b, '\\') < 0 {
		return string(b[1 : n-1]), nil
	}
	err = json.Unmarshal(b, &s)
	return s, err
}

// A Link is the URL of something in the web service: an archive, a publication,
// a build, a person. It is "" when there is none and [Redacted] when Launchpad
// hides it.
type Link string

// Name is the last segment of the link's path: the architecture of a
// distro_arch_series_link, the name of an owner without its tilde.
func (l Link) Name() string {
	if l == Redacted {
		return ""
	}
	s := strings.TrimRight(string(l), "/")
	name := s[strings.LastIndexByte(s, '/')+1:]
	if plain, err := url.PathUnescape(name); err == nil {
		name = plain
	}
	return strings.TrimPrefix(name, "~")
}

// ID is the number that ends the link of a publication or a build, else 0.
func (l Link) ID() int {
	n, err := strconv.Atoi(l.Name())
	if err != nil || n < 0 {
		return 0
	}
	return n
}
