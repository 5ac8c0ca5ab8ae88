package web_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/mailbox"
	"github.com/landingteam/landing/runbook/web"
)

// scene is a folder of runs and its board.
type scene struct {
	dir   string
	board *web.Handler
	srv   *httptest.Server
}

// newScene serves an empty folder. Who asks is what the header User says.
func newScene(t testing.TB) *scene {
	t.Helper()
	s := &scene{dir: t.TempDir()}
	s.board = &web.Handler{Source: web.Folder{Dir: s.dir}, Identity: func(r *http.Request) (string, error) {
		if r.Header.Get("User") == "mallory" {
			return "", errors.New("your session is over")
		}
		return r.Header.Get("User"), nil
	}}
	s.srv = httptest.NewServer(s.board)
	t.Cleanup(s.srv.Close)
	return s
}

// run starts a procedure with a journal in the folder and the mailbox beside it.
func (s *scene) run(t testing.TB, name string, p runbook.Procedure) error {
	t.Helper()
	j, err := runbook.OpenFile(filepath.Join(s.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	x := &runbook.Runner{Name: "release", Input: map[string]string{"tag": "OTA-5"}, Journal: j, Operator: "olga",
		Human: &mailbox.Box{Dir: filepath.Join(s.dir, mailbox.Folder)}}
	return x.Execute(t.Context(), p)
}

// release asks whether to release what it has copied: build 42, or another.
func release(build int) runbook.Procedure {
	return func(ctx context.Context, r *runbook.Run) error {
		g := r.Group("ubuntu-touch/rc/meizu.en:arale")
		if _, err := runbook.Do(ctx, g, runbook.Step[int]{Name: "copy", Intent: "copy build 42 to rc",
			Do: func(context.Context) (int, error) { return 42, nil }}); err != nil {
			return err
		}
		return r.Gate(ctx, runbook.Gate{Name: "go", Question: "Release these images?", Evidence: builds{build, 7}, Not: []string{"olga"}})
	}
}

// builds is evidence with a text.
type builds []int

func (b builds) AppendText(text []byte) ([]byte, error) {
	return fmt.Appendf(text, "arale   image %d\nkrillin image %d", b[0], b[1]), nil
}

// get fetches a page as somebody; headers are "Name: value".
func (s *scene) get(t testing.TB, path, user string, headers ...string) (int, string) {
	t.Helper()
	return s.send(t, http.MethodGet, path, user, nil, headers...)
}

func (s *scene) send(t testing.TB, method, path, user string, body io.Reader, headers ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.srv.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("User", user)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if req.Header.Set(name, value); name == "Host" {
			req.Host = value
		}
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// answer sends the form of an answer.
func (s *scene) answer(t testing.TB, run, user string, form url.Values, headers ...string) (int, string) {
	t.Helper()
	return s.send(t, http.MethodPost, "/run/"+run+"/answer", user, strings.NewReader(form.Encode()),
		append([]string{"Content-Type: application/x-www-form-urlencoded"}, headers...)...)
}

// asked is the open question of a run.
func (s *scene) asked(t testing.TB, run string) runbook.Question {
	t.Helper()
	status, err := runbook.ReadStatus(filepath.Join(s.dir, run))
	if err != nil || len(status.Waiting()) != 1 {
		t.Fatalf("%d questions, %v", len(status.Waiting()), err)
	}
	return status.Waiting()[0].Question()
}

// formOf is what the page would send.
func formOf(q runbook.Question, verdict, reason string) url.Values {
	return url.Values{"step": {q.Step}, "digest": {q.Digest}, "verdict": {verdict}, "reason": {reason}}
}

func wantPending(t testing.TB, err error) {
	t.Helper()
	if !errors.Is(err, runbook.ErrPending) {
		t.Fatalf("the run ended with %v, want that it waits for an answer", err)
	}
}

func contains(t testing.TB, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("it does not say %q:\n%s", w, text)
		}
	}
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func formIn(page string) bool { return strings.Contains(page, `<form method="post"`) }

func failing(ctx context.Context, r *runbook.Run) error {
	return r.Require(ctx, "room", func(context.Context) error { return errors.New("the disk is full") })
}

// owing takes the importer and cannot give it back.
func owing(ctx context.Context, r *runbook.Run) error {
	hold := runbook.Hold{Name: "importer", Intent: "the importer", Acquire: func(context.Context) error { return nil },
		Release: func(context.Context) error {
			return runbook.ErrInDoubt // not tried again
		}}
	return r.Hold(ctx, hold, func(ctx context.Context, r *runbook.Run) error {
		_, err := runbook.Do(ctx, r, runbook.Step[int]{Name: "copy", Do: func(context.Context) (int, error) { return 1, nil }})
		return err
	})
}
