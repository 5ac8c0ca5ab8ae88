package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/examples/internal/doctor"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/remote/remotetest"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

func TestMain(m *testing.M) {
	if lab.Program() {
		return
	}
	// These tests wait most of their time, for hosts and servers that do not answer: many do so side by side. A
	// -parallel of the command line still counts.
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	os.Exit(systemimagetest.InMemory(func() int {
		defer os.RemoveAll(servers.dir)
		return m.Run()
	}))
}

// servers are those that were made so far, by the text of their world: the first of each
// is made, with keys of its own, and the others are clones.
var servers struct {
	sync.Mutex
	dir  string
	made map[string]*systemimagetest.Server
}

// made lays a server with a world into a new folder.
func made(dir string, w systemimagetest.World) (err error) {
	servers.Lock()
	defer servers.Unlock()
	text := w.String()
	if servers.made[text] == nil {
		if servers.made == nil {
			servers.made = map[string]*systemimagetest.Server{}
			if servers.dir, err = os.MkdirTemp("", "doctor-servers-"); err != nil {
				return err
			}
			self, err := os.Executable()
			if err != nil {
				return err
			}
			if out, err := exec.Command("cp", self, filepath.Join(servers.dir, "programs")).CombinedOutput(); err != nil {
				return fmt.Errorf("cp: %w: %s", err, out)
			}
		}
		s, err := systemimagetest.Create(filepath.Join(servers.dir, strconv.Itoa(len(servers.made))), w)
		if err != nil {
			return err
		}
		servers.made[text] = s
	}
	if _, err = servers.made[text].Clone(dir); err != nil {
		return err
	}
	// The lab's programs are this executable: a link costs nothing, and a copy 26 MB. Where
	// none can be made, the lab makes the copy.
	machine := filepath.Join(dir, ".machine")
	err = os.MkdirAll(machine, 0o755)
	_ = os.Link(filepath.Join(servers.dir, "programs"), filepath.Join(machine, "programs"))
	return err
}

// A site is a site file about a lab, of which a test breaks one thing.
type site struct {
	t    *testing.T
	dir  string // of the site file
	lab  *lab.Lab
	root string // the server's
	keys map[string]string
	more string // further sections
}

func newSite(t *testing.T, w systemimagetest.World) *site {
	t.Helper()
	dir := systemimagetest.TempDir(t)
	if err := made(filepath.Join(dir, "lab"), w); err != nil {
		t.Fatal(err)
	}
	l, err := lab.Open(filepath.Join(dir, "lab"), w)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	h := l.Host()
	s := &site{t: t, dir: dir, lab: l, root: l.Images.Root()}
	s.keys = map[string]string{
		"url": l.Client().BaseURL, "keyring": filepath.Join(s.root, "secret/gpg/keyrings/archive-master.tar.xz"),
		"ssh": h.User + "@" + h.Addr, "key_file": h.KeyFile, "host_key": h.HostKey, "root": s.root, "cache": filepath.Join(dir, "cache"),
	}
	if len(h.KnownHosts) > 0 {
		s.keys["known_hosts"] = h.KnownHosts[0]
	}
	return s
}

// tool puts a program of its own before those of the host.
func (s *site) tool(name, script string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.root, ".machine", name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) path(name string) string { return filepath.Join(s.root, name) }

func (s *site) try(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// examine runs the program and returns what is not ok, as "state section check".
func (s *site) examine() (status int, bad []string, all []doctor.Result) {
	s.t.Helper()
	var text strings.Builder
	text.WriteString("[site]\nname = broken\n[image-server]\n")
	for k, v := range s.keys {
		if v != "" {
			fmt.Fprintf(&text, "%s = %s\n", k, strings.TrimSpace(v))
		}
	}
	file := filepath.Join(s.dir, "site.conf")
	s.try(os.WriteFile(file, []byte(text.String()+s.more), 0o600))
	var out, errs bytes.Buffer
	status = program().Run(s.t.Context(), []string{"-json", "-site", file}, strings.NewReader(""), &out, &errs)
	if err := json.Unmarshal(out.Bytes(), &all); err != nil {
		s.t.Fatalf("%v\n%s%s", err, &out, &errs)
	}
	for _, r := range all {
		if r.State == doctor.Failed || r.State == doctor.Warning {
			bad = append(bad, strings.Join(strings.Fields(string(r.State)+" "+r.Where+" "+r.Check), " "))
		}
	}
	return status, bad, all
}

// What is broken is named, and nothing else is.
func TestBrokenSites(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		world func() systemimagetest.World
		harm  func(s *site)
		want  []string
		says  string // a text, or its remedy, has this
	}{
		"healthy": {harm: func(s *site) {}},
		"misspelt key": {harm: func(s *site) { s.keys["rooot"] = s.root },
			want: []string{"failed site file"}, says: `did you mean \"root\"`},
		"wrong root": {harm: func(s *site) { s.keys["root"] = "/nowhere" },
			want: []string{"failed image-server root"}, says: "there is no folder /nowhere"},
		"root of something else": {harm: func(s *site) { s.keys["root"] = s.path("www") },
			want: []string{"failed image-server root"}, says: "no image server's root"},
		"wrong key": {harm: func(s *site) {
			other := remotetest.New(s.t)
			s.keys["key_file"] = other.Host().KeyFile
		}, want: []string{"failed image-server reach"}, says: "key_file"},
		"unreadable key": {harm: func(s *site) { s.keys["key_file"] = filepath.Join(s.dir, "no-such-key") },
			want: []string{"failed image-server reach"}, says: "no-such-key"},
		"another host key": {harm: func(s *site) {
			s.try(s.lab.SSH.ChangeHostKey())
			s.lab.SSH.Drop()
		}, want: []string{"failed image-server reach"}, says: "ask who runs the host"},
		"host key that nobody has seen": {harm: func(s *site) {
			s.keys["host_key"], s.keys["known_hosts"] = "", filepath.Join(s.dir, "known_hosts")
			s.try(os.WriteFile(s.keys["known_hosts"], nil, 0o600))
		}, want: []string{"failed image-server reach"}, says: "compare the fingerprint with somebody who knows it"},
		"jump host is down": {harm: func(s *site) { s.keys["jump"] = "u@127.0.0.1:1" },
			want: []string{"failed image-server reach"}, says: "look at ssh = and jump ="},
		"key with a passphrase": {harm: func(s *site) {
			locked := filepath.Join(s.dir, "locked")
			out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-a", "1", "-N", "secret", "-f", locked).CombinedOutput()
			if err != nil {
				s.t.Fatalf("%v: %s", err, out)
			}
			s.keys["key_file"] = locked
		}, want: []string{"failed image-server reach"}, says: "load it into an SSH agent with ssh-add"},
		"URL without its beginning": {harm: func(s *site) { s.keys["url"] = strings.TrimPrefix(s.keys["url"], "http://") },
			want: []string{"failed site file"}, says: "want an address such as https://"},
		"keyring that is none": {harm: func(s *site) {
			s.keys["keyring"] = filepath.Join(s.dir, "notes.txt")
			s.try(os.WriteFile(s.keys["keyring"], []byte("ask olga"), 0o600))
		}, want: []string{"failed site file"}, says: "notes.txt is no keyring"},
		"configuration that cannot be parsed": {harm: func(s *site) { s.try(os.WriteFile(s.path("etc/config"), []byte("[global\nx"), 0o644)) },
			want: []string{"failed image-server configuration"}, says: "put the line right"},
		"crontab of something else": {harm: func(s *site) { s.try(os.WriteFile(s.path("crontab"), []byte("0 4 * * * bin/backup\n"), 0o600)) },
			want: []string{"failed image-server importer"}, says: "no line of the crontab"},
		"host is down": {harm: func(s *site) { s.keys["ssh"] = "u@127.0.0.1:1" },
			want: []string{"failed image-server reach"}, says: "whether the host is up"},
		"wrong URL": {harm: func(s *site) { s.keys["url"] += "/elsewhere" },
			want: []string{"failed tree channels.json"}, says: "look at url"},
		"a page at the URL": {harm: func(s *site) {
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>It works!</html>") }))
			s.t.Cleanup(web.Close)
			s.keys["url"] = web.URL
		}, want: []string{"failed tree channels.json"}},
		"other server": {harm: func(s *site) {
			other := newSite(s.t, lab.Candidates())
			s.keys["url"], s.keys["keyring"] = other.keys["url"], other.keys["keyring"]
		}, want: []string{"failed tree one server"}, says: "publish where nobody looks"},
		"other server's keyring": {harm: func(s *site) {
			s.keys["keyring"] = newSite(s.t, lab.Candidates()).keys["keyring"]
		}, want: []string{"failed tree channels.json"}, says: "do not belong together"},
		"no crontab": {harm: func(s *site) { s.try(os.Remove(s.path("crontab"))) },
			want: []string{"failed image-server importer"}, says: "no line of the crontab"},
		"crontab is refused": {harm: func(s *site) {
			s.tool("crontab", "echo 'You (u) are not allowed to use this program (crontab)' >&2; exit 1")
		}, want: []string{"failed image-server importer"}, says: "cannot be read"},
		"two importers": {harm: func(s *site) {
			text, err := os.ReadFile(s.path("crontab"))
			s.try(err)
			s.try(os.WriteFile(s.path("crontab"), append(text, text...), 0o600))
		}, want: []string{"failed image-server importer"}, says: "leave one"},
		"importer off": {harm: func(s *site) {
			text, err := os.ReadFile(s.path("crontab"))
			s.try(err)
			lines := strings.SplitAfter(string(text), "\n")
			for i, l := range lines {
				if strings.Contains(l, "import-images") && !strings.HasPrefix(l, "#") {
					lines[i] = "#" + l
				}
			}
			s.try(os.WriteFile(s.path("crontab"), []byte(strings.Join(lines, "")), 0o600))
		}, want: []string{"warning image-server importer"}, says: "crontab -e"},
		"full disk": {harm: func(s *site) {
			s.tool("df", `for d; do :; done; echo "Filesystem Blocks Used Available Capacity Mounted"; case $1 in -Pk) echo "/dev/x 1000000 999000 1000 100% /srv";; *) echo "/dev/x 100000 10 99990 1% /srv";; esac`)
		}, want: []string{"failed image-server disk", "failed image-server disk", "failed image-server disk"}, says: "make room"},
		"no inodes": {harm: func(s *site) {
			s.tool("df", `echo "Filesystem Blocks Used Available Capacity Mounted"; case $1 in -Pk) echo "/dev/x 99000000 1 98000000 1% /srv";; *) echo "/dev/x 100000 99999 1 100% /srv";; esac`)
		}, want: []string{"failed image-server disk", "failed image-server disk", "failed image-server disk"}, says: "1 more files"},
		"clock off": {harm: func(s *site) { s.tool("date", `echo 1000000000`) },
			want: []string{"failed image-server clock"}, says: "behind ours"},
		"old server": {world: func() systemimagetest.World {
			w := systemimagetest.SampleWorld()
			w.Era2016 = true
			return w
		}, want: []string{"warning image-server programs"}, says: "before 2017"},
		"no Python": {harm: func(s *site) {
			s.try(os.Remove(s.path("bin/copy-image")))
			s.try(os.WriteFile(s.path("bin/copy-image"), []byte("#!/bin/sh\necho \"ModuleNotFoundError: No module named 'gnupg'\" >&2\nexit 1\n"), 0o755))
		}, want: []string{"failed image-server programs"}, says: "No module named"},
		"no program": {harm: func(s *site) { s.try(os.Remove(s.path("bin/tag-image"))) },
			want: []string{"failed image-server programs"}, says: "tag-image"},
		"left-overs": {harm: func(s *site) {
			index := s.path("www/ubuntu-touch/rc/meizu.en/arale/index.json")
			for _, end := range []string{".new", ".new.asc"} {
				s.try(os.WriteFile(index+end, []byte("{}"), 0o600))
			}
		}, want: []string{"failed image-server left-overs"}, says: "cleanup-tree"},
		"no login shell": {harm: func(s *site) {
			s.lab.SSH.Set(func() {
				s.lab.SSH.Handler = func(_ context.Context, r *remotetest.Request) int {
					fmt.Fprintln(r.Stdout, "This account is currently not available.")
					return 1
				}
			})
		}, want: []string{"failed image-server reach"}, says: "currently not available"},
		"Launchpad does not take the token": {harm: func(s *site) {
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				http.Error(w, "Expired token", http.StatusUnauthorized)
			}))
			s.t.Cleanup(web.Close)
			cred := filepath.Join(s.dir, "credentials")
			s.try(os.WriteFile(cred, []byte("[1]\nconsumer_key = landing\nconsumer_secret = \naccess_token = t\naccess_secret = s\n"), 0o600))
			s.more = "[launchpad]\nroot = " + web.URL + "/devel/\ncredentials = " + cred + "\n"
		}, want: []string{"failed launchpad account"}, says: "-renew"},
		"no Launchpad token": {harm: func(s *site) {
			s.more = "[launchpad]\nroot = http://127.0.0.1:1/devel/\ncredentials = nowhere\n"
		}, want: []string{"failed launchpad account"}, says: "examples/login"},
		"a run owes the importer": {harm: func(s *site) {
			j, err := runbook.OpenFile(filepath.Join(s.dir, "copyrc.journal"))
			s.try(err)
			x := &runbook.Runner{Name: "copyrc", Journal: j}
			hold := runbook.Hold{Name: "importer", Intent: "pause the importer",
				Acquire: func(context.Context) error { return nil }, Release: func(context.Context) error { return os.ErrPermission }}
			_ = x.Execute(s.t.Context(), func(ctx context.Context, r *runbook.Run) error {
				return r.Hold(ctx, hold, func(ctx context.Context, r *runbook.Run) error {
					_, err := runbook.Do(ctx, r, runbook.Step[int]{Name: "x", Intent: "do x", Do: func(context.Context) (int, error) { return 1, nil }})
					return err
				})
			})
		}, want: []string{"failed journals"}, says: "-settle"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world := systemimagetest.SampleWorld
			if tt.world != nil {
				world = tt.world
			}
			s := newSite(t, world())
			if tt.harm != nil {
				tt.harm(s)
			}
			status, got, all := s.examine()
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("not ok (-want +got)\n%s", d)
			}
			fails := slices.ContainsFunc(tt.want, func(w string) bool { return strings.HasPrefix(w, "failed") })
			if want := map[bool]int{true: 1}[fails]; status != want {
				t.Errorf("exit status %d, want %d", status, want)
			}
			text, _ := json.Marshal(all)
			if !strings.Contains(string(text), tt.says) {
				t.Errorf("nothing says %q:\n%s", tt.says, text)
			}
			for _, r := range all {
				if r.State == doctor.Failed && r.Mend == "" {
					t.Errorf("%s %s failed, and nothing says what mends it", r.Where, r.Check)
				}
			}
		})
	}
	if len(tests) < 16 {
		t.Errorf("%d sites, want more", len(tests))
	}
}

// Nothing is changed by looking.
func TestChangesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t, systemimagetest.SampleWorld())
	sums := func() string {
		out, err := exec.Command("sh", "-c", `cd "$1" && find . -path ./.machine -prune -o -type f -exec sha256sum {} + | sort`, "sums", s.root).Output()
		s.try(err)
		return string(out)
	}
	before := sums()
	s.examine()
	if d := cmp.Diff(before, sums()); d != "" {
		t.Errorf("files of the server (-before +after)\n%s", d)
	}
}
