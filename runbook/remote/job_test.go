package remote_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/runbook/remote"
	"github.com/landingteam/landing/runbook/remote/remotetest"
)

// job is a command for a shell over there, as a job.
func job(name, script string, args ...string) command.Command {
	c := sh(script, args...)
	c.Job = name
	return c
}

func jobDir(s *remotetest.Server, name string) string {
	return filepath.Join(s.Dir, ".landing", "jobs", name)
}

// waitFor waits for something that happens outside of our process.
func waitFor(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// pidOf reads the number at the beginning of a file of a job.
func pidOf(t *testing.T, file string) int {
	t.Helper()
	var pid int
	waitFor(t, file, func() bool {
		b, _ := os.ReadFile(file)
		n, _ := fmt.Sscan(string(b), &pid)
		return n == 1
	})
	return pid
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// shells returns servers whose sh is each of the shells of this machine, with
// and without setsid.
func shells(t *testing.T) map[string]*remotetest.Server {
	servers := map[string]*remotetest.Server{}
	tools := []string{"cat", "mkdir", "mv", "rm", "rmdir", "wc", "tail", "date", "sleep", "head", "cmp", "cp", "ln", "dd", "readlink", "ls", "sync", "id", "touch", "chmod", "dirname", "basename", "printf", "kill", "find"}
	for _, shell := range []string{"dash", "bash", "busybox", "mksh"} {
		path, err := exec.LookPath(shell)
		if err != nil {
			continue
		}
		for _, setsid := range []bool{true, false} {
			bin := t.TempDir()
			os.Symlink(path, filepath.Join(bin, "sh"))
			for _, tool := range tools {
				from, err := exec.LookPath(tool)
				if shell == "busybox" {
					from = path
				}
				if err == nil {
					os.Symlink(from, filepath.Join(bin, tool))
				}
			}
			name := shell + " without setsid"
			if setsid {
				name = shell
				from, err := exec.LookPath("setsid")
				if err != nil {
					t.Fatal(err)
				}
				os.Symlink(from, filepath.Join(bin, "setsid"))
			}
			servers[name] = remotetest.New(t, func(s *remotetest.Server) { s.Env = []string{"PATH=" + bin} })
		}
	}
	if len(servers) == 0 {
		t.Fatal("no shell found")
	}
	return servers
}

func TestJobInEveryShell(t *testing.T) {
	t.Parallel()
	for name, s := range shells(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := s.Host()
			c := job("story-1", `cat; printf '[%s]' "$@"; umask; pwd; echo err >&2; exit 7`, "a b", "", "'x\n", "\xff")
			c.Stdin = []byte("in\x00put\n")
			want, err := h.Run(t.Context(), command.Command{Argv: c.Argv, Stdin: c.Stdin})
			if err != nil {
				t.Fatal(err)
			}
			got, err := h.Run(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("as a job and as a plain command (-plain +job):\n%s", diff)
			}
			if exists(jobDir(s, "story-1")) {
				t.Error("the folder of the fetched job is still there")
			}

			out, err := h.Run(t.Context(), job("none", "exec no-such-program-at-all"))
			if err != nil || out.Exit != 127 {
				t.Errorf("a program that is missing: exit %d, %v; want 127", out.Exit, err)
			}

			// A signal reaches the program, and what it did on the way is on record.
			j, err := h.Start(t.Context(), job("stopped", "trap 'echo bye; exit 5' TERM; echo hi; while :; do sleep 0.01; done"))
			if err != nil {
				t.Fatal(err)
			}
			waitFor(t, "the program", func() bool { b, _ := os.ReadFile(jobDir(s, "stopped/stdout")); return string(b) == "hi\n" })
			if err := h.Reap(t.Context(), "stopped"); !errors.Is(err, remote.ErrJobRunning) {
				t.Errorf("Reap of a running job: %v, want ErrJobRunning", err)
			}
			syscall.Kill(pidOf(t, jobDir(s, "stopped/child")), syscall.SIGTERM)
			got, err = j.Wait(t.Context())
			got.Stderr = nil // shells may remark on their sleep's end
			if diff := cmp.Diff(command.Output{Stdout: []byte("hi\nbye\n"), Exit: 5}, got); diff != "" || err != nil {
				t.Errorf("stopped: %v (-want +got):\n%s", err, diff)
			}

			// A job whose program is killed has failed; one whose shell is killed too is lost.
			j, err = h.Start(t.Context(), job("killed", "trap : TERM; while :; do sleep 0.01; done"))
			if err != nil {
				t.Fatal(err)
			}
			waitFor(t, "the program", func() bool { return exists(jobDir(s, "killed/child")) })
			syscall.Kill(pidOf(t, jobDir(s, "killed/child")), syscall.SIGKILL)
			if got, err = j.Wait(t.Context()); err != nil || got.Exit != 137 {
				t.Errorf("killed: exit %d, %v; want 137", got.Exit, err)
			}
			list, err := h.Jobs(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for i := range list {
				if time.Since(list[i].Started) > time.Hour {
					t.Errorf("job %s started %v", list[i].Name, list[i].Started)
				}
				list[i].Started = time.Time{}
			}
			if diff := cmp.Diff([]command.Job{
				{Name: "killed", Command: "sh -c 'trap : TERM; while :; do sleep 0.01; done' sh", State: command.JobFinished, Exit: 137},
				{Name: "stopped", Command: `sh -c 'trap '\''echo bye; exit 5'\'' TERM; echo hi; while :; do sleep 0.01; done' sh`, State: command.JobFinished, Exit: 5},
			}, list); diff != "" {
				t.Errorf("Jobs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestJobSurvivesLinkLoss(t *testing.T) {
	t.Parallel()
	s := remotetest.New(t)
	h := s.Host()
	c := job("long", "for i in 1 2 3 4 5 6; do echo line $i; echo err $i >&2; sleep 0.1; done; exit 2")
	j, err := h.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { // cut at every sight of news
		defer close(ended)
		for n, size := 0, int64(-1); n < 6; time.Sleep(5 * time.Millisecond) {
			if i, err := os.Stat(jobDir(s, "long/stdout")); err == nil && i.Size() > size {
				size = i.Size()
				n++
				s.Drop()
			} else if exists(jobDir(s, "long/exit")) {
				return
			}
		}
	}()
	out, err := j.Wait(t.Context())
	<-ended
	if err != nil {
		t.Fatal(err)
	}
	want := command.Output{Stdout: []byte("line 1\nline 2\nline 3\nline 4\nline 5\nline 6\n"), Stderr: []byte("err 1\nerr 2\nerr 3\nerr 4\nerr 5\nerr 6\n"), Exit: 2}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Every script is cut once before it ran and once after; the job runs once.
func TestJobWithEveryCommandCut(t *testing.T) {
	t.Parallel()
	s := remotetest.New(t)
	h := s.Host()
	var count atomic.Int32
	s.Set(func() {
		s.Fault = func(*remotetest.Request) remotetest.Fault {
			n := count.Add(1)
			return remotetest.Fault{Before: n%3 == 1, After: n%3 == 2}
		}
	})
	out, err := h.Run(t.Context(), job("cut", "echo x >>ran; cat ran; exit 1"))
	if diff := cmp.Diff(command.Output{Stdout: []byte("x\n"), Exit: 1}, out); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if n := count.Load(); n < 9 {
		t.Errorf("%d commands, want at least 3 for each of start, watch and reap", n)
	}
}

func TestJobOutlivesItsWatcher(t *testing.T) {
	t.Parallel()
	s := remotetest.New(t)
	c := job("patient", "while [ ! -e go ]; do sleep 0.01; done; echo gone")
	h := s.Host()
	ctx, cancel := context.WithCancel(t.Context())
	j, err := h.Start(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := j.Wait(ctx); !errors.Is(err, context.Canceled) || errors.Is(err, remote.ErrLost) {
		t.Errorf("Wait: %v, want context.Canceled", err)
	}
	h.Close()
	os.WriteFile(filepath.Join(s.Dir, "go"), nil, 0o600)
	j, err = s.Host().Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	out, err := j.Wait(t.Context())
	if string(out.Stdout) != "gone\n" || err != nil {
		t.Errorf("Wait: %q, %v", out.Stdout, err)
	}
	// Somebody else fetches it, and starts another one under the name.
	h2 := s.Host()
	if _, err := h2.Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Wait(t.Context()); !errors.Is(err, remote.ErrNotExist) {
		t.Errorf("Wait for a job that somebody else fetched: %v, want ErrNotExist", err)
	}
	if _, err := h2.Start(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Wait(t.Context()); !errors.Is(err, remote.ErrJobDifferent) {
		t.Errorf("Wait: %v, want ErrJobDifferent", err)
	}
	if _, err := h2.Run(t.Context(), c); err != nil {
		t.Error(err)
	}
}

func TestJobReconnectIsBounded(t *testing.T) {
	t.Parallel()
	s := remotetest.New(t)
	h := s.Host()
	h.Reconnect = 200 * time.Millisecond
	j, err := h.Start(t.Context(), job("away", "sleep 0.1"))
	if err != nil {
		t.Fatal(err)
	}
	s.Set(func() { s.Refuse = true })
	s.Drop()
	if _, err := j.Wait(t.Context()); !errors.Is(err, remote.ErrLost) || !strings.Contains(err.Error(), "within 200ms") {
		t.Errorf("Wait: %v, want ErrLost", err)
	}
}
