package systemimage

import (
	"bytes"
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/landingteam/landing/systemimage/internal/fixture"
)

// seed adds the recorded documents of a kind.
func seed(f *testing.F, file, field string) {
	f.Helper()
	for _, c := range fixture.Cases[map[string]any](f, file) {
		f.Add([]byte(c[field].(string)))
	}
	f.Add([]byte(`{"global":{},"images":[{"version":null,"files":[{"size":-1e2,"é":["\u00e9\ud800",{}]}]}],"x":[[],{}]}`))
}

// notNumbers are what devices read as numbers though JSON has no such words.
var notNumbers = regexp.MustCompile("NaN|Infinity")

// FuzzParseIndex: no panic, nothing but JSON is read, and what is read
// survives being written and read again.
func FuzzParseIndex(f *testing.F) {
	seed(f, "testdata/client/index-cases.json", "index_text")
	f.Fuzz(func(t *testing.T, data []byte) {
		own := bytes.Clone(data)
		x, err := ParseIndex(own)
		clear(own) // nothing may be kept of the caller's bytes
		if err != nil {
			if e := err.(*Error); e.Kind != ErrMalformed || e.Line < 1 || e.Offset > int64(len(data)) {
				t.Fatalf("%#v", e)
			}
			return
		}
		if !json.Valid(data) {
			if !notNumbers.Match(data) {
				t.Fatal("read what is not JSON")
			}
			return
		}
		_, _ = x.Generated()
		_ = x.Check()
		sameAsEncodingJSON(t, data, x)
		text, err := json.Marshal(x)
		if err != nil {
			t.Fatal(err)
		}
		y, err := ParseIndex(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		again, err := json.Marshal(y)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(text), string(again)); diff != "" {
			t.Fatal(diff)
		}
	})
}

// sameAsEncodingJSON compares every field of its plain type with what
// encoding/json reads, and demands everything else in Unknown.
func sameAsEncodingJSON(t *testing.T, data []byte, x *Index) {
	var doc struct {
		Global map[string]any
		Images []map[string]any
	}
	top := map[string]json.RawMessage{}
	if err := json.Unmarshal(data, &top); err != nil {
		t.Fatal(err)
	}
	if numbersKept(top["global"], &doc.Global) != nil || numbersKept(top["images"], &doc.Images) != nil {
		t.Fatal("read an index of another shape")
	}
	if s, ok := doc.Global["generated_at"].(string); ok && s != x.GeneratedAt {
		t.Fatalf("GeneratedAt = %q, want %q", x.GeneratedAt, s)
	}
	if len(top)-2 != len(x.Unknown) || len(doc.Images) != len(x.Images) {
		t.Fatalf("%d unknown fields and %d images, want %d and %d", len(x.Unknown), len(x.Images), len(top)-2, len(doc.Images))
	}
	same := func(known map[string]any, fields map[string]any, extra map[string]json.RawMessage) {
		for name, want := range fields {
			got, ok := known[name]
			switch raw, kept := extra[name]; {
			case kept:
				var v any
				if err := numbersKept(raw, &v); err != nil || !cmp.Equal(v, want) {
					t.Fatalf("Unknown[%q] = %s, want %v", name, raw, want)
				}
				continue
			case !ok:
				t.Fatalf("%q is lost", name)
			}
			switch want := want.(type) {
			case string:
				if s, ok := got.(string); ok && s != want {
					t.Fatalf("%q = %q, want %q", name, got, want)
				}
			case json.Number: // a number may be larger than any float64
				number, err := want.Float64()
				if n, ok := got.(int); ok && err == nil && number == float64(int32(number)) && number != float64(n) {
					t.Fatalf("%q = %v, want %v", name, got, want)
				}
			}
		}
	}
	for i, m := range x.Images {
		known := map[string]any{"type": m.Type, "version": m.Version, "base": m.Base, "description": m.Description,
			"version_detail": m.VersionDetail, "phased-percentage": m.Percentage, "bootme": m.Bootme,
			"minversion": m.MinVersion, "maxversion": m.MaxVersion, "files": m.Files}
		for name, text := range m.Descriptions {
			known[name] = text
		}
		same(known, doc.Images[i], m.Unknown)
		files, _ := doc.Images[i]["files"].([]any)
		if len(files) != len(m.Files) {
			t.Fatalf("%d files, want %d", len(m.Files), len(files))
		}
		for j, f := range m.Files {
			same(map[string]any{"order": f.Order, "path": f.Path, "signature": f.Signature, "checksum": f.Checksum,
				"size": int(f.Size)}, files[j].(map[string]any), f.Unknown)
		}
	}
}

// numbersKept is json.Unmarshal without a limit for numbers.
func numbersKept(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return d.Decode(v)
}

func FuzzParseChannels(f *testing.F) {
	seed(f, "testdata/client/channels-cases.json", "channels_text")
	f.Fuzz(func(t *testing.T, data []byte) {
		own := bytes.Clone(data)
		cs, err := parseChannels(own)
		clear(own)
		if err != nil {
			return
		}
		if !json.Valid(data) {
			if !notNumbers.Match(data) {
				t.Fatal("read what is not JSON")
			}
			return
		}
		for c, d := range cs.Pairs() {
			if _, err := cs.Lookup(c, d); err != nil {
				t.Fatal(err)
			}
		}
		text, err := json.Marshal(cs)
		if err != nil {
			t.Fatal(err)
		}
		back, err := parseChannels(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		again, _ := json.Marshal(back)
		if diff := cmp.Diff(string(text), string(again)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func FuzzParseDetail(f *testing.F) {
	f.Add("ubuntu=105,raw-device=205,version=305,notpair,tag=OTA-4,a=b=c")
	f.Fuzz(func(t *testing.T, s string) {
		d := parseDetail(parseDetail(s).String()) // without blanks at the ends
		if diff := cmp.Diff(d.String(), parseDetail(d.String()).String()); diff != "" {
			t.Fatal(diff)
		}
	})
}

// FuzzLocate: whatever a document gives as a path, the address is on the server
// and inside of the tree, or there is none.
func FuzzLocate(f *testing.F) {
	for _, path := range []string{"/c/d/index.json", "c/d", "https://si.example/tree/x", "https://evil.example/x", "//evil.example/x", "/a/../b",
		"/a/%2e%2e/b", "/a%2f..%2fb", "/a?b", "/a#b", "/a b", "\\\\evil.example\\x", "///evil.example", "https://u:p@si.example/tree/x", "javascript:x", "/tree/x:80"} {
		f.Add(path)
	}
	base, err := url.Parse("https://u:p@si.example/tree/")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path string) {
		u, err := locate(base, path)
		if err != nil {
			return
		}
		again, err := url.Parse(u.String())
		if err != nil {
			t.Fatalf("%q leads to %q: %v", path, u, err)
		}
		clean := "/" + strings.TrimLeft(again.JoinPath().Path, "/")
		if again.Scheme != "https" || again.Host != "si.example" || again.User.String() != "u:p" || again.RawQuery != "" || again.Fragment != "" ||
			!strings.HasPrefix(clean, "/tree/") && clean != "/tree" {
			t.Fatalf("%q leads to %q", path, again)
		}
	})
}
