package systemimage

import (
	"encoding/json"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ParseIndex reads an index.json. It is as strict as a device about the shape
// of the document and about percentages, and reads everything else that can be
// represented, so that an operator can look at an index that devices refuse:
// see [Index.Check]. Of a field given twice the last counts. Errors are
// ErrMalformed with line and column.
func ParseIndex(data []byte) (*Index, error) {
	x := &Index{}
	if err := parse("parse index", data, x.scan); err != nil {
		return nil, err
	}
	return x, nil
}

func (x *Index) scan(c *scanner) error {
	if err := c.open('{', "index"); err != nil {
		return err
	}
	global, images := false, false
	for first := true; ; first = false {
		name, ok, err := c.key(first)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		switch name {
		case "global":
			global = true
			err = x.scanGlobal(c)
		case "images":
			images = true
			err = x.scanImages(c)
		default:
			err = c.keep(&x.Extra, name)
		}
		if err != nil {
			return err
		}
	}
	if !global {
		return c.fail(`index has no "global"`)
	}
	if !images {
		return c.fail(`index has no "images"`)
	}
	return nil
}

func (x *Index) scanGlobal(c *scanner) error {
	x.GeneratedAt, x.Global = "", nil
	return c.object(`"global"`, func(name string) error {
		if name == "generated_at" {
			return c.textField(&x.GeneratedAt, &x.Global, name)
		}
		return c.keep(&x.Global, name)
	})
}

func (x *Index) scanImages(c *scanner) error {
	x.Images = nil
	if err := c.open('[', `"images"`); err != nil {
		return err
	}
	x.Images = []Image{}
	for first := true; ; first = false {
		ok, err := c.next(first, ']')
		if !ok || err != nil {
			return err
		}
		if len(x.Images) == maxImages {
			return c.fail("more than %d images", maxImages)
		}
		if len(x.Images) == cap(x.Images) {
			// The room for the rest follows from the size of the images so far.
			n := len(x.Images)*(len(c.s)-c.i)/max(c.i, 1) + 8
			x.Images = append(make([]Image, 0, len(x.Images)+min(n, 3*len(x.Images)+8)), x.Images...)
		}
		x.Images = x.Images[:len(x.Images)+1]
		if err := x.Images[len(x.Images)-1].scan(c); err != nil {
			return err
		}
	}
}

func (m *Image) scan(c *scanner) error {
	*m = Image{Percentage: 100}
	var has struct{ typ, version, base bool }
	err := c.object("image", func(name string) (err error) {
		delete(m.Extra, name) // of two fields with one name the last counts
		switch name {
		case "type":
			has.typ = true
			return c.textField(&m.Type, &m.Extra, name)
		case "version":
			has.version = true
			m.NullVersion, err = c.intField(&m.Version, &m.Extra, name)
			return err
		case "base":
			has.base = true
			_, err = c.intField(&m.Base, &m.Extra, name)
			return err
		case "minversion":
			return c.minField(&m.MinVersion, &m.Extra, name)
		case "maxversion":
			return c.minField(&m.MaxVersion, &m.Extra, name)
		case "phased-percentage":
			m.Percentage, err = c.percentage()
			return err
		case "bootme":
			m.Bootme, err = c.truth()
			return err
		case "description":
			return c.textField(&m.Description, &m.Extra, name)
		case "version_detail":
			return c.textField(&m.VersionDetail, &m.Extra, name)
		case "files":
			return m.scanFiles(c)
		}
		if strings.HasPrefix(name, "description") && c.peek() == '"' {
			text, err := c.text()
			if m.Descriptions == nil {
				m.Descriptions = make(map[string]string)
			}
			m.Descriptions[name] = text
			return err
		}
		delete(m.Descriptions, name)
		return c.keep(&m.Extra, name)
	})
	if err != nil {
		return err
	}
	if !has.typ {
		missing(&m.Extra, "type")
	}
	if !has.version {
		m.NullVersion = true
		missing(&m.Extra, "version")
	}
	if !has.base && m.Type == Delta {
		missing(&m.Extra, "base")
	}
	return nil
}

func (m *Image) scanFiles(c *scanner) error {
	m.Files = nil
	if err := c.open('[', `"files"`); err != nil {
		return err
	}
	var few [8]File
	list := few[:0]
	for first := true; ; first = false {
		ok, err := c.next(first, ']')
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if c.files++; c.files > maxFiles {
			return c.fail("more than %d files", maxFiles)
		}
		list = append(list, File{})
		if err := list[len(list)-1].scan(c); err != nil {
			return err
		}
	}
	m.Files = append(make([]File, 0, len(list)), list...)
	return nil
}

func (f *File) scan(c *scanner) error {
	*f = File{}
	size := false
	err := c.object("file", func(name string) (err error) {
		delete(f.Extra, name)
		switch name {
		case "order":
			_, err = c.intField(&f.Order, &f.Extra, name)
			return err
		case "path":
			return c.textField(&f.Path, &f.Extra, name)
		case "signature":
			return c.textField(&f.Signature, &f.Extra, name)
		case "checksum":
			return c.textField(&f.Checksum, &f.Extra, name)
		case "size":
			size = true
			var n int
			_, err = c.intField(&n, &f.Extra, name)
			f.Size = int64(n)
			return err
		}
		return c.keep(&f.Extra, name)
	})
	if err == nil && !size {
		missing(&f.Extra, "size")
	}
	return err
}

// object calls field for each field of an object, with the scanner before its value.
func (c *scanner) object(what string, field func(name string) error) error {
	if err := c.open('{', what); err != nil {
		return err
	}
	for first := true; ; first = false {
		name, ok, err := c.key(first)
		if !ok || err != nil {
			return err
		}
		if err := field(name); err != nil {
			return err
		}
	}
}

// keep stores the value that follows, as it is, in *extra.
func (c *scanner) keep(extra *map[string]json.RawMessage, name string) error {
	raw, err := c.skip()
	if err != nil {
		return err
	}
	if c.extra++; c.extra > maxExtra {
		return c.fail("more than %d unknown or unusable fields", maxExtra)
	}
	if *extra == nil {
		*extra = make(map[string]json.RawMessage)
	}
	(*extra)[name] = json.RawMessage(raw)
	return nil
}

// missing notes that a required field is absent.
func missing(extra *map[string]json.RawMessage, name string) {
	if *extra == nil {
		*extra = make(map[string]json.RawMessage)
	}
	(*extra)[name] = nil
}

func (c *scanner) textField(to *string, extra *map[string]json.RawMessage, name string) (err error) {
	*to = ""
	if c.peek() != '"' {
		return c.keep(extra, name)
	}
	*to, err = c.text()
	return err
}

// intField reads an integer as Python compares it: true is 1, false is 0, a
// fraction is none.
func (c *scanner) intField(to *int, extra *map[string]json.RawMessage, name string) (odd bool, err error) {
	*to = 0
	from := c.i
	switch b := c.peek(); {
	case b == '-' || b-'0' <= 9:
		whole, err := c.number()
		if err != nil {
			return true, err
		}
		if n, err := strconv.Atoi(c.s[from:c.i]); whole && err == nil {
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
	return true, c.keep(extra, name)
}

// minField reads a number that is only ever compared with versions.
func (c *scanner) minField(to *int, extra *map[string]json.RawMessage, name string) error {
	if b := c.peek(); b == '-' || b-'0' <= 9 {
		from := c.i
		raw, err := c.skip()
		if err != nil {
			return err
		}
		if f, err := strconv.ParseFloat(raw, 64); err == nil && f != 0 && math.Abs(f) < math.MaxInt32 {
			*to = int(math.Ceil(f)) // no version lies between a fraction and the next integer
			return nil
		}
		c.i = from
	}
	_, err := c.intField(to, extra, name)
	return err
}

// truth reads any value and tells what Python's bool would.
func (c *scanner) truth() (bool, error) {
	raw, err := c.skip()
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
		text, err := c.text()
		if err != nil {
			return 0, err
		}
		if n, ok := pythonInt(text); ok {
			return n, nil
		}
		return bad(strconv.Quote(text))
	}
	raw, err := c.skip()
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
		if f, _ := strconv.ParseFloat(raw, 64); !math.IsInf(f, 0) || !strings.ContainsAny(raw, ".eE") {
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
	text = strings.TrimFunc(text, pythonSpace)
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

// pythonSpace is str.isspace: what unicode.IsSpace knows, and four separators.
func pythonSpace(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f }
