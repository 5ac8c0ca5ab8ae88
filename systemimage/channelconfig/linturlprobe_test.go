package channelconfig

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestProbeURL(t *testing.T) {
	t.Parallel()
	var asked []string
	var mu sync.Mutex
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked = append(asked, r.Method+" "+r.URL.Path+" "+r.Header.Get("Range"))
		mu.Unlock()
		switch {
		case r.URL.Path == "/no-head" && r.Method == http.MethodHead:
			w.WriteHeader(http.StatusMethodNotAllowed)
		case r.URL.Path == "/no-head":
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write([]byte("x"))
		case r.URL.Path == "/empty":
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
		case r.URL.Path != "/good":
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer s.Close()
	probe := ProbeURL(nil)
	for path, want := range map[string]string{"/good": "", "/no-head": "", "/absent": "status 404", "/empty": "empty"} {
		err := probe(t.Context(), s.URL+path)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	for _, want := range []string{"HEAD /good ", "GET /no-head bytes=0-0"} {
		if !slices.Contains(asked, want) {
			t.Errorf("%q was not asked: %q", want, asked)
		}
	}
	if slices.Contains(asked, "GET /good bytes=0-0") {
		t.Error("what answers HEAD was asked with GET, too")
	}
	s.Close()
	if err := probe(t.Context(), "http://user:secret@"+strings.TrimPrefix(s.URL, "http://")); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("a server that is not there: %v", err)
	}
}

func TestLintURLs(t *testing.T) {
	t.Parallel()
	c, err := Parse(readFile(t, "testdata/sample"))
	if err != nil {
		t.Fatal(err)
	}
	var now, most, all atomic.Int32
	l := &Linter{Probe: func(ctx context.Context, u string) error {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		defer now.Add(-1)
		all.Add(1)
		time.Sleep(time.Millisecond)
		switch {
		case strings.HasSuffix(u, "device_krillin.build"):
			return errors.New("status 404")
		case strings.HasSuffix(u, "custom-meizu.en.tar.xz"):
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}, Timeout: 50 * time.Millisecond}
	findings, err := l.Lint(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if len(findings) != 2 || findings[0].Key != "file_device,krillin" || !strings.Contains(findings[0].Problem, "the monitor at http://jenkins") ||
		findings[1].Key != "file_custom" || !strings.Contains(findings[1].Problem, "deadline exceeded") {
		t.Errorf("%v", findings)
	}
	if n := most.Load(); n > 4 {
		t.Errorf("%d URLs asked at once, want 4 at most", n)
	}
	if n := all.Load(); n != 16 {
		t.Errorf("%d URLs asked, want each of 16 once", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Lint(ctx, c); !errors.Is(err, context.Canceled) {
		t.Errorf("Lint() of a context that is done = %v", err)
	}
}

func TestLintHidesSecrets(t *testing.T) {
	const text = lintHead + "type = auto\nfiles = a, b\nfile_a = http;http://me:secret@h/u;name=a,monitor=http://me:secret@h/m?v=1 # http://me:secret@h/\nfile_b =  http; http://me:secret@h/ ;monitor=me:secret@h\n"
	l := &Linter{Probe: func(context.Context, string) error { return errors.New("no") }}
	c, _ := Parse([]byte(text))
	findings, err := l.Lint(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		if strings.Contains(f.Problem+f.Why, "secret") {
			t.Errorf("%s", f.Problem)
		}
	}
	other, err := c.Edit(Set("channel_c", "type", "manual"))
	if err != nil {
		t.Fatal(err)
	}
	if d := c.Diff(other, "config"); strings.Contains(d, "secret") || !strings.Contains(d, "://...@h/u") {
		t.Errorf("%s", d)
	}
}
