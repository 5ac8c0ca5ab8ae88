package servertest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"

	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/temporal"
	"github.com/landingteam/landing/runbook/temporal/servertest"
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
	status := m.Run()
	for _, f := range slices.Backward(atTheEnd) {
		f()
	}
	os.Exit(status)
}

// work is a worker process: it ends when it is killed.
func work(dir string) error {
	c, err := client.Dial(client.Options{Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)), HostPort: os.Getenv(servertest.AddressEnv), Namespace: os.Getenv(servertest.NamespaceEnv)})
	if err != nil {
		return err
	}
	w := newWorker(c, os.Getenv(workerQueue), dir)
	return w.Run(worker.InterruptCh())
}

func newWorker(c client.Client, queue, dir string) worker.Worker {
	w := worker.New(c, queue, temporal.Options())
	(&temporal.Worker{Client: c, Procedures: procedures(dir), Archive: func(_ context.Context, id string, lines iter.Seq2[[]byte, error]) error {
		var b bytes.Buffer
		if err := temporal.WriteLines(&b, lines); err != nil {
			return err
		}
		return os.WriteFile(archived(dir, id), b.Bytes(), 0o600)
	}}).Register(w)
	return w
}

// archived is the file that a run's journal is written to at the end of each start.
func archived(dir, id string) string { return filepath.Join(dir, id+".journal") }

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
	known := map[string]temporal.Build{"folder": buildFolder(dir)}
	for name, sc := range scenes {
		known[name] = sc.build(dir)
	}
	return known
}

// forever is a test whose clean-up waits for the end of all.
type forever struct{ testing.TB }

var atTheEnd []func()

func (forever) Cleanup(f func())         { atTheEnd = append(atTheEnd, f) }
func (forever) Context() context.Context { return context.Background() }

var one struct {
	sync.Once
	s *servertest.Server
}

// shared is a server for all tests that do it no harm.
func shared(t *testing.T) *servertest.Server {
	t.Helper()
	one.Do(func() { one.s = servertest.New(forever{t}) })
	if one.s == nil {
		t.Fatal("the shared server did not start")
	}
	return one.s
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
	for end := time.Now().Add(4 * time.Minute); !f(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("in four minutes it did not come to it that %s", what)
		}
	}
}
