package systemimage

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const generated = `"global": {"generated_at": "Tue Mar 01 01:01:01 UTC 2016"}`

func TestParseIndexErrors(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"empty", "", "cannot parse index: line 1, column 1 (byte 0): document is empty"},
		{"blank", "\n\n ", "line 3, column 2 (byte 3): document is empty"},
		{"byte order mark", "\xef\xbb\xbf{}", "line 1, column 1 (byte 0): document begins with a byte order mark"},
		{"UTF-16", "\xff\xfe{\x00", "UTF-16"},
		{"gzip", "\x1f\x8b\x08\x00", "compressed (gzip)"},
		{"HTML", "\r\n<!DOCTYPE html><html>", "line 2, column 1 (byte 2): document is a page (HTML or XML), not JSON"},
		{"no UTF-8", "{\n\"global\xff\": 1}", "line 2, column 8 (byte 9): byte 0xff is not UTF-8"},
		{"text", "not found", "index is 'n', want an object"},
		{"null", "null", "index is null, want an object"},
		{"array", "[]", "index is an array, want an object"},
		{"truncated", `{"images": [`, "line 1, column 13 (byte 12): image is missing because the document ends"},
		{"truncated in a text", `{"images": [{"type": "fu`, "(byte 24): document ends inside a text: is it complete?"},
		{"truncated at an escape", `{"images": [{"type": "fu\`, "document ends inside a text"},
		{"truncated in a number", `{"images": [{"version": -`, "unexpected end of the document in a number"},
		{"truncated in a word", `{"images": [{"bootme": tr`, `unexpected 't', want a value`},
		{"comma at the end of an array", `{"images": [{}, ], ` + generated + `}`, "column 15 (byte 14): comma before ']'"},
		{"comma at the end of an object", `{"images": [], ` + generated + `,}`, "comma before '}'"},
		{"two commas", `{"images": [{},,{}]}`, "image is ',', want an object"},
		{"no comma", `{"images": [{} {}]}`, "unexpected '{', want ',' or ']'"},
		{"single quotes", `{'images': []}`, `unexpected '\'', want a field name in double quotes`},
		{"NaN in other case", `{"x": nan}`, "unexpected 'n', want a value"},
		{"percentage NaN", `{"images": [{"phased-percentage": NaN}]}`, `phased-percentage NaN is no number`},
		{"percentage -Infinity", `{"images": [{"phased-percentage": -Infinity}]}`, `phased-percentage -Infinity is no number`},
		{"control character", "{\"x\": \"a\nb\"}", "control character 0x0a inside a text"},
		{"wrong escape", `{"x": 1, "y": "\x41", ` + generated + `, "images": []}`, "text with a wrong escape"},
		{"something behind", `{` + generated + `, "images": []} {}`, "unexpected '{' after the end of the document"},
		{"no images", `{` + generated + `}`, `index has no "images"`},
		{"no global", `{"images": []}`, `index has no "global"`},
		{"images an object", `{` + generated + `, "images": {"0": {}}}`, `"images" is an object, want an array`},
		{"files an object", `{"images": [{"files": {"0": {}}}]}`, `"files" is an object, want an array`},
		{"image a number", `{"images": [1]}`, `image is a number, want an object`},
		{"file null", `{"images": [{"files": [null]}]}`, `file is null, want an object`},
		{"percentage null", `{"images": [{"phased-percentage": null}]}`, "(byte 34): phased-percentage null is no number"},
		{"percentage 50%", `{"images": [{"phased-percentage": "50%"}]}`, `phased-percentage "50%" is no number`},
		{"percentage infinite", `{"images": [{"phased-percentage": 1e999}]}`, `phased-percentage 1e999 is no number`},
		{"leading zero", `{"images": [{"version": 007}]}`, "unexpected '0', want ',' or '}'"},
		{"too deep", `{"x": ` + strings.Repeat("[", 1<<20), "nested deeper than 500"},
		{"too deep objects", `{"x": ` + strings.Repeat(`{"x":`, 1<<20), "nested deeper than 500"},
		{"too many images", `{"images": [{}` + strings.Repeat(",{}", 1<<20) + `]}`, "more than 131072 images"},
		{"too many files", `{"images": [{"files": [{}` + strings.Repeat(",{}", 1<<20) + `]}]}`, "more than 524288 files"},
		{"too many unknown fields", `{"images": [{}` + strings.Repeat(`,{"a":1,"b":2}`, 1<<17) + `]}`, "more than 131072 unknown"},
		{"100 MB", strings.Repeat(" ", 100<<20), "document of 104857600 bytes is larger than the limit of 67108864"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			x, err := ParseIndex([]byte(tt.text))
			runtime.ReadMemStats(&after)
			if x != nil || !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("ParseIndex = %v, %v, want an error with %q", x, err, tt.want)
			}
			if n := len(err.Error()); n > 300 {
				t.Errorf("message of %d bytes", n)
			}
			if used := int64(after.TotalAlloc - before.TotalAlloc); used > 512<<20 {
				t.Errorf("allocated %d MB", used>>20)
			}
		})
	}
}

func TestParseIndexTruncatedAnywhere(t *testing.T) {
	data := bytes.TrimSpace(bigIndex(2))
	if _, err := ParseIndex(data); err != nil {
		t.Fatal(err)
	}
	for n := range data {
		var e *Error
		if _, err := ParseIndex(data[:n]); !errors.As(err, &e) || e.Kind != ErrMalformed || e.Line < 1 {
			t.Fatalf("cut after %d bytes: %v", n, err)
		}
	}
}

func TestPercentage(t *testing.T) {
	for _, tt := range []struct {
		text string
		want int
	}{
		{`0`, 0}, {`-0`, 0}, {`7`, 7}, {`-3`, -3}, {`50.9`, 50}, {`-50.9`, -50}, {`5e1`, 50}, {`1e-400`, 0},
		{`99999999999999999999999`, math.MaxInt32}, {`-99999999999999999999999`, math.MinInt32},
		{`"50"`, 50}, {`" 50\n"`, 50}, {`"\u00a050\u2028"`, 50}, {`"+5"`, 5}, {`"-5"`, -5}, {`"1_0"`, 10}, {`"0012"`, 12},
		{`"\u0665\u0660"`, 50}, {`"\ud835\udfd9\ud835\udfd8"`, 10}, {`true`, 1}, {`false`, 0},
	} {
		x, err := ParseIndex([]byte(`{"global":{},"images":[{"phased-percentage":` + tt.text + `}]}`))
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
		} else if got := x.Images[0].Percentage; got != tt.want {
			t.Errorf("%s: Percentage = %d, want %d", tt.text, got, tt.want)
		}
	}
	for _, text := range []string{`"1__0"`, `"_1"`, `"1_"`, `"0x10"`, `"5.0"`, `"+"`, `""`, `"5 0"`, `"+-5"`, `"1-"`, `[]`, `{}`, `[50]`, `null`,
		`"\u200b5"`, `"5\u001f"`, `"\u001c\u0665"`, `"` + strings.Repeat("1", 4301) + `"`} {
		if x, err := ParseIndex([]byte(`{"global":{},"images":[{"phased-percentage":` + text + `}]}`)); err == nil {
			t.Errorf("%.20s: Percentage = %d, want an error", text, x.Images[0].Percentage)
		}
	}
}

func TestOddFields(t *testing.T) {
	read := func(fields string) Image {
		t.Helper()
		x, err := ParseIndex([]byte(`{"global":{},"images":[{` + fields + `}]}`))
		if err != nil {
			t.Fatalf("%s: %v", fields, err)
		}
		return x.Images[0]
	}
	for text, want := range map[string]bool{`true`: true, `1`: true, `"false"`: true, `[0]`: true, `[[]]`: true, `{"a":0}`: true, `1e-9`: true, `-1`: true, `NaN`: true, `-Infinity`: true,
		`false`: false, `0`: false, `0.0`: false, `-0e5`: false, `null`: false, `""`: false, `[ ]`: false, "{\n}": false} {
		if got := read(`"bootme": ` + text).Bootme; got != want {
			t.Errorf("bootme %s = %v, want %v", text, got, want)
		}
	}
	for text, want := range map[string]int{`5`: 5, `5.5`: 6, `-5.5`: -5, `true`: 1, `-0.0`: 0,
		`1e30`: math.MaxInt32, `-1e30`: math.MinInt32, `NaN`: math.MaxInt32, `-Infinity`: math.MinInt32} {
		if got := read(`"minversion": ` + text).MinVersion; got != want {
			t.Errorf("minversion %s = %d, want %d", text, got, want)
		}
	}
	for _, tt := range []struct {
		fields string
		null   bool
		want   map[string]json.RawMessage
	}{
		{`"type": "full", "version": null`, true, map[string]json.RawMessage{"version": []byte("null")}},
		{`"type": "full"`, true, map[string]json.RawMessage{"version": nil}},
		{`"type": "full", "version": 10.0`, true, map[string]json.RawMessage{"version": []byte("10.0")}},
		{`"type": "full", "version": 99999999999999999999`, true, map[string]json.RawMessage{"version": []byte("99999999999999999999")}},
		{`"type": "full", "version": NaN`, true, map[string]json.RawMessage{"version": []byte("NaN")}},
		{`"type": "full", "version": 3, "files": {}, "x": -Infinity`, false, map[string]json.RawMessage{"x": []byte("-Infinity")}},
		{`"type": "full", "version": 3, "files": ""`, false, nil},
		{`"type": "full", "version": null, "version": 3`, false, nil},
		{`"type": "delta", "version": 3`, false, map[string]json.RawMessage{"base": nil}},
		{`"type": "delta", "version": 3, "base": "2"`, false, map[string]json.RawMessage{"base": []byte(`"2"`)}},
		{`"type": 1, "version": 3`, false, map[string]json.RawMessage{"type": []byte(`1`)}},
		{`"type": "full", "version": 3, "minversion": null`, false, map[string]json.RawMessage{"minversion": []byte(`null`)}},
		{`"type": "full", "version": 3, "description_de": null, "description_de": "x"`, false, nil},
		{`"type": "full", "version": 3, "description_de": "x", "description_de": 1`, false, map[string]json.RawMessage{"description_de": []byte(`1`)}},
	} {
		m := read(tt.fields)
		if m.Unknown == nil {
			m.Unknown = map[string]json.RawMessage{}
		}
		if tt.want == nil {
			tt.want = map[string]json.RawMessage{}
		}
		if diff := cmp.Diff(tt.want, m.Unknown); diff != "" || m.NullVersion != tt.null {
			t.Errorf("%s: NullVersion %v, Unknown (-want +got):\n%s", tt.fields, m.NullVersion, diff)
		}
	}
	m := read(`"type": "full", "version": null`)
	text, err := json.Marshal(m)
	if want := `{"type":"full","version":null}`; err != nil || string(text) != want {
		t.Errorf("written as %s, %v, want %s", text, err, want)
	}
	m.Version, m.NullVersion = 4, false // repaired
	if text, _ := json.Marshal(m); string(text) != `{"type":"full","version":4}` {
		t.Errorf("repaired image written as %s", text)
	}
	if text, _ := json.Marshal(Image{Type: Full, NullVersion: true, Percentage: 100}); string(text) != `{"type":"full","version":null}` {
		t.Errorf("image with a null version written as %s", text)
	}
}

func TestCheck(t *testing.T) {
	for _, tt := range []struct{ images, want string }{
		{`[]`, ""},
		{`[{"type":"full","version":1,"base":"x"},{"type":"delta","version":2,"base":1,"minversion":null}]`, ""},
		{`[{"type":"Full","version":1}]`, `images[0].type: is "Full", want full or delta`},
		{`[{"version":1}]`, `images[0].type: is "", want full or delta`},
		{`[{"type":"full","version":null}]`, `images[0].version: is null, want a number from 0 to 65535`},
		{`[{"type":"full"}]`, `images[0].version: is missing, want a number from 0 to 65535`},
		{`[{"type":"full","version":65536}]`, `images[0].version: is 65536, want a number from 0 to 65535`},
		{`[{"type":"delta","version":2,"base":-1}]`, `images[0].base: is -1, want a number from 0 to 65535`},
		{`[{"type":"delta","version":2}]`, `images[0].base: is missing, want a number from 0 to 65535`},
		{`[{"type":"full","version":2,"minversion":"1"}]`, `images[0].minversion: is "1", want a number`},
		{`[{"type":"full","version":2,"files":[{"size":1.5},{}]}]`, "images[0].files[0].size: is 1.5, want bytes\nimages[0].files[1].size: is missing, want bytes"},
	} {
		x, err := ParseIndex([]byte(`{` + generated + `,"images":` + tt.images + `}`))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := x.Check(); err != nil {
			if got = err.Error(); !errors.Is(err, ErrBroken) {
				t.Errorf("%s: %v is not ErrBroken", tt.images, err)
			}
		}
		if got != tt.want {
			t.Errorf("%s: Check = %q, want %q", tt.images, got, tt.want)
		}
	}
	x, err := ParseIndex([]byte(`{"global":{},"images":[]}`))
	if err != nil || !errors.Is(x.Check(), ErrBroken) {
		t.Errorf("index without a time: %v, Check = %v", err, x.Check())
	}
}

func TestGenerated(t *testing.T) {
	for text, ok := range map[string]bool{
		"Mon Apr 29 18:45:27 UTC 2013":                                  true,
		"Mon\tApr 29 8:5:7  UTC 2013":                                   true,
		"SUN aPR 29 18:45:27 UTC 2013":                                  true, // the weekday need not fit
		"Thu Feb 29 00:00:00 UTC 2024":                                  true,
		"Thu Feb 29 00:00:00 UTC 2023":                                  false,
		"Mon Apr 29 24:00:00 UTC 2013":                                  false,
		"Mon Apr 29 18:60:00 UTC 2013":                                  false,
		"Mon Apr 0 18:45:27 UTC 2013":                                   false,
		"Mon Apr 31 18:45:27 UTC 2013":                                  false,
		"Mon Apr 29 18:45:27 utc 2013":                                  false,
		"Mon\u00a0Apr\x1f29 \u06608:45:27 UTC 2013":                     false,
		"Mon\u00a0Apr\x1f2\u0669 18:45:27 UTC \u0662\u0660\u0661\u0663": true,
		"\u017fun Apr 29 18:45:27 UTC 2013":                             false, // a long s
		"Mon Apr 29 18:45:27 UTC 13":                                    false,
		"Mon Apr 29 18:45:27 UTC 0000":                                  false,
		"Mon Apr 29 18:45:27 UTC 2013 ":                                 false,
		"Mon Apr 29 18:45:27 UTC 2013\n":                                false,
		"Mon Apr 029 18:45:27 UTC 2013":                                 false,
		"Mon 29 Apr 18:45:27 UTC 2013":                                  false,
		"Mon Apr 29 18:45:27 CEST 2013":                                 false,
		"UTC Mon Apr 29 18:45:27 GMT 201":                               false,
	} {
		x := Index{GeneratedAt: text}
		if _, err := x.Generated(); (err == nil) != ok {
			t.Errorf("Generated(%q): %v, want ok %v", text, err, ok)
		}
	}
}

func TestParseIndexAllocations(t *testing.T) {
	data := bigIndex(100)
	ours := testing.AllocsPerRun(5, func() { _, _ = ParseIndex(data) })
	plain := testing.AllocsPerRun(5, func() { _ = json.Unmarshal(data, new(plainIndex)) })
	if ours > plain {
		t.Errorf("ParseIndex allocates %v times, encoding/json %v times", ours, plain)
	}
}

func TestIndexImages(t *testing.T) {
	x, err := ParseIndex([]byte(`{` + generated + `, "images": [
		{"type": "full", "version": 3, "description": "first"}, {"type": "full", "version": 1},
		{"type": "full", "version": 3, "description": "second"}, {"type": "full", "version": null},
		{"type": "delta", "version": 4, "base": 3}, {"type": "delta", "version": 3, "base": 2},
		{"type": "delta", "version": 3, "base": 1}, {"type": "delta", "version": 3, "base": 1}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if m, ok := x.Latest(); !ok || m.Version != 3 || m.Description != "first" {
		t.Errorf("Latest = %v, %v", m, ok)
	}
	if m, ok := x.Full(3); !ok || m.Description != "first" {
		t.Errorf("Full(3) = %v, %v", m, ok)
	}
	if _, ok := x.Full(0); ok {
		t.Error("Full(0) found the image whose version is null")
	}
	if n, ok := x.Newest(); !ok || n != 4 {
		t.Errorf("Newest = %d, %v, want 4", n, ok)
	}
	names := func(list []Image) (s []string) {
		for _, m := range list {
			s = append(s, m.String())
		}
		return s
	}
	if got, want := names(x.Fulls()), []string{"full 1", "full 3"}; !cmp.Equal(want, got) {
		t.Errorf("Fulls = %q, want %q", got, want)
	}
	if got, want := names(x.Deltas(3)), []string{"delta 1->3", "delta 2->3"}; !cmp.Equal(want, got) {
		t.Errorf("Deltas(3) = %q, want %q", got, want)
	}
	none := &Index{}
	if _, ok := none.Latest(); ok {
		t.Error("empty index has a latest image")
	}
	if _, ok := none.Newest(); ok {
		t.Error("empty index has a newest version")
	}
}

func TestDetail(t *testing.T) {
	d := parseDetail("tag=old,ubuntu=1,notpair,tag=OTA-4, x = y ,a=b=c,=,version=3")
	want := Detail{{"tag", "old"}, {"ubuntu", "1"}, {"tag", "OTA-4"}, {" x ", " y "}, {"a", "b=c"}, {"", ""}, {"version", "3"}}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if d.Tag() != "OTA-4" {
		t.Errorf("Tag = %q, want the last one", d.Tag())
	}
	if v, ok := d.Get("none"); v != "" || ok {
		t.Errorf("Get(none) = %q, %v", v, ok)
	}
	if got := parseDetail("\u00a0\n a = b , c =\x1f "); !cmp.Equal(Detail{{"a ", " b "}, {" c ", ""}}, got) {
		t.Errorf("blanks around: %q", got)
	}
	if parseDetail("") != nil || len(parseDetail(",")) != 0 {
		t.Error("an empty detail has entries")
	}
}

// TestServerForm reads indexes as the server wrote them and writes the same bytes.
func TestServerForm(t *testing.T) {
	for _, name := range []string{"ubuntu-touch/stable/meizu.en/arale", "ubuntu-touch/rc-proposed/bq-aquaris.en/krillin"} {
		want, err := os.ReadFile("testdata/tree/" + name + "/index.json")
		if err != nil {
			t.Fatal(err)
		}
		x, err := ParseIndex(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.MarshalIndent(x, "", "    ")
		if diff := cmp.Diff(string(want), string(got)+"\n"); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}
