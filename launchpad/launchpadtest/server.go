package launchpadtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/landingteam/landing/launchpad"
)

// A Server is a fake Launchpad: web service, token pages, web pages and file
// host in one handler. Set its fields before the first request; change its
// world through [Server.Do].
type Server struct {
	// Tick passes before every request is served, so that a program that only
	// polls sees time go by. [New] sets one second.
	Tick time.Duration

	Latency time.Duration // real time every request takes

	// Faults are tried in order for every request; the first that applies is
	// used. Intercept, when set, is asked first.
	Faults    []*Fault
	Intercept func(*http.Request) *Fault

	// Path, when set, is a file the world is kept in: written after every
	// request that may have changed it. See [Open].
	Path string

	mu      sync.Mutex
	world   *World
	counts  map[string]int
	leaked  []string
	cache   map[int]rendering
	lastErr error
}

// NewServer makes a fake of the world; nil stands for [NewWorld].
func NewServer(w *World) *Server {
	if w == nil {
		w = NewWorld()
	}
	return &Server{world: w}
}

// New makes a fake of the world, nil for [NewWorld], that fails the test if a
// token was sent to a place where it does not belong.
func New(tb testing.TB, w *World) *Server {
	s := NewServer(w)
	s.Tick = time.Second
	tb.Cleanup(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, l := range s.leaked {
			tb.Errorf("launchpadtest: a token was sent to %s", l)
		}
	})
	return s
}

// Open makes a fake whose world is kept in a file; a missing one is begun with
// what fresh makes, nil for [NewWorld].
func Open(path string, fresh func() *World) (*Server, error) {
	text, err := os.ReadFile(path)
	var w *World
	switch {
	case errors.Is(err, os.ErrNotExist) && fresh != nil:
		w = fresh()
	case errors.Is(err, os.ErrNotExist):
		w = NewWorld()
	case err != nil:
		return nil, err
	default:
		if w, err = ParseWorld(text); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	s := NewServer(w)
	s.Path = path
	return s, s.save()
}

// Client is a client of this fake that needs no network: its requests go
// straight to the handler, its clock is the fake's, and its pauses let the
// fake's time pass at once. It holds the operator's credentials.
func (s *Server) Client() *launchpad.Client {
	return &launchpad.Client{
		BaseURL: "https://api.launchpad.test/devel/", HTTP: &http.Client{Transport: transport{s}},
		Credentials: launchpad.NewCredentials("landing-test", "token", "secret"),
		RetryWait:   time.Microsecond, Now: s.Now, Sleep: s.Sleep,
	}
}

// Now is the fake's time.
func (s *Server) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.world.Now
}

// Advance lets the fake's time pass.
func (s *Server) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.world.advance(s.world.Now.Add(d))
	s.lastErr = errors.Join(s.lastErr, s.save())
}

// Sleep is Advance in the form of a client's pause.
func (s *Server) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.Advance(d)
	return nil
}

// Do runs f on the world while no request is served.
func (s *Server) Do(f func(*World)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s.world)
	s.cache = nil // anything may have changed
	s.lastErr = errors.Join(s.lastErr, s.save())
}

// Count is the number of requests so far of a named operation, of a method, or
// of all for "".
func (s *Server) Count(what string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[what]
}

// Err is the first failure to keep the world in its file.
func (s *Server) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastErr
}

// save replaces the file in one step.
func (s *Server) save() error {
	if s.Path == "" {
		return nil
	}
	text, err := s.world.Text()
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(s.Path), ".world-*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), s.Path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if s.Latency > 0 {
		time.Sleep(s.Latency)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 8<<20))
	if err != nil {
		return
	}
	q := &query{Request: r, body: body}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.world.advance(s.world.Now.Add(s.Tick))
	q.parse()
	s.record(q)
	fault := s.fault(q)
	if fault != nil && !fault.After {
		fault.serve(rw)
		return
	}
	a := s.answer(q)
	if q.Method != http.MethodGet || s.Tick > 0 {
		s.lastErr = errors.Join(s.lastErr, s.save())
	}
	if fault != nil {
		fault.serve(rw)
		return
	}
	a.write(rw)
}

func (s *Server) record(q *query) {
	if s.counts == nil {
		s.counts = map[string]int{}
	}
	s.counts[""]++
	s.counts[q.Method]++
	if q.op != "" {
		s.counts[q.op]++
	}
}

// answer routes a request. The answers of all hosts are told apart by path.
func (s *Server) answer(q *query) *answer {
	path := strings.Trim(q.URL.Path, "/")
	version, rest, _ := strings.Cut(path, "/")
	switch {
	case strings.HasPrefix(path, "librarian/"):
		return s.librarian(q, path)
	case version == "devel":
		return s.service(q, rest)
	case strings.HasPrefix(path, "+"):
		return s.tokenPages(q, path)
	}
	return s.webPage(q, path)
}

// transport hands requests to the fake without a network.
type transport struct{ s *Server }

func (t transport) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	if r.Body == nil {
		r.Body = http.NoBody
	}
	if r.Host == "" {
		r.Host = r.URL.Host
	}
	w := httptest.NewRecorder()
	defer func() {
		if recover() != nil { // http.ErrAbortHandler: the connection broke
			resp, err = nil, io.ErrUnexpectedEOF
		}
	}()
	t.s.ServeHTTP(w, r)
	resp = w.Result()
	resp.Request, resp.ContentLength = r, int64(w.Body.Len())
	return resp, nil
}
