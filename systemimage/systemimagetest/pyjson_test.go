package systemimagetest

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPublishedTree compares the tree of the sample world with the recorded
// one, file by file: the layout of JSON, order, names, versions, deltas.
func TestPublishedTree(t *testing.T) {
	s := New(t, SampleWorld())
	own := ownHashes(t)
	for path, want := range readRecordings(t)["tree"] {
		for hash, version := range recordedHashes {
			for ours, same := range own {
				if same == version {
					want = strings.ReplaceAll(want, hash, ours)
					path = strings.ReplaceAll(path, hash, ours)
				}
			}
		}
		got, err := os.ReadFile(filepath.Join(s.Root(), "www", path))
		if err != nil {
			t.Error(err)
			continue
		}
		text := func(s string) []string {
			return lines(normal(jsonNoise.ReplaceAllString(s, `"$1": N`), own))
		}
		if diff := cmp.Diff(text(want), text(recordedPaths(string(got), s.Root()))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

func TestJSONStyle(t *testing.T) {
	v, err := decodeJSON([]byte(`{"b":[1,-2.5,true,null,{}],"a":"\u00e9\ud83d\ude00\u007f\"\\/\b\f\n\r\t","c":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{
    "a": "\u00e9\ud83d\ude00\u007f\"\\/\b\f\n\r\t",
    "b": [
        1,
        -2.5,
        true,
        null,
        {}
    ],
    "c": []
}
`
	if got := encodeJSON(v); string(got) != want {
		t.Errorf("%s", got)
	}
	for text, want := range map[string]string{
		``:                   "Expecting value: line 1 column 1 (char 0)",
		`{"a": 1`:            "Expecting ',' delimiter: line 1 column 8 (char 7)",
		"{\n":                "Expecting property name enclosed in double quotes: line 2 column 1 (char 2)",
		`[1`:                 "Expecting ',' delimiter: line 1 column 3 (char 2)",
		`[1,`:                "Expecting value: line 1 column 4 (char 3)",
		`{"a": `:             "Expecting value: line 1 column 7 (char 6)",
		`{"a`:                "Unterminated string starting at: line 1 column 2 (char 1)",
		`{"a"`:               "Expecting ':' delimiter: line 1 column 5 (char 4)",
		`{"a" 1}`:            "Expecting ':' delimiter: line 1 column 6 (char 5)",
		`{"a": 1} x`:         "Extra data: line 1 column 10 (char 9)",
		`{"ubuntu-touch": {`: "Expecting property name enclosed in double quotes: line 1 column 19 (char 18)",
	} {
		if _, err := decodeJSON([]byte(text)); err == nil || err.Error() != "json.decoder.JSONDecodeError: "+want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func FuzzDecodeJSON(f *testing.F) {
	f.Add([]byte(`{"a": [1, "x", null, {"b": true}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := decodeJSON(data)
		if err != nil {
			return
		}
		once := encodeJSON(v)
		again, err := decodeJSON(once)
		if err != nil || !bytes.Equal(once, encodeJSON(again)) {
			t.Errorf("%s does not survive: %v", once, err)
		}
	})
}
