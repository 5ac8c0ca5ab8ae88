package web_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/landingteam/landing/runbook"
)

// evil is in all that a stranger may have written.
const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>'` + "\u202e\x1b[31m`${7*7}`{{.}}javascript:alert(1)"

// hostile writes evil wherever a procedure can.
func hostile(ctx context.Context, r *runbook.Run) error {
	if err := r.Note("note " + evil[:60]); err != nil {
		return err
	}
	g := r.Group(`group "><script>alert(1)</script>`)
	if _, err := runbook.Do(ctx, g, runbook.Step[string]{Name: `step "><script>alert(1)</script>`, Intent: "intent " + evil,
		Do: func(context.Context) (string, error) { return "result " + evil, nil }}); err != nil {
		return err
	}
	_, _ = runbook.Do(ctx, g, runbook.Step[string]{Name: "fails", Do: func(context.Context) (string, error) {
		return "", &runbook.Error{Kind: runbook.ErrTimeout, Text: "error " + evil}
	}})
	return r.Gate(ctx, runbook.Gate{Name: "go", Question: "question " + evil, Evidence: "evidence " + evil + "</pre>", Not: []string{"not " + evil}})
}

// No page has markup of a stranger's in it, nor characters that steer it.
func TestHostileTexts(t *testing.T) {
	s := newScene(t)
	name := `"><script>alert(1)<` + "\u202egpj.journal"
	wantPending(t, s.run(t, name, hostile))
	run := "/run/" + url.PathEscape(name) + "/"
	q := s.asked(t, name)
	for _, tc := range []struct{ name, path string }{
		{"list", "/"},
		{"list, searched", "/?find=" + url.QueryEscape(evil) + "&state=" + url.QueryEscape(evil)},
		{"run", run}, {"run, said", run + "?said=" + url.QueryEscape(evil)}, {"report", run + "report.html"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			status, text := s.get(t, tc.path, evil[:40])
			if status != http.StatusOK {
				t.Fatalf("status %d:\n%s", status, text)
			}
			noMarkup(t, text)
		})
	}
	form := formOf(q, "no", evil)
	_, text := s.answer(t, url.PathEscape(name), "anna", form)
	contains(t, text, "No ends this run")
	noMarkup(t, text)
	form = formOf(q, "yes", evil)
	form.Set("digest", evil)
	_, text = s.answer(t, url.PathEscape(name), "anna", form)
	noMarkup(t, text)
	_, text = s.get(t, run+"report.md", "")
	for _, bad := range []string{"\n<", "**<", " <script", "\u202e", "\x1b"} {
		if strings.Contains(text, bad) && !strings.Contains(text, "\\"+strings.TrimLeft(bad, " \n*")) {
			t.Errorf("the report in Markdown has %q:\n%s", bad, text)
		}
	}
}

func noMarkup(t testing.TB, text string) {
	t.Helper()
	for _, bad := range []string{"<script>", "<img", "onerror=alert(1)>", "\u202e", "\x1b"} {
		if strings.Contains(text, bad) {
			t.Errorf("the page has %q:\n%s", bad, text)
		}
	}
	if n, m := strings.Count(text, "<pre"), strings.Count(text, "</pre>"); n != m {
		t.Errorf("%d <pre and %d </pre>", n, m)
	}
}

// Every answer has the headers that keep strangers out, whatever it is.
func TestHeaders(t *testing.T) {
	s := newScene(t)
	wantPending(t, s.run(t, "j", release(42)))
	for _, path := range []string{"/", "/run/j/", "/run/j/records", "/run/j/report.html", "/static/board.js", "/absent", "/run/absent/"} {
		answer, err := http.Get(s.srv.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		policy := answer.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: the policy %q lacks %s", path, policy, want)
			}
		}
		if strings.Contains(policy, "unsafe") {
			t.Errorf("%s: %s", path, policy)
		}
		for name, want := range map[string]string{"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"} {
			if got := answer.Header.Get(name); got != want {
				t.Errorf("%s: %s: %q, want %q", path, name, got, want)
			}
		}
	}
}

// A name leads to a journal in the folder, or nowhere.
func TestPathTricks(t *testing.T) {
	s := newScene(t)
	wantPending(t, s.run(t, "j", release(42)))
	outside := t.TempDir()
	write(t, filepath.Join(outside, "secret"), read(t, filepath.Join(s.dir, "j")))
	write(t, filepath.Join(s.dir, ".hidden"), read(t, filepath.Join(s.dir, "j")))
	symlink(t, filepath.Join(outside, "secret"), filepath.Join(s.dir, "link"))
	fifo(t, filepath.Join(s.dir, "fifo"))
	rel, err := filepath.Rel(s.dir, filepath.Join(outside, "secret"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"..", ".", "../j", rel, filepath.Join(outside, "secret"), "mailbox", "mailbox/x", "link", "fifo", ".hidden", "j/", "/j", "j\x00", "j\x00.journal",
		`..\secret`, `C:\secret`, "%2e%2e%2fsecret", "j.lock", "NUL", strings.Repeat("a", 300), "",
	} {
		for _, path := range []string{"/run/" + url.PathEscape(name) + "/", "/run/" + url.PathEscape(name) + "/records", "/run/" + url.PathEscape(name) + "/events"} {
			status, text := s.get(t, path, "anna")
			if status == http.StatusOK || strings.Contains(text, "OTA-5") {
				t.Errorf("%q: status %d:\n%.300s", path, status, text)
			}
		}
	}
	if _, text := s.get(t, "/", ""); strings.Contains(text, ">link<") || strings.Contains(text, ".hidden") || strings.Contains(text, "fifo") {
		t.Errorf("the list leads out of the folder:\n%s", text)
	}
}

// A host that is not one of those that are named is somebody else's.
func TestHosts(t *testing.T) {
	s := newScene(t)
	s.board.Hosts = []string{"board.example.net"}
	for host, want := range map[string]int{"board.example.net": 200, "BOARD.example.net": 200, "evil.example": 421, "board.example.net.evil.example": 421, "": 421} {
		if status, _ := s.get(t, "/", "", "Host: "+host); status != want {
			t.Errorf("host %q: status %d, want %d", host, status, want)
		}
	}
}

// zeros is a body without an end.
type zeros struct{ left atomic.Int64 } // may be read on when the answer is there

func (z *zeros) Read(p []byte) (int, error) {
	if z.left.Add(-int64(len(p))) < 0 {
		return 0, io.EOF
	}
	return len(p), nil
}

// A body of 1 GB is refused after 64 KiB.
func TestHugeBody(t *testing.T) {
	s := newScene(t)
	wantPending(t, s.run(t, "j", release(42)))
	body := &zeros{}
	body.left.Store(1 << 30)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.srv.URL+"/run/j/answer", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("User", "anna")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := http.DefaultClient.Do(req)
	if err == nil { // or the server has hung up on it
		answer.Body.Close()
		if answer.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("status %d", answer.StatusCode)
		}
	}
	if sent := 1<<30 - body.left.Load(); sent > 64<<20 {
		t.Errorf("%d bytes were taken", sent)
	}
	if status, _ := s.get(t, "/run/j/", "anna"); status != http.StatusOK {
		t.Errorf("then: status %d", status)
	}
}

// Who sends a byte at a time, or does not read what is sent, keeps nobody else waiting.
func TestSlowClients(t *testing.T) {
	s := newScene(t)
	wantPending(t, s.run(t, "j", release(42)))
	write(t, filepath.Join(s.dir, "long"), string(records(t, 5000)))
	for i := range 40 {
		c, err := net.Dial("tcp", s.srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		request := "GET /run/long/records HTTP/1.1\r\nHost: board\r\n\r\n"
		if i%2 == 0 {
			request = "POST /run/j/answer HTTP/1.1\r\nHost: board\r\nUser: anna\r\nContent-Length: 60000\r\n\r\nstep"
		}
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	if status, _ := s.get(t, "/run/j/", "anna"); status != http.StatusOK || time.Since(began) > 10*time.Second {
		t.Errorf("status %d after %v", status, time.Since(began))
	}
}
