package realserver_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A device is asked, with its own client, which way it takes from a build.
type device struct {
	channel, name string
	build, number int    // number is what it draws for phasing, 0 to 100
	takes         string // as the client prints it; "" is nothing
}

// ask runs the client. What it takes it also fetches, and verifies as devices do.
func (d device) ask(t *testing.T, m *machine, k kill) {
	t.Helper()
	dir := m.path("device")
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
	client := func(flag string) (string, error) {
		cmd := exec.Command(filepath.Join(m.folder.path, "client/bin/system-image-cli"), "-C", filepath.Join(dir, "etc"), "-p", fmt.Sprint(d.number), flag)
		cmd.Env = []string{"PATH=" + m.searchPath(), "HOME=" + dir, "LC_ALL=C.UTF-8"}
		out, err := cmd.CombinedOutput()
		log, _ := os.ReadFile(filepath.Join(dir, "client.log"))
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, log)
		}
		return string(out), err
	}
	want := "Already up-to-date"
	if d.takes != "" {
		want = "Upgrade path is " + d.takes
	}
	out, err := client("--dry-run")
	if line, _, _ := strings.Cut(out, "\n"); err != nil || line != want {
		t.Errorf("%s: device %s of %s at build %d that draws %d says %q, %v; want %q", k, d.name, d.channel, d.build, d.number, out, err, want)
		return
	}
	if out, err := client("--no-apply"); err != nil {
		t.Errorf("%s: device %s of %s does not get what it takes: %v\n%s", k, d.name, d.channel, err, out)
		return
	}
	_, err = os.Stat(filepath.Join(dir, "cache", "ubuntu_command"))
	if got := err == nil; got != (d.takes != "") {
		t.Errorf("%s: device %s of %s at build %d: an update is ready: %v", k, d.name, d.channel, d.build, got)
	}
}
