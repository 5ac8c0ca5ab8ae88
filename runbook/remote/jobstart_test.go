package remote_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/landingteam/landing/runbook/remote"
	"github.com/landingteam/landing/runbook/remote/remotetest"
)

func TestJobStartsOnce(t *testing.T) {
	t.Parallel()
	s := remotetest.New(t)
	var wg sync.WaitGroup
	for range 8 { // as many processes as there are hosts
		h := s.Host()
		wg.Go(func() {
			if _, err := h.Start(t.Context(), job("once", "echo here >>ran; sleep 0.2")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	h := s.Host()
	out, err := h.Run(t.Context(), job("once", "echo here >>ran; sleep 0.2"))
	if err != nil || out.Exit != 0 {
		t.Fatal(out, err)
	}
	if b, _ := os.ReadFile(filepath.Join(s.Dir, "ran")); string(b) != "here\n" {
		t.Errorf("ran %q, want once", b)
	}
	left, _ := os.ReadDir(filepath.Dir(jobDir(s, "x")))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A job of the same name with another command is waited for, and in the way no
// more when it has ended: who asks for the name again has looked.
func TestJobOfAnotherCommand(t *testing.T) {
	t.Parallel()
	s := remotetest.New(t)
	h := s.Host()
	if _, err := h.Start(t.Context(), job("name", "while [ ! -e go ]; do sleep 0.01; done; echo 1")); err != nil {
		t.Fatal(err)
	}
	_, err := h.Run(t.Context(), job("name", "echo 2"))
	if !errors.Is(err, remote.ErrJobDifferent) || !strings.Contains(err.Error(), "echo 1") || !strings.Contains(err.Error(), "echo 2") {
		t.Errorf("%v, want ErrJobDifferent with both commands", err)
	}
	os.WriteFile(filepath.Join(s.Dir, "go"), nil, 0o600)
	waitFor(t, "its end", func() bool { return exists(jobDir(s, "name/exit")) })
	out, err := h.Run(t.Context(), job("name", "echo 2"))
	if err != nil || string(out.Stdout) != "2\n" {
		t.Errorf("when it has ended: %q, %v; want 2", out.Stdout, err)
	}
}

// cutInput cuts the connection when a command has read n bytes of its input.
func cutInput(s *remotetest.Server, n int) func(context.Context, *remotetest.Request) int {
	return func(ctx context.Context, r *remotetest.Request) int {
		r.Stdin = &cutter{r.Stdin, n, s}
		return remotetest.Shell(ctx, r)
	}
}

type cutter struct {
	io.Reader
	left int
	s    *remotetest.Server
}

func (c *cutter) Read(p []byte) (int, error) {
	if c.left == 0 { // cut already; the rest is what had arrived by then
		return c.Reader.Read(p)
	}
	n, err := c.Reader.Read(p[:min(len(p), c.left)])
	if c.left -= n; c.left == 0 {
		c.s.Drop()
	}
	return n, err
}

func TestJobInputCutOnTheWay(t *testing.T) {
	t.Parallel()
	s := remotetest.New(t)
	h := s.Host()
	h.Reconnect = -1
	c := job("input", "wc -c")
	c.Stdin = make([]byte, 4<<20)
	s.Set(func() { s.Handler = cutInput(s, 1<<20) })
	_, err := h.Start(t.Context(), c)
	if !errors.Is(err, remote.ErrLost) {
		t.Fatalf("Start: %v, want ErrLost", err)
	}
	s.Set(func() { s.Handler = nil })
	out, err := h.Run(t.Context(), c)
	if err != nil || string(out.Stdout) != fmt.Sprintln(4<<20) {
		t.Errorf("Run: %q, %v", out.Stdout, err)
	}
}

// The start script is killed before the job has begun: it never ran, and nobody
// has to clear that away.
func TestJobNeverBegun(t *testing.T) {
	t.Parallel()
	for name, s := range shells(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := jobDir(s, "unborn")
			os.MkdirAll(dir, 0o700)
			h := s.Host()
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() {
					if _, err := h.Start(t.Context(), job("unborn", "echo here >>ran")); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			out, err := h.Run(t.Context(), job("unborn", "echo here >>ran"))
			if err != nil || out.Exit != 0 {
				t.Errorf("exit %d, %v", out.Exit, err)
			}
			if b, _ := os.ReadFile(filepath.Join(s.Dir, "ran")); string(b) != "here\n" {
				t.Errorf("ran %q, want once", b)
			}
			if left, _ := os.ReadDir(filepath.Dir(dir)); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestJobNames(t *testing.T) {
	t.Parallel()
	h := &remote.Host{Addr: "127.0.0.1:1", HostKey: "x"}
	for _, name := range []string{".", "..", ".x", "-x", "a/b", "a b", "a\nb", "ä", "a\x00", "$x", "a:b", strings.Repeat("x", 101)} {
		if _, err := h.Start(t.Context(), job(name, ":")); !errors.Is(err, remote.ErrInvalid) || !strings.Contains(err.Error(), "name") {
			t.Errorf("Start(%q): %v, want ErrInvalid", name, err)
		}
	}
}

func TestReadOnlyStartsNoJob(t *testing.T) {
	t.Parallel()
	s := remotetest.New(t)
	h := s.Host()
	h.ReadOnly = true
	if _, err := h.Run(t.Context(), job("no", ":")); !errors.Is(err, remote.ErrReadOnly) {
		t.Errorf("Run: %v, want ErrReadOnly", err)
	}
	if n := len(s.Commands()); n != 0 {
		t.Errorf("%d commands reached the host", n)
	}
}
