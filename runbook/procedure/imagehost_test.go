package procedure_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/builder"
	"github.com/landingteam/landing/cdimage/cdimagetest"
	"github.com/landingteam/landing/runbook/lab"
)

var (
	touch   = cdimage.ImageSet{Project: "ubuntu-touch-custom", Series: "vivid", Type: "daily-preinstalled"}
	morning = time.Date(2016, 9, 6, 2, 11, 59, 0, time.UTC)
	failing = cdimagetest.Knobs{Now: morning, Downloads: map[string]string{"i386": "404"}}
)

// host is a lab's image host.
type host struct {
	*lab.Lab
	*builder.Builder
	root string
}

// imageHost is a lab whose image host goes through each of the knobs with one
// full build; after the last all goes well.
func imageHost(t testing.TB, runs ...cdimagetest.Knobs) host {
	t.Helper()
	l := newWorld(t, only("ubuntu-touch/rc/bq-aquaris.en"))
	h := host{Lab: l, root: filepath.Join(l.Images.Root(), "builder")}
	h.knobs(t, cdimagetest.Knobs{Now: morning}) // a folder that is there gets no history
	var err error
	if h.Builder, err = l.Builds(); err != nil {
		t.Fatal(err)
	}
	for _, k := range runs {
		h.knobs(t, k)
		if _, err := h.Build(t.Context(), builder.Request{ImageSet: touch}); err != nil && !errors.Is(err, builder.ErrNotBuilt) {
			t.Fatal(err)
		}
	}
	if len(runs) > 0 {
		k, err := cdimagetest.GetKnobs(h.root)
		if err != nil {
			t.Fatal(err)
		}
		h.knobs(t, cdimagetest.Knobs{Now: k.Now, Today: k.Today})
	}
	return h
}

func (h host) knobs(t testing.TB, k cdimagetest.Knobs) {
	t.Helper()
	if err := cdimagetest.SetKnobs(h.root, k); err != nil {
		t.Fatal(err)
	}
}

// later moves the host's clock.
func (h host) later(t testing.TB, d time.Duration) {
	t.Helper()
	k, err := cdimagetest.GetKnobs(h.root)
	if err != nil {
		t.Fatal(err)
	}
	k.Now = k.Now.Add(d)
	h.knobs(t, k)
}

// files shows all that is on the host: logs, images, counters, locks.
func (h host) files(t testing.TB) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(h.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text := []byte("a link")
		if d.Type().IsRegular() {
			if text, err = os.ReadFile(path); err != nil {
				return err
			}
		}
		fmt.Fprintf(&b, "-- %s --\n%s\n", path[len(h.root):], text)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func (h host) ids(t testing.TB) string {
	t.Helper()
	ids, err := h.IDs(t.Context(), touch)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(ids)
}

func lockFile(h host) string {
	return filepath.Join(h.root, "etc", ".lock-build-image-set-ubuntu-touch-custom-vivid-daily-preinstalled")
}

func lock(t testing.TB, h host) {
	t.Helper()
	k, err := cdimagetest.GetKnobs(h.root)
	if err == nil {
		err = os.WriteFile(lockFile(h), []byte(k.Now.Format(time.RFC3339)), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func unlock(t testing.TB, h host) {
	t.Helper()
	if err := os.Remove(lockFile(h)); err != nil {
		t.Fatal(err)
	}
}
