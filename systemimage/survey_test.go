package systemimage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSurvey(t *testing.T) {
	s := recorded(t)
	broken := "/ubuntu-touch/rc/bq-aquaris.en/vegetahd/index.json"
	delete(s.files, broken)
	var now, most atomic.Int32
	s.hook = func(http.ResponseWriter, *http.Request) bool {
		most.Store(max(most.Load(), now.Add(1)))
		defer now.Add(-1)
		return false
	}
	c := &Client{BaseURL: s.URL, Unverified: true, Tries: 1}
	var got, failed []string
	for p, err := range c.Survey(t.Context(), 3) {
		var e *Error
		switch {
		case errors.As(err, &e) && errors.Is(err, ErrTorn):
			failed = append(failed, e.Channel+" "+e.Device)
		case err != nil:
			t.Error(err)
		default:
			got = append(got, p.Channel+" "+p.Device)
			if p.Index == nil || p.URL != s.URL+p.Entry.Index {
				t.Errorf("%s %s: %+v", p.Channel, p.Device, p.PublishedFile)
			}
		}
	}
	var want []string
	l, err := c.Channels(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for channel, device := range l.Pairs() {
		if l.Channels[channel].Devices[device].Index != broken {
			want = append(want, channel+" "+device)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" || len(got) != 17 {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if want := []string{"ubuntu-touch/rc/bq-aquaris.en vegetahd"}; !cmp.Equal(want, failed) {
		t.Errorf("failed %q, want %q", failed, want)
	}
	if most.Load() > 3 {
		t.Errorf("%d requests at once, want 3 at most", most.Load())
	}
	asked := map[string]int{}
	for _, path := range s.asked {
		asked[path]++
	}
	if n := asked["/ubuntu-touch/rc-proposed/bq-aquaris.en/krillin/index.json"]; n != 1 {
		t.Errorf("an index that a redirect shares was read %d times, want once", n)
	}
}

func TestSurveyStops(t *testing.T) {
	s := recorded(t)
	c := &Client{BaseURL: s.URL, Unverified: true, Tries: 1}
	for range c.Survey(t.Context(), 2) {
		break
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	var last error
	for _, err := range c.Survey(ctx, 1) {
		if n++; n == 3 {
			cancel()
		}
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("last error %v, want that it was stopped: the survey is not complete", last)
	}
	s.Close()
	n = 0
	for p, err := range c.Survey(t.Context(), 0) {
		if n++; p != nil || err == nil {
			t.Errorf("%v, %v, want the error of channels.json", p, err)
		}
	}
	if n != 1 {
		t.Errorf("%d results, want one error", n)
	}
}

func TestFind(t *testing.T) {
	s := recorded(t)
	c := &Client{BaseURL: s.URL, Unverified: true}
	for _, tt := range []struct {
		s    Selector
		want []string
	}{
		{Selector{Tag: "OTA-4-rc", Type: Full}, []string{"ubuntu-touch/rc/bq-aquaris.en krillin full 1", "ubuntu-touch/rc/bq-aquaris.en vegetahd full 1",
			"ubuntu-touch/rc/meizu.en arale full 1", "ubuntu-touch/stable/meizu.en arale full 1"}},
		{Selector{Channel: "ubuntu-touch/rc-proposed/*", Device: "arale", Version: 101},
			[]string{"ubuntu-touch/rc-proposed/meizu.en arale delta 100->101", "ubuntu-touch/rc-proposed/meizu.en arale full 101"}},
		{Selector{Device: "halium_arm64", Key: "ubports", Type: Delta}, []string{"20.04/arm64/android9plus/devel halium_arm64 delta 1->2"}},
		{Selector{Key: "device", Value: "no such build"}, nil},
		{Selector{Channel: "no such channel"}, nil},
	} {
		var got []string
		for f, err := range c.Find(t.Context(), 4, tt.s) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprintf("%s %s %v", f.Index.Channel, f.Index.Device, f.Image))
		}
		slices.Sort(got)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", tt.s, diff)
		}
	}
	for _, err := range c.Find(t.Context(), 1, Selector{Channel: "[", Version: 1}) {
		if !errors.Is(err, ErrRefused) {
			t.Errorf("bad pattern: %v", err)
		}
	}
}

// tagged answers like a server with entity tags.
func (s *site) tagged() {
	s.hook = func(w http.ResponseWriter, r *http.Request) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		if data, ok := s.files[r.URL.Path]; ok {
			w.Header().Set("ETag", `"`+strings.ReplaceAll(seal(data), " ", "-")+`"`)
		}
		return false
	}
}

func TestCache(t *testing.T) {
	s := small(t, indexAt(morning, ""))
	s.tagged()
	var statuses []int
	transport := s.Server.Client().Transport
	count := func(c *Client) {
		c.HTTP = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			resp, err := transport.RoundTrip(r)
			if err == nil {
				statuses = append(statuses, resp.StatusCode)
			}
			return resp, err
		})}
	}
	folder := filepath.Join(t.TempDir(), "cache")
	read := func(what string, want ...int) *PublishedIndex {
		t.Helper()
		c := s.client() // a new process, as it were
		c.Cache = folder
		count(c)
		statuses = nil
		p, err := c.Index(t.Context(), "c", "d")
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if !cmp.Equal(want, statuses) {
			t.Errorf("%s: statuses %v, want %v", what, statuses, want)
		}
		if !p.Verified || string(p.Raw) != s.files["/c/d/index.json"] {
			t.Errorf("%s: %+v", what, p.PublishedFile)
		}
		return p
	}
	read("empty cache", 200, 200, 200, 200)
	read("full cache", 304, 304, 304, 304)
	s.put("/c/d/index.json", indexAt(noon, ""))
	read("new index", 304, 304, 200, 200)
	read("full cache again", 304, 304, 304, 304)

	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil || len(files) != 5 { // and the time of the index
		t.Fatalf("%d files in the cache, %v, want 5", len(files), err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)-2] ^= 1
		if err := os.WriteFile(f, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	read("damaged cache", 200, 200, 200, 200)
	for _, f := range files {
		if err := os.WriteFile(f, nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	read("emptied files", 200, 200, 200, 200)

	// Another server in the same folder shares nothing.
	other := small(t, indexAt(noon, ""))
	other.tagged()
	c := other.client()
	c.Cache = folder
	if _, err := c.Index(t.Context(), "c", "d"); err != nil {
		t.Error(err)
	}
	files, _ = filepath.Glob(filepath.Join(folder, "*"))
	if len(files) != 10 {
		t.Errorf("%d files for two servers, want 10", len(files))
	}

	// A folder that cannot be is no reason to fail.
	c = s.client()
	c.Cache = files[0]
	if _, err := c.Index(t.Context(), "c", "d"); err != nil {
		t.Error(err)
	}
}

// TestCacheRefusesReplay has a server that goes back to what it published, and
// signed, hours ago, while nobody is looking.
func TestCacheRefusesReplay(t *testing.T) {
	s := small(t, indexAt(noon, ""))
	folder := t.TempDir()
	read := func(change func(*Client)) error {
		c := s.client() // a new process, as it were
		c.Cache = folder
		change(c)
		_, err := c.Index(t.Context(), "c", "d")
		return err
	}
	trusting := func(c *Client) {}
	blind := func(c *Client) { c.Trust, c.Unverified = nil, true }
	if err := read(trusting); err != nil {
		t.Fatal(err)
	}
	s.put("/c/d/index.json", indexAt(morning, ""))
	err := read(trusting)
	if !errors.Is(err, ErrReplayed) || !strings.Contains(err.Error(), "remove "+folder) {
		t.Errorf("older index: %v, want ErrReplayed and what to remove", err)
	}
	if err := read(func(c *Client) { c.Cache = "" }); err != nil {
		t.Errorf("without a memory: %v", err)
	}
	// What nobody vouches for is not held against the server.
	s.put("/c/d/index.json", indexAt("Mon Nov 22 12:00:00 UTC 2066", ""))
	if err := read(blind); err != nil {
		t.Error(err)
	}
	s.put("/c/d/index.json", indexAt(noon, ""))
	if err := read(trusting); err != nil {
		t.Error(err)
	}
	if err := read(blind); err != nil {
		t.Error(err)
	}
}

// TestCacheByTime has a server without entity tags, whose times have seconds:
// what has just changed may change again without a trace.
func TestCacheByTime(t *testing.T) {
	s := small(t, indexAt(noon, ""))
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	changed := now.Add(-time.Second)
	unchanged := 0
	s.hook = func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Date", now.Format(http.TimeFormat))
		s.mu.Lock()
		defer s.mu.Unlock()
		if r.Header.Get("If-Modified-Since") == changed.Format(http.TimeFormat) {
			unchanged++
		}
		http.ServeContent(w, r, "", changed, strings.NewReader(s.files[r.URL.Path]))
		return true
	}
	c := s.client()
	c.Cache = t.TempDir()
	for i, want := range []int{0, 0, 4, 4} {
		if i == 1 {
			now = now.Add(time.Second)
		}
		unchanged = 0
		if _, err := c.Index(t.Context(), "c", "d"); err != nil {
			t.Fatal(err)
		}
		if unchanged != want {
			t.Errorf("read %d: %d conditional requests, want %d", i, unchanged, want)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestCacheStaleHalf has one half of a publication in the cache of a server on
// the way: the second attempt asks past it.
func TestCacheStaleHalf(t *testing.T) {
	s := small(t, indexAt(noon, ""))
	s.hook = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/c/d/index.json" && r.Header.Get("Cache-Control") != "no-cache" {
			_, _ = w.Write([]byte(indexAt(morning, "")))
			return true
		}
		return false
	}
	p, err := s.client().Index(t.Context(), "c", "d")
	if err != nil || p.GeneratedAt != noon {
		t.Errorf("Index = %v, %v", p, err)
	}
}

func TestCacheParallel(t *testing.T) {
	s := small(t, indexAt(noon, ""))
	s.tagged()
	folder := t.TempDir()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 10 {
				c := s.client()
				c.Cache = folder
				if p, err := c.Index(t.Context(), "c", "d"); err != nil || !p.Verified {
					t.Errorf("Index = %v, %v", p, err)
				}
			}
		})
	}
	all.Wait()
	files, _ := filepath.Glob(filepath.Join(folder, "*"))
	if len(files) != 5 {
		t.Errorf("files left behind: %q", files)
	}
}
