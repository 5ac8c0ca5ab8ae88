package launchpad

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Redacted is what Launchpad sends in place of a value the caller may not
// read, whatever the declared type of the field.
const Redacted = "tag:launchpad.net:2008:redacted"

var redactedJSON = []byte(strconv.Quote(Redacted))

// A Field is a boolean, a number or an object that Launchpad may hide. Its
// value counts only when Known is set: a hidden field, a null and a missing
// key all leave Value zero, and for a flag such as [Archive.Publish] the zero
// value would be a lie.
//
// Text fields are plain strings: a hidden one reads [Redacted], a null is "".
type Field[T any] struct {
	Value    T
	Known    bool // Launchpad sent a value
	Redacted bool // Launchpad hides the value from this caller
}

// Set makes a known field.
func Set[T any](v T) Field[T] { return Field[T]{Value: v, Known: true} }

// Is reports whether the field is known to hold v.
func Is[T comparable](f Field[T], v T) bool { return f.Known && f.Value == v }

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

// A Duration is how long a build took. Launchpad writes it as Python does:
// "0:17:44.579132", "1 day, 2:03:04". It is zero when unknown.
type Duration struct{ time.Duration }

// UnmarshalJSON reads Python's text, null and the text of a hidden field.
func (d *Duration) UnmarshalJSON(b []byte) error {
	d.Duration = 0
	if string(b) == "null" || bytes.Equal(b, redactedJSON) {
		return nil
	}
	s, err := unquote(b)
	if err != nil {
		return wrongType[Duration](b)
	}
	v, err := parseDuration(s)
	if err != nil {
		return wrongType[Duration](b)
	}
	d.Duration = v
	return nil
}

// MarshalJSON writes Python's text, and null for zero.
func (d Duration) MarshalJSON() ([]byte, error) {
	if d.Duration == 0 {
		return []byte("null"), nil
	}
	v, days := d.Duration, 0
	if v < 0 {
		days = int(v/(24*time.Hour)) - 1
	} else {
		days = int(v / (24 * time.Hour))
	}
	v -= time.Duration(days) * 24 * time.Hour
	if v == 24*time.Hour {
		v, days = 0, days+1
	}
	var s string
	if days != 0 {
		s = fmt.Sprintf("%d days, ", days)
		if days == 1 || days == -1 {
			s = fmt.Sprintf("%d day, ", days)
		}
	}
	s += fmt.Sprintf("%d:%02d:%02d", int(v.Hours()), int(v.Minutes())%60, int(v.Seconds())%60)
	if µs := v % time.Second / time.Microsecond; µs != 0 {
		s += fmt.Sprintf(".%06d", µs)
	}
	return []byte(strconv.Quote(s)), nil
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

func parseDuration(s string) (time.Duration, error) {
	bad := func() (time.Duration, error) {
		return 0, fmt.Errorf("duration %.60q: want [N day[s], ]H:MM:SS[.ffffff]", s)
	}
	var days int64
	clock := s
	if head, tail, ok := strings.Cut(s, ", "); ok {
		n, unit, _ := strings.Cut(head, " ")
		v, err := strconv.ParseInt(n, 10, 64)
		if err != nil || (unit != "day" && unit != "days") || v > 99_999 || v < -99_999 {
			return bad()
		}
		days, clock = v, tail
	}
	parts := strings.Split(clock, ":")
	if len(parts) != 3 {
		return bad()
	}
	sec, frac, hasFrac := strings.Cut(parts[2], ".")
	h, ok1 := digits(parts[0], 1, 2, 23)
	m, ok2 := digits(parts[1], 2, 2, 59)
	sc, ok3 := digits(sec, 2, 2, 59)
	var µs int64
	ok4 := true
	if hasFrac {
		if µs, ok4 = digits(frac, 1, 6, 999_999); ok4 {
			for range 6 - len(frac) {
				µs *= 10
			}
		}
	}
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return bad()
	}
	return time.Duration(days)*24*time.Hour + time.Duration(h)*time.Hour + time.Duration(m)*time.Minute +
		time.Duration(sc)*time.Second + time.Duration(µs)*time.Microsecond, nil
}

// digits reads a decimal number of min to max digits that is at most limit.
func digits(s string, min, max int, limit int64) (int64, bool) {
	if len(s) < min || len(s) > max || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	v, err := strconv.ParseInt(s, 10, 64)
	return v, err == nil && v <= limit
}

// A Link is the URL of an entry or a collection of the web service. It is ""
// when there is none and [Redacted] when Launchpad hides it.
type Link string

// Name is the last segment of the link's path: the architecture of a
// distro_arch_series_link, the name of an owner without its tilde.
func (l Link) Name() string {
	if l == Redacted {
		return ""
	}
	s := strings.TrimRight(string(l), "/")
	return strings.TrimPrefix(unescape(s[strings.LastIndexByte(s, '/')+1:]), "~")
}

// ID is the number that ends the link of a publication or a build, else 0.
func (l Link) ID() int {
	n, err := strconv.Atoi(l.Name())
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// An Entry is what all things read from Launchpad have in common. Where a field
// of theirs says nothing, it is that of the web service, described at
// https://launchpad.net/+apidoc/devel.html.
type Entry struct {
	SelfLink Link   `json:"self_link"`
	WebLink  string `json:"web_link,omitempty"`
	ETag     string `json:"http_etag,omitempty"` // with its quotes
}

func (e *Entry) entry() *Entry { return e }

// entries are the types that embed Entry.
type entry interface{ entry() *Entry }
