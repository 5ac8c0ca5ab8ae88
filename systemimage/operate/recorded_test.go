package operate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/internal/fixture"
)

// A world is the published tree of the recordings: documents with their text,
// and the sizes of everything else. It is HTTP server and host at once.
type world struct {
	mu   sync.Mutex
	docs map[string]string
	size map[string]int64
}

// newWorld is the tree before any recording.
func newWorld(t testing.TB, empty bool) *world {
	t.Helper()
	w := &world{docs: map[string]string{}, size: map[string]int64{}}
	base := filepath.Join("..", "testdata", "tree")
	err := filepath.WalkDir(base, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(p) != ".json" {
			return err
		}
		b, err := os.ReadFile(p)
		name, _ := filepath.Rel(base, p)
		if empty && filepath.Base(p) == "index.json" && !strings.Contains(p, "-proposed") {
			b = []byte(`{"global":{"generated_at":"Sun Nov 22 09:50:00 UTC 2026"},"images":[]}`)
		}
		w.put(filepath.ToSlash(name), string(b))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// put publishes a document and its signature; with an index come its files.
func (w *world) put(name, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.docs[name] = text
	w.size[name], w.size[name+".asc"] = int64(len(text)), 488
	var x struct {
		Images []struct {
			Files []struct {
				Path string
				Size int64
			}
		}
	}
	if json.Unmarshal([]byte(text), &x) != nil {
		return
	}
	for _, m := range x.Images {
		for _, f := range m.Files {
			p := strings.TrimPrefix(f.Path, "/")
			w.size[p], w.size[p+".asc"] = f.Size, 488
			if strings.HasPrefix(filepath.Base(p), "version-") {
				w.size[strings.TrimSuffix(p, ".tar.xz")+".json"] = 364
			}
		}
	}
}

func (w *world) remove(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.docs, name)
	delete(w.size, name)
}

// apply makes the tree what it was after the recorded run. What an index says of
// sizes counts more than the list of changes: some recordings share their indexes.
func (w *world) apply(t testing.TB, r *fixture.Recording) {
	t.Helper()
	for _, line := range r.Changes {
		f := strings.Fields(line)
		p, last := f[1], f[len(f)-1]
		switch f[0] {
		case "D":
			w.remove(p)
			if last == "+asc" {
				w.remove(p + ".asc")
			}
		case "A", "M":
			size := f[2]
			if f[0] == "M" {
				size = f[4]
			}
			n, err := strconv.ParseInt(size, 10, 64)
			if err != nil {
				t.Fatalf("%s: change %q", r.Name, line)
			}
			w.mu.Lock()
			w.size[p] = n
			w.mu.Unlock()
		default:
			t.Fatalf("%s: change %q", r.Name, line)
		}
	}
	for _, p := range slices.Sorted(maps.Keys(r.After)) {
		w.put(p, r.After[p])
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, line := range r.Changes {
		f := strings.Fields(line)
		asc := f[1] + ".asc"
		switch f[len(f)-1] {
		case "+asc":
			if f[0] != "D" {
				w.size[asc] = 488
			}
		case "NO-ASC":
			delete(w.size, asc)
		case "ZERO-LENGTH-ASC":
			w.size[asc] = 0
		}
	}
}

func (w *world) client() *systemimage.Client {
	return &systemimage.Client{BaseURL: "http://si.example", HTTP: &http.Client{Transport: w}, Trust: signedSomehow{}}
}

// RoundTrip answers from the tree, without a network.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := strings.TrimPrefix(r.URL.Path, "/")
	text, ok := w.text(p)
	resp := &http.Response{StatusCode: http.StatusOK, Status: "200 OK", Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(text))}
	if !ok {
		resp.StatusCode, resp.Status = http.StatusNotFound, "404 Not Found"
	}
	return resp, nil
}

// text is what a file holds.
func (w *world) text(p string) (string, bool) {
	if size, there := w.size[p]; there && strings.HasSuffix(p, ".asc") {
		return strings.Repeat("s", int(size)), true
	}
	text, ok := w.docs[p]
	return text, ok
}

// signedSomehow takes any signature for a good one: what is tested here is
// whether there is one.
type signedSomehow struct{}

func (signedSomehow) Verify(_ context.Context, s systemimage.VerifyRequest) error {
	if len(s.Signature) == 0 {
		return errors.New("no signature")
	}
	return nil
}

// answerPreflight does what the script does, with the sizes of the world.
func (w *world) answerPreflight(questions []byte) command.Output {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out bytes.Buffer
	say := func(p string) {
		if n, ok := w.size[p]; ok {
			fmt.Fprintf(&out, "%d %s\n", n, p)
		}
	}
	for line := range strings.Lines(string(questions)) {
		kind, p, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch kind {
		case "dir":
			for _, name := range slices.Sorted(maps.Keys(w.size)) {
				if strings.HasPrefix(name, p+"/") {
					say(name)
				}
			}
		case "file", "index":
			say(p)
			say(p + ".asc")
		case "text":
			if detail, ok := w.detail(p); ok {
				fmt.Fprintf(&out, "text %s\t{\"channel.ini\": {\"version_detail\": %q}}\n", p, detail)
			}
		}
	}
	fmt.Fprintln(&out, "end")
	return command.Output{Stdout: out.Bytes()}
}

// detail is what version-N.json says of its image: the same as the index.
func (w *world) detail(p string) (string, bool) {
	x, err := systemimage.ParseIndex([]byte(w.docs[path.Dir(p)+"/index.json"]))
	if _, there := w.size[p]; !there || err != nil {
		return "", false
	}
	var n int
	if _, err := fmt.Sscanf(path.Base(p), "version-%d.json", &n); err != nil {
		return "", false
	}
	m, ok := x.Full(n)
	return m.VersionDetail, ok
}

// A replay is the host on which a recorded run happens: the program's output is
// the recorded one, and with it the tree becomes what it was afterwards.
type replay struct {
	t     *testing.T
	w     *world
	r     *fixture.Recording
	help  string
	runs  [][]string // command lines of the server's programs, without env
	after func()     // called after a run, instead of changing the tree
}

func (h *replay) Run(ctx context.Context, c command.Command) (command.Output, error) {
	if c.Argv[0] == "sh" {
		switch c.Argv[3] {
		case phaseScriptName:
			c.Argv = c.Argv[7:]
			return h.Run(ctx, c)
		case preflightScriptName:
			return h.w.answerPreflight(c.Stdin), nil
		case readScriptName:
			h.w.mu.Lock()
			defer h.w.mu.Unlock()
			text, ok := h.w.text(strings.TrimPrefix(c.Argv[4], "/srv/si/www/"))
			if !ok {
				return command.Output{Exit: 1}, nil
			}
			return command.Output{Stdout: []byte(text)}, nil
		case lockScriptName:
			return command.Output{Stdout: []byte("held 4711 /srv/si/bin/import-images -vv\nseen\n")}, nil
		}
	}
	if c.Argv[0] == "crontab" {
		return command.Output{}, nil
	}
	if c.Argv[0] != "env" || !slices.Contains(c.Argv, "SYSTEM_IMAGE_ROOT=/srv/si") || !strings.HasPrefix(c.Argv[3], "/srv/si/bin/") {
		h.t.Errorf("unexpected command %q", c.Argv)
	}
	if slices.Contains(c.Argv, "--help") {
		return command.Output{Stdout: []byte(h.help)}, nil
	}
	h.runs = append(h.runs, append([]string{filepath.Base(c.Argv[3])}, c.Argv[4:]...))
	if h.after != nil {
		h.after()
	} else {
		h.w.apply(h.t, h.r)
	}
	return h.r.Output(), nil
}

func (h *replay) server() *Server {
	return &Server{Runner: h, Root: "/srv/si/", Client: h.w.client(), LockWait: -1}
}

// splitCommand splits a recorded command line into words, and returns those of
// the command that runs one of the server's programs.
func splitCommand(line string) []string {
	var words []string
	ours := false
	for _, w := range append(shellWords(line), shellWord{end: true}) {
		switch {
		case w.end && ours:
			return words
		case w.end:
			words = nil
		default:
			words = append(words, w.text)
			ours = ours || strings.Contains(w.text, "bin/")
		}
	}
	return words
}

// copyRequest is the request that a recorded copy-image command line stands
// for. Where it leaves the version to the program, the version that the program
// took is read from the paths it printed.
func copyRequest(t *testing.T, r *fixture.Recording, positional bool) CopyRequest {
	t.Helper()
	q := CopyRequest{Percentage: 100, KeepTag: true}
	words := splitCommand(r.Command)
	var places []string
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil {
			return -1
		}
		return n
	}
	for i := 0; i < len(words); i++ {
		switch w := words[i]; {
		case strings.HasSuffix(w, "copy-image"):
			places = places[:0]
		case w == "-r":
			i++
			q.Version = number(words[i])
		case w == "-p":
			i++
			q.Percentage = number(words[i])
		case w == "-t":
			i++
			q.Tag, q.KeepTag = words[i], false
		case w == "-o":
			i++
		case strings.HasPrefix(w, "-"):
		default:
			places = append(places, w)
		}
	}
	if len(places) < 3 {
		return q
	}
	q.From, q.To, q.Device = places[0], places[1], places[2]
	if positional && len(places) > 3 {
		q.Version = number(places[3])
	}
	if m := regexp.MustCompile(`(?m)^/.*/version-(\d+)\.tar\.xz$`).FindStringSubmatch(r.Stdout); m != nil {
		q.Version = number(m[1])
	} else if !strings.Contains(r.Command, " -r ") && q.Version == 0 && r.Exit == 2 && !strings.Contains(r.Command, " -o ") {
		q.Version = 1 // any will do: what the program refused comes before its version
	}
	return q
}

// runnerWith lets f answer commands before next does.
func runnerWith(next command.Runner, f func(command.Command) (command.Output, bool)) command.Runner {
	return command.Func(func(ctx context.Context, c command.Command) (command.Output, error) {
		if out, ok := f(c); ok {
			return out, nil
		}
		return next.Run(ctx, c)
	})
}
