package systemimagetest

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestConfigGrammar compares the reading of etc/config with what the real
// programs made of the same texts.
func TestConfigGrammar(t *testing.T) {
	type channel struct {
		Type                   string
		Versionbase, Fullcount int
		Deltabase              []string
		Files                  []struct {
			Name, Generator string
			Arguments       []string
		}
	}
	var cases []struct {
		Name, Config string
		Parsed       map[string]map[string]any
		Exception    struct{ Type, Text string }
		Log          [][2]string
		Loaded       struct {
			Base     string `json:"base_path"`
			Publish  string `json:"publish_path"`
			State    string `json:"state_path"`
			Keys     string `json:"gpg_key_path"`
			Keyrings string `json:"gpg_keyring_path"`
			Channels map[string]channel
			Mirrors  map[string]struct {
				Host    string `json:"ssh_host"`
				User    string `json:"ssh_user"`
				Key     string `json:"ssh_key"`
				Port    int    `json:"ssh_port"`
				Command string `json:"ssh_command"`
			}
		}
		Order []string `json:"channel_order"`
	}
	data, err := os.ReadFile("testdata/config.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for _, tt := range cases {
		t.Run(tt.Name, func(t *testing.T) {
			const path = "/srv/system-image.ubuntu.com/etc/config"
			sections, err := parseConfig(path, []byte(tt.Config))
			if err != nil != (len(tt.Log) > 0) || err != nil && err.Error() != tt.Log[0][1] {
				t.Fatalf("error %v, want %q", err, tt.Log)
			}
			got := map[string]map[string]any{}
			for name, s := range sections {
				got[name] = map[string]any{}
				for key, v := range s {
					got[name][key] = v.text
					if v.list != nil {
						got[name][key] = anyList(v.list)
					}
				}
			}
			if diff := cmp.Diff(tt.Parsed, got); diff != "" {
				t.Errorf("sections (-want +got):\n%s", diff)
			}
			c, err := newConfig(sections, "/srv/system-image.ubuntu.com")
			if tt.Exception.Type != "" {
				if want := tt.Exception.Type + ": " + tt.Exception.Text; err == nil || err.Error() != want {
					t.Errorf("error %v, want %s", err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			paths := []string{c.base, c.publish, c.state, c.keys, c.keyrings}
			if diff := cmp.Diff([]string{tt.Loaded.Base, tt.Loaded.Publish, tt.Loaded.State, tt.Loaded.Keys, tt.Loaded.Keyrings}, paths); diff != "" {
				t.Errorf("paths (-want +got):\n%s", diff)
			}
			if !slices.Equal(c.order, tt.Order) || len(c.mirrors) != len(tt.Loaded.Mirrors) {
				t.Errorf("channels %q, want %q; %d mirrors", c.order, tt.Order, len(c.mirrors))
			}
			for name, want := range tt.Loaded.Channels {
				have := c.channels[name]
				var files []string
				for _, f := range want.Files {
					files = append(files, strings.Join(append([]string{f.Name, f.Generator}, f.Arguments...), ";"))
				}
				var haveFiles []string
				for _, f := range have.files {
					haveFiles = append(haveFiles, strings.Join(append([]string{f.name, f.generator}, f.arguments...), ";"))
				}
				if have.kind != want.Type || have.versionbase != want.Versionbase || have.fullcount != want.Fullcount ||
					!slices.Equal(have.deltabase, want.Deltabase) || !slices.Equal(files, haveFiles) {
					t.Errorf("%s: %+v, want %+v", name, have, want)
				}
			}
			for _, m := range c.mirrors {
				want := tt.Loaded.Mirrors[m.host[:1]]
				if m.host != want.Host || m.user != want.User || m.key != want.Key || m.command != want.Command {
					t.Errorf("mirror %+v, want %+v", m, want)
				}
			}
		})
	}
}

func anyList(list []string) []any {
	var l []any
	for _, s := range list {
		l = append(l, s)
	}
	return l
}

func FuzzParseConfig(f *testing.F) {
	f.Add(SampleWorld().Config)
	f.Add("[a]\nb = c\n  d\n\n  e\n[DEFAULT]\nx: \"y, z\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		sections, err := parseConfig("config", []byte(text))
		if err == nil {
			_, _ = newConfig(sections, "/root")
		}
	})
}

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
