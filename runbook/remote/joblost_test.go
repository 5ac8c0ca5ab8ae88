package remote_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/runbook/remote"
	"github.com/landingteam/landing/runbook/remote/remotetest"
)

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
			again, begun := c, c
			c.Keep, again.Keep, again.Attach = true, true, true
			begun.Keep, begun.Begun = true, true
			if _, err := h.Run(t.Context(), again); !errors.Is(err, command.ErrNoJob) {
				t.Errorf("nothing to attach to: %v, want ErrNoJob", err)
			}
			os.MkdirAll(jobDir(s, "kept"), 0o700) // claimed by a start that was killed
			if _, err := h.Run(t.Context(), again); !errors.Is(err, command.ErrNoJob) {
				t.Errorf("never begun: %v, want ErrNoJob", err)
			}
			for n, c := range []command.Command{begun, again, begun, c, begun} {
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
	pid := pidOf(t, jobDir(s, "kept/pid"))
	syscall.Kill(-pid, syscall.SIGKILL)
	for { // until nothing of it runs
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || bytes.Contains(stat, []byte(") Z ")) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	c.Attach = true
	for range 2 {
		var lost *command.LostJob
		if _, err := h.Run(t.Context(), c); !errors.As(err, &lost) || !lost.Before {
			t.Errorf("%v, want a LostJob from before", err)
		}
	}
}

// A program may have any name, also one that reads like the state of a process that is
// gone: it runs while it runs, also without the job's shell.
func TestJobOfAnOddName(t *testing.T) {
	t.Parallel()
	s := remotetest.New(t)
	h := s.Host()
	odd := filepath.Join(s.Dir, "a\n) Z 1 1\nb")
	if err := os.WriteFile(odd, []byte("#!/bin/sh\nwhile [ ! -e go ]; do sleep 0.02; done\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Start(t.Context(), command.Command{Argv: []string{odd}, Job: "odd"}); err != nil {
		t.Fatal(err)
	}
	child := pidOf(t, jobDir(s, "odd/child"))
	waitFor(t, "the program", func() bool {
		name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", child))
		return bytes.HasPrefix(name, []byte("a\n"))
	})
	state := func() command.JobState {
		list, err := h.Jobs(t.Context())
		if err != nil || len(list) != 1 {
			t.Fatalf("%v, %v; want one job", list, err)
		}
		return list[0].State
	}
	pid := pidOf(t, jobDir(s, "odd/pid"))
	syscall.Kill(pid, syscall.SIGKILL)
	waitFor(t, "the end of its shell", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || bytes.Contains(stat, []byte(") Z "))
	})
	if got := state(); got != command.JobRunning {
		t.Errorf("without its shell: %s, want running", got)
	}
	os.WriteFile(filepath.Join(s.Dir, "go"), nil, 0o600)
	waitFor(t, "its end", func() bool { return state() == command.JobLost })
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
