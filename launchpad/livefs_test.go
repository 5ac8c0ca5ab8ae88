package launchpad_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/launchpad/launchpadtest"
	"github.com/landingteam/landing/launchpad/value"
)

const touch = "~image-team/ubuntu/vivid/ubuntu-touch"

func withLivefs(w *launchpadtest.World) { w.AddLivefs("image-team", "vivid", "ubuntu-touch") }

func TestLivefsBuild(t *testing.T) {
	s := newServer(t, withLivefs)
	c := s.Client()
	r := launchpad.BuildRequest{Archive: "ppa:landing-team/snapshot", Arch: "armhf", Override: map[string]any{"extra_ppas": []string{"landing-team/snapshot"}}}
	b, adopted, err := c.RequestLivefsBuild(t.Context(), touch, r)
	if err != nil || adopted || b.State != launchpad.NeedsBuilding || b.Arch() != "armhf" || b.Version == "" {
		t.Fatalf("%+v, %v, %v", b, adopted, err)
	}
	again, adopted, err := c.RequestLivefsBuild(t.Context(), touch, r)
	if err != nil || !adopted || again.SelfLink != b.SelfLink {
		t.Errorf("an identical one: %+v, %v, %v", again, adopted, err)
	}
	r.UniqueKey = "other"
	if other, adopted, err := c.RequestLivefsBuild(t.Context(), touch, r); err != nil || adopted || other.SelfLink == b.SelfLink {
		t.Errorf("another key: %+v, %v, %v", other, adopted, err)
	}
	// One with an empty override is another one for Launchpad.
	s.Do(func(w *launchpadtest.World) {
		i := *w.LivefsBuilds[0]
		i.ID, i.UniqueKey, i.Override = 1, "empty", map[string]any{}
		w.LivefsBuilds = append(w.LivefsBuilds, &i)
	})
	if plain, adopted, err := c.RequestLivefsBuild(t.Context(), touch, launchpad.BuildRequest{Archive: r.Archive, Arch: "armhf", UniqueKey: "empty"}); err != nil || adopted {
		t.Errorf("a build with an empty override was adopted: %+v, %v", plain, err)
	}
	var states []launchpad.BuildState
	if err := c.WaitForBuild(t.Context(), b, func(s launchpad.BuildState) {
		if len(states) == 0 || states[len(states)-1] != s {
			states = append(states, s)
		}
	}); err != nil {
		t.Error(err)
	}
	if len(states) < 3 || states[len(states)-1] != launchpad.Built {
		t.Errorf("states %q", states)
	}
	files, err := c.BuildFiles(t.Context(), b)
	if err != nil || len(files) != 2 {
		t.Fatalf("files %v, %v: expired ones are null and must be dropped", files, err)
	}
	f, err := c.Open(t.Context(), files[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if text, _ := io.ReadAll(f); string(text) != "content of livecd.ubuntu-touch.manifest\n" {
		t.Errorf("file: %q", text)
	}
	b.LogURL = "" // it comes late
	log, err := c.BuildLog(t.Context(), b, 0)
	if err != nil || !strings.Contains(string(log), "\xff\nBuild finished\n") {
		t.Errorf("log %q, %v", log, err)
	}
	if tail, err := c.BuildLog(t.Context(), b, 9); err != nil || string(tail) != "finished\n" {
		t.Errorf("tail %q, %v", tail, err)
	}
	page, err := c.Build(t.Context(), b.WebLink)
	if err != nil || page.SelfLink != b.SelfLink {
		t.Errorf("by its page: %v, %v", page, err)
	}
	s.Do(func(w *launchpadtest.World) { w.LivefsBuilds[0].Expired = true })
	if files, err := c.BuildFiles(t.Context(), b); err != nil || len(files) != 0 {
		t.Errorf("pruned: %v, %v", files, err)
	}
	if _, err := c.Open(t.Context(), files[0]); !errors.Is(err, launchpad.ErrNotFound) {
		t.Errorf("pruned file: %v", err)
	}
}

func TestLivefsBuildFails(t *testing.T) {
	s := newServer(t, withLivefs, func(w *launchpadtest.World) {
		w.FailBuild, w.LogDelay = map[string]bool{"ubuntu-touch/armhf": true}, 3*time.Minute
	})
	c := s.Client()
	b, _, err := c.RequestLivefsBuild(t.Context(), touch, launchpad.BuildRequest{Arch: "armhf"})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.WaitForBuild(t.Context(), b, nil); err == nil || !strings.Contains(err.Error(), "Failed to build; log: not there yet") {
		t.Errorf("wait: %v", err)
	}
	if log, err := c.BuildLog(t.Context(), b, 0); err != nil || !strings.Contains(string(log), "E: Build killed") {
		t.Errorf("late log %q, %v", log, err)
	}
	s.Do(func(w *launchpadtest.World) { w.LogDelay = time.Hour })
	b.LogURL = ""
	if _, err := c.BuildLog(t.Context(), b, 0); !errors.Is(err, launchpad.ErrNotFound) {
		t.Errorf("a log that never comes: %v", err)
	}
	slow, _, err := c.RequestLivefsBuild(t.Context(), touch, launchpad.BuildRequest{Arch: "i386"})
	if err != nil {
		t.Fatal(err)
	}
	s.Do(func(w *launchpadtest.World) { w.LivefsBuilds[len(w.LivefsBuilds)-1].Due = w.Now.Add(24 * time.Hour) })
	if err := c.WaitForBuild(t.Context(), slow, nil); !errors.Is(err, launchpad.ErrTimeout) {
		t.Errorf("limit: %v", err)
	}
	if _, err := c.BuildLog(t.Context(), slow, 0); !errors.Is(err, launchpad.ErrNotFound) {
		t.Errorf("log of a running build: %v", err)
	}
}

// twice sends every write two times, as if somebody else had the same idea a
// moment before.
type twice struct{ http.RoundTripper }

func (t twice) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPost {
		body, _ := io.ReadAll(r.Body)
		first := r.Clone(r.Context())
		first.Body = io.NopCloser(bytes.NewReader(body))
		if _, err := t.RoundTripper.RoundTrip(first); err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	return t.RoundTripper.RoundTrip(r)
}

func TestLivefsInDoubtAndRefused(t *testing.T) {
	s := newServer(t, withLivefs)
	c := s.Client()
	s.Faults = []*launchpadtest.Fault{{Op: "requestBuild", After: true, Drop: true, Times: 1}}
	b, adopted, err := c.RequestLivefsBuild(t.Context(), touch, launchpad.BuildRequest{Arch: "armhf"})
	if err != nil || !adopted || s.Count("requestBuild") != 1 {
		t.Errorf("answer lost: %+v, %v, %v", b, adopted, err)
	}
	s.Faults = []*launchpadtest.Fault{{Op: "requestBuild", Drop: true, Times: 1}}
	_, _, err = c.RequestLivefsBuild(t.Context(), touch, launchpad.BuildRequest{Arch: "i386"})
	var e *launchpad.Error
	if !errors.As(err, &e) || !e.Doubt || s.Count("requestBuild") != 2 {
		t.Errorf("no effect: %v", err)
	}
	s.Faults = []*launchpadtest.Fault{{Op: "requestBuild", Status: 200, Body: loginPage, Header: map[string]string{"Content-Type": "text/html"}, Times: 1}}
	if _, _, err := c.RequestLivefsBuild(t.Context(), touch, launchpad.BuildRequest{Arch: "i386", UniqueKey: "page"}); !errors.As(err, &e) || !e.Doubt {
		t.Errorf("a page instead of an answer: %v", err)
	}
	// Between the look and the request somebody asks for the same.
	s.Faults = nil
	c.HTTP.Transport = twice{c.HTTP.Transport}
	if b, adopted, err := c.RequestLivefsBuild(t.Context(), touch, launchpad.BuildRequest{Arch: "amd64"}); err != nil || !adopted || b.Arch() != "amd64" {
		t.Errorf("somebody was faster: %+v, %v, %v", b, adopted, err)
	}
	tests := []struct {
		name   string
		change func(w *launchpadtest.World)
		want   error
		text   string
	}{
		{"not the owner", func(w *launchpadtest.World) { w.AddPerson("image-team").Members = nil }, launchpad.ErrPermission, "cannot create live filesystem builds owned by Image Team."},
		{"archive disabled", func(w *launchpadtest.World) { w.Archive(snapshot).Disabled = true }, launchpad.ErrRefused, "snapshot is disabled."},
		{"private archive of others", func(w *launchpadtest.World) { w.Archive(snapshot).Private = true }, launchpad.ErrRefused, "are equal."},
	}
	for _, tt := range tests {
		s := newServer(t, withLivefs, tt.change)
		c := s.Client()
		_, _, err := c.RequestLivefsBuild(t.Context(), touch, launchpad.BuildRequest{Archive: "ppa:landing-team/snapshot", Arch: "armhf"})
		if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.text)
		}
	}
	for _, ref := range []string{"~a/b", "https://code.launchpad.test/~a/+livefs/b/c/d", "~image-team/ubuntu/vivid/none", ""} {
		if _, _, err := c.RequestLivefsBuild(t.Context(), ref, launchpad.BuildRequest{Arch: "armhf"}); err == nil {
			t.Errorf("%q was found", ref)
		}
	}
}

// TestPrivateFiles reads the log of a private build: the web host wants a
// session, the web service takes the token, and the file host sees no token,
// which the fake checks.
func TestPrivateFiles(t *testing.T) {
	s := newServer(t, func(w *launchpadtest.World) { w.Archive(overlay).Private = true })
	c := s.Client()
	a, err := c.Archive(t.Context(), overlay)
	if err != nil {
		t.Fatal(err)
	}
	for b, err := range c.SourceBuilds(t.Context(), sourceOf(t, c, a.SelfLink, "unity8")) {
		if err != nil {
			t.Fatal(err)
		}
		log, err := c.BuildLog(t.Context(), &b, 0)
		if err != nil || !strings.Contains(string(log), "Build finished") {
			t.Errorf("%q, %v", log, err)
		}
		c.Credentials = nil
		if _, err := c.Open(t.Context(), b.LogURL); !errors.Is(err, launchpad.ErrPermission) {
			t.Errorf("a stranger: %v", err)
		}
		c = s.Client()
	}
}

// sourceOf is the newest publication of a source.
func sourceOf(t testing.TB, c *launchpad.Client, archive value.Link, name string) value.Link {
	t.Helper()
	for s, err := range c.Sources(t.Context(), archive, launchpad.PublicationFilter{Name: name}) {
		if err != nil {
			t.Fatal(err)
		}
		return s.SelfLink
	}
	t.Fatalf("%s is not in %s", name, archive)
	return ""
}
