package systemimage

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// seed adds the recorded documents of a kind.
func seed(f *testing.F, file, field string) {
	f.Helper()
	for _, c := range readCases[map[string]any](f, file) {
		f.Add([]byte(c[field].(string)))
	}
	f.Add([]byte(`{"global":{},"images":[{"version":null,"files":[{"size":-1e2,"é":["\u00e9\ud800",{}]}]}],"x":[[],{}]}`))
}

// FuzzParseIndex: no panic, nothing but JSON is read, and what is read
// survives being written and read again.
func FuzzParseIndex(f *testing.F) {
	seed(f, "testdata/client/index-cases.json", "index_text")
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := ParseIndex(data)
		if err != nil {
			if e := err.(*Error); e.Kind != ErrMalformed || e.Line < 1 || e.Offset > int64(len(data)) {
				t.Fatalf("%#v", e)
			}
			return
		}
		if !json.Valid(data) {
			t.Fatal("read what is not JSON")
		}
		_, _ = x.Generated()
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

func FuzzParseChannels(f *testing.F) {
	seed(f, "testdata/client/channels-cases.json", "channels_text")
	f.Fuzz(func(t *testing.T, data []byte) {
		cs, err := ParseChannels(data)
		if err != nil {
			return
		}
		if !json.Valid(data) {
			t.Fatal("read what is not JSON")
		}
		for c, d := range cs.Pairs() {
			if _, err := cs.Lookup(c, d); err != nil {
				t.Fatal(err)
			}
			_, _ = cs.Home(c, d)
		}
		text, err := json.Marshal(cs)
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseChannels(text)
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
		d := ParseDetail(s)
		if diff := cmp.Diff(d.String(), ParseDetail(d.String()).String()); diff != "" {
			t.Fatal(diff)
		}
	})
}
