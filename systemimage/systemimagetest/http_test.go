package systemimagetest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const indexURL = "/" + rc + "/krillin/index.json"

func get(t *testing.T, h http.Handler, path string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestHandlerPublishesTheTree(t *testing.T) {
	s := sampleServer(t)
	h := s.Handler()
	whole, err := os.ReadFile(filepath.Join(s.Root(), "www", filepath.FromSlash(indexURL)))
	if err != nil {
		t.Fatal(err)
	}
	r := get(t, h, indexURL)
	if r.StatusCode != 200 || body(t, r) != string(whole) || r.Header.Get("Last-Modified") == "" || r.Header.Get("Content-Type") != "application/json" {
		t.Errorf("index: %v", r)
	}
	etag := r.Header.Get("ETag")
	if r := get(t, h, indexURL, "If-None-Match", etag); r.StatusCode != http.StatusNotModified {
		t.Errorf("with its ETag %q: %s", etag, r.Status)
	}
	if r := get(t, h, indexURL, "Range", "bytes=5-9"); r.StatusCode != http.StatusPartialContent || body(t, r) != string(whole[5:10]) {
		t.Errorf("range: %s", r.Status)
	}
	for _, path := range []string{"/nowhere", "/ubuntu-touch/", "/", "/../etc/config", "/%2e%2e/etc/config"} {
		if r := get(t, h, path); r.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, r.Status)
		}
	}
	run(t, s, "bin/set-phased-percentage", "-v", rc, "krillin", "1", "50")
	if r := get(t, h, indexURL, "If-None-Match", etag); r.StatusCode != 200 || !strings.Contains(body(t, r), `"phased-percentage": 50`) {
		t.Errorf("after a change: %s", r.Status)
	}
	post := httptest.NewRecorder()
	h.ServeHTTP(post, httptest.NewRequestWithContext(t.Context(), http.MethodPost, indexURL, nil))
	if post.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", post.Code)
	}
}

func TestHandlerFaults(t *testing.T) {
	s := sampleServer(t)
	h := s.Handler()
	good := body(t, get(t, h, indexURL))
	s.FailHTTP(HTTPFault{Path: indexURL, After: 1, Times: 1, Status: 503}, HTTPFault{Path: "/*.json", Redirect: "http://elsewhere.example.net/"})
	s.Requests()
	var got []int
	for _, path := range []string{indexURL, indexURL, indexURL, "/channels.json", "/channels.json.asc"} {
		got = append(got, get(t, h, path).StatusCode)
	}
	if diff := cmp.Diff([]int{200, 503, 200, 302, 200}, got); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"GET " + indexURL, "GET " + indexURL, "GET " + indexURL, "GET /channels.json", "GET /channels.json.asc"}, s.Requests()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	s.FailHTTP(HTTPFault{Torn: true})
	if torn := body(t, get(t, h, indexURL)); torn == good || strings.ReplaceAll(torn, "  UTC", " UTC") != good {
		t.Errorf("torn: %q", torn)
	}
	s.FailHTTP(HTTPFault{HTML: true})
	if r := get(t, h, indexURL); r.StatusCode != 200 || !strings.HasPrefix(body(t, r), "<html>") {
		t.Errorf("html: %s", r.Status)
	}
	s.FailHTTP()
	if body(t, get(t, h, indexURL)) != good {
		t.Error("not well again")
	}
}

func TestHandlerCutsAndDelays(t *testing.T) {
	s := sampleServer(t)
	srv := httptest.NewServer(s.Handler())
	defer srv.Close()
	s.FailHTTP(HTTPFault{Cut: true})
	r, err := srv.Client().Get(srv.URL + indexURL)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if b, err := io.ReadAll(r.Body); err == nil || len(b) == 0 {
		t.Errorf("cut: %d bytes, %v", len(b), err)
	}
	s.FailHTTP(HTTPFault{Delay: time.Hour})
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		if r := get(t, s.Handler(), indexURL); len(body(t, r)) != int(r.ContentLength) || time.Since(start) != time.Hour {
			t.Errorf("delay: %v", time.Since(start))
		}
	})
}
