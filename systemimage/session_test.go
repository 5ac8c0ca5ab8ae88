package systemimage_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// A session reads each document once, however many ask for it at the same moment,
// and again when it was told to forget it or when it is too old.
func TestSession(t *testing.T) {
	t.Parallel()
	const channel, device = "ubuntu-touch/rc/bq-aquaris.en", "krillin"
	var s *systemimagetest.Server
	asked := func() (list []string) {
		for _, r := range s.Requests() {
			if strings.HasSuffix(r, ".json") {
				list = append(list, strings.TrimPrefix(r, "GET "))
			}
		}
		slices.Sort(list)
		return list
	}
	all := []string{"/channels.json", "/" + channel + "/" + device + "/index.json"}
	dir := systemimagetest.TempDir(t)
	synctest.Test(t, func(t *testing.T) {
		s = create(t, dir)
		c := s.Client().Session(time.Minute)
		read := func() {
			t.Helper()
			var all sync.WaitGroup
			for range 5 {
				all.Go(func() {
					p, err := c.Index(t.Context(), channel, device)
					if err != nil || p.Channel != channel || !p.Verified {
						t.Errorf("%+v, %v", p, err)
					}
				})
			}
			all.Wait()
		}
		for _, tt := range []struct {
			when string
			do   func()
			want []string
		}{
			{"first", func() {}, all},
			{"again", func() {}, nil},
			{"an effect on another device", func() { c.Forget("vegetahd") }, nil},
			{"an effect", func() { c.Forget(device) }, all[1:]},
			{"all forgotten", func() { c.Forget("") }, all},
			{"later", func() { time.Sleep(time.Minute + time.Second) }, all},
		} {
			tt.do()
			read()
			if d := cmp.Diff(tt.want, asked()); d != "" {
				t.Errorf("%s: read (-want +got)\n%s", tt.when, d)
			}
		}
	})
}

// What could not be read is not kept, and who is stopped stops nobody else.
func TestSessionFails(t *testing.T) {
	t.Parallel()
	dir := systemimagetest.TempDir(t)
	synctest.Test(t, func(t *testing.T) {
		s := create(t, dir)
		c := s.Client()
		tree, silent := c.HTTP.Transport, true
		c.HTTP = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if !silent {
				return tree.RoundTrip(r)
			}
			<-r.Context().Done()
			return nil, r.Context().Err()
		})}
		c = c.Session(time.Hour)
		ctx, stop := context.WithCancel(t.Context())
		var first, second error
		var both sync.WaitGroup
		both.Go(func() { _, first = c.Channels(ctx) })
		synctest.Wait()
		both.Go(func() { _, second = c.Channels(t.Context()) })
		synctest.Wait()
		silent = false
		stop()
		both.Wait()
		if !errors.Is(first, context.Canceled) || second != nil {
			t.Errorf("the one that was stopped: %v; the one that waited: %v", first, second)
		}
		s.FailHTTP(systemimagetest.HTTPFault{Path: "/channels.json", Status: http.StatusForbidden})
		c.Forget("")
		if _, err := c.Channels(t.Context()); err == nil {
			t.Error("no error")
		}
		s.FailHTTP()
		if _, err := c.Channels(t.Context()); err != nil {
			t.Errorf("when it answers again: %v", err)
		}
	})
}

// A session is asked about what an earlier one has read, and gets it without a body.
func TestSessionsShare(t *testing.T) {
	t.Parallel()
	const channel, device = "ubuntu-touch/rc/bq-aquaris.en", "krillin"
	s := systemimagetest.New(t, systemimagetest.SampleWorld())
	if err := filepath.WalkDir(s.Root(), func(path string, _ fs.DirEntry, err error) error {
		long := time.Now().Add(-time.Hour)
		return errors.Join(err, os.Chtimes(path, long, long))
	}); err != nil {
		t.Fatal(err)
	}
	c := s.Client()
	tree := c.HTTP.Transport
	var bodies atomic.Int32
	c.HTTP = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		resp, err := tree.RoundTrip(r)
		if err == nil && resp.StatusCode == http.StatusOK {
			bodies.Add(1)
		}
		return resp, err
	})}
	for n := range 2 {
		bodies.Store(0)
		x, err := c.Session(time.Minute).Index(t.Context(), channel, device)
		if err != nil || len(x.Images) == 0 {
			t.Fatal(err)
		}
		if sent := bodies.Load(); n > 0 && sent > 0 || n == 0 && sent == 0 {
			t.Errorf("session %d: %d documents were sent", n+1, sent)
		}
	}
}

// create makes a server whose signatures are of the time in a bubble.
func create(t *testing.T, dir string) *systemimagetest.Server {
	t.Helper()
	s, err := systemimagetest.Create(dir, systemimagetest.SampleWorld())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// roundTripper makes a function a transport.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Looks that read many indexes side by side keep their connections: on a slow line each
// new one would cost round trips of its own.
func TestSessionKeepsConnections(t *testing.T) {
	t.Parallel()
	s := create(t, systemimagetest.TempDir(t))
	var opened atomic.Int32
	h := httptest.NewUnstartedServer(s.Handler())
	h.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	h.Start()
	defer h.Close()
	c := &systemimage.Client{BaseURL: h.URL, Trust: s.Client().Trust}
	const looks = 20
	for range looks {
		look := c.Session(time.Minute)
		if err := look.ReadAhead(t.Context(), 8, func(string, string) bool { return true }, nil); err != nil {
			t.Fatal(err)
		}
	}
	asked := len(s.Requests())
	t.Logf("%d connections for %d requests", opened.Load(), asked)
	if asked < looks*10 {
		t.Fatalf("%d requests were made, want many", asked)
	}
	if n := int(opened.Load()); n > 64 { // 16 are in use at a time
		t.Errorf("%d connections were opened for %d requests, want no more than are used side by side", n, asked)
	}
}

// A signature that is known is not asked for, and counts as one that was fetched; one that
// does not fit is.
func TestReadAheadWithSignatures(t *testing.T) {
	t.Parallel()
	const channel, device, index = "ubuntu-touch/rc/bq-aquaris.en", "krillin", "/ubuntu-touch/rc/bq-aquaris.en/krillin/index.json"
	dir := systemimagetest.TempDir(t)
	synctest.Test(t, func(t *testing.T) {
		s := create(t, dir)
		right, err := os.ReadFile(filepath.Join(s.Root(), "www", index+".asc"))
		if err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			name   string
			known  map[string][]byte
			client func(*systemimage.Client)
			want   []string
		}{
			{name: "none", want: []string{index, index + ".asc"}},
			{name: "known", known: map[string][]byte{index: right}, want: []string{index}},
			{name: "empty", known: map[string][]byte{index: {}}, want: []string{index, index + ".asc"}},
			{name: "of another index", known: map[string][]byte{index + "x": right}, want: []string{index, index + ".asc"}},
			{name: "does not fit", known: map[string][]byte{index: right[:len(right)/2]}, want: []string{index, index, index + ".asc"}},
			{name: "a page", known: map[string][]byte{index: []byte("<html>")}, want: []string{index, index, index + ".asc"}},
			{name: "nobody verifies", known: map[string][]byte{index: right}, want: []string{index},
				client: func(c *systemimage.Client) { c.Trust, c.Unverified = nil, true }},
		} {
			c := s.Client()
			if tt.client != nil {
				tt.client(c)
			}
			c = c.Session(time.Minute)
			if _, err := c.Channels(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.Requests()
			if err := c.ReadAhead(t.Context(), 0, func(ch, d string) bool { return ch == channel && d == device }, tt.known); err != nil {
				t.Fatal(err)
			}
			x, err := c.Index(t.Context(), channel, device)
			if err != nil || x.Verified != (tt.client == nil) || x.Verified && string(x.Signature) != string(right) {
				t.Errorf("%s: %+v, %v", tt.name, x, err)
			}
			var asked []string
			for _, r := range s.Requests() {
				if r = strings.TrimPrefix(r, "GET "); strings.HasPrefix(r, "/ubuntu-touch") {
					asked = append(asked, r)
				}
			}
			slices.Sort(asked)
			if d := cmp.Diff(tt.want, asked); d != "" {
				t.Errorf("%s: asked (-want +got)\n%s", tt.name, d)
			}
		}
	})
}

// What was read with a signature that was known is looked at once more where devices look.
func TestServed(t *testing.T) {
	t.Parallel()
	const channel, device, index = "ubuntu-touch/rc/bq-aquaris.en", "krillin", "/ubuntu-touch/rc/bq-aquaris.en/krillin/index.json"
	dir := systemimagetest.TempDir(t)
	synctest.Test(t, func(t *testing.T) {
		s := create(t, dir)
		signature, err := os.ReadFile(filepath.Join(s.Root(), "www", index+".asc"))
		if err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			name  string
			known map[string][]byte
			fault systemimagetest.HTTPFault
			want  error
			asked int
		}{
			{name: "read with its signature", fault: systemimagetest.HTTPFault{Path: index + ".asc", Status: http.StatusNotFound}},
			{name: "known, and served", known: map[string][]byte{index: signature}, fault: systemimagetest.HTTPFault{Path: "/none"}, asked: 1},
			{name: "known, not served", known: map[string][]byte{index: signature}, want: systemimage.ErrTorn,
				fault: systemimagetest.HTTPFault{Path: index + ".asc", Status: http.StatusNotFound}, asked: 9},
			{name: "known, a page is served", known: map[string][]byte{index: signature}, want: systemimage.ErrSignature,
				fault: systemimagetest.HTTPFault{Path: index + ".asc", HTML: true}, asked: 9},
			{name: "known, another try helps", known: map[string][]byte{index: signature},
				fault: systemimagetest.HTTPFault{Path: index + ".asc", Status: http.StatusNotFound, Times: 1}, asked: 3},
		} {
			s.FailHTTP()
			c := s.Client().Session(time.Minute)
			if err := c.ReadAhead(t.Context(), 0, func(ch, d string) bool { return ch == channel && d == device }, tt.known); err != nil {
				t.Fatal(err)
			}
			x, err := c.Index(t.Context(), channel, device)
			if err != nil {
				t.Fatal(err)
			}
			s.Requests()
			s.FailHTTP(tt.fault)
			if err := c.Served(t.Context(), x); !errors.Is(err, tt.want) {
				t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
			}
			if n := len(s.Requests()); n != tt.asked {
				t.Errorf("%s: %d requests, want %d", tt.name, n, tt.asked)
			}
		}
	})
}
