package remote_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/runbook/remote"
	"github.com/landingteam/landing/runbook/remote/remotetest"
)

// sh is a command for a shell over there.
func sh(script string, args ...string) command.Command {
	return command.Command{Argv: append([]string{"sh", "-c", script, "sh"}, args...)}
}

func TestRun(t *testing.T) {
	t.Parallel()
	h := remotetest.New(t).Host()
	tests := []struct {
		name string
		c    command.Command
		want command.Output
	}{
		{"output", sh("echo out; echo err >&2"), command.Output{Stdout: []byte("out\n"), Stderr: []byte("err\n")}},
		{"status", sh("exit 3"), command.Output{Exit: 3}},
		{"signal", sh("kill -TERM $$"), command.Output{Exit: 143}},
		{"stdin", command.Command{Argv: []string{"cat"}, Stdin: []byte("a\x00b")}, command.Output{Stdout: []byte("a\x00b")}},
		{"stdin not read", command.Command{Argv: []string{"true"}, Stdin: bytes.Repeat([]byte("x"), 8<<20)}, command.Output{}},
		{"words", command.Command{Argv: []string{"printf", `[%s]`, "", "a b", "'", `"$HOME"`, "x\ny", "\xff", "-n"}},
			command.Output{Stdout: []byte("[][a b]['][\"$HOME\"][x\ny][\xff][-n]")}},
		{"no such program", command.Command{Argv: []string{"/no/such/program"}},
			command.Output{Exit: 127}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := h.Run(t.Context(), tt.c)
			if err != nil {
				t.Fatal(err)
			}
			if tt.want.Exit > 100 { // what the shell says of it is its own
				got.Stderr = tt.want.Stderr
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Run(%v) (-want +got):\n%s", tt.c, diff)
			}
		})
	}
}

func TestRunBoundsOutput(t *testing.T) {
	t.Parallel()
	h := remotetest.New(t).Host()
	h.MaxOutput = 1000
	out, err := h.Run(t.Context(), sh("head -c 3000000 /dev/zero; head -c 1000 /dev/zero >&2; exit 4"))
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Stdout) != 1000 || len(out.Stderr) != 1000 || !out.Truncated || out.Exit != 4 {
		t.Errorf("got %d and %d bytes, truncated %v, exit %d; want 1000, 1000, true, 4", len(out.Stdout), len(out.Stderr), out.Truncated, out.Exit)
	}
}

func TestRunSharesOneConnection(t *testing.T) {
	t.Parallel()
	s := remotetest.New(t)
	h := s.Host()
	var wg sync.WaitGroup
	for range 40 { // far more than MaxSessions of the server
		wg.Go(func() {
			if _, err := h.Run(t.Context(), sh("sleep 0.05")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := s.Connections(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

func TestRunLost(t *testing.T) {
	t.Parallel()
	s := remotetest.New(t)
	h := s.Host()
	tests := []struct {
		name  string
		fault remotetest.Fault
		want  error
	}{
		{"before it ran", remotetest.Fault{Before: true}, remote.ErrLost},
		{"before its status", remotetest.Fault{After: true}, remote.ErrLost},
		{"refused", remotetest.Fault{Refuse: true}, remote.ErrRefused},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s.Set(func() { s.Fault = func(r *remotetest.Request) remotetest.Fault { return tt.fault } })
			_, err := h.Run(t.Context(), sh("echo hello"))
			if !errors.Is(err, tt.want) {
				t.Errorf("Run: %v, want %v", err, tt.want)
			}
			s.Set(func() { s.Fault = nil })
			if _, err := h.Run(t.Context(), sh("exit 0")); err != nil {
				t.Errorf("the next command: %v", err)
			}
		})
	}
}

func TestRunCancelled(t *testing.T) {
	t.Parallel()
	s := remotetest.New(t)
	h := s.Host()
	if _, err := h.Run(t.Context(), sh(":")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s.Set(func() {
		s.Fault = func(*remotetest.Request) remotetest.Fault { cancel(); return remotetest.Fault{} }
	})
	_, err := h.Run(ctx, sh("sleep 100"))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v, want context.Canceled", err)
	}
	s.Set(func() { s.Fault = nil })
	if _, err := h.Run(t.Context(), sh(":")); err != nil {
		t.Errorf("the next command: %v", err)
	}
	if _, err := h.Run(ctx, sh(":")); !errors.Is(err, context.Canceled) || errors.Is(err, remote.ErrLost) {
		t.Errorf("Run with an ended context: %v, want context.Canceled and no ErrLost", err)
	}
}

func TestDialFailures(t *testing.T) {
	t.Parallel()
	s := remotetest.New(t, func(s *remotetest.Server) { s.User = "landing" })
	tests := []struct {
		name  string
		setup func(h *remote.Host)
		want  error
		text  string
	}{
		{"changed key", func(h *remote.Host) { s.ChangeHostKey() }, remote.ErrHostChanged, "SHA256:"},
		{"unknown host", func(h *remote.Host) { h.HostKey, h.KnownHosts = "", []string{"/dev/null"} }, remote.ErrHostUnknown, "add to /dev/null: [127.0.0.1]:"},
		{"wrong user", func(h *remote.Host) { h.User = "nobody" }, remote.ErrAuth, "for user nobody"},
		{"no key", func(h *remote.Host) { h.KeyFile = "" }, remote.ErrAuth, "set Host.KeyFile"},
		{"key file missing", func(h *remote.Host) { h.KeyFile = "/no/such" }, remote.ErrAuth, "/no/such"},
		{"refused address", func(h *remote.Host) { h.Addr = "127.0.0.1:1" }, remote.ErrUnreachable, "refused"},
		{"hung up", func(h *remote.Host) { s.Set(func() { s.Refuse = true }) }, remote.ErrUnreachable, "check that the host is up"},
		{"slow", func(h *remote.Host) { s.Set(func() { s.Delay = time.Minute }); h.Timeout = 50 * time.Millisecond }, remote.ErrUnreachable, "within 50ms"},
		{"no address", func(h *remote.Host) { h.Addr = "" }, remote.ErrInvalid, "Host.Addr is empty"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := s.Host()
			tt.setup(h)
			_, err := h.Run(t.Context(), sh(":"))
			s.Set(func() { s.Refuse, s.Delay = false, 0 })
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("Run: %v\nwant %v with %q", err, tt.want, tt.text)
			}
		})
	}
}

func TestGreetingsOfTheShell(t *testing.T) {
	t.Parallel()
	s := remotetest.New(t)
	s.Set(func() {
		s.Handler = func(ctx context.Context, r *remotetest.Request) int {
			fmt.Fprint(r.Stdout, "Welcome!\nlanding-answerer")
			fmt.Fprint(r.Stderr, "setlocale: cannot change locale")
			return remotetest.Shell(ctx, r)
		}
	})
	h := s.Host()
	os.WriteFile(filepath.Join(s.Dir, "f"), []byte("text"), 0o600)
	if b, err := (command.File{Runner: h, Path: "f"}).Read(t.Context()); string(b) != "text" || err != nil {
		t.Errorf("Read: %q, %v", b, err)
	}
	out, err := h.Run(t.Context(), job("j", "echo out; echo err >&2"))
	if diff := cmp.Diff(command.Output{Stdout: []byte("out\n"), Stderr: []byte("err\n")}, out); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// ping runs a command that does nothing.
func ping(ctx context.Context, h *remote.Host) (command.Output, error) {
	return h.Run(ctx, command.Command{Argv: []string{"true"}})
}

func TestMain(m *testing.M) {
	syscall.Umask(0o022) // files made by the tests have the modes they expect
	// These tests wait most of their time, for jobs and for links that are cut: many do
	// so side by side. A -parallel of the command line still counts.
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
