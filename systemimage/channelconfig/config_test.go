package channelconfig

import (
	"encoding/json"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/internal/fixture"
)

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// asServer is a Config as the server has it after parsing: texts and lists.
func (c *Config) asServer() map[string]map[string]any {
	m := map[string]map[string]any{}
	for _, name := range c.Sections() {
		m[name] = map[string]any{}
		for _, key := range c.Keys(name) {
			v, _ := c.Get(name, key)
			if v.List != nil {
				m[name][key] = v.List
			} else {
				m[name][key] = v.Text
			}
		}
	}
	return m
}

// throughJSON makes a value comparable with what was read from JSON.
func throughJSON(t testing.TB, v any) (out any) {
	t.Helper()
	data, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

type grammarCase struct {
	Name, Config string
	Parsed       any
	Log          [][2]string
	Loaded       *struct {
		Base       string `json:"base_path"`
		Publish    string `json:"publish_path"`
		State      string `json:"state_path"`
		GPGKey     string `json:"gpg_key_path"`
		GPGKeyring string `json:"gpg_keyring_path"`
		Mirrors    map[string]map[string]any
		Channels   map[string]recordedChannel
	}
	Exception *struct{ Type, Text string }
	Order     []string `json:"channel_order"`
}

type recordedChannel struct {
	Type                   string
	VersionBase, FullCount int
	DeltaBase              []string
	Files                  []struct {
		Name, Generator string
		Arguments       []string
	}
}

// Every recorded text is read as the server read it, to the last log line.
func TestConfigGrammarRecorded(t *testing.T) {
	const path = "/srv/system-image.ubuntu.com/etc/config"
	for _, tt := range fixture.Cases[grammarCase](t, "testdata/grammar-cases.json") {
		t.Run(tt.Name, func(t *testing.T) {
			c, err := Parse([]byte(tt.Config))
			if diff := cmp.Diff(tt.Parsed, throughJSON(t, c.asServer())); diff != "" {
				t.Errorf("parsed (-server +got)\n%s", diff)
			}
			var log [][2]string
			var f *Failure
			if errors.As(err, &f) {
				if !f.Empty {
					t.Errorf("%v: a fault of the grammar gives the empty configuration", err)
				}
				log = [][2]string{{"ERROR", f.Log(path)}, {"ERROR", "Failed to parse configuration file, using empty configuration."}}
			}
			if diff := cmp.Diff(tt.Log, log, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("log (-server +got)\n%s", diff)
			}
			s, err := c.Settings("/srv/system-image.ubuntu.com")
			if tt.Exception != nil {
				if !errors.As(err, &f) || f.Class != tt.Exception.Type || f.Text != tt.Exception.Text || f.Empty {
					t.Fatalf("Settings() = %v, want %s: %s", err, tt.Exception.Type, tt.Exception.Text)
				}
				return
			}
			if (err != nil) != (len(tt.Log) > 0) {
				t.Fatalf("Settings() = %v", err)
			}
			w := tt.Loaded
			paths := []string{s.BasePath, s.PublishPath, s.StatePath, s.KeyPath, s.KeyringPath}
			if diff := cmp.Diff([]string{w.Base, w.Publish, w.State, w.GPGKey, w.GPGKeyring}, paths); diff != "" {
				t.Errorf("paths (-server +got)\n%s", diff)
			}
			var order []string
			channels := map[string]recordedChannel{}
			for _, ch := range s.Channels {
				order = append(order, ch.Name)
				r := recordedChannel{Type: ch.Type, VersionBase: ch.VersionBase, FullCount: ch.FullCount, DeltaBase: ch.DeltaBase}
				for _, f := range ch.Files {
					r.Files = append(r.Files, struct {
						Name, Generator string
						Arguments       []string
					}{f.Entry, f.Generator, f.Arguments})
				}
				channels[ch.Name] = r
			}
			if diff := cmp.Diff(tt.Order, order, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("channels in order (-server +got)\n%s", diff)
			}
			if diff := cmp.Diff(w.Channels, channels, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("channels (-server +got)\n%s", diff)
			}
			mirrors := map[string]map[string]any{}
			for _, m := range s.Mirrors {
				mirrors[m.Name] = map[string]any{"ssh_host": m.Host, "ssh_user": m.User, "ssh_key": m.Key, "ssh_port": float64(m.Port), "ssh_command": m.Command}
			}
			if diff := cmp.Diff(w.Mirrors, mirrors, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("mirrors (-server +got)\n%s", diff)
			}
		})
	}
}

func TestParseConfigErrors(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"no separator", "[a]\nb = c\ntype auto\n", `cannot parse configuration: line 3, column 1 (byte 10): line 3 is neither a section nor "key = value": 'type auto'; the server goes on with an EMPTY configuration`},
		{"two lines", "[a]\nb\nc\n", `'b' (and 1 more such)`},
		{"no key", "[a]\n= b\n", `'= b'`},
		{"header not closed", "[a\nb = c\n", "stands before the first section"},
		{"empty header", "[a]\n[]\n", `'[]'`},
		{"section twice", "[a]\r\n[a]\r\n", "line 2, column 1 (byte 5): section [a] is there a second time"},
		{"key twice", "[a]\rb = c\rb : d\r", `line 3, column 1 (byte 10): key "b" is there a second time in section [a]`},
		{"byte order mark", "\ufeff[a]\n", "begins with a byte order mark"},
		{"UTF-16", "\xff\xfe[\x00a\x00]\x00", "byte 0xff at position 0 is not UTF-8; every program of the server ends at once"},
		{"Latin-1", "[a]\n# caf\xe9\n", "line 2, column 1 (byte 4): byte 0xe9 at position 9 is not UTF-8"},
		{"NUL", "\x00", "stands before the first section"},
		{"too large", strings.Repeat("#", maxConfig+1), "larger than the limit of 8388608"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Parse([]byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) || !errors.Is(err, systemimage.ErrMalformed) {
				t.Fatalf("ParseConfig() = %v, want %s", err, tt.want)
			}
			if len(c.Sections()) > 0 || c.Line("a", "") != 0 {
				t.Error("a text with a fault has sections")
			}
			s, err := c.Settings("/srv")
			var f *Failure
			if !errors.As(err, &f) || f.Empty != (s != nil) {
				t.Fatalf("Settings() = %+v, %v", s, err)
			}
		})
	}
}

// Reading takes memory in proportion to the text, whatever is in it.
func TestParseConfigMemory(t *testing.T) {
	const size = 1 << 20
	for name, text := range map[string]string{
		"blank lines in a value": "[a]\nb = c" + strings.Repeat("\n", size),
		"continuation":           "[a]\nb = c" + strings.Repeat("\n d", size/3),
		"bad lines":              "[a]" + strings.Repeat("\nb", size/2),
		"empty lines":            "[a]\n" + strings.Repeat("\r", size),
		"sections":               "[" + strings.Repeat("[]\n", size/3),
		"commas":                 "[a]\nb=" + strings.Repeat(", ", size/2),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		c, err := Parse([]byte(text))
		if err == nil {
			_, _ = c.Settings("/")
			c.Get("a", "b")
		} else if len(err.Error()) > 2000 {
			t.Errorf("%s: an error text of %d bytes", name, len(err.Error()))
		}
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 100*size {
			t.Errorf("%s: %d bytes allocated for a text of %d", name, used, size)
		}
	}
}

func TestPyInt(t *testing.T) {
	const most = int(^uint(0) >> 1)
	for _, tt := range []struct {
		text string
		want int
		ok   bool
	}{
		{"3", 3, true}, {" +07\t", 7, true}, {"-12", -12, true}, {"1_000", 1000, true}, {"\u0663\u0661", 31, true}, {"\U0001d7dc", 4, true},
		{"99999999999999999999", most, true}, {"\u00a05\u2003", 5, true},
		{"", 0, false}, {"three", 0, false}, {"1__0", 0, false}, {"_1", 0, false}, {"1_", 0, false}, {"- 1", 0, false}, {"0x10", 0, false},
		{"1.0", 0, false}, {"\u00b2", 0, false}, {"1\n2", 0, false}, {strings.Repeat("1", 4301), most, false},
	} {
		if n, ok := pyInt(tt.text); ok != tt.ok || ok && n != tt.want {
			t.Errorf("pyInt(%.20q) = %d, %v, want %d, %v", tt.text, n, ok, tt.want, tt.ok)
		}
	}
}
