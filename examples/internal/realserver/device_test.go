package realserver_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/upgrade"
)

// A device is asked, with its own client, which way it takes from a build.
type device struct {
	channel, name string
	build, number int    // number is what it draws for phasing, 0 to 100
	takes         string // as the client prints it; "" is nothing
}

// ask runs the client. What it takes it also fetches, and verifies as devices do. Where
// the run says of a delta that it is lost or kept, it takes what our rules choose.
func (d device) ask(t *testing.T, m *machine, k []kill) {
	t.Helper()
	dir := d.configure(t, m)
	want := []string{says(d.takes)}
	lost, kept := saidOf(m.journal())
	if heirs := m.heirs(t); slices.ContainsFunc(append(lost, kept...), func(s saidDelta) bool { return s.concerns(heirs, d.channel, d.name) }) {
		want = d.chooses(t, m.index(t, d))
	}
	if got, err := d.client(m, dir, "--dry-run"); err != nil || !slices.Contains(want, got) {
		t.Errorf("%s: device %s of %s at build %d that draws %d says %q, %v; want %q", k, d.name, d.channel, d.build, d.number, got, err, want)
		return
	}
	if _, err := d.client(m, dir, "--no-apply"); err != nil {
		t.Errorf("%s: device %s of %s does not get what it takes: %v", k, d.name, d.channel, err)
		return
	}
	_, err := os.Stat(filepath.Join(dir, "cache", "ubuntu_command"))
	if got := err == nil; got != (want[0] != says("")) {
		t.Errorf("%s: device %s of %s at build %d: an update is ready: %v", k, d.name, d.channel, d.build, got)
	}
}

// agree asks the client at every build, for devices that draw low and high numbers,
// and our own rules of choice, which must say the same. It says how often it asked.
func (d device) agree(t *testing.T, m *machine) (asked int) {
	t.Helper()
	x := m.index(t, d)
	newest, _ := x.Newest()
	for d.build = range newest + 1 {
		for _, d.number = range []int{0, 30, 100} {
			want := d.chooses(t, x)
			got, err := d.client(m, d.configure(t, m), "--dry-run")
			if err != nil || !slices.Contains(want, got) {
				t.Errorf("device %s of %s at build %d that draws %d says %q, %v; we say %q", d.name, d.channel, d.build, d.number, got, err, want)
			}
			asked++
		}
	}
	return asked
}

// index is that of the device, as it is published.
func (m *machine) index(t *testing.T, d device) *systemimage.Index {
	t.Helper()
	x, err := (&systemimage.Client{BaseURL: "http://" + m.web, Unverified: true}).Index(t.Context(), d.channel, d.name)
	if err != nil {
		t.Fatal(err)
	}
	return x.Index
}

// chooses is what the client prints by our own rules: one of these, where ways tie.
func (d device) chooses(t *testing.T, x *systemimage.Index) (want []string) {
	t.Helper()
	o, err := upgrade.Choose(x, upgrade.Request{Build: d.build, Draw: func(int) int { return d.number }})
	if err != nil {
		t.Fatal(err)
	}
	if len(o.Path) == 0 {
		return []string{says("")}
	}
	for _, path := range append(o.Ties, o.Path) {
		var versions []string
		for _, image := range path {
			versions = append(versions, strconv.Itoa(image.Version))
		}
		want = append(want, says(strings.Join(versions, ":")))
	}
	return want
}

// says is the client's first line for what it takes.
func says(takes string) string {
	if takes == "" {
		return "Already up-to-date"
	}
	return "Upgrade path is " + takes
}

// configure makes a device that has just been flashed with its build.
func (d device) configure(t *testing.T, m *machine) (dir string) {
	t.Helper()
	dir = m.path("device")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"etc", "tmp", "cache", "data", "keyrings"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	host, port, _ := strings.Cut(m.web, ":")
	config := fmt.Sprintf(`[service]
base: %s
http_port: %s
https_port: disabled
channel: %s
build_number: %d
device: %s
[system]
timeout: 1m
tempdir: %[6]s/tmp
logfile: %[6]s/client.log
loglevel: info
settings_db: %[6]s/settings.db
[gpg]
archive_master: %[7]s/secret/gpg/keyrings/archive-master.tar.xz
image_master: %[6]s/keyrings/image-master.tar.xz
image_signing: %[6]s/keyrings/image-signing.tar.xz
device_signing: %[6]s/keyrings/device-signing.tar.xz
[updater]
cache_partition: %[6]s/cache
data_partition: %[6]s/data
[hooks]
device: systemimage.device.SystemProperty
scorer: systemimage.scores.WeightedScorer
apply: systemimage.apply.Noop
[dbus]
lifetime: 1m
`, host, port, d.channel, d.build, d.name, dir, m.root())
	if err := os.WriteFile(filepath.Join(dir, "etc", "01_device.ini"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// client runs the device's client and returns its first line.
func (d device) client(m *machine, dir, flag string) (string, error) {
	cmd := exec.Command(filepath.Join(m.folder.path, "client/bin/system-image-cli"), "-C", filepath.Join(dir, "etc"), "-p", strconv.Itoa(d.number), flag)
	cmd.Env = []string{"PATH=" + m.searchPath(), "HOME=" + dir, "LC_ALL=C.UTF-8"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(dir, "client.log"))
		err = fmt.Errorf("%w\n%s%s", err, out, log)
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return line, err
}
