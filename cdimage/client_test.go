package cdimage_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/cause"
	"github.com/landingteam/landing/cdimage/cdimagetest"
	"github.com/landingteam/landing/launchpad"
)

// tree makes a folder of logs with the given paths and text.
func tree(t testing.TB, logs map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range logs {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func serve(t testing.TB, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

var vivid = cdimage.ImageSet{Project: "ubuntu-touch", Series: "vivid", Type: "daily-preinstalled"}

func TestClient(t *testing.T) {
	log := read(t, "cd-build-logs/ubuntu-touch/vivid/daily-preinstalled-20150421.log")
	dir := tree(t, map[string]string{
		"ubuntu-touch/vivid/daily-preinstalled-20150420.log":                log,
		"ubuntu-touch/vivid/daily-preinstalled-20150421.log":                log,
		"ubuntu-touch/vivid/daily-preinstalled-20150421.2.log":              log,
		"ubuntu-touch/vivid/daily-preinstalled-20150421.9.log":              log,
		"ubuntu-touch/vivid/daily-preinstalled-20150421.10.log":             "newest",
		"ubuntu-touch/vivid/daily-20150422.log":                             "another type",
		"ubuntu-touch/vivid/rebuild notes & todo.log":                       "no log",
		"ubuntu-touch/ubuntu-rtm/14.09/daily-preinstalled-20150101.log":     log,
		"ubuntu-touch/ubuntu-rtm/14.09-factory/daily-preinstalled-2015.log": log,
		"nvidia-tegra/ubuntu-server/noble/daily-live-20260101.log":          log,
		"ubuntu/xenial/daily-live-20160601.log.gz":                          log,
	})
	for name, h := range map[string]*cdimagetest.LogTree{
		"cut names":  {Dir: dir, Shape: cdimagetest.CutNames, Prefix: "/~ubuntu-archive/cd-build-logs"},
		"wide names": {Dir: dir, Shape: cdimagetest.WideNames},
		"table":      {Dir: dir, Shape: cdimagetest.Table, Prefix: "/cd-build-logs", Gzip: true},
		"plain list": {Dir: dir, Shape: cdimagetest.PlainList, Liar: true},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			c := &cdimage.Client{BaseURL: serve(t, h) + h.Prefix}
			check := func(what string, want, got any, err error) {
				t.Helper()
				if err != nil {
					t.Errorf("%s: %v", what, err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", what, diff)
				}
			}
			projects, err := c.Projects(ctx)
			check("projects", []string{"nvidia-tegra", "ubuntu", "ubuntu-touch"}, projects, err)
			series, err := c.Series(ctx, "ubuntu-touch")
			check("series", []string{"ubuntu-rtm/14.09", "ubuntu-rtm/14.09-factory", "vivid"}, series, err)
			series, err = c.Series(ctx, "nvidia-tegra/ubuntu-server")
			check("series in a subtree", []string{"noble"}, series, err)
			all, err := c.Builds(ctx, cdimage.ImageSet{Project: vivid.Project, Series: vivid.Series})
			types := map[string]bool{}
			for _, b := range all {
				types[b.Type] = true
			}
			check("types", map[string]bool{"daily": true, "daily-preinstalled": true}, types, err)

			builds, err := c.Builds(ctx, vivid)
			var ids []string
			for _, b := range builds {
				ids = append(ids, b.ID.String())
			}
			check("builds", []string{"20150420", "20150421", "20150421.2", "20150421.9", "20150421.10"}, ids, err)
			latest, err := c.Latest(ctx, vivid)
			check("latest", cdimage.Build{ImageSet: vivid, ID: cdimage.BuildID{Day: 20150421, N: 10}}, latest, err)
			rtm, err := c.Latest(ctx, cdimage.ImageSet{Project: "ubuntu-touch", Series: "ubuntu-rtm/14.09", Type: "daily-preinstalled"})
			check("rtm", "ubuntu-touch/ubuntu-rtm/14.09/daily-preinstalled-20150101", rtm.String(), err)

			f, err := c.Open(ctx, latest)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(f)
			check("text", "newest", string(text), err)
			f.Close()
			if e, err := c.Evidence(ctx, latest); err != nil || e.Grown.IsZero() || e.Now.IsZero() {
				t.Errorf("times %v %v, error %v", e.Grown, e.Now, err)
			}
			packed, err := c.Open(ctx, cdimage.Build{ImageSet: cdimage.ImageSet{Project: "ubuntu", Series: "xenial", Type: "daily-live"}, ID: cdimage.BuildID{Day: 20160601}})
			if err != nil {
				t.Fatal(err)
			}
			packed.Close()

			_, err = c.Latest(ctx, cdimage.ImageSet{Project: "ubuntu-touch", Series: "vivid", Type: "dvd"})
			if !errors.Is(err, cdimage.ErrNotFound) {
				t.Errorf("no such type: %v", err)
			}
			_, err = c.Builds(ctx, cdimage.ImageSet{Project: "nothing", Series: "vivid"})
			if !errors.Is(err, cdimage.ErrNotFound) {
				t.Errorf("no such project: %v", err)
			}
			_, err = c.Open(ctx, cdimage.Build{ImageSet: vivid, ID: cdimage.BuildID{Day: 20990101}})
			if !errors.Is(err, cdimage.ErrNotFound) {
				t.Errorf("no such log: %v", err)
			}
		})
	}
}

func TestClientErrors(t *testing.T) {
	answer := func(status int, body string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			io.WriteString(w, body)
		})
	}
	for name, c := range map[string]struct {
		h    http.Handler
		kind error
	}{
		"server":           {answer(503, "down"), cdimage.ErrServer},
		"gone":             {answer(410, ""), cdimage.ErrNotFound},
		"no index":         {answer(200, "hello"), cdimage.ErrFormat},
		"short gzip":       {answer(200, "\x1f\x8b\x08\x00\x00"), cdimage.ErrIncomplete},
		"endless line":     {answer(200, "<a href='x'>"+strings.Repeat("x", 1<<20)), cdimage.ErrFormat},
		"gzip of nonsense": {answer(200, "\x1f\x8bnonsense and more of it"), cdimage.ErrFormat},
	} {
		t.Run(name, func(t *testing.T) {
			client := &cdimage.Client{BaseURL: serve(t, c.h)}
			if _, err := client.Projects(t.Context()); !errors.Is(err, c.kind) {
				t.Errorf("got %v, want %v", err, c.kind)
			}
		})
	}
	if _, err := (&cdimage.Client{BaseURL: "no address"}).Projects(t.Context()); !errors.Is(err, cdimage.ErrInvalid) {
		t.Errorf("bad base: %v", err)
	}
	if _, err := (&cdimage.Client{}).Builds(t.Context(), cdimage.ImageSet{Project: "..", Series: "x"}); !errors.Is(err, cdimage.ErrInvalid) {
		t.Errorf("path upwards: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (&cdimage.Client{BaseURL: serve(t, answer(200, ""))}).Projects(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestClientDiagnose follows the link of a failed live file system to its log.
func TestClientDiagnose(t *testing.T) {
	root := t.TempDir()
	set := cdimage.ImageSet{Project: "ubuntu-touch-custom", Series: "vivid", Type: "daily-preinstalled"}
	for number, state := range map[int]string{74655: "Successfully built", 74656: "Failed to build"} {
		b := cdimagetest.Livefs{ImageSet: set, Number: number, Arch: "i386", State: state}
		b.Log = cdimagetest.LivefsLog(b, cause.Package)
		if err := cdimagetest.AddLivefs(root, b); err != nil {
			t.Fatal(err)
		}
	}
	dir := tree(t, map[string]string{"ubuntu-touch-custom/vivid/daily-preinstalled-20160906.1.log": read(t, touch+"20160906.1.log")})
	c := &cdimage.Client{BaseURL: serve(t, &cdimagetest.LogTree{Dir: dir})}
	b, err := c.Latest(t.Context(), set)
	if err != nil {
		t.Fatal(err)
	}
	livefs := &launchpad.Client{BaseURL: serve(t, &cdimagetest.Launchpad{Root: root}) + "/devel/"}
	d, err := c.Diagnose(t.Context(), b, livefs)
	if err != nil {
		t.Fatal(err)
	}
	want := []cause.Cause{{Scope: "ubuntu-touch-custom-i386", Class: cause.Package, Line: "dpkg: error processing package urfkill (--configure):", Number: 14, Package: "urfkill"}}
	if diff := cmp.Diff(want, d.Causes); diff != "" {
		t.Errorf("causes (-want +got):\n%s", diff)
	}
	if d, err = c.Diagnose(t.Context(), b, nil); err != nil || d.Causes[0].Needs != "livefs log" {
		t.Errorf("without Launchpad: %v %+v", err, d.Causes)
	}
	livefs.BaseURL = serve(t, http.NotFoundHandler()) + "/devel/"
	if d, err = c.Diagnose(t.Context(), b, livefs); err != nil || d.Causes[0].Class != cause.Unknown {
		t.Errorf("Launchpad without the build: %v %+v", err, d.Causes)
	}
}

// TestLostBuilder: a failed build without a log is the builder's fault.
func TestLostBuilder(t *testing.T) {
	root := t.TempDir()
	set := cdimage.ImageSet{Project: "ubuntu-touch-custom", Series: "vivid", Type: "daily-preinstalled"}
	if err := cdimagetest.AddLivefs(root, cdimagetest.Livefs{ImageSet: set, Number: 74656, Arch: "i386", State: "Failed to build"}); err != nil {
		t.Fatal(err)
	}
	livefs := &launchpad.Client{BaseURL: serve(t, &cdimagetest.Launchpad{Root: root}) + "/devel/"}
	_, err := livefs.LivefsLog(t.Context(), "https://launchpad.net/~ubuntu-cdimage/+livefs/ubuntu/vivid/ubuntu-touch-custom/+build/74656")
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	log := parseBuild(t, read(t, touch+"20160906.1.log"))
	d := cdimage.Diagnose(cdimage.Evidence{Log: log, Livefs: (*cdimage.Rules)(nil).ReadLivefsLogs(t.Context(), log, livefs)})
	if d.Causes[0].Class != cause.Infrastructure || d.Actions[1] != cause.AskLaunchpad {
		t.Errorf("got %+v %v", d.Causes, d.Actions)
	}
}

// What may be secret in the address of a log tree is in no error and in no log.
func TestClientTellsNoSecrets(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	var log bytes.Buffer
	for _, base := range []string{
		strings.Replace(web.URL, "://", "://me:hunter2@", 1) + "/logs?token=hunter2",
		"http://me:hunter2@127.0.0.1:1/logs?token=hunter2", "http://me:hunter2@127.0.0.1:x/", "me:hunter2",
	} {
		c := &cdimage.Client{BaseURL: base, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
		if _, err := c.Projects(t.Context()); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v, want an error without the secret", err)
		}
	}
	if !strings.Contains(log.String(), "url=") || strings.Contains(log.String(), "hunter2") {
		t.Errorf("the log: %s", &log)
	}
}
