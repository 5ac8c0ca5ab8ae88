package cdimagetest_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/cause"
	"github.com/landingteam/landing/cdimage/cdimagetest"
)

// TestMain lets the test run itself as the image host in another process.
func TestMain(m *testing.M) {
	if root := os.Getenv("CDIMAGETEST_ROOT"); root != "" {
		os.Exit(cdimagetest.Program(context.Background(), root, os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

var begin = time.Date(2016, 9, 6, 2, 11, 59, 0, time.UTC)

func host(t *testing.T, k cdimagetest.Knobs) string {
	t.Helper()
	root := t.TempDir()
	if k.Now.IsZero() {
		k.Now = begin
	}
	if err := cdimagetest.SetKnobs(root, k); err != nil {
		t.Fatal(err)
	}
	return root
}

func run(t *testing.T, root, line string) (string, string, int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	exit := cdimagetest.Program(t.Context(), root, strings.Fields(line), nil, nil, &stdout, &stderr)
	return stdout.String(), stderr.String(), exit
}

func TestExitStatus(t *testing.T) {
	for _, c := range []struct {
		line  string
		knobs cdimagetest.Knobs
		want  int
	}{
		{"env DIST=vivid for-project ubuntu-touch cron.daily-preinstalled --live", cdimagetest.Knobs{}, 0},
		{"env DIST=vivid for-project ubuntu-touch cron.daily-preinstalled --li", cdimagetest.Knobs{}, 0},
		{"env DIST=vivid for-project ubuntu-touch cron.daily-preinstalled -l", cdimagetest.Knobs{}, 2},
		{"for-project ubuntu-touch", cdimagetest.Knobs{}, 2},
		{"cron.daily-preinstalled --live", cdimagetest.Knobs{}, 2},
		{"env for-project ubuntu-touch cron.daily-preinstalled", cdimagetest.Knobs{}, 1}, // nothing to publish
		{"env for-project ubuntu-touch cron.daily-preinstalled --live", cdimagetest.Knobs{Kill: "publishing"}, 143},
		{"env for-project ubuntu-touch cron.daily-preinstalled --live", cdimagetest.Knobs{Today: true, Downloads: map[string]string{"armhf": "404", "i386": "404"}}, 0},
		{"ls /srv/cdimage.ubuntu.com/nothing", cdimagetest.Knobs{}, 2},
		{"tail -c +1 -- /srv/cdimage.ubuntu.com/nothing", cdimagetest.Knobs{}, 1},
		{"date -u +%s", cdimagetest.Knobs{}, 0},
		{"reboot", cdimagetest.Knobs{}, 127},
	} {
		if _, stderr, got := run(t, host(t, c.knobs), c.line); got != c.want {
			t.Errorf("%s: exit %d, want %d: %s", c.line, got, c.want, stderr)
		}
	}
}

// TestCounter: an ID is used up by every run, and by none that never began.
func TestCounter(t *testing.T) {
	root := host(t, cdimagetest.Knobs{Launchpad: "down"})
	for _, line := range []string{"--live", "-l", "--live", ""} {
		run(t, root, "env DIST=vivid for-project ubuntu-touch cron.daily-preinstalled "+line)
	}
	out, _, _ := run(t, root, "ls -1A -- /srv/cdimage.ubuntu.com/log/ubuntu-touch/vivid")
	want := "daily-preinstalled-20160906.1.log\ndaily-preinstalled-20160906.2.log\ndaily-preinstalled-20160906.log\n"
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	k, err := cdimagetest.GetKnobs(root)
	if err != nil || !k.Now.After(begin) {
		t.Errorf("the clock stands still: %v %v", k.Now, err)
	}
	k.Now = begin.AddDate(0, 0, 1)
	if err := cdimagetest.SetKnobs(root, k); err != nil {
		t.Fatal(err)
	}
	run(t, root, "env DIST=vivid for-project ubuntu-touch cron.daily-preinstalled --live")
	if out, _, _ := run(t, root, "ls /srv/cdimage.ubuntu.com/log/ubuntu-touch/vivid"); !strings.Contains(out, "20160907.log") {
		t.Errorf("no first ID of the next day: %s", out)
	}
}

// TestCarriedOver: an architecture that is left out keeps its old files, and
// only the list of good files tells.
func TestCarriedOver(t *testing.T) {
	root := host(t, cdimagetest.Knobs{})
	run(t, root, "env DIST=vivid for-project ubuntu-touch cron.daily-preinstalled --live")
	k, _ := cdimagetest.GetKnobs(root)
	k.States = map[string]string{"i386": "Failed to build"}
	if err := cdimagetest.SetKnobs(root, k); err != nil {
		t.Fatal(err)
	}
	run(t, root, "env DIST=vivid for-project ubuntu-touch cron.daily-preinstalled --live")
	dir := filepath.Join(root, "www/full/ubuntu-touch/vivid/daily-preinstalled/20160906.1")
	good, err := os.ReadFile(filepath.Join(dir, ".marked_good"))
	if err != nil || string(good) != "vivid-preinstalled-touch-armhf.tar.gz\n" {
		t.Errorf("%q, %v", good, err)
	}
	old, err := os.ReadFile(filepath.Join(dir, "vivid-preinstalled-touch-i386.tar.gz"))
	if text := unpack(t, old); err != nil || !strings.Contains(text, "(livefs build 74602)") {
		t.Errorf("%q, %v", text, err)
	}
	sums, err := os.ReadFile(filepath.Join(dir, "SHA256SUMS"))
	if want := fmt.Sprintf("%x *vivid-preinstalled-touch-i386.tar.gz\n", sha256.Sum256(old)); err != nil || !strings.Contains(string(sums), want) {
		t.Errorf("SHA256SUMS is %q, %v, want %q in it", sums, err, want)
	}
}

// unpack returns what the files of a .tar.gz hold.
func unpack(t *testing.T, data []byte) (text string) {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	for tr := tar.NewReader(z); ; {
		if _, err := tr.Next(); err == io.EOF {
			return text
		} else if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		text += string(b)
	}
}

// TestAnotherProcess: two processes at the same host share its lock and see
// each other's logs grow; one that is ended leaves a log without an end.
func TestAnotherProcess(t *testing.T) {
	root := host(t, cdimagetest.Knobs{Pause: 20 * time.Millisecond})
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	argv := strings.Fields("env DIST=vivid for-project ubuntu-touch cron.daily-preinstalled --live")
	first := exec.CommandContext(t.Context(), self, argv...)
	first.Env = append(os.Environ(), "CDIMAGETEST_ROOT="+root)
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(root, "log/ubuntu-touch/vivid/daily-preinstalled-20160906.log")
	for {
		if b, err := os.ReadFile(log); err == nil && bytes.Contains(b, []byte("starting at")) {
			break
		}
		if t.Context().Err() != nil {
			t.Fatal("no log")
		}
		time.Sleep(time.Millisecond)
	}
	_, stderr, exit := run(t, root, strings.Join(argv, " "))
	if exit != 1 || !strings.Contains(stderr, "Another image set is already building!") {
		t.Errorf("second run: exit %d, %s", exit, stderr)
	}
	first.Process.Kill()
	first.Wait()
	f, err := os.Open(log)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	l, err := cdimage.ParseBuildLog(f)
	if err != nil || l.Finished || l.Publish != cdimage.NotYet || len(l.Arches) == 0 {
		t.Errorf("%v %+v", err, l)
	}
}

// TestReasons: a livefs log that is written for a class is read as that class.
func TestReasons(t *testing.T) {
	for _, class := range []cause.Class{cause.Dependency, cause.Package, cause.Seed, cause.Network, cause.LivecdRootfs, cause.DiskSpace} {
		l, err := cdimage.ParseLivefsLog(strings.NewReader(cdimagetest.LivefsLog(cdimagetest.Livefs{Number: 7, Arch: "armhf", State: "Failed to build"}, class)))
		if err != nil || len(l.Causes) == 0 || l.Causes[0].Class != class || l.Build != "7" {
			t.Errorf("%s: %v %+v", class, err, l)
		}
	}
	for state, class := range map[string]cause.Class{"Chroot problem": cause.Chroot, "Cancelled build": cause.Cancelled} {
		l, err := cdimage.ParseLivefsLog(strings.NewReader(cdimagetest.LivefsLog(cdimagetest.Livefs{Number: 7, State: state}, "")))
		if err != nil || len(l.Causes) != 1 || l.Causes[0].Class != class {
			t.Errorf("%s: %v %+v", state, err, l)
		}
	}
	l, err := cdimage.ParseLivefsLog(strings.NewReader(cdimagetest.LivefsLog(cdimagetest.Livefs{Number: 7, State: "Successfully built"}, "")))
	if err != nil || !l.OK() {
		t.Errorf("good: %v %+v", err, l)
	}
}
