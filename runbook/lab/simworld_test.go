package lab_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/landingteam/landing/cdimage/builder"
	"github.com/landingteam/landing/cdimage/cdimagetest"
	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/launchpad/launchpadtest"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/channelconfig"
	"github.com/landingteam/landing/systemimage/operate"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// A boundary is where a fault can happen.
type boundary int

const (
	atBegin   boundary = iota // the world is made so
	atCommand                 // on the image server or the image builder's host
	atRequest                 // to the published tree
	atAnswer                  // of Launchpad
	atWrite                   // of the journal
	boundaries
)

// A simWorld is an image server, an image builder and a Launchpad, at whose
// boundaries faults happen.
type simWorld struct {
	s        *simulation
	server   *systemimagetest.Server
	images   *machine
	builds   *machine // nil in a scene without an image builder
	tree     http.RoundTripper
	lp       *launchpadtest.Server // nil in a scene without
	verifier systemimage.Trust
	crontab  string // as it was
	config   string
	begin    string // the text of the world before the run
	begun    time.Time
	dir      string // for what the programs keep on their own machine

	mu        sync.Mutex
	faults    []fault
	counted   [boundaries]int
	seen      map[string]int // how often each thing was done
	met       []string
	edited    bool // somebody's hand was in the crontab
	editedAt  time.Time
	lines     []string // that somebody wrote into the configuration
	dead      []runbooktest.Start
	ramp      []seenPercentage
	runs      []programRun
	sent      []programRun    // while the importer was on
	lost      []time.Time     // when the link was lost with a job
	trace     strings.Builder // of what was done, in its order
	calmed    bool
	stale     time.Time         // until then the tree's answers are those of the template
	unsigned  map[string]string // indexes that had no signature, by path
	mistyped  int               // by how much the version of the faulty image is wrong
	givenUp   bool              // the run is not started again but settled
	endless   bool              // the run was stopped because it wrote and wrote
	bad       bool              // the health of the devices is bad
	ending    sync.WaitGroup
	others    []*runbooktest.Memory
	away      bool   // the next start is on another site
	elsewhere string // what a start on another site did that it must not
}

// newWorld makes a world like the template.
func (s *simulation) newWorld(dir string, faults []fault) (*simWorld, error) {
	server, err := s.template.Clone(filepath.Join(dir, "server"))
	if err != nil {
		return nil, err
	}
	w := &simWorld{s: s, server: server, faults: slices.Clone(faults), seen: map[string]int{}, unsigned: map[string]string{}, begin: s.begin, begun: time.Now(), dir: dir,
		tree: server.Client().HTTP.Transport}
	w.verifier = s.signatures.of(server)
	w.images = newMachine(func(ctx context.Context, c command.Command) (command.Output, error) {
		if out, ok := s.play(context.Background(), server.Root(), &s.whole, c); ok {
			return out, nil
		}
		if c.Argv[0] == "sh" && !strings.HasPrefix(c.Argv[3], "landing-phase") { // those the server itself plays
			if sum := lab.HexSum([]byte(c.Argv[2])); !lab.Played(sum) {
				s.shells.Store(c.Argv[3]+" "+sum[:12], true)
			}
		}
		return server.Run(ctx, c)
	})
	server.Before = w.beforeProgram
	if s.scene.builds {
		root := filepath.Join(server.Root(), "builder")
		w.builds = newMachine(func(ctx context.Context, c command.Command) (command.Output, error) {
			var stdout, stderr bytes.Buffer
			exit := cdimagetest.Program(ctx, root, c.Argv, nil, bytes.NewReader(c.Stdin), &stdout, &stderr)
			return command.Output{Stdout: stdout.Bytes(), Stderr: stderr.Bytes(), Exit: exit}, ctx.Err()
		})
	}
	if s.launchpad != nil {
		world, err := launchpadtest.ParseWorld(s.launchpad)
		if err != nil {
			return nil, err
		}
		w.lp = launchpadtest.NewServer(world)
	}
	for path, text := range map[string]*string{"crontab": &w.crontab, "etc/config": &w.config} {
		b, err := os.ReadFile(w.at(path))
		if err != nil {
			return nil, err
		}
		*text = string(b)
	}
	for _, f := range faults {
		if k := w.s.kinds[f.Kind]; k.at == atBegin {
			w.meet(k.name)
			if err := k.begin(w, f.At); err != nil {
				return nil, err
			}
		}
	}
	return w, nil
}

// at is a path of the server's folder.
func (w *simWorld) at(path string) string { return filepath.Join(w.server.Root(), path) }

func (w *simWorld) stopFile() string { return w.at("phased-state/done") }

func (w *simWorld) meet(kind string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.met = append(w.met, kind)
}

func (w *simWorld) has(kind string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Contains(w.met, kind)
}

// calm ends all faults: what is settled afterwards meets none. What was under way,
// and what others do, comes to its end first.
func (w *simWorld) calm() {
	w.ending.Wait()
	time.Sleep(time.Hour)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calmed = true
}

// wake wakes the killed processes, as ones that only slept.
func (w *simWorld) wake() {
	w.mu.Lock()
	dead := w.dead
	w.dead = nil
	w.mu.Unlock()
	for _, d := range dead {
		d.Bury()
	}
}

// next counts a boundary and returns the fault that happens there. One that happens to
// some commands only waits for the next of them.
func (w *simWorld) next(at boundary, c command.Command) (faultKind, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.counted[at]
	w.counted[at]++
	if w.calmed {
		return faultKind{}, false
	}
	for i, f := range w.faults {
		if k := w.s.kinds[f.Kind]; k.at == at && (f.At == n || f.At < n && k.only != nil) && (k.only == nil || k.only(c)) {
			w.faults = append(w.faults[:i:i], w.faults[i+1:]...)
			if at != atWrite {
				w.met = append(w.met, k.name)
			}
			return k, true
		}
	}
	return faultKind{}, false
}

// lag is the time that a thing takes to get where it is done: between a
// millisecond and half a second, and never the same for two that are under way at
// once, so that a seed decides in which order they happen.
func (w *simWorld) lag(who int, what string) {
	w.mu.Lock()
	key := fmt.Sprint(who, what)
	w.seen[key]++
	h := fnv.New64a()
	fmt.Fprint(h, key, w.seen[key])
	w.mu.Unlock()
	time.Sleep(time.Millisecond + time.Duration(h.Sum64()%uint64(500*time.Millisecond)))
	w.mu.Lock()
	defer w.mu.Unlock()
	fmt.Fprintln(&w.trace, who, what)
}

// nameOf is a command without what differs from run to run: folders and checksums.
func (w *simWorld) nameOf(c command.Command) string {
	argv := c.Argv
	if argv[0] == "sh" {
		argv = slices.DeleteFunc(slices.Clone(argv[3:]), func(a string) bool { return a != argv[3] && !strings.HasPrefix(a, "/") })
	}
	return strings.ReplaceAll(fmt.Sprint(argv), w.server.Root(), "")
}

// A hand is one process that works in a world.
type hand struct {
	w     *simWorld
	who   int    // 0 is the run that meets the faults; its starts have one number
	kill  func() // of this start
	faces bool   // it meets the faults
}

// on is a machine as the process reaches it.
func (h *hand) on(m *machine) command.Runner { return reach{h, m} }

type reach struct {
	h *hand
	m *machine
}

// Run implements command.Runner.
func (r reach) Run(ctx context.Context, c command.Command) (command.Output, error) {
	h := r.h
	h.w.lag(h.who, h.w.nameOf(c))
	if name := programOf(c.Argv); !c.Attach && runbook.Current(ctx) == nil && h.w.importerRuns() {
		h.w.note(&h.w.sent, programRun{name: name, importer: true, at: time.Now()})
	}
	if h.faces {
		defer h.w.watch()
		if k, ok := h.w.next(atCommand, c); ok {
			return k.command(h, ctx, r.m, c)
		}
	}
	return h.send(ctx, r.m, c)
}

// Reap removes what a job has left, as a host of package remote does.
func (r reach) Reap(_ context.Context, name string) error {
	r.m.fetched(name)
	return nil
}

// send sends a command, unless the process has lost its run meanwhile: what
// package remote asks right before it sends.
func (h *hand) send(ctx context.Context, m *machine, c command.Command) (command.Output, error) {
	if err := runbook.Current(ctx); err != nil {
		return command.Output{}, err
	}
	return m.run(ctx, c)
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// through is a transport whose answers meet the faults of a boundary.
func (h *hand) through(inner http.RoundTripper, at boundary) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		h.w.lag(h.who, r.Method+" "+r.URL.RequestURI())
		if h.faces {
			if k, ok := h.w.next(at, command.Command{}); ok {
				return k.request(h, r, inner)
			}
		}
		return inner.RoundTrip(r)
	})
}

// client reads the published tree, and remembers on its own machine what it has
// seen of it, as programs on a site do.
func (h *hand) client() *systemimage.Client {
	c := h.w.server.Client()
	c.HTTP = &http.Client{Transport: h.through(roundTripper(h.w.published), atRequest)}
	c.Trust = h.w.verifier
	c.Cache = filepath.Join(h.w.dir, fmt.Sprint("cache", h.who))
	return c
}

// published is an answer of the tree, or an older one.
func (w *simWorld) published(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	older := time.Now().Before(w.stale)
	w.mu.Unlock()
	if older && !w.has("the address is another server's") {
		return w.s.template.Client().HTTP.Transport.RoundTrip(r)
	}
	return w.tree.RoundTrip(r)
}

func (h *hand) operator() *operate.Server {
	return &operate.Server{Runner: h.on(h.w.images), Root: h.w.server.Root(), Client: h.client(), Held: runbook.Held}
}

func (h *hand) importer() *operate.Importer {
	return &operate.Importer{Runner: h.on(h.w.images), Root: h.w.server.Root()}
}

func (h *hand) configuration() *channelconfig.HostFile {
	return &channelconfig.HostFile{Runner: h.on(h.w.images), Path: h.w.at("etc/config")}
}

func (h *hand) builder() *builder.Builder {
	return &builder.Builder{Runner: h.on(h.w.builds), Root: h.w.at("builder"), Poll: time.Minute}
}

// archives is a client of Launchpad, whose time is that of the world.
func (h *hand) archives() *launchpad.Client {
	c := h.w.lp.Client()
	inner := c.HTTP.Transport
	c.HTTP = &http.Client{Transport: h.through(roundTripper(func(r *http.Request) (*http.Response, error) {
		if ahead := time.Until(h.w.lp.Now()); ahead < 0 {
			h.w.lp.Advance(-ahead)
		}
		return inner.RoundTrip(r)
	}), atAnswer)}
	c.Now, c.Sleep, c.RetryWait, c.Parallel = nil, nil, time.Millisecond, 64 // all at once: who comes first is decided by their lags
	return c
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
	paths, _ := filepath.Glob(w.at("www/ubuntu-touch/stable/*/*/index.json"))
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, path := range paths {
		m, ok := w.s.newestOf(path)
		seen := seenPercentage{path, m.Version, m.Percentage, time.Now()}
		same := func(o seenPercentage) bool { return o.index == path }
		if at := lastIndex(w.ramp, same); ok && (at < 0 || w.ramp[at].version != m.Version || w.ramp[at].percentage != m.Percentage) {
			w.ramp = append(w.ramp, seen)
		}
	}
}

func lastIndex[T any](list []T, f func(T) bool) int {
	for i, x := range slices.Backward(list) {
		if f(x) {
			return i
		}
	}
	return -1
}

// A programRun is one of the server's own programs that ran, or was sent.
type programRun struct {
	name     string
	importer bool // cron could have started the importer meanwhile
	pointed  bool // a run had changed the configuration
	at       time.Time
}

// programOf is the name of the server's program that a command runs; "" is none. One that
// is asked for its form does nothing.
func programOf(argv []string) string {
	at := slices.IndexFunc(argv, func(a string) bool { return filepath.Base(filepath.Dir(a)) == "bin" })
	if at < 0 || slices.Contains(argv, "--help") {
		return ""
	}
	return filepath.Base(argv[at])
}

// importerRuns reports whether cron would start the importer.
func (w *simWorld) importerRuns() bool {
	text, _ := os.ReadFile(w.at("crontab"))
	return slices.ContainsFunc(strings.Split(string(text), "\n"), func(line string) bool {
		return !strings.HasPrefix(line, "#") && strings.Contains(line, "import-images")
	})
}

func (w *simWorld) note(list *[]programRun, p programRun) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p.name != "" {
		*list = append(*list, p)
	}
}

// pointed reports whether a run has changed the configuration.
func (w *simWorld) pointed() bool {
	text, _ := os.ReadFile(w.at("etc/config"))
	now := string(text)
	for _, line := range w.lines { // which somebody wrote
		now = strings.Replace(now, line, "", 1)
	}
	return now != w.config
}

// beforeProgram notes how the importer was when a program began. Where somebody has put
// it back at that very moment, behind every look, nobody could have kept the program back.
func (w *simWorld) beforeProgram(argv []string) error {
	now := time.Now()
	w.note(&w.runs, programRun{name: programOf(argv), importer: w.importerRuns() && !w.editedAt.Equal(now), pointed: w.pointed(), at: now})
	return nil
}

// edit is somebody's edit of the crontab.
func (w *simWorld) edit(change func(string) string) {
	text, err := os.ReadFile(w.at("crontab"))
	if err != nil {
		return // there is none at this moment
	}
	w.edited, w.editedAt = true, time.Now()
	_ = os.WriteFile(w.at("crontab"), []byte(change(string(text))), 0o644)
}

// newestOf is the newest image of an index. Most are looked at a thousand times.
func (s *simulation) newestOf(path string) (systemimage.Image, bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return systemimage.Image{}, false // between two moves of a commit
	}
	key := sha256.Sum256(text)
	if m, ok := s.parsed.Load(key); ok {
		return m.(systemimage.Image), true
	}
	x, err := systemimage.ParseIndex(text)
	if err != nil {
		return systemimage.Image{}, false
	}
	m, ok := x.Latest()
	if ok {
		s.parsed.Store(key, m)
	}
	return m, ok
}

// signatures are those that were found good, in any world: to verify them again
// would be most of what a world costs.
type signatures struct{ good sync.Map }

type verified struct {
	systemimage.Trust
	root string // of the server
	good *sync.Map
}

// of is the trust in a server's keys. Keyrings are read without a request: which
// requests a run makes must not depend on what other worlds have verified.
func (s *signatures) of(server *systemimagetest.Server) systemimage.Trust {
	return verified{server.Client().Trust, server.Root(), &s.good}
}

func (v verified) Verify(ctx context.Context, r systemimage.VerifyRequest) error {
	data, err := io.ReadAll(r.Data)
	if err != nil {
		return err
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s\x00%s\x00%d\x00%s%s", r.Path, r.Device, len(data), data, r.Signature)
	key := string(h.Sum(nil))
	if _, ok := v.good.Load(key); ok {
		return nil
	}
	r.Data = bytes.NewReader(data)
	r.Fetch = func(_ context.Context, path string) ([]byte, error) {
		return os.ReadFile(filepath.Join(v.root, "www", path))
	}
	if err = v.Trust.Verify(ctx, r); err == nil {
		v.good.Store(key, true)
	}
	return err
}

var errLost = errors.New("link lost")
