package systemimage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits of a document. They keep a hostile one from taking memory out of
// proportion; the largest real ones are a thousandth of it.
const (
	maxDocument = 64 << 20 // bytes
	maxDepth    = 500      // arrays and objects inside each other; CPython gives up near 1000
	maxImages   = 1 << 17  // twice what fulls of all 65536 versions would be
	maxFiles    = 1 << 19  // files of all images together
	maxUnknown  = 1 << 17  // unknown fields together
)

// scanner reads JSON from left to right. Texts are copied side by side into
// few large blocks, which costs far fewer allocations than one for each.
type scanner struct {
	s     []byte // the caller's; nothing of it is kept
	i     int
	depth int
	block *strings.Builder

	images, files, unknown int // seen so far, against the limits above
}

// syntaxError is a failure at byte i.
type syntaxError struct {
	i    int
	text string
}

func (e *syntaxError) Error() string { return e.text }

func (c *scanner) fail(format string, a ...any) error { return c.failAt(c.i, format, a...) }

func (c *scanner) failAt(i int, format string, a ...any) error {
	return &syntaxError{i, fmt.Sprintf(format, a...)}
}

// parse runs f over the one value of data and turns its failure into an [Error].
func parse(op string, data []byte, f func(*scanner) error) error {
	c := &scanner{}
	err := c.start(data)
	if err == nil {
		if err = f(c); err == nil {
			if c.space(); c.i < len(c.s) {
				err = c.fail("unexpected %s after the end of the document", c.here())
			}
		}
	}
	if err == nil {
		return nil
	}
	e := &Error{Op: op, Kind: ErrMalformed, Err: err}
	var se *syntaxError
	if errors.As(err, &se) {
		i := min(se.i, len(data))
		e.Offset = int64(i)
		e.Line = 1 + bytes.Count(data[:i], []byte("\n"))
		e.Column = i - bytes.LastIndexByte(data[:i], '\n')
		e.Err = errors.New(se.text)
	}
	return e
}

// start checks what can be told from the whole document.
func (c *scanner) start(data []byte) error {
	if len(data) > maxDocument {
		return fmt.Errorf("document of %d bytes is larger than the limit of %d", len(data), maxDocument)
	}
	text := bytes.TrimLeft(data, " \t\r\n")
	switch {
	case len(text) == 0:
		return &syntaxError{len(data), "document is empty"}
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return &syntaxError{0, "document begins with a byte order mark, which devices refuse: publish it without"}
	case bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")):
		return &syntaxError{0, "document is UTF-16, want UTF-8"}
	case bytes.HasPrefix(data, []byte("\x1f\x8b")):
		return &syntaxError{0, "document is compressed (gzip), want JSON"}
	case text[0] == '<':
		return &syntaxError{len(data) - len(text), "document is a page (HTML or XML), not JSON: is this the address of an image server?"}
	}
	c.s = data
	if !utf8.Valid(data) {
		i := 0
		for {
			r, n := utf8.DecodeRune(data[i:])
			if r == utf8.RuneError && n == 1 {
				return &syntaxError{i, fmt.Sprintf("byte %#02x is not UTF-8", data[i])}
			}
			i += n
		}
	}
	return nil
}

// own returns a copy of text that the document may be forgotten for.
func (c *scanner) own(text []byte) string {
	if c.block == nil || c.block.Cap()-c.block.Len() < len(text) {
		const size = 64 << 10
		c.block = new(strings.Builder)
		c.block.Grow(max(len(text), min(size, len(c.s)-c.i)))
	}
	from := c.block.Len()
	c.block.Write(text)
	return c.block.String()[from:]
}

func (c *scanner) space() {
	for c.i < len(c.s) {
		switch c.s[c.i] {
		case ' ', '\n', '\t', '\r':
			c.i++
		default:
			return
		}
	}
}

// here names what stands at the present place.
func (c *scanner) here() string {
	if c.i >= len(c.s) {
		return "end of the document"
	}
	r, _ := utf8.DecodeRune(c.s[c.i:])
	return fmt.Sprintf("%q", r)
}

// peek skips blanks and returns the first byte of what follows, 0 at the end.
func (c *scanner) peek() byte {
	c.space()
	if c.i < len(c.s) {
		return c.s[c.i]
	}
	return 0
}

// open enters an object or an array.
func (c *scanner) open(b byte, what string) error {
	if c.peek() != b {
		return c.fail("%s is %s, want %s", what, c.kind(), map[byte]string{'{': "an object", '[': "an array"}[b])
	}
	if c.depth++; c.depth > maxDepth {
		return c.fail("nested deeper than %d", maxDepth)
	}
	c.i++
	return nil
}

// next steps to the next element before the closing byte end; false when the
// object or array is over.
func (c *scanner) next(first bool, end byte) (bool, error) {
	b := c.peek()
	if b == end {
		c.i++
		c.depth--
		return false, nil
	}
	if first {
		return true, nil
	}
	if b != ',' {
		return false, c.fail("unexpected %s, want ',' or '%c'", c.here(), end)
	}
	comma := c.i
	c.i++
	if c.peek() == end {
		return false, c.failAt(comma, "comma before '%c'", end)
	}
	return true, nil
}

// key reads the name of the next field of an object; ok is false at its end.
func (c *scanner) key(first bool) (name []byte, ok bool, err error) {
	if ok, err = c.next(first, '}'); !ok {
		return nil, false, err
	}
	if c.peek() != '"' {
		return nil, false, c.fail("unexpected %s, want a field name in double quotes", c.here())
	}
	if name, err = c.quoted(); err != nil {
		return nil, false, err
	}
	if c.peek() != ':' {
		return nil, false, c.fail("unexpected %s, want ':' after the field name", c.here())
	}
	c.i++
	c.space()
	return name, true, nil
}

// text reads a string. The present byte is its opening quote.
func (c *scanner) text() (string, error) {
	text, err := c.quoted()
	return c.own(text), err
}

// quoted is text that is only good as long as the document is.
func (c *scanner) quoted() ([]byte, error) {
	from, escaped := c.i, false
	for i := from + 1; i < len(c.s); i++ {
		switch b := c.s[i]; {
		case b == '"':
			c.i = i + 1
			if !escaped {
				return c.s[from+1 : i], nil
			}
			var s string
			if err := json.Unmarshal(c.s[from:c.i], &s); err != nil {
				return nil, c.failAt(from, "text with a wrong escape: %v", err)
			}
			return []byte(s), nil
		case b == '\\':
			escaped = true
			i++
		case b < ' ':
			return nil, c.failAt(i, "control character %#02x inside a text", b)
		}
	}
	c.i = len(c.s)
	return nil, c.fail("document ends inside a text: is it complete?")
}

// number skips over a number; whole is false when it has a fraction or an exponent.
// Infinity and NaN are no JSON, but devices and the server's programs read them.
func (c *scanner) number() (whole bool, err error) {
	digits := func() bool {
		from := c.i
		for c.i < len(c.s) && c.s[c.i]-'0' <= 9 {
			c.i++
		}
		return c.i > from
	}
	if c.s[c.i] == '-' {
		if c.i++; c.has("Infinity") {
			c.i += len("Infinity")
			return false, nil
		}
	}
	if c.i < len(c.s) && c.s[c.i] == '0' {
		c.i++
	} else if !digits() {
		return false, c.fail("unexpected %s in a number", c.here())
	}
	whole = true
	if c.i < len(c.s) && c.s[c.i] == '.' {
		if c.i++; !digits() {
			return false, c.fail("unexpected %s in a number", c.here())
		}
		whole = false
	}
	if c.i < len(c.s) && c.s[c.i]|0x20 == 'e' {
		if c.i++; c.i < len(c.s) && (c.s[c.i] == '+' || c.s[c.i] == '-') {
			c.i++
		}
		if !digits() {
			return false, c.fail("unexpected %s in a number", c.here())
		}
		whole = false
	}
	return whole, nil
}

// skip reads any value and returns it as it is written.
func (c *scanner) skip() ([]byte, error) {
	b := c.peek()
	from := c.i
	var err error
	switch {
	case b == '{':
		err = c.open('{', "value")
		for first, ok := true, true; err == nil; first = false {
			if _, ok, err = c.key(first); !ok {
				break
			}
			_, err = c.skip()
		}
	case b == '[':
		err = c.open('[', "value")
		for first, ok := true, true; err == nil; first = false {
			if ok, err = c.next(first, ']'); !ok {
				break
			}
			_, err = c.skip()
		}
	case b == '"':
		_, err = c.quoted()
	case b == '-' || b-'0' <= 9:
		_, err = c.number()
	default:
		for _, word := range []string{"true", "false", "null", "NaN", "Infinity"} {
			if c.has(word) {
				c.i += len(word)
				return c.s[from:c.i], nil
			}
		}
		return nil, c.fail("unexpected %s, want a value", c.here())
	}
	return c.s[from:c.i], err
}

// has tells whether a word comes next.
func (c *scanner) has(word string) bool {
	return len(c.s)-c.i >= len(word) && string(c.s[c.i:c.i+len(word)]) == word
}

// kind names the kind of the value that follows.
func (c *scanner) kind() string {
	switch b := c.peek(); {
	case b == 0:
		return "missing because the document ends"
	case b == '{':
		return "an object"
	case b == '[':
		return "an array"
	case b == '"':
		return "a text"
	case b == '-' || b-'0' <= 9 || c.has("NaN") || c.has("Infinity"):
		return "a number"
	case c.has("true") || c.has("false"):
		return "a boolean"
	case c.has("null"):
		return "null"
	}
	return c.here()
}
