package lab_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/operate"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// A fault happens at a boundary: the so many-th command, request or journal write
// of a run, counted from 0 over all its starts.
type fault struct {
	Kind string
	At   int
}

func (f fault) String() string { return fmt.Sprintf("%s at %d", f.Kind, f.At) }

// A boundary is where a fault can happen.
type boundary int

const (
	atCommand boundary = iota
	atRequest
	atWrite
)

// A faultKind is one way in which something goes wrong. A new one is an entry of
// faultKinds.
type faultKind struct {
	name string
	at   boundary

	// passing says that the run must get over it by being started again: the world
	// is then that of an undisturbed run.
	passing bool

	// command is what happens instead of, before or after the command.
	command func(w *simWorld, ctx context.Context, c command.Command) (command.Output, error)
	// request is what happens to the answer of the published tree.
	request func(w *simWorld, r *http.Request) (*http.Response, error)
	// stored says of a kill whether the record is in the journal.
	stored bool
}

var errLost = errors.New("link lost")

func faultKinds() []faultKind {
	kill := func(point systemimagetest.KillPoint, commit int) func(*simWorld, context.Context, command.Command) (command.Output, error) {
		return func(w *simWorld, ctx context.Context, c command.Command) (command.Output, error) {
			if err := w.server.SetFaults(systemimagetest.Faults{Kill: point, KillCommit: commit}); err != nil {
				return command.Output{}, err
			}
			out, err := w.server.Run(ctx, c)
			return out, errors.Join(err, w.server.SetFaults(systemimagetest.Faults{}))
		}
	}
	crontab := func(edit func(text string) string) func(*simWorld, context.Context, command.Command) (command.Output, error) {
		return func(w *simWorld, ctx context.Context, c command.Command) (command.Output, error) {
			w.edit(edit)
			return w.server.Run(ctx, c)
		}
	}
	answer := func(status int, body string) func(*simWorld, *http.Request) (*http.Response, error) {
		return func(_ *simWorld, r *http.Request) (*http.Response, error) {
			w := httptest.NewRecorder()
			w.WriteHeader(status)
			_, _ = w.WriteString(body)
			resp := w.Result()
			resp.Request = r
			return resp, nil
		}
	}
	return []faultKind{
		{name: "kill before a record", at: atWrite, passing: true},
		{name: "kill after a record", at: atWrite, passing: true, stored: true},
		{name: "link lost before a command", at: atCommand, passing: true,
			command: func(*simWorld, context.Context, command.Command) (command.Output, error) {
				return command.Output{}, errLost
			}},
		{name: "link lost after a command", at: atCommand, passing: true,
			command: func(w *simWorld, ctx context.Context, c command.Command) (command.Output, error) {
				_, _ = w.server.Run(ctx, c)
				return command.Output{}, errLost
			}},
		{name: "the lock is held for ten minutes", at: atCommand, passing: true,
			command: func(w *simWorld, ctx context.Context, c command.Command) (command.Output, error) {
				release, err := w.server.HoldLock()
				if err != nil {
					return command.Output{}, err
				}
				time.AfterFunc(10*time.Minute, func() { _ = release() })
				return w.server.Run(ctx, c)
			}},
		{name: "midnight passes", at: atCommand, passing: true,
			command: func(w *simWorld, ctx context.Context, c command.Command) (command.Output, error) {
				time.Sleep(26 * time.Hour)
				return w.server.Run(ctx, c)
			}},
		{name: "program killed before its signature moves", at: atCommand, command: kill(systemimagetest.BeforeSignatureMoved, 1)},
		{name: "program killed without an index", at: atCommand, command: kill(systemimagetest.BeforeIndexMoved, 1)},
		{name: "program killed at its second commit", at: atCommand, command: kill(systemimagetest.Signed, 2)},
		{name: "disk full", at: atCommand, command: func(w *simWorld, ctx context.Context, c command.Command) (command.Output, error) {
			if err := w.server.SetFaults(systemimagetest.Faults{DiskFull: true}); err != nil {
				return command.Output{}, err
			}
			out, err := w.server.Run(ctx, c)
			return out, errors.Join(err, w.server.SetFaults(systemimagetest.Faults{}))
		}},
		{name: "somebody adds a line to the crontab", at: atCommand,
			command: crontab(func(text string) string { return text + "# " + strings.Repeat("x", 20) + "\n" })},
		{name: "somebody puts the old crontab back", at: atCommand, command: func(w *simWorld, ctx context.Context, c command.Command) (command.Output, error) {
			w.edit(func(string) string { return w.crontab })
			return w.server.Run(ctx, c)
		}},
		{name: "503", at: atRequest, passing: true, request: answer(http.StatusServiceUnavailable, "busy")},
		{name: "a page instead of a document", at: atRequest, passing: true, request: answer(http.StatusOK, "<!DOCTYPE html><html>sign in</html>")},
		{name: "no answer", at: atRequest, passing: true, request: func(_ *simWorld, r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}},
		{name: "connection refused", at: atRequest, passing: true,
			request: func(*simWorld, *http.Request) (*http.Response, error) { return nil, errors.New("connection refused") }},
	}
}

func kindOf(name string) faultKind {
	for _, k := range faultKinds() {
		if k.name == name {
			return k
		}
	}
	panic("no fault " + name)
}

// pick takes one to three faults from a seed.
func (s *simulation) pick(seed uint64) (list []fault) {
	h := fnv.New64a()
	h.Write([]byte(s.name))
	r := rand.New(rand.NewPCG(seed, h.Sum64()))
	kinds := faultKinds()
	for range 1 + r.IntN(3) {
		k := kinds[r.IntN(len(kinds))]
		most := map[boundary]int{atCommand: s.commands, atRequest: s.requests, atWrite: s.writes}[k.at]
		list = append(list, fault{k.name, r.IntN(max(most, 1))})
	}
	return list
}

// A simWorld is an image server at whose boundaries faults happen. It is the Runner
// of its host and the transport to its published tree.
type simWorld struct {
	server  *systemimagetest.Server
	tree    http.RoundTripper // to its published tree, without faults
	crontab string            // as it was
	config  string
	begun   time.Time

	mu                         sync.Mutex
	faults                     []fault
	commands, requests, writes int
	met                        []string
	edited                     bool // somebody's hand was in the crontab
	ramp                       []seenPercentage
	calmed                     bool
}

func newSimWorld(template *systemimagetest.Server, dir string, faults []fault) (*simWorld, error) {
	server, err := template.Clone(dir)
	if err != nil {
		return nil, err
	}
	w := &simWorld{server: server, tree: server.Client().HTTP.Transport, faults: faults, begun: time.Now()}
	for path, text := range map[string]*string{"crontab": &w.crontab, "etc/config": &w.config} {
		b, err := os.ReadFile(filepath.Join(dir, path))
		if err != nil {
			return nil, err
		}
		*text = string(b)
	}
	return w, nil
}

// calm ends all faults: what is settled afterwards meets none.
func (w *simWorld) calm() {
	time.Sleep(time.Hour) // what was under way has come to its end
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calmed = true
}

func (w *simWorld) meet(kind string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.met = append(w.met, kind)
}

// next counts a boundary and returns the fault that happens there.
func (w *simWorld) next(at boundary) (faultKind, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	counter := map[boundary]*int{atCommand: &w.commands, atRequest: &w.requests, atWrite: &w.writes}[at]
	n := *counter
	*counter++
	if w.calmed {
		return faultKind{}, false
	}
	for i, f := range w.faults {
		if k := kindOf(f.Kind); k.at == at && f.At == n {
			w.faults = append(w.faults[:i:i], w.faults[i+1:]...)
			if at != atWrite {
				w.met = append(w.met, k.name)
			}
			return k, true
		}
	}
	return faultKind{}, false
}

// killAt is the write at which a start dies.
func (w *simWorld) killAt() func(int, runbook.Record) (now, stored bool) {
	return func(int, runbook.Record) (bool, bool) {
		k, ok := w.next(atWrite)
		return ok, k.stored
	}
}

// Run implements command.Runner.
func (w *simWorld) Run(ctx context.Context, c command.Command) (command.Output, error) {
	defer w.watch()
	if k, ok := w.next(atCommand); ok {
		return k.command(w, ctx, c)
	}
	return w.server.Run(ctx, c)
}

// A seenPercentage is that of a newest image, when it was seen first.
type seenPercentage struct {
	index      string
	version    int
	percentage int
	at         time.Time
}

// watch notes the percentages of the newest images of stable after each command.
func (w *simWorld) watch() {
	paths, _ := filepath.Glob(filepath.Join(w.server.Root(), "www", "ubuntu-touch", "stable", "*", "*", "index.json"))
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // between two moves of a commit
		}
		x, err := systemimage.ParseIndex(text)
		if err != nil {
			continue
		}
		m, ok := x.Latest()
		seen := seenPercentage{path, m.Version, m.Percentage, time.Now()}
		same := func(o seenPercentage) bool {
			return o.index == path && o.version == m.Version && o.percentage == m.Percentage
		}
		if ok && !slices.ContainsFunc(w.ramp, same) {
			w.ramp = append(w.ramp, seen)
		}
	}
}

// edit is somebody's edit of the crontab.
func (w *simWorld) edit(change func(string) string) {
	path := filepath.Join(w.server.Root(), "crontab")
	text, err := os.ReadFile(path)
	if err != nil {
		return // there is none at this moment
	}
	w.edited = true
	_ = os.WriteFile(path, []byte(change(string(text))), 0o644)
}

// RoundTrip implements http.RoundTripper.
func (w *simWorld) RoundTrip(r *http.Request) (*http.Response, error) {
	if k, ok := w.next(atRequest); ok {
		return k.request(w, r)
	}
	return w.tree.RoundTrip(r)
}

// client reads the tree through the faults.
func (w *simWorld) client() *systemimage.Client {
	c := w.server.Client()
	c.HTTP = &http.Client{Transport: w}
	return c
}

func (w *simWorld) operator() *operate.Server {
	return &operate.Server{Runner: w, Root: w.server.Root(), Client: w.client()}
}

func (w *simWorld) importer() *operate.Importer {
	return &operate.Importer{Runner: w, Root: w.server.Root()}
}
