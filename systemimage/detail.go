package systemimage

import (
	"strings"
)

// A Detail is the version_detail of an image: what went into it, in order. [Image.Detail]
// reads it.
// The server composes it from one entry per file and the tag, as in
// "ubuntu=20150611,device=20150611-4c0ffee,tag=OTA-13-rc,version=2".
type Detail []struct{ Key, Value string }

// parseDetail reads a version_detail by the client's rule: entries are
// separated by commas, the first "=" of an entry ends its key, entries without
// "=" are dropped. Blanks around the whole are trimmed, those around entries
// are not, and every text is acceptable.
func parseDetail(s string) Detail {
	if s = strings.TrimFunc(s, pythonSpace); s == "" {
		return nil
	}
	d := make(Detail, 0, 1+strings.Count(s, ","))
	for part := range strings.SplitSeq(s, ",") {
		if k, v, ok := strings.Cut(part, "="); ok {
			d = append(d, struct{ Key, Value string }{k, v})
		}
	}
	return d
}

// Get returns the value of key. Of several entries the last counts, as on a device.
func (d Detail) Get(key string) (string, bool) {
	for i := len(d) - 1; i >= 0; i-- {
		if d[i].Key == key {
			return d[i].Value, true
		}
	}
	return "", false
}

// Tag returns the tag, such as "OTA-13", or "" without one.
func (d Detail) Tag() string {
	v, _ := d.Get("tag")
	return v
}

// String returns the text that stands in an index.
func (d Detail) String() string {
	var b strings.Builder
	for i, e := range d {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(e.Key + "=" + e.Value)
	}
	return b.String()
}
