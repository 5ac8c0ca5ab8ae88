package lab_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/landingteam/landing/cdimage/cdimagetest"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// A fault happens at a boundary: the so many-th command, request or journal write
// of a run, counted from 0 over all its starts.
type fault struct {
	Kind string
	At   int
}

func (f fault) String() string { return fmt.Sprintf("%s at %d", f.Kind, f.At) }

// A faultKind is one way in which something goes wrong. A new one is an entry of
// faultKinds.
type faultKind struct {
	name string
	at   boundary

	// passing says that the run must get over it by being started again: the world
	// is then that of an undisturbed run.
	passing bool
	needs   boundary // of which there must be one; 0 is none
	// fits says in which scenes it can happen; nil is all.
	fits func(scene) bool

	// begin makes the world so; at is any number.
	begin func(w *simWorld, at int) error
	// only says to which commands it can happen; nil is all.
	only func(command.Command) bool
	// command is what happens instead of, before or after the command.
	command func(h *hand, ctx context.Context, m *machine, c command.Command) (command.Output, error)
	// request is what happens to the answer of the published tree, or of Launchpad.
	request func(h *hand, r *http.Request, inner http.RoundTripper) (*http.Response, error)
	// stored says of a kill whether the record is in the journal.
	stored bool
	// elsewhere says of a kill that the next start is on another site.
	elsewhere bool
	// late says that the command still comes to its end, unseen.
	late bool
}

func faultKinds() []faultKind {
	kinds := [][]faultKind{killKinds(), linkKinds(), jobKinds(), hostKinds(), peopleKinds(), treeKinds(), launchpadKinds(), beginKinds()}
	var list []faultKind
	for _, k := range kinds {
		list = append(list, k...)
	}
	return list
}

// pick takes one to three faults from a seed.
func (s *simulation) pick(seed uint64) (list []fault) {
	h := fnv.New64a()
	h.Write([]byte(s.name))
	r := rand.New(rand.NewPCG(seed, h.Sum64()))
	var kinds []faultKind
	for _, k := range faultKinds() {
		happens := func(b boundary) bool { return b == atBegin || s.counted[b] > 0 }
		if happens(k.at) && happens(k.needs) && (k.fits == nil || k.fits(s.scene)) {
			kinds = append(kinds, k)
		}
	}
	for range 1 + r.IntN(3) {
		k := kinds[r.IntN(len(kinds))]
		most := max(s.counted[k.at], 1)
		if k.at == atBegin {
			most = 100
		}
		list = append(list, fault{k.name, r.IntN(most)})
	}
	return list
}

type commandFault = func(h *hand, ctx context.Context, m *machine, c command.Command) (command.Output, error)

// die is the end of the process within a command; it does not return before the
// dead process wakes, and nothing is sent then.
func die(h *hand, ctx context.Context) (command.Output, error) {
	h.w.meet("kill")
	h.kill()
	err := runbook.Current(ctx)
	return command.Output{}, errors.Join(errLost, err)
}

// unseenLines is a command whose lines nobody reads: the process that would is dead.
func unseenLines(c command.Command) command.Command {
	c.Line = nil
	return c
}

// settledBefore kills the process, and lets its command come when the run was settled.
func settledBefore(h *hand, ctx context.Context, m *machine, c command.Command) (command.Output, error) {
	h.w.givenUp = true
	h.w.ending.Go(func() { time.Sleep(10 * time.Minute); m.finish(unseenLines(c)) })
	return die(h, ctx)
}

func killKinds() []faultKind {
	return []faultKind{
		{name: "kill before a record", at: atWrite, passing: true},
		{name: "kill after a record", at: atWrite, passing: true, stored: true},
		{name: "kill, and a start on another site", at: atWrite, passing: true, stored: true, elsewhere: true},
		{name: "kill before a command is sent", at: atCommand, passing: true,
			command: func(h *hand, ctx context.Context, _ *machine, _ command.Command) (command.Output, error) {
				return die(h, ctx)
			}},
		{name: "kill while a command runs", at: atCommand, passing: true,
			command: func(h *hand, ctx context.Context, m *machine, c command.Command) (command.Output, error) {
				m.finish(c)
				return die(h, ctx)
			}},
		{name: "kill, and the command comes late", at: atCommand, passing: true, late: true,
			command: func(h *hand, ctx context.Context, m *machine, c command.Command) (command.Output, error) {
				late := []time.Duration{3 * time.Second, 65 * time.Second, 2 * time.Minute, 10 * time.Minute}[h.w.counted[atCommand]%4]
				h.w.ending.Go(func() { time.Sleep(late); m.finish(unseenLines(c)) })
				return die(h, ctx)
			}},
		{name: "kill, the command comes late, and the run is settled", at: atCommand, command: settledBefore},
		{name: "kill, a change of the crontab comes late, and the run is settled", at: atCommand, command: settledBefore,
			only: func(c command.Command) bool { return len(c.Argv) > 3 && c.Argv[3] == "landing-crontab" }},
		{name: takenAfterKill, at: atCommand, needs: atRequest, only: func(c command.Command) bool { return programOf(c.Argv) != "" },
			command: func(h *hand, ctx context.Context, m *machine, c command.Command) (command.Output, error) {
				m.finish(c)
				if index := h.w.indexOf(c.Argv); index != "" {
					h.w.takeWhatIsThere(index)
				}
				return die(h, ctx)
			}},
		{name: "killed processes wake", at: atCommand, passing: true,
			command: func(h *hand, ctx context.Context, m *machine, c command.Command) (command.Output, error) {
				h.w.ending.Go(h.w.wake)
				return h.send(ctx, m, c)
			}},
	}
}

func linkKinds() []faultKind {
	lost := func(meanwhile func(h *hand, m *machine, c command.Command)) commandFault {
		return func(h *hand, _ context.Context, m *machine, c command.Command) (command.Output, error) {
			meanwhile(h, m, c)
			if c.Job != "" && !c.Attach {
				h.w.lost = append(h.w.lost, time.Now())
			}
			return command.Output{}, errLost
		}
	}
	return []faultKind{
		{name: "link lost before a command", at: atCommand, passing: true, command: lost(func(*hand, *machine, command.Command) {})},
		{name: "link lost while a command runs", at: atCommand, passing: true, late: true, command: lost(func(h *hand, m *machine, c command.Command) {
			h.w.ending.Go(func() { time.Sleep(3 * time.Second); m.finish(unseenLines(c)) })
		})},
		{name: "link lost after a command", at: atCommand, passing: true, command: lost(func(_ *hand, m *machine, c command.Command) { m.finish(c) })},
	}
}

const jobFolderGone = "job folder gone"

func jobKinds() []faultKind {
	return []faultKind{
		{name: "host restarted in a job", at: atCommand, command: func(h *hand, ctx context.Context, m *machine, c command.Command) (command.Output, error) {
			if c.Job == "" {
				return command.Output{}, errLost
			}
			defer h.w.programsDie(m)()
			m.restart(c)
			return h.send(ctx, m, c)
		}},
		{name: "kill, and the host restarted in the job", at: atCommand, command: func(h *hand, ctx context.Context, m *machine, c command.Command) (command.Output, error) {
			if c.Job != "" {
				restore := h.w.programsDie(m)
				m.restart(c)
				restore()
			}
			return die(h, ctx)
		}},
		{name: "job lost before it did a thing", at: atCommand, passing: true, command: func(h *hand, ctx context.Context, m *machine, c command.Command) (command.Output, error) {
			if c.Job != "" {
				m.lose(c.Job)
			}
			return h.send(ctx, m, c)
		}},
		{name: "kill, and the job lost before it did a thing", at: atCommand, passing: true, command: func(h *hand, ctx context.Context, m *machine, c command.Command) (command.Output, error) {
			if c.Job != "" {
				m.lose(c.Job)
			}
			return die(h, ctx)
		}},
		{name: jobFolderGone, at: atCommand, passing: true, command: func(h *hand, ctx context.Context, m *machine, c command.Command) (command.Output, error) {
			if c.Job == "" {
				return h.send(ctx, m, c)
			}
			m.finish(c)
			m.fetched(c.Job)
			return command.Output{}, errGone
		}},
	}
}

// programsDie lets the next program of a machine die in the middle, until the
// function is called that it returns.
func (w *simWorld) programsDie(m *machine) func() {
	if m == w.builds {
		return w.knobs(func(k *cdimagetest.Knobs) { k.Kill = "downloading" })
	}
	return w.serverFaults(systemimagetest.Faults{Kill: systemimagetest.Signed, KillCommit: 2})
}

func (w *simWorld) knobs(change func(*cdimagetest.Knobs)) func() {
	k, err := cdimagetest.GetKnobs(w.at("builder"))
	if err != nil {
		panic(err)
	}
	before := k
	change(&k)
	if err := cdimagetest.SetKnobs(w.at("builder"), k); err != nil {
		panic(err)
	}
	return func() { _ = cdimagetest.SetKnobs(w.at("builder"), before) }
}

func (w *simWorld) serverFaults(f systemimagetest.Faults) func() {
	if err := w.server.SetFaults(f); err != nil {
		panic(err)
	}
	return func() { _ = w.server.SetFaults(systemimagetest.Faults{}) }
}

func hostKinds() []faultKind {
	broken := func(f systemimagetest.Faults) commandFault {
		return func(h *hand, ctx context.Context, m *machine, c command.Command) (command.Output, error) {
			defer h.w.serverFaults(f)()
			return h.send(ctx, m, c)
		}
	}
	return []faultKind{
		{name: "the lock is held for ten minutes", at: atCommand, passing: true,
			command: func(h *hand, ctx context.Context, m *machine, c command.Command) (command.Output, error) {
				release, err := h.w.server.HoldLock()
				if err == nil {
					time.AfterFunc(10*time.Minute, func() { _ = release() })
				}
				return h.send(ctx, m, c)
			}},
		{name: "midnight passes", at: atCommand, passing: true,
			command: func(h *hand, ctx context.Context, m *machine, c command.Command) (command.Output, error) {
				time.Sleep(26 * time.Hour)
				return h.send(ctx, m, c)
			}},
		{name: "program killed before its signature moves", at: atCommand, command: broken(systemimagetest.Faults{Kill: systemimagetest.BeforeSignatureMoved, KillCommit: 1})},
		{name: "program killed without an index", at: atCommand, command: broken(systemimagetest.Faults{Kill: systemimagetest.BeforeIndexMoved, KillCommit: 1})},
		{name: "program killed at its second commit", at: atCommand, command: broken(systemimagetest.Faults{Kill: systemimagetest.Signed, KillCommit: 2})},
		{name: "disk full", at: atCommand, command: broken(systemimagetest.Faults{DiskFull: true})},
		{name: "a live file system fails", at: atCommand, fits: func(s scene) bool { return s.builds },
			command: func(h *hand, ctx context.Context, m *machine, c command.Command) (command.Output, error) {
				defer h.w.knobs(func(k *cdimagetest.Knobs) {
					k.States = map[string]string{"armhf": "Failed to build", "i386": "Failed to build"}
				})()
				return h.send(ctx, m, c)
			}},
	}
}

func peopleKinds() []faultKind {
	before := func(do func(w *simWorld)) commandFault {
		return func(h *hand, ctx context.Context, m *machine, c command.Command) (command.Output, error) {
			do(h.w)
			return h.send(ctx, m, c)
		}
	}
	return []faultKind{
		{name: "somebody adds a line to the crontab", at: atCommand,
			command: before(func(w *simWorld) {
				w.edit(func(text string) string { return text + "# " + strings.Repeat("x", 20) + "\n" })
			})},
		{name: "somebody puts the old crontab back", at: atCommand,
			command: before(func(w *simWorld) { w.edit(func(string) string { return w.crontab }) })},
		{name: "somebody edits the mark of the pause", at: atCommand,
			command: before(func(w *simWorld) {
				w.edit(func(text string) string { return strings.ReplaceAll(text, "# paused by", "## paused by") })
			})},
		{name: "somebody deletes the crontab", at: atCommand,
			command: before(func(w *simWorld) { w.edited, w.editedAt = true, time.Now(); _ = os.Remove(w.at("crontab")) })},
		{name: somebodyWrites, at: atCommand, passing: true,
			command: before(func(w *simWorld) {
				line := fmt.Sprintf("# written by somebody, the %d. time\n", len(w.lines)+1)
				text, err := os.ReadFile(w.at("etc/config"))
				if err == nil && os.WriteFile(w.at("etc/config"), append(text, line...), 0o644) == nil {
					w.lines = append(w.lines, line)
				}
			})},
		{name: somebodyTakes, at: atCommand, needs: atRequest,
			command: before(func(w *simWorld) {
				paths, _ := filepath.Glob(w.at("www/*/*/*/*/index.json"))
				if len(paths) == 0 {
					return
				}
				w.takeWhatIsThere(paths[w.counted[atCommand]*7%len(paths)])
			})},
		{name: "another operator begins the same", at: atCommand, passing: true, fits: func(s scene) bool { return !s.alone },
			command: before(func(w *simWorld) { w.another(w.s.make) })},
		{name: "another operator does something else", at: atCommand, fits: func(s scene) bool { return s.other != nil },
			command: before(func(w *simWorld) { w.another(w.s.other) })},
	}
}

func page(r *http.Request, status int, body string) *http.Response {
	w := httptest.NewRecorder()
	w.WriteHeader(status)
	_, _ = w.WriteString(body)
	resp := w.Result()
	resp.Request = r
	return resp
}

// spoiled are the ways in which any web server can spoil an answer.
func spoiled(prefix string, at boundary) []faultKind {
	answer := func(status int, body string) func(*hand, *http.Request, http.RoundTripper) (*http.Response, error) {
		return func(_ *hand, r *http.Request, _ http.RoundTripper) (*http.Response, error) {
			return page(r, status, body), nil
		}
	}
	return []faultKind{
		{name: prefix + "503", at: at, passing: true, request: answer(http.StatusServiceUnavailable, "busy")},
		{name: prefix + "a page instead of a document", at: at, passing: true, request: answer(http.StatusOK, "<!DOCTYPE html><html>sign in</html>")},
		{name: prefix + "no answer", at: at, passing: true, request: func(_ *hand, r *http.Request, _ http.RoundTripper) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}},
		{name: prefix + "connection refused", at: at, passing: true,
			request: func(*hand, *http.Request, http.RoundTripper) (*http.Response, error) {
				return nil, errors.New("connection refused")
			}},
		{name: prefix + "answer lost", at: at, passing: true,
			request: func(_ *hand, r *http.Request, inner http.RoundTripper) (*http.Response, error) {
				if resp, err := inner.RoundTrip(r); err == nil {
					resp.Body.Close()
				}
				return nil, io.ErrUnexpectedEOF
			}},
	}
}

func treeKinds() []faultKind {
	return append(spoiled("", atRequest),
		faultKind{name: "torn", at: atRequest, passing: true, request: func(_ *hand, r *http.Request, inner http.RoundTripper) (*http.Response, error) {
			resp, err := inner.RoundTrip(r)
			if err != nil {
				return nil, err
			}
			body, err := io.ReadAll(resp.Body)
			return page(r, resp.StatusCode, string(body)+"\n"), err
		}},
		faultKind{name: "half a minute of older answers", at: atRequest, passing: true,
			request: func(h *hand, r *http.Request, inner http.RoundTripper) (*http.Response, error) {
				h.w.mu.Lock()
				h.w.stale = time.Now().Add(30 * time.Second)
				h.w.mu.Unlock()
				return inner.RoundTrip(r)
			}},
	)
}

func launchpadKinds() []faultKind {
	return append(spoiled("Launchpad: ", atAnswer),
		faultKind{name: "Launchpad: refuses", at: atAnswer, request: func(_ *hand, r *http.Request, _ http.RoundTripper) (*http.Response, error) {
			return page(r, http.StatusUnauthorized, "Expired token"), nil
		}},
		faultKind{name: "Launchpad: slow", at: atAnswer, passing: true, request: func(_ *hand, r *http.Request, inner http.RoundTripper) (*http.Response, error) {
			time.Sleep(25 * time.Second)
			return inner.RoundTrip(r)
		}},
	)
}

// beginKinds are worlds that are not as the run expects them.
func beginKinds() []faultKind {
	phases := func(s scene) bool { return len(s.waits) > 0 }
	return []faultKind{
		{name: "the address is another server's", at: atBegin, needs: atRequest, begin: func(w *simWorld, _ int) error {
			stranger, err := w.s.stranger()
			if err == nil {
				w.tree, w.verifier = stranger.Client().HTTP.Transport, w.s.signatures.of(stranger)
			}
			return err
		}},
		{name: "an earlier rollout has ended", at: atBegin, passing: true, fits: phases, begin: func(w *simWorld, _ int) error {
			return writeFile(w.stopFile(), "phased in to everybody\n")
		}},
		{name: "the version is mistyped", at: atBegin, fits: func(s scene) bool { return s.name == "backout" }, begin: func(w *simWorld, _ int) error {
			w.mistyped = 90
			return nil
		}},
		{name: "an index is missing", at: atBegin, needs: atRequest, begin: damaged(func(_ *simWorld, index string) error { return os.Remove(index) })},
		{name: "an index is not in its place", at: atBegin, needs: atRequest, begin: damaged(func(_ *simWorld, index string) error { return os.Rename(index, index+".new") })},
		{name: "an index has no signature", at: atBegin, needs: atRequest, begin: damaged((*simWorld).takeSignature)},
		{name: "the devices are never well", at: atBegin, fits: phases, begin: func(w *simWorld, _ int) error {
			w.bad = true
			return nil
		}},
	}
}

// damaged does something to an index of the tree, as a killed program leaves it.
func damaged(do func(w *simWorld, index string) error) func(*simWorld, int) error {
	return func(w *simWorld, at int) error {
		paths, _ := filepath.Glob(w.at("www/*/*/*/*"))
		err := do(w, paths[at%len(paths)]+"/index.json")
		if errors.Is(err, fs.ErrNotExist) { // it is damaged already
			return nil
		}
		if err == nil {
			w.begin, err = w.server.Snapshot()
		}
		return err
	}
}

// somebodyTakes is what is advised when the server's programs do not work at all.
const (
	somebodyTakes  = "somebody takes the signature of an index away"
	takenAfterKill = "kill while a program runs, and somebody takes the signature of its index away"
)

// indexOf is the index that one of the server's programs writes; "" is that it names none.
func (w *simWorld) indexOf(argv []string) string {
	for n, device := range slices.Backward(argv) {
		if n == 0 {
			break
		}
		index := w.at(filepath.Join("www", argv[n-1], device, "index.json"))
		if _, err := os.Stat(index); err == nil {
			return index
		}
	}
	return ""
}

// takeWhatIsThere takes a signature that no killed program has lost: what lies beside such
// an index says so, and nobody can tell that somebody took it as well.
func (w *simWorld) takeWhatIsThere(index string) {
	if _, err := os.Stat(index + ".new.asc"); err != nil {
		_ = w.takeSignature(index)
	}
}

// takeSignature makes devices take nothing from an index.
func (w *simWorld) takeSignature(index string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	text, err := os.ReadFile(index)
	if err == nil {
		err = os.Remove(index + ".asc")
	}
	if err == nil {
		w.unsigned[index] = string(text)
	}
	return err
}
