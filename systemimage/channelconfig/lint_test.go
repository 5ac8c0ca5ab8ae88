package channelconfig

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
)

// lintHead is a [global] with nothing to find, of one channel c.
const lintHead = "[global]\nbase_path = /srv\npublic_fqdn = h\npublic_http_port = 80\npublic_https_port = 443\nchannels = c\n[channel_c]\nfullcount = 3\n"

// lintFiles are the last lines of a channel's section.
const lintFiles = "file_keyring = keyring;archive-master\nfile_version = version\n"

func lintText(t testing.TB, text string, l *Linter) []Finding {
	t.Helper()
	c, _ := Parse([]byte(text))
	findings, err := l.Lint(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return findings
}

func brief(findings []Finding) []string {
	var list []string
	for _, f := range findings {
		list = append(list, fmt.Sprintf("%d %s %s", f.Line, f.Severity, f.Class))
	}
	return list
}

func TestLint(t *testing.T) {
	auto := lintHead + "type = auto\nfiles = ubuntu, keyring, version\n" + lintFiles
	for _, tt := range []struct {
		name, text string
		want       []string
		fixed      string // a line that is there when all is mended; "" when nothing can be
	}{
		{"line without a separator", "[global]\nchannels\tc\nbase_path /srv\n[channel_c\ntype\n",
			[]string{"2 error grammar", "3 error grammar", "4 error grammar", "5 error grammar"}, "# type"},
		{"key twice", lintHead + "fullcount = 4\n", []string{"9 error grammar"}, "# fullcount = 4"},
		{"section twice", lintHead + "[channel_c]\n", []string{"9 error grammar"}, ""},
		{"byte order mark", "\ufeff" + lintHead, []string{"1 error grammar"}, "[global]"},
		{"not UTF-8", "[a]\n# \xff\n", []string{"2 error grammar"}, ""},

		{"empty", "", []string{"0 error missing-section"}, ""},
		{"no address, no path", "[global]\nchannels = c\n[channel_c]\n", []string{
			"0 warning missing-key", "0 error missing-key", "0 error missing-key", "0 error missing-key"}, ""},
		{"unknown sections", lintHead + "[chanel_x]\n[ channel_d ]\n[other]\n", []string{"9 warning unknown-section", "10 warning unknown-section", "11 warning unknown-section"}, "[channel_d]"},
		{"unlisted channel", lintHead + "[channel_d]\n", []string{"9 warning unlisted-section"}, "channels = c, d"},
		{"unknown keys", lintHead + "Type = auto\nfulcount = 3\nowner = me\n", []string{"9 warning unknown-key", "10 warning unknown-key", "11 warning unknown-key"}, "type = auto"},
		{"defaults", "[DEFAULT]\nfullcount = 3\n" + lintHead, []string{"1 note default-section"}, ""},
		{"mirrors", lintHead + "[mirror_a]\nssh_host = h\n", []string{"9 warning unlisted-section"}, ""},
		{"mirrors without default", strings.Replace(lintHead, "channels = c", "channels = c\nmirrors = a, b", 1) + "[mirror_a]\nssh_host = h\n", []string{"7 error missing-section"}, ""},
		{"mirrors incomplete", strings.Replace(lintHead, "channels = c", "channels = c\nmirrors = a, b", 1) + "[mirror_a]\n[mirror_default]\nssh_port = ssh\n",
			[]string{"7 error missing-section", "10 error missing-key", "11 error missing-key", "11 error missing-key", "11 error missing-key", "12 error not-a-number"}, "mirrors = a"},

		{"type", lintHead + "type = atuo\n", []string{"9 error unknown-type"}, "type = auto"},
		{"type in capitals", lintHead + "type = Manual\n", []string{"9 error unknown-type"}, "type = manual"},
		{"comment behind type", strings.Replace(auto, "type = auto", "type = auto # nightly", 1) + "file_ubuntu = http;http://h/u;monitor=http://h/m\n", []string{"9 error inline-comment", "9 error unknown-type"}, "type = auto"},
		{"comment behind files", auto + "file_ubuntu = http;http://h/u;monitor=http://h/m ; nightly\n", []string{"13 error inline-comment", "13 error blank"}, "file_ubuntu = http;http://h/u;monitor=http://h/m"},
		{"single quotes", lintHead + "type = 'auto'\n", []string{"9 warning single-quotes", "9 error unknown-type"}, "type = auto"},
		{"two types", lintHead + "type = auto, manual\n", []string{"9 error list-value", "9 error unknown-type"}, ""},
		{"indented key", strings.Replace(lintHead, "fullcount", "type = manual\n  fullcount", 1), []string{"8 error unknown-type", "9 error indented-key"}, "fullcount = 3"},
		{"numbers", lintHead + "versionbase = one\n", []string{"9 error not-a-number"}, ""},
		{"a list of numbers", strings.Replace(lintHead, "= 3", "= 1, 2", 1), []string{"8 error not-a-number"}, ""},
		{"version too high", lintHead + "versionbase = 70000\n", []string{"9 warning versionbase"}, ""},
		{"no expiry", strings.Replace(auto, "fullcount = 3", "fullcount = 0", 1) + "file_ubuntu = http;http://h/u;monitor=http://h/m\n", []string{"8 note fullcount"}, ""},

		{"channels without a blank", strings.Replace(lintHead, "channels = c", "channels = c,d", 1) + "[channel_d]\n", []string{"6 error list", "6 error missing-section", "7 warning unlisted-section", "9 warning unlisted-section"}, "channels = c, d"},
		{"channels with a comma behind", strings.Replace(lintHead, "channels = c", "channels = c, d,", 1) + "[channel_d]\n", []string{"6 error list", "6 error missing-section", "9 warning unlisted-section"}, "channels = c, d"},
		{"channels over two lines", strings.Replace(lintHead, "channels = c", "channels = c,\n  d", 1) + "[channel_d]\n", []string{"6 error list", "6 error missing-section", "8 warning unlisted-section", "10 warning unlisted-section"}, "channels = c, d"},
		{"channel misspelt", strings.Replace(lintHead, "channels = c", "channels = c, stabel", 1) + "[channel_stable]\n", []string{"6 error missing-section", "9 warning unlisted-section"}, "channels = c, stable"},
		{"channel without section", strings.Replace(lintHead, "channels = c", "channels = c, else", 1), []string{"6 error missing-section"}, "channels = c"},
		{"channel twice", strings.Replace(lintHead, "channels = c", "channels = c, c", 1), []string{"6 error list"}, "channels = c"},
		{"files empty", lintHead + "files =\n", []string{"9 error list", "9 error missing-file"}, "fullcount = 3"},
		{"files without a blank", lintHead + "files = keyring,version\n" + lintFiles, []string{"9 error list", "9 error missing-file", "10 warning unused-file", "11 warning unused-file"}, "files = keyring, version"},
		{"files of a device and others", lintHead + "files = d,mako,version\nfile_d,mako = http;http://h/d;monitor=http://h/m\nfile_version = version\n",
			[]string{"9 error list", "9 error missing-file", "10 warning unused-file", "11 warning unused-file"}, "files = d,mako, version"},
		{"file key missing", lintHead + "files = keyring, version, custom\n" + lintFiles, []string{"9 error missing-file"}, "files = keyring, version"},
		{"file key misspelt", lintHead + "files = custom, keyring, version\nfile_cutsom = http;http://h/u;monitor=http://h/m\n" + lintFiles, []string{"9 error missing-file", "10 warning unused-file"}, "files = cutsom, keyring, version"},
		{"file value a list", lintHead + "files = a\nfile_a = http;http://h/u;name=a, monitor=http://h/m\n", []string{"10 error list-value"}, "file_a = http;http://h/u;name=a,monitor=http://h/m"},
		{"deltabase", lintHead + "deltabase = c, d\n", []string{"9 warning deltabase"}, ""},
		{"blank deltabase", lintHead + "deltabase = \n", []string{"9 note no-deltas"}, ""},
		{"deltabase in quotes that hold nothing", lintHead + "deltabase = \"\"\n", []string{"9 note no-deltas"}, ""},
		{"deltabase with a comma too much", lintHead + "deltabase = c, \n", []string{"9 error list"}, "deltabase = c "},
		{"deltabase of others only", strings.Replace(lintHead, "channels = c", "channels = c, dd", 1) + "deltabase = dd\n[channel_dd]\n", []string{"9 note deltabase-self"}, ""},
		{"deltabase without a blank", strings.Replace(lintHead, "channels = c", "channels = c, dd", 1) + "deltabase = c,dd\n[channel_dd]\n", []string{"9 error list"}, "deltabase = c, dd"},

		{"generator", auto + "file_ubuntu = cdimage-ubunut;/srv/cd;vivid;import=good\n", []string{"13 error unknown-generator"}, "file_ubuntu = cdimage-ubuntu;/srv/cd;vivid;import=good"},
		{"generator of 2016", auto + "file_ubuntu = cdimage-device;/srv/cd;vivid\n", []string{"13 error unknown-generator"}, ""},
		{"generator with a blank", auto + "file_ubuntu = http ;http://h/u;monitor=http://h/m\n", []string{"13 error unknown-generator"}, "file_ubuntu = http;http://h/u;monitor=http://h/m"},
		{"series with options", auto + "file_ubuntu = cdimage-ubuntu;/srv/cd;vivid,import=any\n", []string{"13 error series"}, "file_ubuntu = cdimage-ubuntu;/srv/cd;vivid;import=any"},
		{"prefix as an option", auto + "file_ubuntu = system-image;c;file=ubuntu\n", []string{"13 error prefix"}, "file_ubuntu = system-image;c;ubuntu"},
		{"no series", auto + "file_ubuntu = cdimage-ubuntu;/srv/cd\n", []string{"13 error missing-argument"}, ""},
		{"blanks around arguments", auto + "file_ubuntu = cdimage-ubuntu; /srv/cd; vivid\n", []string{"13 error blank"}, "file_ubuntu = cdimage-ubuntu;/srv/cd;vivid"},
		{"options", auto + "file_ubuntu = cdimage-ubuntu;/srv/cd;vivid;imprt=good\n", []string{"13 error unknown-option"}, "file_ubuntu = cdimage-ubuntu;/srv/cd;vivid;import=good"},
		{"import", auto + "file_ubuntu = cdimage-ubuntu;/srv/cd;vivid;import=best\n", []string{"13 warning import"}, ""},
		{"option with two =", auto + "file_ubuntu = http;http://h/u;name=a,monitor=http://h/m?v=1\n", nil, ""},
		{"option without =", auto + "file_ubuntu = http;http://h/u;name,monitor=http://h/m\n", []string{"13 error ignored-option"}, ""},
		{"relative path", auto + "file_ubuntu = cdimage-ubuntu;cd;vivid\n", []string{"13 warning relative-path"}, ""},
		{"URL without a scheme", auto + "file_ubuntu = http;h/u;monitor=http://h /m\n", []string{"13 error url", "13 error url"}, ""},
		{"URL without a scheme, mended", auto + "file_ubuntu = http;h.example/u;monitor=http://h/m\n", []string{"13 error url"}, "file_ubuntu = http;http://h.example/u;monitor=http://h/m"},
		{"scheme misspelt", auto + "file_ubuntu = http;http://h/u;monitor=htp://h/m\n", []string{"13 error url"}, "file_ubuntu = http;http://h/u;monitor=http://h/m"},
		{"no host", auto + "file_ubuntu = http;http:///u;monitor=http://h/m\n", []string{"13 error url"}, ""},
		{"password", auto + "file_ubuntu = http;http://me:pw@h/u;monitor=http://h/m\n", []string{"13 error url"}, "file_ubuntu = http;http://h/u;monitor=http://h/m"},
		{"blanks around a URL", auto + "file_ubuntu = http; http://h/u;monitor=http://h/m\n", []string{"13 warning blank"}, "file_ubuntu = http;http://h/u;monitor=http://h/m"},
		{"slashes", auto + "file_ubuntu = http;http:/h.example/u;monitor=http//h/m\n", []string{"13 error url", "13 error url"}, "file_ubuntu = http;http://h.example/u;monitor=http://h/m"},
		{"options behind a URL", auto + "file_ubuntu = http;http://h/u,name=u,monitor=http://h/m\n", []string{"13 error url"}, "file_ubuntu = http;http://h/u;name=u,monitor=http://h/m"},
		{"option with a colon", auto + "file_ubuntu = cdimage-ubuntu;/srv/cd;vivid;import:good\n", []string{"13 error ignored-option"}, "file_ubuntu = cdimage-ubuntu;/srv/cd;vivid;import=good"},
		{"series with a blank", auto + "file_ubuntu = cdimage-ubuntu;/srv/cd;vivid import=any\n", []string{"13 error series"}, "file_ubuntu = cdimage-ubuntu;/srv/cd;vivid;import=any"},
		{"prefix with options", auto + "file_ubuntu = system-image;c;ubuntu,device=d\n", []string{"13 error prefix"}, "file_ubuntu = system-image;c;ubuntu;device=d"},
		{"type in full", lintHead + "type = automatic\n", []string{"9 error unknown-type"}, "type = auto"},
		{"a number with a point", strings.Replace(lintHead, "= 3", "= 3.0", 1), []string{"8 error not-a-number"}, "fullcount = 3"},
		{"blank in the key of a device", lintHead + "files = d,mako, keyring, version\nfile_d, mako = http;http://h/d;monitor=http://h/m\n" + lintFiles,
			[]string{"9 error list", "9 error missing-file", "10 warning unused-file"}, "file_d,mako = http;http://h/d;monitor=http://h/m"},
		{"file key indented", lintHead + "files = keyring, version\nfile_keyring = keyring;archive-master\n  file_version = version\n",
			[]string{"9 error missing-file", "11 error indented-key"}, "file_version = version"},
		{"file key with a dash", lintHead + "files = keyring, version\nfile-keyring = keyring;archive-master\nfile_version = version\n",
			[]string{"9 error missing-file", "10 warning unknown-key"}, "file_keyring = keyring;archive-master"},
		{"blank in a header", strings.Replace(lintHead, "[channel_c]", "[channel_c ]", 1), []string{"6 error missing-section", "7 warning unlisted-section"}, "[channel_c]"},
		{"header without prefix", strings.Replace(lintHead, "channels = c", "channels = c, dd", 1) + "[dd]\n", []string{"6 error missing-section", "9 warning unknown-section"}, "[channel_dd]"},
		{"header with a blank for _", strings.Replace(lintHead, "channels = c", "channels = c, dd", 1) + "[channel dd]\n", []string{"6 error missing-section", "9 warning unknown-section"}, "[channel_dd]"},
		{"source channel", auto + "file_ubuntu = system-image;d;ubuntu\n", []string{"13 warning source-channel"}, ""},

		{"version first", lintHead + "type = auto\nfiles = version, keyring, ubuntu\n" + lintFiles + "file_ubuntu = http;http://h/u;monitor=http://h/m\n", []string{"10 error order", "10 error order"}, "files = ubuntu, keyring, version"},
		{"version before custom", lintHead + "type = auto\nfiles = a, version, keyring, b\n" + lintFiles + "file_a = http;http://h/u;monitor=http://h/m\nfile_b = http;http://h/b;monitor=http://h/m\n",
			[]string{"10 warning order", "10 warning order"}, "files = a, b, keyring, version"},
		{"device entry behind", lintHead + "type = auto\nfiles = d, d,mako, keyring, version\n" + lintFiles + "file_d = http;http://h/u;monitor=http://h/m\nfile_d,mako = http;http://h/b;monitor=http://h/m\n",
			[]string{"10 error order"}, "files = d,mako, d, keyring, version"},
		{"no version", lintHead + "type = auto\nfiles = a\nfile_a = http;http://h/u;monitor=http://h/m\n", []string{"10 warning missing-entry", "10 warning missing-entry"}, ""},
		{"no files", lintHead + "type = auto\n", []string{"0 warning missing-key"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := &Linter{}
			findings := lintText(t, tt.text, l)
			if diff := cmp.Diff(tt.want, brief(findings)); diff != "" {
				t.Errorf("findings (-want +got)\n%s\n%v", diff, findings)
			}
			for _, f := range findings {
				if f.Problem == "" || f.Why == "" || strings.HasSuffix(f.String(), ".") {
					t.Errorf("%q is no message", f)
				}
			}
			text := mendAll(t, tt.text, l)
			if tt.fixed != "" && !slices.Contains(strings.Split(text, "\n"), tt.fixed) {
				t.Errorf("mended, it has no line %q:\n%s", tt.fixed, text)
			}
			if tt.fixed == "" && text != tt.text {
				t.Errorf("it was mended:\n%s", cmp.Diff(tt.text, text))
			}
		})
	}
}

// mendAll makes the first fix that there is, until there is none. Each one
// must make its finding go away.
func mendAll(t *testing.T, text string, l *Linter) string {
	t.Helper()
	for range 30 {
		findings := lintText(t, text, l)
		i := slices.IndexFunc(findings, func(f Finding) bool { return len(f.Fix) > 0 })
		if i < 0 {
			return text
		}
		c, _ := Parse([]byte(text))
		next, err := c.Edit(findings[i].Fix...)
		if err != nil {
			t.Fatalf("%v: %v", findings[i], err)
		}
		text = string(next.Text())
		for _, f := range lintText(t, text, l) {
			if f.Class == findings[i].Class && f.Problem == findings[i].Problem && f.Line == findings[i].Line {
				t.Fatalf("mended, and still: %v", f)
			}
		}
	}
	t.Fatalf("there is no end of mending:\n%s", text)
	return ""
}

// A configuration that works has nothing but notes.
func TestLintSample(t *testing.T) {
	if f := lintText(t, string(readFile(t, "testdata/sample")), &Linter{}); len(f) > 0 {
		t.Errorf("%v", f)
	}
}

func TestLintTree(t *testing.T) {
	var channels systemimage.Channels
	err := channels.UnmarshalJSON(readFile(t, "../testdata/tree/channels.json"))
	if err != nil {
		t.Fatal(err)
	}
	sample := string(readFile(t, "testdata/sample"))
	l := &Linter{Channels: channels}
	if f := lintText(t, sample, l); len(f) > 0 {
		t.Errorf("%v", f)
	}
	change := strings.NewReplacer(
		"channels = ubuntu-touch/rc-proposed/ubuntu, ", "channels = ubuntu-touch/rc-proposed/ubuntu, new, ubuntu-touch/devel-proposed/ubuntu, ",
		", ubuntu-touch/stable/meizu.en, ", ", ",
		"[channel_ubuntu-touch/stable/meizu.en]", "[channel_new]\ntype = auto\n[channel_ubuntu-touch/devel-proposed/ubuntu]",
		"type = manual\nversionbase = 1\nfullcount = 3\n\n[channel_20", "type = auto\nversionbase = 1\nfullcount = 3\n\n[channel_20",
		"device,krillin", "device,krilin",
		";device=mako", ";device=mko",
		"[channel_ubuntu-touch/rc-proposed/meizu.en]\n", "[channel_ubuntu-touch/rc-proposed/meizu.en]\ndeltabase = ubuntu-touch/rc-proposed/meizu.en, ubuntu-touch/rc-proposed/bq-aquaris.en\n",
	)
	var got []string
	for _, f := range lintText(t, change.Replace(sample), l) {
		if slices.Contains([]string{"not-in-tree", "alias", "not-configured", "unknown-device", "source-device", "deltabase-device"}, f.Class) {
			got = append(got, fmt.Sprintf("%s %s: %s", f.Severity, f.Class, f.Problem))
		}
	}
	want := []string{
		"note not-configured: channel ubuntu-touch/stable/meizu.en of the tree is not configured",
		"error source-device: channel ubuntu-touch/rc-proposed/ubuntu has no device mko",
		`warning unknown-device: "device,krilin" is for a device that the channel does not have: is "krillin" meant?`,
		"note deltabase-device: channel ubuntu-touch/rc-proposed/bq-aquaris.en of deltabase has no device arale",
		"error not-in-tree: channel new is not in the published tree",
		"error alias: channel ubuntu-touch/devel-proposed/ubuntu is an alias and automatic",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got)\n%s", diff)
	}
}

func TestClosest(t *testing.T) {
	for _, tt := range []struct{ word, want string }{
		{"atuo", "auto"}, {"Auto", "auto"}, {"aut", "auto"}, {"manual", ""}, {"manaul", "manual"}, {"never", ""}, {"", ""}, {"a", ""},
	} {
		if got := closest(tt.word, []string{"auto", "manual"}); got != tt.want {
			t.Errorf("closest(%q) = %q, want %q", tt.word, got, tt.want)
		}
	}
}

// Every mistake of the recorded imports is found, most of which the server did
// not tell about.
func TestLintRecorded(t *testing.T) {
	var channels systemimage.Channels
	err := channels.UnmarshalJSON(readFile(t, "../testdata/tree/channels.json"))
	if err != nil {
		t.Fatal(err)
	}
	sample := string(readFile(t, "testdata/sample"))
	want := map[string]string{
		"channel-not-in-tree": "not-in-tree", "comma-space-in-options": "list-value", "duplicate-option": "grammar", "duplicate-section": "grammar",
		"fullcount-not-number": "not-a-number", "inline-comment": "inline-comment", "malformed-line": "grammar", "mirror-section-missing": "missing-section",
		"missing-deltabase": "deltabase", "missing-file-key": "missing-file", "missing-keyring": "missing-keyring", "missing-section": "missing-section",
		"no-public-fqdn": "missing-key", "series-comma-option": "series", "system-image-bad-channel": "source-channel",
		"system-image-bad-device": "source-device", "system-image-file-eq": "prefix", "type-atuo": "unknown-type",
		"unknown-generator": "unknown-generator", "unknown-option": "unknown-key", "version-first": "order",
		"wrong-cdimage-path": "missing-path", "wrong-series": "missing-series",
	}
	files, err := filepath.Glob("testdata/mistakes/*.diff")
	if err != nil || len(files) != len(want) {
		t.Fatalf("%d mistakes are recorded, %d known: %v", len(files), len(want), err)
	}
	// A host that has just what the world of the recording has.
	host := command.Func(func(_ context.Context, c command.Command) (command.Output, error) {
		var out strings.Builder
		words := strings.Split(string(c.Stdin), "\n")
		for i := 0; i+4 <= len(words); i += 4 {
			_, name, _ := strings.Cut(words[i+1], "/keyrings/")
			answer := "yes"
			switch {
			case name != "" && !strings.HasPrefix(name, "archive-master"), words[i+2] != "" && !strings.HasPrefix(words[i+2], "vivid-"),
				strings.Contains(words[i+1], "cdimage") && words[i+1] != "/srv/cdimage.ubuntu.com/full/ubuntu-touch/daily-preinstalled":
				answer = "no"
			}
			out.WriteString(answer + "\n")
		}
		return command.Output{Stdout: []byte(out.String() + "end\n")}, nil
	})
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".diff")
		text := patch(t, sample, string(readFile(t, file)), "-", "+")
		findings := lintText(t, text, &Linter{Channels: channels, Runner: host, Root: "/srv/system-image.ubuntu.com"})
		if !slices.ContainsFunc(findings, func(f Finding) bool { return f.Class == want[name] }) {
			t.Errorf("%s: nothing of class %s is found: %v", name, want[name], findings)
		}
	}
}
