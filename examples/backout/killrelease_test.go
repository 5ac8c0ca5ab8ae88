package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/landingteam/landing/examples/internal/killtest"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/operate"
	"github.com/landingteam/landing/systemimage/systemimagetest"
	"github.com/landingteam/landing/systemimage/upgrade"
)

// A release is killed for real while it copies and phases in, and another operator
// backs it out with another journal: afterwards no device can get the faulty image,
// as its own client would choose, and the importer is on.
func TestKilledRelease(t *testing.T) {
	if testing.Short() {
		t.Skip("starts real processes")
	}
	t.Parallel()
	backout, release := killtest.New(t), filepath.Join(t.TempDir(), "release")
	if out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", release, "../release").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	for hits, tries := 0, 0; hits < *kills; tries++ {
		if tries == 10**kills {
			t.Fatalf("only %d of %d releases were killed with an image out", hits, *kills)
		}
		dir := t.TempDir()
		root := filepath.Join(dir, "lab")
		killed := exec.Command(release, "-lab", root, "-journal", filepath.Join(dir, "release.journal"), "-operator", "operator", "-yes")
		if err := killed.Start(); err != nil {
			t.Fatal(err)
		}
		for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(time.Millisecond) {
			if _, err := os.Stat(filepath.Join(dir, "release.journal")); err == nil {
				break
			}
		}
		time.Sleep(500*time.Millisecond + rand.N(4*time.Second))
		_ = killed.Process.Kill()
		var exit *exec.ExitError
		if err := killed.Wait(); !errors.As(err, &exit) {
			continue // it was done before
		}
		s, err := systemimagetest.Open(root)
		if err != nil {
			t.Fatal(err)
		}
		tree := httptest.NewServer(s.Handler())
		defer tree.Close()
		client := &systemimage.Client{BaseURL: tree.URL, Unverified: true}
		args := []string{"-lab", root, "-journal", filepath.Join(dir, "backout.journal"), "-operator", "colleague", "-yes"}
		out := 0
		for _, target := range []string{"bq-aquaris.en:krillin", "bq-aquaris.en:vegetahd", "meizu.en:arale"} {
			channel, device, _ := strings.Cut("ubuntu-touch/stable/"+target, ":")
			if m, err := client.Latest(t.Context(), channel, device); err == nil && m.Version == 2 {
				args = append(args, fmt.Sprintf("%s:%s:2", channel, device))
				out++
			}
		}
		if out == 0 {
			continue
		}
		hits++
		if text, err := backout.Command(args...).CombinedOutput(); err != nil {
			t.Fatalf("back-out with %d images out: %v\n%s", out, err, text)
		}
		nobodyGetsIt(t, client)
		st, err := (&operate.Importer{Runner: s}).Status(t.Context())
		if err != nil || st.State != operate.ImporterOn {
			t.Errorf("the importer is %+v, %v", st, err)
		}
	}
}

// nobodyGetsIt asks for every device of every channel that has the release, at every
// build and with every number that it can draw.
func nobodyGetsIt(t *testing.T, client *systemimage.Client) {
	t.Helper()
	channels, err := client.Channels(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for channel, device := range channels.Pairs() {
		if !strings.Contains(channel, "/stable/") && !strings.Contains(channels.Channels[channel].Alias, "/stable/") {
			continue
		}
		x, err := client.Index(t.Context(), channel, device)
		if err != nil {
			t.Fatal(err)
		}
		newest, _ := x.Newest()
		for build := range newest + 1 {
			for number := range 101 {
				o, err := upgrade.Choose(x.Index, upgrade.Request{Build: build, Draw: func(int) int { return number }})
				if err != nil {
					t.Fatal(err)
				}
				if n := len(o.Path); n > 0 && strings.Contains(o.Path[n-1].VersionDetail, "ubuntu=20150611") {
					t.Fatalf("%s %s: a device at build %d with number %d gets image %d", channel, device, build, number, o.Path[n-1].Version)
				}
			}
		}
	}
}
