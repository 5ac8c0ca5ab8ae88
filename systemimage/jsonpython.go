package systemimage

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The client is written in Python and converts what it reads as Python does.
// What follows reads values of an index with the same result.

// intField reads an integer as Python compares it: true is 1, false is 0, a
// fraction is none.
func (c *scanner) intField(to *int, unknown *map[string]json.RawMessage, name []byte) (odd bool, err error) {
	*to = 0
	from := c.i
	switch b := c.peek(); {
	case b == '-' || b-'0' <= 9:
		whole, err := c.number()
		if err != nil {
			return true, err
		}
		if n, err := strconv.Atoi(string(c.s[from:c.i])); whole && err == nil {
			*to = n
			return false, nil
		}
		c.i = from
	case b == 't' || b == 'f':
		yes, err := c.truth()
		if yes {
			*to = 1
		}
		return false, err
	}
	return true, c.keep(unknown, name)
}

// minField reads a number that is only ever compared with versions.
func (c *scanner) minField(to *int, unknown *map[string]json.RawMessage, name []byte) error {
	if c.kind() != "a number" {
		_, err := c.intField(to, unknown, name)
		return err
	}
	raw, err := c.skip()
	f, _ := strconv.ParseFloat(string(raw), 64)
	if math.IsNaN(f) { // no comparison with it holds, so that no device is offered the image
		f = math.Inf(1)
	}
	*to = clamp(math.Ceil(f)) // no version lies between a fraction and the next integer
	return err
}

// truth reads any value and tells what Python's bool would.
func (c *scanner) truth() (bool, error) {
	text, err := c.skip()
	raw := string(text)
	switch raw {
	case "false", "null", `""`:
		return false, err
	}
	switch b := raw + " "; {
	case b[0] == '[' || b[0] == '{':
		return strings.Trim(raw[1:], " \t\r\n]}") != "", err
	case b[0] == '-' || b[0]-'0' <= 9:
		f, _ := strconv.ParseFloat(raw, 64)
		return f != 0, err
	}
	return true, err
}

// percentage reads a phased-percentage as Python's int does: text with blanks
// around and with digits of any script, fractions cut towards zero, booleans.
func (c *scanner) percentage() (int, error) {
	at := c.i
	bad := func(raw string) (int, error) {
		return 0, c.failAt(at, "phased-percentage %.40s is no number; devices drop the whole index because of it", raw)
	}
	if c.peek() == '"' {
		quoted, err := c.quoted()
		if err != nil {
			return 0, err
		}
		if n, ok := pythonInt(string(quoted)); ok {
			return n, nil
		}
		return bad(fmt.Sprintf("%.80q", quoted))
	}
	text, err := c.skip()
	raw := string(text)
	switch {
	case err != nil:
		return 0, err
	case raw == "true":
		return 1, nil
	case raw == "false":
		return 0, nil
	case raw[0] == '-' || raw[0]-'0' <= 9:
		if n, err := strconv.Atoi(raw); err == nil {
			return clamp(float64(n)), nil
		}
		if f, _ := strconv.ParseFloat(raw, 64); !math.IsInf(f, 0) || !strings.ContainsAny(raw, ".eEI") {
			return clamp(f), nil
		}
	}
	return bad(raw)
}

// clamp cuts a percentage to 32 bits, far beyond where it makes a difference.
func clamp(f float64) int {
	return int(max(math.MinInt32, min(math.MaxInt32, math.Trunc(f))))
}

func pythonInt(text string) (int, bool) {
	text = strings.TrimSpace(text) // other than strip, int does not take U+001C to U+001F for blanks
	var b strings.Builder
	digit := false
	for i, r := range text {
		switch {
		case i == 0 && (r == '+' || r == '-'):
			b.WriteRune(r)
			continue
		case r == '_' && digit && i+1 < len(text):
			digit = false // one between two digits
			continue
		case unicode.Is(unicode.Nd, r):
			digit = true
			b.WriteByte('0' + decimal(r))
			continue
		}
		return 0, false
	}
	const digits = 4300 // CPython reads no longer integers
	n, ok := new(big.Int).SetString(b.String(), 10)
	if !digit || !ok || utf8.RuneCountInString(text) > 2*digits || len(strings.TrimLeft(b.String(), "+-")) > digits {
		return 0, false
	}
	f, _ := new(big.Float).SetInt(n).Float64()
	return clamp(f), true
}

// decimal returns the value of a decimal digit: they come in runs of ten.
func decimal(r rune) byte {
	for _, t := range unicode.Nd.R16 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return byte((r - rune(t.Lo)) % 10)
		}
	}
	for _, t := range unicode.Nd.R32 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return byte((r - rune(t.Lo)) % 10)
		}
	}
	return 0
}

// pythonSpace is str.isspace, what strip and split go by: what unicode.IsSpace knows, and four separators.
func pythonSpace(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f }
