package systemimage

import (
	"bytes"
	"cmp"
	"encoding/json"
)

// ParseIndex reads an index.json. It is as strict as a device about the shape
// of the document and about percentages, and reads everything else that can be
// represented, so that an operator can look at an index that devices refuse:
// see [Index.Check]. Of a field given twice the last counts. NaN and Infinity,
// which are no JSON and cannot be written, are read too. Errors are ErrMalformed
// with line and column.
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
		switch string(name) {
		case "global":
			global = true
			err = x.scanGlobal(c)
		case "images":
			images = true
			err = x.scanImages(c)
		default:
			err = c.keep(&x.Unknown, name)
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
	x.GeneratedAt, x.UnknownGlobal = "", nil
	return c.object(`"global"`, func(name []byte) error {
		if string(name) == "generated_at" {
			return c.textField(&x.GeneratedAt, &x.UnknownGlobal, name)
		}
		return c.keep(&x.UnknownGlobal, name)
	})
}

func (x *Index) scanImages(c *scanner) error {
	x.Images = []Image{}
	if none, err := c.list(`"images"`); none || err != nil {
		return err
	}
	for first := true; ; first = false {
		ok, err := c.next(first, ']')
		if !ok || err != nil {
			return err
		}
		if c.images++; c.images > maxImages {
			return c.fail("more than %d images", maxImages)
		}
		if len(x.Images) == cap(x.Images) {
			// The size of the images so far tells how many there are in the rest.
			n := len(x.Images) * (len(c.s) - c.i) / max(c.i, 1)
			x.Images = append(make([]Image, 0, min(len(x.Images)+n+n/32+8, maxImages)), x.Images...)
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
	err := c.object("image", func(name []byte) (err error) {
		delete(m.Unknown, string(name)) // of two fields with one name the last counts
		switch string(name) {
		case "type":
			has.typ = true
			return c.textField(&m.Type, &m.Unknown, name)
		case "version":
			has.version = true
			m.NullVersion, err = c.intField(&m.Version, &m.Unknown, name)
			return err
		case "base":
			has.base = true
			_, err = c.intField(&m.Base, &m.Unknown, name)
			return err
		case "minversion":
			return c.minField(&m.MinVersion, &m.Unknown, name)
		case "maxversion":
			return c.minField(&m.MaxVersion, &m.Unknown, name)
		case "phased-percentage":
			m.Percentage, err = c.percentage()
			return err
		case "bootme":
			m.Bootme, err = c.truth()
			return err
		case "description":
			return c.textField(&m.Description, &m.Unknown, name)
		case "version_detail":
			return c.textField(&m.VersionDetail, &m.Unknown, name)
		case "files":
			return m.scanFiles(c)
		}
		if bytes.HasPrefix(name, []byte("description")) && c.peek() == '"' {
			text, err := c.text()
			if m.Descriptions == nil {
				m.Descriptions = make(map[string]string)
			}
			m.Descriptions[string(name)] = text
			return cmp.Or(err, c.count())
		}
		delete(m.Descriptions, string(name))
		return c.keep(&m.Unknown, name)
	})
	if err != nil {
		return err
	}
	if !has.typ {
		missing(&m.Unknown, "type")
	}
	if !has.version {
		m.NullVersion = true
		missing(&m.Unknown, "version")
	}
	if !has.base && m.Type == Delta {
		missing(&m.Unknown, "base")
	}
	return nil
}

func (m *Image) scanFiles(c *scanner) error {
	m.Files = nil
	if none, err := c.list(`"files"`); none || err != nil {
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
	err := c.object("file", func(name []byte) (err error) {
		delete(f.Unknown, string(name))
		switch string(name) {
		case "order":
			_, err = c.intField(&f.Order, &f.Unknown, name)
			return err
		case "path":
			return c.textField(&f.Path, &f.Unknown, name)
		case "signature":
			return c.textField(&f.Signature, &f.Unknown, name)
		case "checksum":
			return c.textField(&f.Checksum, &f.Unknown, name)
		case "size":
			size = true
			var n int
			_, err = c.intField(&n, &f.Unknown, name)
			f.Size = int64(n)
			return err
		}
		return c.keep(&f.Unknown, name)
	})
	if err == nil && !size {
		missing(&f.Unknown, "size")
	}
	return err
}

// object calls field for each field of an object, with the scanner before its value.
func (c *scanner) object(what string, field func(name []byte) error) error {
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

// list enters an array. Whatever else is empty is an empty array for a device.
func (c *scanner) list(what string) (none bool, err error) {
	from := c.i
	if b := c.peek(); b == '"' || b == '{' {
		if some, err := c.truth(); err != nil || !some {
			return true, err
		}
		c.i = from
	}
	return false, c.open('[', what)
}

// keep stores the value that follows, as it is, in *unknown.
func (c *scanner) keep(unknown *map[string]json.RawMessage, name []byte) error {
	raw, err := c.skip()
	if err != nil {
		return err
	}
	if *unknown == nil {
		*unknown = make(map[string]json.RawMessage)
	}
	(*unknown)[string(name)] = bytes.Clone(raw)
	return c.count()
}

// count bounds the fields that are kept in maps.
func (c *scanner) count() error {
	if c.unknown++; c.unknown > maxUnknown {
		return c.fail("more than %d unknown or unusable fields", maxUnknown)
	}
	return nil
}

// missing notes that a required field is absent.
func missing(unknown *map[string]json.RawMessage, name string) {
	if *unknown == nil {
		*unknown = make(map[string]json.RawMessage)
	}
	(*unknown)[name] = nil
}

func (c *scanner) textField(to *string, unknown *map[string]json.RawMessage, name []byte) (err error) {
	*to = ""
	if c.peek() != '"' {
		return c.keep(unknown, name)
	}
	*to, err = c.text()
	return err
}
