package systemimage

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const morning, noon = "Sun Nov 22 09:00:00 UTC 2026", "Sun Nov 22 12:00:00 UTC 2026"

func TestClientRecordedTree(t *testing.T) {
	c := &Client{BaseURL: recorded(t).URL, Unverified: true}
	ctx := t.Context()
	l, err := c.Channels(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if l.Verified || len(l.Channels) != 12 {
		t.Errorf("Verified %v, %d channels, want false and 12", l.Verified, len(l.Channels))
	}
	n := 0
	for channel, device := range l.Pairs() {
		p, err := c.Index(ctx, channel, device)
		if err != nil {
			t.Errorf("%s %s: %v", channel, device, err)
			continue
		}
		if err := p.Check(); err != nil {
			t.Errorf("%s %s: %v", channel, device, err)
		}
		n++
	}
	if n != 18 {
		t.Errorf("%d pairs, want 18", n)
	}
	m, err := c.Latest(ctx, "ubuntu-touch/rc-proposed/bq-aquaris.en", "krillin")
	if err != nil || m.Version != 3 || m.Type != Full || m.Detail().Tag() != "" {
		t.Errorf("Latest = %v, %v", m, err)
	}
	m, err = c.Full(ctx, "ubuntu-touch/stable/meizu.en", "arale", 1)
	if err != nil || m.Percentage != 30 || m.Detail().Tag() != "OTA-4-rc" || len(m.Files) != 5 {
		t.Errorf("Full = %+v, %v", m, err)
	}
	_, err = c.Full(ctx, "ubuntu-touch/rc-proposed/meizu.en", "arale", 7)
	if want := "cannot find image: ubuntu-touch/rc-proposed/meizu.en arale: no full image 7; published: 100, 101"; err == nil || err.Error() != want || !errors.Is(err, ErrNotFound) {
		t.Errorf("Full(7): %v, want %s", err, want)
	}
	_, err = c.Index(ctx, "ubuntu-touch/rc-proposed/meizu.en", "mako")
	if !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), `channel has no device "mako"; devices: arale`) {
		t.Errorf("absent device: %v", err)
	}
	_, err = c.Index(ctx, "ubuntu-touch/rc-proposed/meizu", "arale")
	if !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "closest of 12 channels: ubuntu-touch/rc-proposed/meizu.en, ") {
		t.Errorf("absent channel: %v", err)
	}
}

func TestClientVerifies(t *testing.T) {
	s := small(t, indexAt(noon, ""))
	c := s.client()
	p, err := c.Index(t.Context(), "c", "d")
	if err != nil {
		t.Fatal(err)
	}
	if !p.Verified || string(p.Raw) != s.files["/c/d/index.json"] || string(p.Signature) != seal(string(p.Raw)) {
		t.Errorf("PublishedFile = %+v", p.PublishedFile)
	}
	if want := []string{"/channels.json", "/channels.json.asc", "/c/d/index.json", "/c/d/index.json.asc"}; !cmp.Equal(want, s.asked) {
		t.Errorf("asked for %q", s.asked)
	}
	c.Trust = nil
	if _, err := c.Index(t.Context(), "c", "d"); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "set Unverified") {
		t.Errorf("without Trust: %v", err)
	}
	c.Unverified = true
	if p, err := c.Index(t.Context(), "c", "d"); err != nil || p.Verified {
		t.Errorf("Unverified: %+v, %v", p, err)
	}
}

// TestClientAttacks names what a hostile server or mirror may try.
func TestClientAttacks(t *testing.T) {
	old, good := indexAt(morning, `{"type":"full","version":1}`), indexAt(noon, `{"type":"full","version":2}`)
	evil := newSite(t, map[string]string{"/c/d/index.json": good})
	gz := func(data []byte) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = w.Write(data)
		_ = w.Close()
		return b.String()
	}
	bomb := gz(make([]byte, 1<<20+1))
	answer := func(path string, f http.HandlerFunc) func(*site) {
		return func(s *site) {
			s.hook = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path == path {
					f(w, r)
				}
				return r.URL.Path == path
			}
		}
	}
	const index, asc = "/c/d/index.json", "/c/d/index.json.asc"
	for _, tt := range []struct {
		name   string
		attack func(*site)
		kinds  []error
		text   string
	}{
		{"signature replaced", func(s *site) { s.files[asc] = "signed by a stranger" }, []error{ErrSignature, ErrTorn}, "not by the notary (4 attempts)"},
		{"signature of another file", func(s *site) { s.files[asc] = s.files["/channels.json.asc"] }, []error{ErrSignature}, "does not fit"},
		{"signature truncated", func(s *site) { s.files[asc] = s.files[asc][:20] }, []error{ErrSignature}, "does not fit"},
		{"signature emptied", func(s *site) { s.files[asc] = "" }, []error{ErrSignature, ErrTorn}, "signature is empty"},
		{"signature stripped", func(s *site) { delete(s.files, asc) }, []error{ErrSignature, ErrTorn}, "signature is missing (4 attempts)"},
		{"signature of channels.json stripped", func(s *site) { delete(s.files, "/channels.json.asc") }, []error{ErrSignature}, "/channels.json.asc"},
		{"signature a page", func(s *site) { s.files[asc] = "<html>not found" }, []error{ErrSignature}, "is a page"},
		{"signature without end", answer(asc, func(w http.ResponseWriter, r *http.Request) { endless(w) }), []error{ErrMalformed}, "larger than the limit of 1048576 bytes"},
		{"index changed", func(s *site) { s.files[index] += " " }, []error{ErrSignature, ErrTorn}, "does not fit"},
		{"index swapped for an older signed one", func(s *site) { s.put(index, old) }, []error{ErrReplayed}, "one of 2026-11-22T12:00:00Z was seen before"},
		{"index missing", func(s *site) { delete(s.files, index) }, []error{ErrTorn}, "move index.json.new into its place"},
		{"index a page", func(s *site) { s.files[index] = "<!DOCTYPE html>" }, []error{ErrMalformed}, "is a page (HTML or XML), not JSON"},
		{"index without end", answer(index, func(w http.ResponseWriter, r *http.Request) { endless(w) }), []error{ErrMalformed}, "larger than the limit of 1048576 bytes"},
		{"index a compressed bomb", answer(index, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = io.WriteString(w, bomb)
		}), []error{ErrMalformed}, "larger than the limit of 1048576 bytes"},
		{"index in an unknown encoding", answer(index, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "br")
			_, _ = io.WriteString(w, "x")
		}), []error{ErrMalformed}, `encoded as "br"`},
		{"index that never comes", answer(index, func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}), nil, "server is too slow (4 attempts)"},
		{"index cut off", answer(index, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "{")
		}), nil, "breaks off after 1 bytes"},
		{"redirect to another host", answer(index, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, evil.URL+index, http.StatusFound)
		}), []error{ErrRefused}, "leads to another server"},
		{"redirects without end", answer(index, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, index, http.StatusFound)
		}), []error{ErrRefused}, "more than 5 redirects"},
		{"index path on another host", listed(evil.URL + index), []error{ErrRefused}, "on another server"},
		{"index path on another host without scheme", listed("//evil.example.org/i"), []error{ErrRefused}, "on another server"},
		{"index path of another scheme", listed("file:///etc/passwd"), []error{ErrRefused}, "on another server"},
		{"index path upwards", listed("/c/../../secret"), []error{ErrRefused}, `".."`},
		{"index path upwards in disguise", listed("/c/%2e%2e/secret"), []error{ErrRefused}, `".."`},
		{"index path with a hidden separator", listed("/c/..%2fsecret"), []error{ErrRefused}, "hides a separator"},
		{"index path with a query", listed("/c?x=/d/index.json"), []error{ErrRefused}, "query"},
		{"index path with a line end", listed(`/c\r\nHost: evil`), []error{ErrRefused}, "control character"},
		{"index path with a backslash", listed(`/c\\..\\x`), []error{ErrRefused}, "backslash"},
		{"no index path", listed(``), []error{ErrBroken}, "gives no path of an index"},
		{"server errors", answer(index, func(w http.ResponseWriter, r *http.Request) { http.Error(w, "secret", http.StatusServiceUnavailable) }), nil, "server answers 503 Service Unavailable (4 attempts)"},
		{"forbidden", answer(index, func(w http.ResponseWriter, r *http.Request) { http.Error(w, "secret", http.StatusForbidden) }), nil, "server answers 403 Forbidden"},
		{"304 to an unconditional request", answer(index, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNotModified) }), nil, "304 though nothing was stored"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := small(t, good)
			c := s.client()
			if _, err := c.Index(t.Context(), "c", "d"); err != nil {
				t.Fatal(err)
			}
			tt.attack(s)
			if tt.name == "index that never comes" {
				c.Timeout = 10 * time.Millisecond
			}
			p, err := c.Index(t.Context(), "c", "d")
			if p != nil || err == nil || !strings.Contains(err.Error(), tt.text) {
				t.Fatalf("Index = %v, %v, want an error with %q", p, err, tt.text)
			}
			for _, kind := range []error{ErrNotFound, ErrMalformed, ErrTorn, ErrSignature, ErrReplayed, ErrRefused, ErrBroken} {
				want := tt.kinds == nil
				for _, k := range tt.kinds {
					want = want || k == kind
				}
				if tt.kinds == nil {
					want = false
				} else if kind == ErrTorn && tt.kinds[0] == ErrSignature {
					continue // either will do
				}
				if errors.Is(err, kind) != want {
					t.Errorf("%v: is %v = %v", err, kind, !want)
				}
			}
		})
	}
}

// listed lets channels.json, properly signed, give another path of the index.
func listed(path string) func(*site) {
	return func(s *site) {
		s.put("/channels.json", `{"c": {"devices": {"d": {"index": "`+path+`"}}}}`)
	}
}

func endless(w io.Writer) {
	chunk := bytes.Repeat([]byte(" "), 1<<16)
	for {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

// TestClientTorn walks through the moments of a publication that a reader may hit.
func TestClientTorn(t *testing.T) {
	before, after := indexAt(morning, `{"type":"full","version":1}`), indexAt(noon, `{"type":"full","version":2}`)
	const index, asc = "/c/d/index.json", "/c/d/index.json.asc"
	for _, tt := range []struct {
		name string
		torn func(s *site)
	}{
		{"no signature", func(s *site) { delete(s.files, asc) }},
		{"new signature, old index", func(s *site) { s.files[asc] = seal(after) }},
		{"no index", func(s *site) { s.files[asc] = seal(after); delete(s.files, index) }},
		{"server restarts", func(s *site) {
			s.hook = func(w http.ResponseWriter, r *http.Request) bool {
				http.Error(w, "", http.StatusBadGateway)
				return true
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := small(t, before)
			tt.torn(s)
			var log bytes.Buffer
			c := s.client()
			c.Logger = slog.New(slog.NewTextHandler(&log, nil))
			torn := s.hook
			answers := 0
			s.hook = func(w http.ResponseWriter, r *http.Request) bool {
				if answers++; answers == 6 { // the publication ends
					s.put(index, after)
					torn = nil
				}
				return torn != nil && torn(w, r)
			}
			c.Tries = 10
			p, err := c.Index(t.Context(), "c", "d")
			if err != nil {
				t.Fatal(err)
			}
			if m, _ := p.Latest(); m.Version != 2 || !p.Verified {
				t.Errorf("Latest = %v, Verified %v", m, p.Verified)
			}
			if !strings.Contains(log.String(), "read again") {
				t.Errorf("log = %s", log.String())
			}
		})
	}
}

func TestClientCancelled(t *testing.T) {
	s := small(t, indexAt(noon, ""))
	delete(s.files, "/c/d/index.json")
	c := s.client()
	c.Pause = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	s.hook = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/c/d/index.json" {
			http.NotFound(w, r)
			cancel()
			return true
		}
		return false
	}
	if _, err := c.Index(ctx, "c", "d"); err == nil {
		t.Error("Index went on after its context was cancelled")
	}
}

func TestClientCompressed(t *testing.T) {
	s := small(t, indexAt(noon, ""))
	s.hook = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			t.Error("gzip is not asked for")
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		s.mu.Lock()
		defer s.mu.Unlock()
		_, _ = io.WriteString(z, s.files[r.URL.Path])
		_ = z.Close()
		return true
	}
	if p, err := s.client().Index(t.Context(), "c", "d"); err != nil || !p.Verified {
		t.Errorf("Index = %v, %v", p, err)
	}
}

func TestClientBaseURL(t *testing.T) {
	for base, want := range map[string]string{
		"":                          "is empty",
		"ftp://x.example.org":       "no http or https URL",
		"https:///x":                "no http or https URL",
		"https://x.example.org?a=b": "query",
		"https://u:secret@[::1":     "is no URL",
	} {
		c := Client{BaseURL: base, Unverified: true}
		if _, err := c.Channels(t.Context()); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v, want an error with %q", base, err, want)
		}
	}
	// A tree below a path, and credentials that stay out of every text.
	s := newSite(t, map[string]string{"/sub/channels.json": `{"c": {"devices": {"d": {"index": "/c/d/index.json"}}}}`,
		"/sub/c/d/index.json": indexAt(noon, "")})
	c := Client{BaseURL: strings.Replace(s.URL, "://", "://user:secret@", 1) + "/sub/", Unverified: true, Tries: 1}
	p, err := c.Index(t.Context(), "c", "d")
	if err != nil || strings.Contains(p.URL, "secret") {
		t.Errorf("tree below a path: %+v, %v", p, err)
	}
	delete(s.files, "/sub/c/d/index.json")
	if _, err := c.Index(t.Context(), "c", "d"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("error with the password: %v", err)
	}
	s.Close()
	if _, err := c.Index(t.Context(), "c", "d"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("error with the password: %v", err)
	}
}
