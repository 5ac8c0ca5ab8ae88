package realserver_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/landingteam/landing/cdimage/cdimagetest"
	"github.com/landingteam/landing/launchpad/launchpadtest"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// A world is what the image server holds at first. It is laid out by the fake,
// which makes what the real server reads: tree, keys, configuration; and from then
// on the real programs work on it.
type world = systemimagetest.World

// hostOf finds the servers that the importer asks.
var hostOf = regexp.MustCompile(`http://([a-z0-9.-]+\.example\.net)/`)

// here makes a world one of this machine: its sources are on loopback, its importer
// runs when it is told, and with the folder's python3.
func (m *machine) here(w world, when string) world {
	text := hostOf.ReplaceAllString(w.String(), "http://"+m.web+"/sources/$1/")
	text = strings.Replace(text, "*/5 * * * * ", when+" ", 1)
	text = strings.Replace(text, "MAILTO=landing@example.net\n", "MAILTO=\"\"\nPATH="+m.searchPath()+"\n", 1)
	w, err := systemimagetest.ParseWorld(text)
	if err != nil {
		panic(err) // the texts are the fake's own
	}
	return w
}

// reset makes the machine hold a world, and nothing else: another run starts.
func (m *machine) reset(t *testing.T, w world) {
	t.Helper()
	m.clear(t)
	template := m.path(fmt.Sprintf("template-%x", sha256.Sum256([]byte(w.String()))))
	if _, err := os.Stat(template); err != nil {
		m.lay(t, w)
		must(t, exec.Command("cp", "-a", m.root(), template))
	} else {
		must(t, exec.Command("cp", "-a", template, m.root()))
	}
	must(t, exec.Command("crontab", "-u", m.account.Username, filepath.Join(m.root(), "crontab")))
	lp := launchpadtest.NewServer(packages())
	lp.Tick = time.Minute // between two questions
	m.mu.Lock()
	m.launchpad = lp
	m.mu.Unlock()
	if err := lp.Client().Credentials.WriteFile(m.path("credentials")); err != nil {
		t.Fatal(err)
	}
}

// packages is what Launchpad holds: a package in the PPA that images are built with,
// its fix in a private one, and a snapshot that is ready.
func packages() *launchpadtest.World {
	w := launchpadtest.NewWorld()
	w.AddPPA("landing-team", "embargoed").Private = true
	for _, name := range []string{"overlay", "snapshot"} {
		w.AddPPA("landing-team", name)
		w.Publish("~landing-team/ubuntu/"+name, "vivid", launchpadtest.Package{Name: "unity8", Version: "8.12-0ubuntu1"})
	}
	w.Publish("~landing-team/ubuntu/embargoed", "vivid", launchpadtest.Package{Name: "unity8", Version: "8.12-0ubuntu1.1"})
	return w
}

// lay makes the folder of the image server.
func (m *machine) lay(t *testing.T, w world) {
	t.Helper()
	if _, err := systemimagetest.Create(m.root(), w); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bin", "lib"} {
		if err := os.RemoveAll(filepath.Join(m.root(), name)); err != nil {
			t.Fatal(err)
		}
		must(t, exec.Command("cp", "-RL", filepath.Join(m.folder.path, "server", name), m.root()))
	}
	if err := cdimagetest.SetKnobs(m.builder(), cdimagetest.Knobs{Today: true, Pause: 50 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	must(t, exec.Command("chown", "-R", fmt.Sprintf("%d:%d", m.id[0], m.id[1]), m.root()))
	keys, err := filepath.Glob(filepath.Join(m.root(), "secret/gpg/keys/*"))
	if err != nil || len(keys) == 0 {
		t.Fatalf("no keys in %s: %v", m.root(), err)
	}
	for _, dir := range keys {
		must(t, m.as(exec.Command("gpg", "--homedir", dir, "--batch", "--quiet", "--import", filepath.Join(dir, "private.asc"))))
	}
	m.stopAgents(t)
}

// stopAgents ends the key agents of the world, which would outlive it.
func (m *machine) stopAgents(t *testing.T) {
	t.Helper()
	keys, _ := filepath.Glob(filepath.Join(m.root(), "secret/gpg/keys/*"))
	for _, dir := range keys {
		must(t, m.as(exec.Command("gpgconf", "--homedir", dir, "--kill", "gpg-agent")))
	}
}

// clear takes the world away: crontab, what still runs, and files.
func (m *machine) clear(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(m.root()); err != nil {
		return
	}
	must(t, exec.Command("crontab", "-u", m.account.Username, "-r"))
	for begin := time.Now(); len(m.running()) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Since(begin) > 10*time.Second { // it hangs, or is a job that nobody waits for
			for _, p := range m.running() {
				_ = syscall.Kill(p.pid, syscall.SIGKILL)
			}
		}
	}
	m.stopAgents(t)
	ledgers, _ := filepath.Glob(m.path("journal.*"))
	for _, dir := range append(ledgers, m.root(), filepath.Join(m.account.HomeDir, ".landing"), m.path("cache"), m.path("journal"), m.path("mailbox"), m.path("announced")) {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
}

// state is what must not depend on kills: what every channel holds, the crontab, the
// configuration, what was announced and built, and that no job is left on the host.
func (m *machine) state(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	www := filepath.Join(m.root(), "www")
	var channels map[string]struct {
		Devices map[string]struct {
			Index string `json:"index"`
		} `json:"devices"`
	}
	readJSON(t, filepath.Join(www, "channels.json"), &channels)
	for _, channel := range slices.Sorted(maps.Keys(channels)) {
		devices := channels[channel].Devices
		for _, device := range slices.Sorted(maps.Keys(devices)) {
			fmt.Fprintf(&b, "%s %s\n%s", channel, device, images(t, filepath.Join(www, devices[device].Index)))
		}
	}
	config, err := os.ReadFile(filepath.Join(m.root(), "etc/config"))
	if err != nil {
		t.Fatal(err)
	}
	announced, err := os.ReadFile(m.path("announced"))
	if err == nil {
		fmt.Fprintf(&b, "-- announced --\n%s", announced)
	}
	builds, _ := filepath.Glob(filepath.Join(m.builder(), "log/*/*/*.log"))
	jobs, _ := filepath.Glob(filepath.Join(m.account.HomeDir, ".landing/jobs/*"))
	var left []string
	err = filepath.WalkDir(www, func(path string, _ fs.DirEntry, err error) error {
		if strings.Contains(filepath.Base(path), ".new") {
			left = append(left, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	stop, err := os.ReadFile(filepath.Join(m.root(), "phased-state", "done"))
	if err == nil {
		fmt.Fprintf(&b, "-- stop file --\n%s", stop)
	}
	fmt.Fprintf(&b, "-- configuration --\n%s-- crontab --\n%s-- builds --\n%v\n-- jobs --\n%v\n-- half-written --\n%v\n", config,
		must(t, exec.Command("crontab", "-u", m.account.Username, "-l")), builds, jobs, left)
	return b.String()
}

func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, v)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// images are those of an index, a line each: what does not depend on when they
// were made.
func images(t *testing.T, index string) string {
	t.Helper()
	var x struct {
		Images []struct {
			Type    string `json:"type"`
			Version int    `json:"version"`
			Base    int    `json:"base"`
			Detail  string `json:"version_detail"`
			Phased  *int   `json:"phased-percentage"`
			Files   []struct {
				Path string `json:"path"`
			} `json:"files"`
		} `json:"images"`
	}
	readJSON(t, index, &x)
	var lines []string
	for _, i := range x.Images {
		phased := 100
		if i.Phased != nil {
			phased = *i.Phased
		}
		line := fmt.Sprintf("  %d %s from %d at %d%%: %s", i.Version, i.Type, i.Base, phased, i.Detail)
		for _, f := range i.Files {
			line += " " + f.Path
		}
		lines = append(lines, line+"\n")
	}
	slices.Sort(lines) // two deltas of one image may have been published in either order
	return strings.Join(lines, "")
}
