package web_test

import (
	"bufio"
	"context"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook/notice"
	"github.com/landingteam/landing/runbook/web"
)

// open opens a stream; line waits for its next line that begins with prefix.
func (s *scene) open(t testing.TB, path string, headers ...string) (status int, line func(prefix string) string, shut func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.srv.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(answer.Body)
	return answer.StatusCode, func(prefix string) string {
		t.Helper()
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), prefix) {
				return lines.Text()
			}
		}
		t.Fatalf("the stream ended: %v", lines.Err())
		return ""
	}, func() { cancel(); answer.Body.Close() }
}

// seen is the version that a page shows.
func (s *scene) seen(t testing.TB, page string) string {
	t.Helper()
	_, text := s.get(t, page, "")
	_, text, _ = strings.Cut(text, `data-seen="`)
	version, _, _ := strings.Cut(text, `"`)
	return version
}

// A stream tells when the run has gone on since the page was made, and at each change.
func TestEvents(t *testing.T) {
	s := newScene(t)
	s.board.Every = 5 * time.Millisecond
	wantPending(t, s.run(t, "j", release(42)))
	for path, page := range map[string]string{"/run/j/events": "/run/j/", "/events": "/"} {
		status, line, shut := s.open(t, path)
		if status != http.StatusOK {
			t.Fatalf("%s: status %d", path, status)
		}
		first := line("id: ")
		if want := "id: " + s.seen(t, page); first != want {
			t.Errorf("%s: at first %q, want %q", path, first, want)
		}
		wantPending(t, s.run(t, "j", release(43+len(path))))
		last := "id: " + s.seen(t, page)
		for got := ""; got != last; got = line("id: ") {
		}
		shut()
		// Who comes back is told what is new, and who has seen that is not.
		_, line, shut = s.open(t, path, "Last-Event-ID: "+strings.TrimPrefix(first, "id: "))
		if got := line("id: "); got != last {
			t.Errorf("%s: coming back: %q, want %q", path, got, last)
		}
		shut()
		_, line, shut = s.open(t, path+"?seen="+url.QueryEscape(s.seen(t, page)))
		wantPending(t, s.run(t, "j", release(99+len(path))))
		if got := line("id: "); got == last {
			t.Errorf("%s: what the page shows is told again", path)
		}
		shut()
	}
	if status, _, shut := s.open(t, "/run/absent/events"); status != http.StatusNotFound {
		t.Errorf("no such run: status %d", status)
		shut()
	}
}

// A thousand pages may be live: those who come after them look by themselves, the pages
// are served to all, and memory stays bounded.
func TestThousandStreams(t *testing.T) {
	const most = 1000
	s := newScene(t)
	wantPending(t, s.run(t, "j", release(42)))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var shuts []func()
	for range most {
		status, line, shut := s.open(t, "/run/j/events")
		if status != http.StatusOK {
			t.Fatalf("status %d", status)
		}
		line("id: ")
		shuts = append(shuts, shut)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	// Both ends of each are in this process.
	if each := int64(after.HeapAlloc+after.StackInuse-before.HeapAlloc-before.StackInuse) / most; each > 128<<10 {
		t.Errorf("%d bytes for each stream", each)
	}
	status, _, shut := s.open(t, "/run/j/events")
	if status != http.StatusServiceUnavailable {
		t.Errorf("one more: status %d", status)
	}
	shut()
	if status, _ := s.get(t, "/run/j/", "anna"); status != http.StatusOK {
		t.Errorf("the page: status %d", status)
	}
	for _, shut := range shuts {
		shut()
	}
	// There is room again.
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		status, _, shut := s.open(t, "/run/j/events")
		shut()
		if status == http.StatusOK {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("there is no room again")
		}
	}
}

// Each occasion is told once, with a link.
func TestWatch(t *testing.T) {
	s := newScene(t)
	s.board.Every = time.Millisecond
	wantPending(t, s.run(t, "OTA 5", release(42)))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	told := make(chan web.Notice)
	ended := make(chan error, 1)
	go func() {
		ended <- s.board.Watch(ctx, "https://tools.example.net/board/", func(ctx context.Context, n web.Notice) {
			select {
			case told <- n:
			case <-ctx.Done():
			}
		})
	}()
	first := <-told
	want := web.Notice{Notice: notice.Notice{Event: notice.Question, Subject: "asked: Release these images?", Text: "Release these images?"},
		ID: first.ID, Name: "OTA 5", Link: "https://tools.example.net/board/run/OTA%205/"}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	wantPending(t, s.run(t, "OTA 5", release(43)))
	if second := <-told; second.ID == first.ID || second.Event != notice.Question {
		t.Errorf("asked anew: %+v", second)
	}
	if err := s.run(t, "failed", failing); err == nil {
		t.Fatal("it did not fail")
	}
	if n := <-told; n.Event != notice.Failed || !strings.Contains(n.Text, "the disk is full") {
		t.Errorf("failed: %+v", n)
	}
	if err := s.run(t, "owed", owing); err == nil {
		t.Fatal("it did not fail")
	}
	if n := <-told; n.Event != notice.Owed || !strings.Contains(n.Subject, "STILL HELD: the importer") {
		t.Errorf("owed: %+v", n)
	}
	cancel()
	if err := <-ended; err != context.Canceled {
		t.Errorf("it ended with %v", err)
	}
}
