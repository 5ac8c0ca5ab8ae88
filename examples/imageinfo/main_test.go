package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

func TestMain(m *testing.M) {
	lab.Program()
	// These tests wait most of their time, for a tree that may get better: they do so side by
	// side. A -parallel of the command line still counts.
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	os.Exit(systemimagetest.InMemory(func() int {
		home, err := os.MkdirTemp("", "home-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(home)
		for _, name := range []string{"HOME", "XDG_CACHE_HOME"} { // what is remembered of a tree lies there
			os.Setenv(name, home)
		}
		return m.Run()
	}))
}

func TestImageinfo(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "lab")
	run := func(t *testing.T, args ...string) (int, string) {
		t.Helper()
		var out bytes.Buffer
		code := program().Run(t.Context(), append([]string{"-lab", dir}, args...), strings.NewReader(""), &out, &out)
		return code, out.String()
	}
	for _, tt := range []struct {
		name string
		args []string
		code int
		says []string
	}{
		{"everything", nil, 0, []string{
			"ubuntu-touch/stable/meizu.en arale\n  full 1          30 %",
			"(alias of ubuntu-touch/rc-proposed/ubuntu)", "(redirect of ubuntu-touch/rc-proposed/bq-aquaris.en)", "(hidden)"}},
		{"one device, all images and files", []string{"-all", "-files", "ubuntu-touch/rc-proposed/meizu.en", "arale"}, 0,
			[]string{"full 100 ", "full 101 ", "delta 100 to 101", "/pool/device-"}},
		{"unknown channel", []string{"ubuntu-touch/rc/meizu.fr"}, 1, []string{"ubuntu-touch/rc/meizu.en"}},
		{"unknown device", []string{"ubuntu-touch/rc/meizu.en", "aralle"}, 1, []string{"arale"}},
		{"too many arguments", []string{"a", "b", "c"}, 2, []string{"at most"}},
		{"flag of a run", []string{"-settle"}, 2, []string{"-settle"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, out := run(t, tt.args...)
			if code != tt.code {
				t.Errorf("exit status %d, want %d", code, tt.code)
			}
			for _, s := range tt.says {
				if !strings.Contains(out, s) {
					t.Errorf("it does not say %q:\n%s", s, out)
				}
			}
		})
	}
	code, out := run(t, "-json", "ubuntu-touch/stable/meizu.en")
	var got []info
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 {
		t.Fatalf("-json: exit status %d, %v:\n%s", code, err, out)
	}
	if len(got) != 1 || !got[0].Verified || len(got[0].Images) != 1 || got[0].Images[0].Percentage != 30 {
		t.Errorf("-json: %+v, want one verified image at 30 %%", got)
	}
}

// TestHostile reads a tree that nobody vouches for.
func TestHostile(t *testing.T) {
	t.Parallel()
	tree := map[string]string{
		"/channels.json": `{"c\u001b[2J": {"devices": {"good": {"index": "/i"}, "gone": {"index": "/gone"}}}, "empty": {"devices": {}}}`,
		"/i": `{"global": {"generated_at": "Sun Nov 22 09:00:00 UTC 2026"}, "images": [
			{"type": "full", "version": null}, {"type": "full", "version": 3, "version_detail": "tag=\u202eOTA\u0007"}]}`,
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if text, ok := tree[r.URL.Path]; ok {
			_, _ = io.WriteString(w, text)
			return
		}
		http.NotFound(w, r)
	}))
	defer s.Close()
	site := filepath.Join(t.TempDir(), "site.conf")
	if err := os.WriteFile(site, []byte("[image-server]\nurl = "+s.URL+"\nunverified = yes\ncache = cache\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if code := program().Run(t.Context(), []string{"-site", site, "empty"}, nil, &out, &out); code != 0 || out.String() != "no device is published there\n" {
		t.Errorf("channel without devices: exit status %d: %s", code, out.String())
	}
	out.Reset()
	code := program().Run(t.Context(), []string{"-site", site, "-all"}, strings.NewReader(""), &out, &out)
	want := "c\ufffd[2J gone\n  cannot read index: "
	rest := "c\ufffd[2J good\n  full null      100 %           0 bytes  \n  full 3         100 %           0 bytes  tag=\ufffdOTA\ufffd\n" +
		"\nNothing above was verified: the tree was read without its keyring.\nimageinfo: 1 of 2 indexes cannot be read\n"
	if got := out.String(); code != 1 || !strings.HasPrefix(got, want) || !strings.HasSuffix(got, rest) {
		t.Errorf("exit status %d:\n%s", code, got)
	}
}

// A tree that goes back in time is noticed by the next program, though everything in
// it was properly signed in its day.
func TestOlderTree(t *testing.T) {
	t.Parallel()
	begin := time.Now().Add(-2 * time.Hour)
	world := systemimagetest.SampleWorld()
	world.Now = func() time.Time { return begin }
	newer := systemimagetest.New(t, world)
	older, err := newer.Clone(systemimagetest.TempDir(t))
	if err != nil {
		t.Fatal(err)
	}
	newer.Now = func() time.Time { return begin.Add(time.Hour) }
	out, err := newer.Run(t.Context(), command.Command{Argv: []string{filepath.Join(newer.Root(), "bin", "set-phased-percentage"), "-v", "ubuntu-touch/stable/meizu.en", "arale", "1", "50"}})
	if err != nil || out.Exit != 0 {
		t.Fatalf("%v, exit status %d: %s%s", err, out.Exit, out.Stdout, out.Stderr)
	}
	for _, tt := range []struct {
		name, cache string
		refused     bool
	}{
		{"by default", "", true},
		{"a folder of its own", "cache = here\n", true},
		{"nothing kept", "cache = no\n", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			served := newer
			tree := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { served.Handler().ServeHTTP(w, r) }))
			defer tree.Close()
			text := "[image-server]\nurl = " + tree.URL + "\nkeyring = " + filepath.Join(newer.Root(), "secret", "gpg", "keyrings", "archive-master.tar.xz") + "\n"
			site := filepath.Join(t.TempDir(), "site.conf")
			if err := os.WriteFile(site, []byte(text+tt.cache), 0o600); err != nil {
				t.Fatal(err)
			}
			run := func() (int, string) {
				var out bytes.Buffer
				return program().Run(t.Context(), []string{"-site", site, "ubuntu-touch/stable/meizu.en", "arale"}, strings.NewReader(""), &out, &out), out.String()
			}
			if code, out := run(); code != 0 || !strings.Contains(out, "50 %") {
				t.Errorf("exit status %d:\n%s", code, out)
			}
			served = older
			if code, out := run(); (code != 0) != tt.refused || tt.refused != strings.Contains(out, "went back in time") {
				t.Errorf("exit status %d, want it refused: %v\n%s", code, tt.refused, out)
			}
		})
	}
}

// The devices of a channel are read side by side: each alone would cost a far server's
// round trips.
func TestDevicesSideBySide(t *testing.T) {
	t.Parallel()
	fake := systemimagetest.New(t, systemimagetest.SampleWorld())
	var mu sync.Mutex
	asked, both := map[string]bool{}, make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/index.json") {
			mu.Lock()
			before := len(asked)
			if asked[r.URL.Path] = true; before == 1 && len(asked) == 2 {
				close(both)
			}
			mu.Unlock()
			select {
			case <-both:
			case <-r.Context().Done():
				return
			}
		}
		fake.Handler().ServeHTTP(w, r)
	}))
	defer s.Close()
	site := filepath.Join(t.TempDir(), "site.conf")
	if err := os.WriteFile(site, []byte("[image-server]\nurl = "+s.URL+"\nunverified = yes\ncache = no\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var out bytes.Buffer
	code := program().Run(ctx, []string{"-site", site, "ubuntu-touch/rc/bq-aquaris.en"}, strings.NewReader(""), &out, &out)
	if code != 0 || !strings.Contains(out.String(), "krillin\n") || !strings.Contains(out.String(), "vegetahd\n") {
		t.Errorf("exit status %d:\n%s", code, &out)
	}
}
