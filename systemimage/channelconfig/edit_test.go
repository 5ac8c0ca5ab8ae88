package channelconfig

import (
	"bytes"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/landingteam/landing/systemimage"
)

func TestConfigEdit(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		edits      []Edit
		want       string // the text; or the error when it begins with "!"
	}{
		{"set", "[a]\nb = c # d\n", []Edit{Set("a", "b", "e")}, "[a]\nb = e\n"},
		{"set keeps blanks and line ends", "[a]\r\n b\t:\tc \t\r\n\r\n", []Edit{Set("a", "b", "e")}, "[a]\r\n b\t:\te \t\r\n\r\n"},
		{"set what is so", "[a]\nb = \"c\"  ,  d\n", []Edit{Set("a", "b", "c\"  ,  d")}, "!"},
		{"set what is so, quoted", "[a]\nb = \"c\", d\n", []Edit{Set("a", "b", "c, d")}, "[a]\nb = \"c\", d\n"},
		{"set an empty value", "[a]\nb =\nc=\n", []Edit{Set("a", "b", "e"), Set("a", "c", "f")}, "[a]\nb = e\nc=f\n"},
		{"set to an empty value", "[a]\nb = c\n", []Edit{Set("a", "b", "")}, "[a]\nb = \n"},
		{"set several lines to one", "[a]\nb = c\n# note\n  , d\n\n  , e\nf = g\n", []Edit{Set("a", "b", "x")}, "[a]\nb = x\n# note\n\nf = g\n"},
		{"set to several lines", "[a]\rb = c\rd = e", []Edit{Set("a", "b", "x\n, y")}, "[a]\rb = x\r    , y\rd = e"},
		{"add a key", "[a]\nb: c\n# end\n\n[d]\n", []Edit{Set("a", "e", "f"), Set("d", "g", "h")},
			"[a]\nb: c\ne: f\n# end\n\n[d]\ng: h\n"},
		{"add an indented key", "[a]\r\n  b=c\r\n    d", []Edit{Set("a", "e", "f")}, "[a]\r\n  b=c\r\n    d\r\n  e=f"},
		{"remove", "[a]\nb = c\n# note\n  d\ne = f\n", []Edit{Remove("a", "b")}, "[a]\n# note\ne = f\n"},
		{"remove what is not there", "[a]\n", []Edit{Remove("a", "b")}, "[a]\n"},
		{"add sections", "[a]", []Edit{AddSection("b"), AddSection("c"), AddSection("a")}, "[a]\n\n[b]\n\n[c]\n"},
		{"remove a section", "[a]\n\n# about b\n[b]\nc = d\n# within\n  e\n\n# about f\n[f]\n", []Edit{RemoveSection("b")}, "[a]\n\n# about b\n\n# about f\n[f]\n"},
		{"add a channel", "[global]\nchannels = a\n[channel_a]\n", []Edit{AddChannel("b", "a")}, "[global]\nchannels = b, a\n[channel_a]\n\n[channel_b]\n"},
		{"add the first channel", "", []Edit{AddChannel("b", "")}, "[channel_b]\n\n[global]\nchannels = b\n"},
		{"remove a channel", "[global]\nchannels = a, b\n# daily\n[channel_a]\n# candidates\n[channel_b]\nx = y", []Edit{RemoveChannel("b")},
			"[global]\nchannels = a\n# daily\n[channel_a]\n# candidates\n"},
		{"remove the section of a channel", "[global]\nchannels = a\n[channel_a]\n", []Edit{RemoveSection("channel_a")}, "!would not load"},
		{"remove the last channel", "[global]\nchannels = a\nx = y\n\n[channel_a]\ntype = auto\n", []Edit{RemoveChannel("a")}, "[global]\nx = y\n"},
		{"add files", "[channel_a]\nfiles = version\nfile_version = version\n", []Edit{
			AddFile("channel_a", "ubuntu", "http;http://h/u;name=ubuntu", "version"),
			AddFile("channel_a", "device,mako", "http;http://h/d", "version")},
			"[channel_a]\nfiles = ubuntu, device,mako, version\nfile_ubuntu = http;http://h/u;name=ubuntu\nfile_device,mako = http;http://h/d\nfile_version = version\n"},
		{"remove a file", "[channel_b]\nfiles = device\n  , custom\n , version\nfile_device = x\nfile_custom = y\n", []Edit{RemoveFile("channel_b", "custom")},
			"[channel_b]\nfiles = device\n , version\nfile_device = x\n"},
		{"remove the first file", "[channel_b]\nfiles = device\n  , custom\n , version\nfile_device = x\n", []Edit{RemoveFile("channel_b", "device")},
			"[channel_b]\nfiles = \n  custom\n , version\n"},
		{"write a line", "[a]\nb\nc = d\n", []Edit{Line{Number: 2, Text: "b"}.Replace("b = ")}, "[a]\nb = \nc = d\n"},
		{"remove a line", "[a]\r\nb = c\r\nb = c\r\n", []Edit{Line{Number: 3, Text: "b = c"}.Remove()}, "[a]\r\nb = c\r\n"},
		{"set and mend", "[a]\nb\n", []Edit{Line{Number: 2, Text: "b"}.Remove(), Set("a", "b", "c")}, "[a]\nb = c\n"},

		{"set in a broken text", "[a]\nb\n", []Edit{Set("a", "c", "d")}, "!mend it first"},
		{"a line that is another", "[a]\nb\n", []Edit{Line{Number: 2, Text: "c"}.Replace("d = e")}, `!the line is "b", not "c"`},
		{"a line that stays broken", "[a]\nb\n", []Edit{Line{Number: 2, Text: "b"}.Replace("d")}, "!would not mend"},
		{"a line that breaks", "[a]\nb = c\n", []Edit{Line{Number: 2, Text: "b = c"}.Replace("d")}, "!neither a section"},
		{"no such section", "[a]\n", []Edit{Set("b", "c", "d")}, "!there is no section [b]"},
		{"value with blanks around", "[a]\n", []Edit{Set("a", "b", " c")}, "!takes quotes and white space off"},
		{"value in quotes", "[a]\n", []Edit{Set("a", "b", `"c"`)}, "!takes quotes and white space off"},
		{"comma at the end of a list", "[a]\n", []Edit{Set("a", "b", "c, d , e")}, `!the server would read ["c" "d" "e"]`},
		{"comment in a value", "[a]\n", []Edit{Set("a", "b", "c\n# d")}, "!would read"},
		{"line end in a value", "[a]\n", []Edit{Set("a", "b", "c\rd = e")}, "!would"},
		{"key with a separator", "[a]\n", []Edit{Set("a", "b:c", "d")}, "!would"},
		{"key that is a comment", "[a]\n", []Edit{Set("a", "#b", "c")}, "!would not see the key"},
		{"key that is a section", "[a]\n", []Edit{Set("a", "[b]", "c")}, "!would"},
		{"no key", "[a]\n", []Edit{Set("a", "", "c")}, "!neither a section"},
		{"key of DEFAULT", "[DEFAULT]\nb = c\n[a]\n", []Edit{Remove("a", "b")}, "!comes from [DEFAULT]"},
		{"section with a line end", "[a]\n", []Edit{AddSection("b\nc")}, "!"},
		{"comma and blank in a file value", "[channel_a]\n", []Edit{AddFile("channel_a", "b", "http;u;name=a, monitor=b", "")}, "!make it a list"},
		{"file that is there and another", "[channel_a]\nfile_b = c\n", []Edit{AddFile("channel_a", "b", "d", "")}, `!is there already, and is "c"`},
		{"a file without its key", "[global]\nchannels = a\n[channel_a]\n", []Edit{Set("channel_a", "files", "x")}, "!would not load it any more"},
		{"a number that is none", "[global]\nchannels = a\n[channel_a]\n", []Edit{Set("channel_a", "fullcount", "three")}, "!would not load it any more"},
		{"unknown", "", []Edit{{editForm{Do: "sed"}}}, "!no such edit"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := Parse([]byte(tt.text))
			before := c.model()
			next, err := c.Edit(tt.edits...)
			if complaint, ok := strings.CutPrefix(tt.want, "!"); ok {
				if err == nil || !strings.Contains(err.Error(), complaint) || !errors.Is(err, systemimage.ErrRefused) {
					t.Fatalf("Edit() = %v, want %q", err, complaint)
				}
			} else if err != nil {
				t.Fatal(err)
			} else if diff := cmp.Diff(tt.want, string(next.Text())); diff != "" {
				t.Errorf("text (-want +got)\n%s", diff)
			}
			if string(c.Text()) != tt.text || !cmp.Equal(before, c.model()) {
				t.Error("the configuration that was edited has changed")
			}
		})
	}
}

// For every edit of every made-up text: it is refused, or reading again gives
// exactly the change that was asked for and the text differs nowhere else.
func TestConfigEditProperty(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 2))
	done, refused := map[string]int{}, 0
	for n := 0; n < *configTexts; {
		text := madeUp(r)
		c, err := Parse(text)
		if err != nil || len(c.sections) == 0 {
			continue
		}
		n++
		for range 4 {
			e := madeUpEdit(r, c)
			next, err := c.edit(Edit{e})
			if err != nil {
				refused++
				continue
			}
			done[e.Do]++
			checkEdit(t, c, next, e)
			if t.Failed() {
				t.Fatalf("seed %d: %+v of %q gives %q", seed, e, text, next.text)
			}
		}
	}
	t.Logf("done %v, refused %d", done, refused)
	for _, do := range []string{"set", "remove", "add section", "remove section", "add channel", "remove channel", "add file", "remove file"} {
		if done[do] < *configTexts/50 {
			t.Errorf("%q was done %d times only", do, done[do])
		}
	}
}

func madeUpEdit(r *rand.Rand, c *Config) editForm {
	pick := func(list []string) string { return list[r.IntN(len(list))] }
	words := []string{"a", "b", "c", "x", "a, b", "a, b, c", "device,mako", "http;http://h/a;name=b,monitor=http://h/m", "", "x\n, y", "x\n\n# y", " a", "a,", "é\u00a0", "[a]", "a]b", "k=v", "# a", "a\rb"}
	section := c.sections[r.IntN(len(c.sections))]
	e := editForm{Section: section.name, Key: pick(words), Value: pick(words)}
	if len(section.keys) > 0 && r.IntN(3) > 0 {
		e.Key = section.keys[r.IntN(len(section.keys))].name
	}
	e.Do = pick([]string{"set", "set", "remove", "add section", "remove section", "add channel", "remove channel", "add file", "remove file"})
	list := ""
	switch e.Do {
	case "add section":
		e.Section = pick(words)
	case "add channel", "remove channel":
		e.Section, list = "global", "channels"
	case "add file", "remove file":
		list = "files"
	}
	if v, ok := c.Get(e.Section, list); ok && list != "" {
		e.Key = pick(words)
		if e.Do == "remove file" || e.Do == "remove channel" || r.IntN(4) == 0 {
			e.Key = pick(v.Names())
		} else if r.IntN(2) == 0 {
			e.Before = pick(v.Names())
		}
	}
	return e
}

// checkEdit looks at the two texts only, not at how the edit was made.
func checkEdit(t *testing.T, c, next *Config, e editForm) {
	t.Helper()
	want, touched := c.model(), map[int]bool{}
	lines := func(section, key string) {
		if s := c.byName[section]; s != nil && s.byName[key] != nil {
			for _, n := range s.byName[key].lines {
				touched[n] = true
			}
		}
	}
	set := func(section, key, value string) {
		if v, ok := c.Get(section, key); ok && v.String() == value {
			return
		}
		lines(section, key)
		want[section][key] = value
	}
	names := func(section, key string) []string {
		v, ok := c.Get(section, key)
		if c.byName[section] == nil && e.Do == "add channel" {
			v, ok = c.Get(defaultSection, key) // it will have it as soon as it is there
		}
		if !ok || v.List == nil && v.Text == "" {
			return nil
		}
		return slices.Clone(v.Names())
	}
	list := func(section, key string, after []string) {
		before := names(section, key)
		if slices.Equal(before, after) {
			return
		}
		lines(section, key)
		delete(want[section], key)
		if len(after) == 0 {
			return
		}
		v, _ := next.Get(section, key)
		if !slices.Equal(v.Names(), after) {
			t.Errorf("%s is %q, want %q", key, v.Names(), after)
		}
		want[section][key] = v.Raw
	}
	without := func(names []string) []string {
		return slices.DeleteFunc(names, func(s string) bool { return s == e.Key })
	}
	with := func(names []string) []string {
		if slices.Contains(names, e.Key) {
			return names
		}
		i := slices.Index(names, e.Before)
		if i < 0 || e.Before == "" {
			i = len(names)
		}
		return slices.Insert(names, i, e.Key)
	}
	section := func(name string) {
		if want[name] == nil {
			want[name] = map[string]string{}
		}
	}
	unsection := func(name string) {
		s := c.byName[name]
		if s == nil {
			return
		}
		delete(want, name)
		for n := s.header; n <= s.last(); n++ {
			touched[n] = true
		}
	}
	switch e.Do {
	case "set":
		set(e.Section, e.Key, e.Value)
	case "remove":
		lines(e.Section, e.Key)
		delete(want[e.Section], e.Key)
	case "add section":
		section(e.Section)
	case "remove section":
		unsection(e.Section)
	case "add channel":
		section("global")
		section(Section(e.Key))
		list("global", "channels", with(names("global", "channels")))
	case "remove channel":
		list("global", "channels", without(names("global", "channels")))
		unsection(Section(e.Key))
	case "add file":
		set(e.Section, "file_"+e.Key, e.Value)
		list(e.Section, "files", with(names(e.Section, "files")))
	case "remove file":
		list(e.Section, "files", without(names(e.Section, "files")))
		lines(e.Section, "file_"+e.Key)
		delete(want[e.Section], "file_"+e.Key)
	}
	if diff := cmp.Diff(want, next.model()); diff != "" {
		t.Errorf("what the server reads (-want +got)\n%s", diff)
	}
	// Every line that is not touched is there, in order; blank ones may go with a section.
	at := 0
	for n, l := range c.lines {
		line := c.text[l.start:l.end]
		if l.stop == l.end {
			line = c.text[l.start:l.stop]
		}
		if touched[n] || c.blank(n) {
			continue
		}
		i := bytes.Index(next.text[at:], line)
		if i < 0 {
			t.Errorf("line %d, %q, is gone or has moved", n+1, line)
			return
		}
		at += i + len(line)
	}
	if maps.Equal(flat(c.model()), flat(next.model())) && len(c.sections) == len(next.sections) && !bytes.Equal(c.text, next.text) {
		t.Error("bytes were changed though nothing was")
	}
}

func flat(m model) map[[2]string]string {
	f := map[[2]string]string{}
	for s, keys := range m {
		for k, v := range keys {
			f[[2]string{s, k}] = v
		}
	}
	return f
}
