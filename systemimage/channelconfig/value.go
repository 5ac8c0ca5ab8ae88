package channelconfig

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Value is what the server makes of a value: a text with comma and blank
// somewhere in it is a list, split there; any other is one text. Each loses the
// double quotes around it, then the white space.
//
// So "a,b" is one name, "a, b," are the two names "a" and "b,", and a value that
// ends its line with a comma to go on in the next one has the line end in a name.
type Value struct {
	Raw  string   // as it stands in the file, lines joined by \n
	Text string   // when List is nil
	List []string // two names or more, of which any may be empty
}

func newConfigValue(raw string) Value {
	tidy := func(s string) string { return pyStrip(strings.Trim(s, `"`)) }
	if !strings.Contains(raw, ", ") {
		return Value{Raw: raw, Text: tidy(raw)}
	}
	v := Value{Raw: raw, List: strings.Split(raw, ", ")}
	for i, s := range v.List {
		v.List[i] = tidy(s)
	}
	return v
}

// Names returns the value as a list of names: a text is a list of one name, even
// an empty one.
func (v Value) Names() []string {
	if v.List != nil {
		return v.List
	}
	return []string{v.Text}
}

// String returns the value as it would best be written.
func (v Value) String() string { return strings.Join(v.Names(), ", ") }

// pySpace reports whether Python counts r as white space. It counts the four
// separators 0x1c to 0x1f, which unicode.IsSpace does not.
func pySpace(r rune) bool {
	return r >= 0x1c && r <= 0x1f || unicode.IsSpace(r)
}

func pyStrip(s string) string     { return strings.TrimFunc(s, pySpace) }
func pyTrimLeft(s string) string  { return strings.TrimLeftFunc(s, pySpace) }
func pyTrimRight(s string) string { return strings.TrimRightFunc(s, pySpace) }

// maxDigits is how long a number Python's int reads from a text.
const maxDigits = 4300

// pyInt reads an integer as Python's int does: white space around, a sign,
// digits of any script, single underscores between digits. What does not fit
// into an int is the largest or the smallest one.
func pyInt(s string) (int, bool) {
	s = pyStrip(s)
	negative := false
	if s != "" && (s[0] == '+' || s[0] == '-') {
		negative = s[0] == '-'
		s = s[1:]
	}
	const most = int(^uint(0) >> 1)
	n, digits, after := 0, 0, false // after a digit
	for _, r := range s {
		if r == '_' && after {
			after = false
			continue
		}
		d, ok := digit(r)
		if !ok {
			return 0, false
		}
		if after, digits = true, digits+1; n > (most-d)/10 {
			n = most
		} else {
			n = n*10 + d
		}
	}
	if negative {
		n = -n
	}
	return n, after && digits <= maxDigits
}

// digit is the value of a decimal digit of any script: they stand in Unicode in
// runs of ten that begin with the zero.
func digit(r rune) (int, bool) {
	switch {
	case r >= '0' && r <= '9':
		return int(r - '0'), true
	case r < utf8.RuneSelf || !unicode.Is(unicode.Nd, r):
		return 0, false
	}
	zero := r
	for unicode.Is(unicode.Nd, zero-1) && r-zero < 9 {
		zero--
	}
	// Mathematical digits are five runs without a gap.
	if r >= 0x1d7ce && r <= 0x1d7ff {
		return int(r-0x1d7ce) % 10, true
	}
	return int(r - zero), true
}
