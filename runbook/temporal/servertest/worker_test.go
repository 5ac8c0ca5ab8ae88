package servertest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/temporal"
	"github.com/landingteam/landing/runbook/temporal/servertest"
	"github.com/landingteam/landing/systemimage/operate"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// What a worker process is told by its environment.
const (
	workerDir   = "LANDING_TEST_WORKER_DIR"
	workerQueue = "LANDING_TEST_WORKER_QUEUE"
)

func TestMain(m *testing.M) {
	if lab.Program() {
		return
	}
	if dir := os.Getenv(workerDir); dir != "" {
		if err := work(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// work is a worker process: it ends when it is killed.
func work(dir string) error {
	c, err := client.Dial(client.Options{HostPort: os.Getenv(servertest.AddressEnv), Namespace: os.Getenv(servertest.NamespaceEnv)})
	if err != nil {
		return err
	}
	w := newWorker(c, os.Getenv(workerQueue), dir)
	return w.Run(worker.InterruptCh())
}

func newWorker(c client.Client, queue, dir string) worker.Worker {
	w := worker.New(c, queue, temporal.Options())
	(&temporal.Worker{Client: c, Procedures: procedures(dir)}).Register(w)
	return w
}

// local serves a queue from this process until the test ends.
func local(t *testing.T, s *servertest.Server, queue, dir string) {
	t.Helper()
	w := newWorker(s.Client, queue, dir)
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
}

// process is a worker of its own, to be killed.
func process(t *testing.T, s *servertest.Server, queue, dir string) *os.Process {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), workerDir+"="+dir, workerQueue+"="+queue, servertest.AddressEnv+"="+s.Address, servertest.NamespaceEnv+"="+s.Namespace)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-done })
	return cmd.Process
}

// procedures are those of a worker whose world is in dir.
func procedures(dir string) map[string]temporal.Build {
	mark := func() { _ = os.WriteFile(filepath.Join(dir, "working"), fmt.Append(nil, os.Getpid()), 0o600) }
	return map[string]temporal.Build{
		"copyrc": func(ctx context.Context, input json.RawMessage) (runbook.Procedure, any, error) {
			var in procedure.CopyRCInput
			if err := json.Unmarshal(input, &in); err != nil {
				return nil, nil, err
			}
			l, err := lab.Open(filepath.Join(dir, "lab"), systemimagetest.SampleWorld())
			if err != nil {
				return nil, nil, err
			}
			context.AfterFunc(ctx, func() { l.Close() })
			mark()
			return (&procedure.CopyRC{Server: l.Server(), Importer: l.Importer(), Input: in}).Run, "lab", nil
		},
		"folder": func(_ context.Context, input json.RawMessage) (runbook.Procedure, any, error) {
			f := folder{dir: dir}
			if err := json.Unmarshal(input, &f); err != nil {
				return nil, nil, err
			}
			mark()
			return f.run, dir, nil
		},
	}
}

// A folder is a procedure that writes lines into a file, while a hold is held, and
// asks or waits on the way.
type folder struct {
	Steps int           `json:"steps"`
	Each  time.Duration `json:"each,omitempty"`  // how long each takes
	Ask   bool          `json:"ask,omitempty"`   // a gate after them
	Wait  time.Duration `json:"wait,omitempty"`  // a time after them
	Fail  string        `json:"fail,omitempty"`  // a step that fails until there is a file "mended"
	Large int           `json:"large,omitempty"` // bytes of a result
	dir   string
}

func (f folder) path(name string) string { return filepath.Join(f.dir, name) }

func (f folder) run(ctx context.Context, r *runbook.Run) error {
	hold := runbook.Hold{Name: "importer", Intent: "pause the importer",
		Acquire: func(context.Context) error { return os.WriteFile(f.path("off"), nil, 0o600) },
		Release: func(context.Context) error {
			if err := os.Remove(f.path("off")); !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			return nil
		}}
	err := r.Hold(ctx, hold, func(ctx context.Context, r *runbook.Run) error {
		for i := range f.Steps {
			name := fmt.Sprintf("step%02d", i)
			if _, err := runbook.Do(ctx, r, runbook.Step[string]{Name: name, Intent: "write " + name,
				Do:    func(ctx context.Context) (string, error) { return f.write(ctx, name) },
				Probe: func(context.Context) (string, bool, error) { return f.written(name) }}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if f.Wait > 0 {
		begin, err := runbook.Read(ctx, r, "begin", func(context.Context) (time.Time, error) { return time.Now().UTC(), nil })
		if err != nil {
			return err
		}
		if _, err := runbook.Wait(ctx, r, runbook.Poll[int]{Name: "time", Intent: "wait for the time", Check: func(context.Context) (int, bool, error) {
			if due := begin.Add(f.Wait); time.Now().Before(due) {
				return 0, false, &runbook.Error{Kind: runbook.ErrPending, Text: "too early", Due: due}
			}
			return 1, true, nil
		}}); err != nil {
			return err
		}
	}
	if f.Ask {
		return r.Gate(ctx, runbook.Gate{Name: "go", Question: "Go on?", Evidence: map[string]int{"steps": f.Steps}, Not: []string{"copier"}})
	}
	return nil
}

func (f folder) write(ctx context.Context, name string) (string, error) {
	if _, err := os.Stat(f.path("mended")); name == f.Fail && err != nil {
		return "", errors.New("the world is broken")
	}
	time.Sleep(f.Each)
	if err := runbook.Current(ctx); err != nil {
		return "", err
	}
	held := "held"
	if _, err := os.Stat(f.path("off")); err != nil {
		held = "NOT-HELD"
	}
	w, err := os.OpenFile(f.path("log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	_, err = fmt.Fprintf(w, "%s %s %d\n", name, held, os.Getpid())
	return name + strings.Repeat("x", f.Large), errors.Join(err, w.Close())
}

func (f folder) written(name string) (string, bool, error) {
	text, err := os.ReadFile(f.path("log"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	return name, bytes.Contains(text, []byte(name+" ")), err
}

// A world is what a copyrc leaves.
func world(t *testing.T, dir string) (tree string, importer operate.ImporterState) {
	t.Helper()
	l, err := lab.Open(filepath.Join(dir, "lab"), systemimagetest.SampleWorld())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s, err := l.Importer().Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return published(t, l), s.State
}

// published is every image of every channel, in words.
func published(t *testing.T, l *lab.Lab) string {
	t.Helper()
	var lines []string
	for x, err := range l.Client().Survey(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range x.Images {
			lines = append(lines, fmt.Sprintf("%s %s %s %d %s %s", x.Channel, x.Device, m, m.Percentage, m.Detail().Tag(), m.VersionDetail))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// at is the process that works now; 0 is none.
func at(dir string) int {
	text, _ := os.ReadFile(filepath.Join(dir, "working"))
	pid, _ := strconv.Atoi(string(text))
	return pid
}

func input(t *testing.T, v any) json.RawMessage {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// eventually waits until f says so. The limit is generous: a machine may be busy.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !f(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("in two minutes it did not come to it that %s", what)
		}
	}
}
