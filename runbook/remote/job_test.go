package remote_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
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

// A job that is lost is said to be so once, with what it had written. Then its
// name is free, and the command runs again: who asks again has looked.
func TestJobLost(t *testing.T) {
	t.Parallel()
	s := remotetest.New(t)
	h := s.Host()
	for _, tt := range []struct {
		name, want string
		before     bool // lost before it is asked for
		wreck      func(dir string, pid int)
	}{
		{"killed", "its process is gone", true, func(_ string, pid int) { syscall.Kill(-pid, syscall.SIGKILL) }},
		{"killed.while.watched", "its process is gone", false, func(_ string, pid int) { syscall.Kill(-pid, syscall.SIGKILL) }},
		{"restarted", "the host was restarted", true, func(dir string, _ int) { os.WriteFile(filepath.Join(dir, "boot"), []byte("before\n"), 0o600) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := job(tt.name, `echo run >>"$1"; [ -e "$1.again" ] && exit 3; echo half done >&2; exec sleep 1000`, tt.name)
			dir := jobDir(s, tt.name)
			j, err := h.Start(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			waitFor(t, "output", func() bool { b, _ := os.ReadFile(filepath.Join(dir, "stderr")); return len(b) > 0 })
			pid := pidOf(t, filepath.Join(dir, "pid"))
			defer syscall.Kill(-pid, syscall.SIGKILL)
			lost := func(out command.Output, err error) {
				t.Helper()
				var l *command.LostJob
				if !errors.As(err, &l) || !errors.Is(err, command.ErrJobLost) {
					t.Fatalf("%v, want a LostJob", err)
				}
				if d := cmp.Diff(command.LostJob{Name: tt.name, Reason: tt.want, Before: tt.before, Log: "half done"}, *l); d != "" {
					t.Errorf("(-want +got):\n%s", d)
				}
				if string(out.Stderr) != "half done\n" {
					t.Errorf("stderr %q", out.Stderr)
				}
			}
			if tt.before {
				tt.wreck(dir, pid)
				waitFor(t, "its end", func() bool {
					list, err := h.Jobs(t.Context())
					i := slices.IndexFunc(list, func(j command.Job) bool { return j.Name == tt.name })
					return err == nil && i >= 0 && list[i].State == command.JobLost && list[i].Reason == tt.want
				})
				lost(h.Run(t.Context(), c))
			} else {
				time.AfterFunc(50*time.Millisecond, func() { tt.wreck(dir, pid) })
				lost(j.Wait(t.Context()))
				if err := h.Reap(t.Context(), tt.name); err != nil {
					t.Error(err)
				}
			}
			if exists(dir) {
				t.Error("its folder is still there")
			}
			os.WriteFile(filepath.Join(s.Dir, tt.name+".again"), nil, 0o600)
			if out, err := h.Run(t.Context(), c); err != nil || out.Exit != 3 {
				t.Errorf("again: exit %d, %v; want 3", out.Exit, err)
			}
			if b, _ := os.ReadFile(filepath.Join(s.Dir, tt.name)); string(b) != "run\nrun\n" {
				t.Errorf("ran %q, want twice", b)
			}
			if err := h.Reap(t.Context(), tt.name); !errors.Is(err, remote.ErrNotExist) {
				t.Errorf("Reap of a fetched job: %v, want ErrNotExist", err)
			}
		})
	}
}

// The result of a kept job is there for who attaches to it, as often as wanted, and a
// start under its name begins anew. To attach starts nothing.
func TestJobKept(t *testing.T) {
	t.Parallel()
	for name, s := range shells(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := s.Host()
			c := job("kept", `echo run >>"$1"; cat "$1"; exit 3`, "runs")
			again := c
			c.Keep, again.Keep, again.Attach = true, true, true
			if _, err := h.Run(t.Context(), again); !errors.Is(err, command.ErrNoJob) {
				t.Errorf("nothing to attach to: %v, want ErrNoJob", err)
			}
			os.MkdirAll(jobDir(s, "kept"), 0o700) // claimed by a start that was killed
			if _, err := h.Run(t.Context(), again); !errors.Is(err, command.ErrNoJob) {
				t.Errorf("never begun: %v, want ErrNoJob", err)
			}
			for n, c := range []command.Command{c, again, again, c, again} {
				want := "run\n"
				if n > 2 {
					want += want
				}
				out, err := h.Run(t.Context(), c)
				if err != nil || out.Exit != 3 || string(out.Stdout) != want {
					t.Errorf("call %d: exit %d, %q, %v; want 3, %q", n, out.Exit, out.Stdout, err, want)
				}
			}
			if err := h.Reap(t.Context(), "kept"); err != nil {
				t.Error(err)
			}
			if left, _ := os.ReadDir(filepath.Dir(jobDir(s, "x"))); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// A kept job that was lost is so for everybody who attaches to it.
func TestJobKeptLost(t *testing.T) {
	t.Parallel()
	s := remotetest.New(t)
	h := s.Host()
	c := job("kept", "exec sleep 1000")
	c.Keep = true
	if _, err := h.Start(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	syscall.Kill(-pidOf(t, jobDir(s, "kept/pid")), syscall.SIGKILL)
	c.Attach = true
	for range 2 {
		var lost *command.LostJob
		if _, err := h.Run(t.Context(), c); !errors.As(err, &lost) || !lost.Before {
			t.Errorf("%v, want a LostJob from before", err)
		}
	}
}

// Several processes ask for a lost job, fetch it and start it again, all at once:
// each gets a result or is told why not, and no folder is left.
func TestJobLostForMany(t *testing.T) {
	t.Parallel()
	s := remotetest.New(t)
	c := job("many", `[ -e again ] && { sleep 0.1; exit 3; }; exec sleep 1000`)
	if _, err := s.Host().Start(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	pid := pidOf(t, jobDir(s, "many/pid"))
	waitFor(t, "the program", func() bool { return exists(jobDir(s, "many/child")) })
	os.WriteFile(filepath.Join(s.Dir, "again"), nil, 0o600)
	syscall.Kill(-pid, syscall.SIGKILL)
	var wg sync.WaitGroup
	for range 6 {
		h := s.Host()
		wg.Go(func() {
			for {
				out, err := h.Run(t.Context(), c)
				switch {
				case errors.Is(err, command.ErrJobLost), errors.Is(err, remote.ErrNotExist), errors.Is(err, remote.ErrJobDifferent):
					continue // somebody else was faster
				case err != nil || out.Exit != 3:
					t.Errorf("exit %d, %v; want 3", out.Exit, err)
				}
				return
			}
		})
	}
	wg.Wait()
	if left, _ := os.ReadDir(filepath.Dir(jobDir(s, "x"))); len(left) > 0 {
		t.Errorf("left behind: %v", left)
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

// What a killed run left is cleared away after a month; what runs, and what is
// asked for, is not.
func TestJobsLeftBehind(t *testing.T) {
	t.Parallel()
	s := remotetest.New(t)
	h := s.Host()
	for _, name := range []string{"old", "new", "asked"} {
		j, err := h.Start(t.Context(), job(name, "echo "+name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := j.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	running := job("running", "while [ ! -e go ]; do sleep 0.01; done; exit 3")
	if _, err := h.Start(t.Context(), running); err != nil {
		t.Fatal(err)
	}
	os.Mkdir(jobDir(s, ".new.X"), 0o700)
	ago := time.Now().AddDate(0, 0, -40)
	for _, name := range []string{"old", "asked", "running", ".new.X"} {
		if err := os.Chtimes(jobDir(s, name), ago, ago); err != nil {
			t.Fatal(err)
		}
	}
	out, err := h.Run(t.Context(), job("asked", "echo asked"))
	if err != nil || string(out.Stdout) != "asked\n" {
		t.Errorf("an old result that is asked for: %q, %v", out.Stdout, err)
	}
	var left []string
	entries, _ := os.ReadDir(filepath.Dir(jobDir(s, "x")))
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if d := cmp.Diff([]string{"new", "running"}, left); d != "" {
		t.Errorf("left (-want +got):\n%s", d)
	}
	os.WriteFile(filepath.Join(s.Dir, "go"), nil, 0o600)
	if out, err := h.Run(t.Context(), running); err != nil || out.Exit != 3 {
		t.Errorf("the one that ran: exit %d, %v; want 3", out.Exit, err)
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
