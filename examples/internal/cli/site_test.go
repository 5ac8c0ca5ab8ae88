package cli

import (
	gocmp "cmp"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/cdimage"
)

var programs = map[string][]string{"copyrc": {"tag", "from", "to", "pairs"}}

func TestLoadSiteExample(t *testing.T) {
	t.Parallel()
	s, err := LoadSite("../../site.conf", programs, "image-server", "cdimage")
	if err != nil {
		t.Fatal(err)
	}
	want := ImageServer{
		URL: "https://system-image.example.net", Keyring: "../../archive-master.tar.xz",
		Host: Host{SSH: "cdimage@images.example.net:22", Root: "/srv/system-image.ubuntu.com"},
	}
	if d := cmp.Diff(want, s.ImageServer); d != "" {
		t.Errorf("image server (-want +got)\n%s", d)
	}
	builder := ImageBuilder{
		Logs:   "https://ubuntu-archive-team.ubuntu.com/cd-build-logs/",
		Host:   Host{SSH: "cdimage@builder.example.net:22"},
		Images: cdimage.ImageSet{Project: "ubuntu-touch", Series: "vivid"},
	}
	if d := cmp.Diff(builder, s.ImageBuilder); d != "" {
		t.Errorf("image builder (-want +got)\n%s", d)
	}
	if got := s.Option("copyrc", "from"); s.Name != "example" || got != "rc-proposed" {
		t.Errorf("name %q, copyrc.from %q, want example and rc-proposed", s.Name, got)
	}
}

// One file serves all programs: each passes over the sections of the others.
func TestProgramNames(t *testing.T) {
	t.Parallel()
	mains, err := filepath.Glob("../../*/main.go")
	if err != nil || len(mains) < 5 {
		t.Fatalf("programs %v, %v", mains, err)
	}
	for _, path := range mains {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(filepath.Dir(path))
		if !strings.Contains(string(text), "cli.Main(") {
			continue
		}
		if !slices.Contains(programNames, name) {
			t.Errorf("%s is not among the programs that may have a section", name)
		}
	}
	if _, err := LoadSite("../../site.conf", map[string][]string{"imageinfo": nil}); err != nil {
		t.Error(err)
	}
}

// The sample names every key, of its own sections and of the programs'.
func TestSampleNamesEveryKey(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../site.conf")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^#?([a-z_]+) *=`).FindAllSubmatch(text, -1) {
		named[string(m[1])] = true
	}
	for _, m := range regexp.MustCompile(`(?m)^# ((?:[a-z_]+(?:, | and ))+[a-z_]+)(?: | as above|$)`).FindAllSubmatch(text, -1) {
		for _, word := range regexp.MustCompile(`[a-z_]+`).FindAllString(string(m[1]), -1) {
			named[word] = true
		}
	}
	keys := (&Phasing{}).Keys()
	for _, k := range siteKeys() {
		keys = append(keys, k.name)
	}
	mains, err := filepath.Glob("../../*/main.go")
	if err != nil {
		t.Fatal(err)
	}
	programs := 0
	for _, path := range mains {
		main, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^\s*Keys: +(.*),$`).FindAllSubmatch(main, -1) {
			programs++
			for _, key := range regexp.MustCompile(`"([a-z_]+)"`).FindAllStringSubmatch(string(m[1]), -1) {
				keys = append(keys, key[1])
			}
		}
	}
	if programs < 5 {
		t.Fatalf("%d programs with keys of their own, want more", programs)
	}
	for _, key := range keys {
		if !named[key] {
			t.Errorf("site.conf does not name the key %q", key)
		}
	}
}

const server = "[image-server]\nurl = https://x\nssh = u@h\nroot = /srv/si\n"

func TestLoadSite(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		needs      string // "image-server" when empty
		wantErr    string // "" when it is to load
		check      func(*Site) bool
	}{
		{name: "unverified", text: server + "unverified = yes\n", check: func(s *Site) bool { return s.ImageServer.Unverified }},
		{name: "lock wait", text: server + "keyring = k\nlock_wait = 90s\n", check: func(s *Site) bool { return s.ImageServer.LockWait == 90*time.Second }},
		{name: "no inline comment", text: server + "keyring = k ; old\n", check: func(s *Site) bool { return strings.HasSuffix(s.ImageServer.Keyring, "k ; old") }},
		{name: "several pairs over lines", text: server + "keyring = k\n[copyrc]\npairs = a/rc-proposed\n  b/rc-proposed:x\n",
			check: func(s *Site) bool { return len(strings.Fields(s.Option("copyrc", "pairs"))) == 2 }},
		{name: "neither keyring nor unverified", text: server, wantErr: "archive-master keyring"},
		{name: "both", text: server + "keyring = k\nunverified = yes\n", wantErr: "archive-master keyring"},
		{name: "missing key", text: "[image-server]\nurl = https://x\n", wantErr: `key "ssh" is missing`},
		{name: "tree alone", text: "[image-server]\nurl = https://x\nkeyring = k\n", needs: "tree", check: func(s *Site) bool { return s.ImageServer.URL == "https://x" }},
		{name: "no tree", text: "[image-server]\nkeyring = k\n", needs: "tree", wantErr: `key "url" is missing`},
		{name: "tree without its section", text: "[site]\nname = x\n", needs: "tree", wantErr: "section [image-server] is missing"},
		{name: "misspelt key", text: server + "keyring = k\nlockwait = 1m\n", wantErr: `no key "lockwait"`},
		{name: "misspelt section", text: server + "keyring = k\n[copyrcs]\n", wantErr: "unknown section [copyrcs]"},
		{name: "bad time", text: server + "keyring = k\nlock_wait = soon\n", wantErr: "lock_wait = soon"},
		{name: "builder alone", text: "[cdimage]\nssh = u@b\nhost_key = k\njump = u@j\nkey_file = id\n", needs: "cdimage", check: func(s *Site) bool {
			h := s.ImageBuilder.Host
			return h.SSH == "u@b" && h.HostKey == "k" && h.Jump == "u@j" && filepath.Base(h.KeyFile) == "id" && filepath.IsAbs(h.KeyFile) &&
				s.ImageBuilder.Logs == cdimage.CurrentLogs
		}},
		{name: "logs alone", text: "[cdimage]\nlogs = http://x/logs\n", needs: "cdimage", check: func(s *Site) bool { return s.ImageBuilder.Logs == "http://x/logs" }},
		{name: "builder's key without its host", text: "[cdimage]\nroot = /srv\n", needs: "cdimage", wantErr: `key "root" is about a host`},
		{name: "no builder", text: server + "keyring = k\n", needs: "cdimage", wantErr: "section [cdimage] is missing"},
		{name: "key twice", text: server + "keyring = k\n# root was:\nroot: /srv/other\n", wantErr: `line 7: the key [image-server] root stands in line 4 already`},
		{name: "key twice, apart", text: server + "keyring = k\n[site]\nname = a\n[image-server]\nroot = /x\n", wantErr: "line 8: the section [image-server] stands in line 1 already"},
		{name: "key twice in another program's section", text: server + "keyring = k\n[release]\ntag = a\ntag = b\n", wantErr: "line 8: the key [release] tag stands in line 7 already"},
		{name: "same key in two sections", text: server + "keyring = k\n[cdimage]\nssh = u@b\nroot = /srv\n", check: func(s *Site) bool { return s.ImageBuilder.Host.Root == "/srv" }},
		{name: "indented key", text: server + "keyring = k\n  known_hosts = kh\n", wantErr: `line 6: "known_hosts = kh" goes on with the value above`},
		{name: "indented comment", text: server + "keyring = k\n  # a comment\n", wantErr: "line 6: "},
		{name: "empty", text: "", wantErr: "missing"},
		{name: "binary", text: "\x00\xff\x1f", wantErr: "not text in UTF-8"},
		{name: "garbage", text: server + "\n  what is this\n", wantErr: `line 6: "what is this" is neither`},
		{name: "URL without scheme", text: "[image-server]\nurl = si.example.net\nssh = u@h\nroot = /srv\nkeyring = k\n", wantErr: "line 2: section [image-server]: url = si.example.net: want an address such as https://"},
		{name: "root that is no path", text: "[image-server]\nurl = https://x\nssh = u@h\nroot = si\nkeyring = k\n", wantErr: "line 4: section [image-server]: root = si: want the whole path"},
		{name: "ssh with a path", text: "[image-server]\nurl = https://x\nssh = ssh://u@h\nroot = /srv\nkeyring = k\n", wantErr: "line 3: section [image-server]: ssh = ssh://u@h: want USER@HOST"},
		{name: "before any section", text: "name = x\n" + server + "keyring = k\n", wantErr: `line 1: key "name" stands before any section`},
		{name: "section without end", text: "[image-server\nurl = https://x\n", wantErr: `line 1: "[image-server" begins a section, and its end is missing`},
		{name: "huge", text: strings.Repeat("# x\n", 300_000), wantErr: "no site file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "site.conf")
			if err := os.WriteFile(path, []byte(tt.text), 0o644); err != nil {
				t.Fatal(err)
			}
			s, err := LoadSite(path, programs, gocmp.Or(tt.needs, "image-server"))
			switch {
			case tt.wantErr != "" && (err == nil || !strings.Contains(err.Error(), tt.wantErr)):
				t.Errorf("LoadSite() error = %v, want one with %q", err, tt.wantErr)
			case tt.wantErr == "" && err != nil:
				t.Error(err)
			case tt.check != nil && !tt.check(s):
				t.Errorf("LoadSite() = %+v", s)
			}
		})
	}
}

// All that is wrong is said at once, in the order of the file, and each thing once.
func TestAllFaultsOfASite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "site.conf")
	text := `[site]
nmae = broken
[image-server]
url = si.example.net
ssh = u@h
what is this
ssh = u@other
unverified = perhaps
lock_wait = soon
[copyrcs]
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := LoadSite(path, programs, "image-server", "cdimage")
	if err == nil {
		t.Fatal("it loads")
	}
	want := `site.conf: section [cdimage] is missing
site.conf, line 2: section [site] has no key "nmae" (did you mean "name"?); it has name, operator
site.conf, line 3: section [image-server]: key "root" is missing
site.conf, line 4: section [image-server]: url = si.example.net: want an address such as https://system-image.example.net
site.conf, line 6: "what is this" is neither [section], key = value nor # comment
site.conf, line 7: the key [image-server] ssh stands in line 5 already
site.conf, line 8: section [image-server]: unverified = perhaps: want yes or no
site.conf, line 9: section [image-server]: lock_wait = soon: want a time such as 15m
site.conf, line 10: unknown section [copyrcs] (did you mean "copyrc"?)`
	if d := cmp.Diff(want, strings.ReplaceAll(err.Error(), filepath.Dir(path)+"/", "")); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// What may be secret in an address of the site stays in the site file.
func TestTitleTellsNoSecrets(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "site.conf")
	text := "[image-server]\nurl = https://me:hunter2@si.example.net/?token=hunter2\nssh = u@si\nroot = /srv\nunverified = yes\n" +
		"[cdimage]\nlogs = https://me:hunter2@logs.example.net/?token=hunter2\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, needs := range [][]string{{"tree"}, {"image-server", "cdimage"}} {
		w, err := Program{Name: "x", Needs: needs}.world(options{site: path}, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		defer w.close()
		world, err := json.Marshal(w.where)
		if err != nil || !strings.Contains(w.Title, "https://si.example.net/") || strings.Contains(w.Title+string(world), "hunter2") {
			t.Errorf("title %q, world %s, %v", w.Title, world, err)
		}
	}
}

// Whatever a site file holds, it loads or is refused by its name, and no value that
// loads has lines of other keys in it.
func FuzzLoadSite(f *testing.F) {
	for _, text := range []string{server + "keyring = k\n", "[site]\nname = a\nname: b\n", "[copyrc]\npairs = a\n  b\n\tc = d\n", "[", "=\n", "\"a=b\"=c\n", "[site]\nname = `a\n`\n"} {
		f.Add([]byte(text))
	}
	const path = "/etc/site.conf"
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := parseSite(text, path, map[string][]string{"copyrc": {"pairs", "tag"}})
		if err != nil {
			if !strings.Contains(err.Error(), path) {
				t.Errorf("%v: does not name the file", err)
			}
			return
		}
		for section, values := range s.options {
			for key, v := range values {
				for _, line := range strings.Split(v, "\n")[1:] {
					if strings.HasPrefix(strings.TrimSpace(line), "#") || strings.HasPrefix(strings.TrimSpace(line), "tag =") {
						t.Errorf("[%s] %s has %q in it", section, key, v)
					}
				}
			}
		}
	})
}
