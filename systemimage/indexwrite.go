package systemimage

import "encoding/json"

// object is an object to be written: encoding/json sorts its names, as the
// server does. It begins with the unknown fields; a nil value stands for a
// field that is missing.
type object map[string]any

func newObject(unknown map[string]json.RawMessage) object {
	o := make(object, len(unknown)+8)
	for name, raw := range unknown {
		o[name] = raw
	}
	return o
}

// set adds a known field. A zero value does not replace the useless one that
// was read instead of it.
func (o object) set(name string, value any, zero bool) {
	if _, odd := o[name]; !odd || !zero {
		o[name] = value
	}
}

// setIf is set for a field that is left out when it is zero.
func (o object) setIf(name string, value any, zero bool) {
	if !zero {
		o[name] = value
	}
}

// MarshalJSON for o drops what is marked as missing.
func (o object) MarshalJSON() ([]byte, error) {
	for name, v := range o {
		if raw, ok := v.(json.RawMessage); ok && raw == nil {
			delete(o, name)
		}
	}
	return json.Marshal(map[string]any(o))
}

// MarshalJSON writes x as the server does: names sorted, a percentage of 100
// left out. With json.MarshalIndent, four spaces and a final newline it is the
// server's form.
func (x Index) MarshalJSON() ([]byte, error) {
	global := newObject(x.UnknownGlobal)
	global.setIf("generated_at", x.GeneratedAt, x.GeneratedAt == "")
	o := newObject(x.Unknown)
	o["global"] = global
	o["images"] = x.Images
	if x.Images == nil {
		o["images"] = []Image{}
	}
	return json.Marshal(o)
}

// UnmarshalJSON is [ParseIndex].
func (x *Index) UnmarshalJSON(data []byte) error {
	*x = Index{}
	return parse("parse index", data, x.scan)
}

// MarshalJSON writes m as it stands in an index.
func (m Image) MarshalJSON() ([]byte, error) {
	o := newObject(m.Unknown)
	for name, text := range m.Descriptions {
		o[name] = text
	}
	o.set("type", m.Type, m.Type == "")
	o.set("version", m.Version, m.Version == 0)
	if _, odd := m.Unknown["version"]; m.NullVersion && !odd {
		o["version"] = nil
	}
	if m.Type == Delta || m.Base != 0 {
		o.set("base", m.Base, m.Base == 0)
	}
	o.setIf("description", m.Description, m.Description == "")
	o.setIf("version_detail", m.VersionDetail, m.VersionDetail == "")
	o.setIf("phased-percentage", m.Percentage, m.Percentage == 100)
	o.setIf("bootme", m.Bootme, !m.Bootme)
	o.setIf("minversion", m.MinVersion, m.MinVersion == 0)
	o.setIf("maxversion", m.MaxVersion, m.MaxVersion == 0)
	o.setIf("files", m.Files, m.Files == nil)
	return json.Marshal(o)
}

// UnmarshalJSON reads one image of an index.
func (m *Image) UnmarshalJSON(data []byte) error { return parse("parse image", data, m.scan) }

// MarshalJSON writes f as it stands in an index.
func (f File) MarshalJSON() ([]byte, error) {
	o := newObject(f.Unknown)
	o.set("order", f.Order, f.Order == 0)
	o.set("path", f.Path, f.Path == "")
	o.set("signature", f.Signature, f.Signature == "")
	o.set("checksum", f.Checksum, f.Checksum == "")
	o.set("size", f.Size, f.Size == 0)
	return json.Marshal(o)
}

// UnmarshalJSON reads one file of an image.
func (f *File) UnmarshalJSON(data []byte) error { return parse("parse file", data, f.scan) }
