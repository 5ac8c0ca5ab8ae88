package remote_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/runbook/remote"
	"github.com/landingteam/landing/runbook/remote/remotetest"
)

func TestKnownHostsFile(t *testing.T) {
	t.Parallel()
	// The server has three keys and would show the first; only the last is known.
	s := remotetest.New(t, func(s *remotetest.Server) {
		s.KeyTypes = []string{"ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"}
	})
	lines := strings.SplitAfter(s.KnownHosts(), "\n")
	for _, line := range lines[:3] {
		file := filepath.Join(t.TempDir(), "known_hosts")
		os.WriteFile(file, []byte(line), 0o600)
		h := s.Host()
		h.HostKey, h.KnownHosts = "", []string{"/none", file}
		if _, err := ping(t.Context(), h); err != nil {
			t.Errorf("with %s%v", line, err)
		}
	}
}

func TestAgent(t *testing.T) {
	t.Parallel()
	s := remotetest.New(t)
	socket, err := s.Agent()
	if err != nil {
		t.Fatal(err)
	}
	h := s.Host()
	h.KeyFile, h.Agent = "", socket
	if _, err := ping(t.Context(), h); err != nil {
		t.Error(err)
	}
	h = s.Host()
	h.KeyFile, h.Agent = "", filepath.Join(t.TempDir(), "none")
	if _, err := ping(t.Context(), h); !errors.Is(err, remote.ErrAuth) || !strings.Contains(err.Error(), "agent") {
		t.Errorf("agent that is gone: %v, want ErrAuth", err)
	}
	h = s.Host()
	h.Agent = filepath.Join(t.TempDir(), "none")
	if _, err := ping(t.Context(), h); err != nil {
		t.Errorf("an agent that is gone is not needed with a key file: %v", err)
	}
}

func TestJump(t *testing.T) {
	t.Parallel()
	bastion, inner := remotetest.New(t), remotetest.New(t)
	h := inner.Host()
	h.Jump = bastion.Host()
	if _, err := ping(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	bastion.Drop()
	waitFor(t, "the loss to be seen", func() bool { return inner.Connections() == 0 })
	if _, err := ping(t.Context(), h); err != nil {
		t.Errorf("after the loss of the jump host's link: %v", err)
	}
	bastion.ChangeHostKey()
	h.Close()
	h.Jump.Close()
	if _, err := ping(t.Context(), h); !errors.Is(err, remote.ErrHostChanged) || !strings.Contains(err.Error(), bastion.Addr()) {
		t.Errorf("changed key of the jump host: %v", err)
	}
	// The inner host's key is checked through the jump host too.
	h.Jump = bastion.Host()
	inner.ChangeHostKey()
	if _, err := ping(t.Context(), h); !errors.Is(err, remote.ErrHostChanged) || !strings.Contains(err.Error(), inner.Addr()) {
		t.Errorf("changed key of the host behind: %v", err)
	}
}

// Callers that come while one dials wait for it; when that one gives up, its
// end is not theirs.
func TestDialIsShared(t *testing.T) {
	t.Parallel()
	s := remotetest.New(t, func(s *remotetest.Server) { s.Delay = 200 * time.Millisecond })
	h := s.Host()
	first, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := ping(first, h); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the one that gave up: %v, want DeadlineExceeded", err)
		}
	})
	for range 5 {
		wg.Go(func() {
			if _, err := ping(t.Context(), h); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := s.Connections(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

func TestRedialAfterLoss(t *testing.T) {
	t.Parallel()
	s := remotetest.New(t)
	h := s.Host()
	for range 20 {
		if _, err := ping(t.Context(), h); err != nil && !errors.Is(err, remote.ErrLost) {
			t.Fatal(err)
		}
		s.Drop() // the next call may see the loss before or after it sends
	}
	waitFor(t, "the loss to be seen", func() bool { return s.Connections() == 0 })
	if _, err := ping(t.Context(), h); err != nil {
		t.Error(err)
	}
}

func TestTooManySessions(t *testing.T) {
	t.Parallel()
	s := remotetest.New(t, func(s *remotetest.Server) { s.MaxSessions = 1 })
	h := s.Host()
	h.Timeout = 2 * time.Second // also how long a session is asked for
	gate := filepath.Join(s.Dir, "go")
	done := make(chan error)
	go func() {
		_, err := h.Run(t.Context(), sh(`touch up; while [ ! -e go ]; do sleep 0.01; done`))
		done <- err
	}()
	waitFor(t, "the command", func() bool { return exists(filepath.Join(s.Dir, "up")) })
	if _, err := ping(t.Context(), h); !errors.Is(err, remote.ErrRefused) || !strings.Contains(err.Error(), "MaxSessions") {
		t.Errorf("a second session: %v, want ErrRefused", err)
	}
	time.AfterFunc(20*time.Millisecond, func() { os.WriteFile(gate, nil, 0o600) })
	if _, err := ping(t.Context(), h); err != nil {
		t.Errorf("a second session, later: %v", err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestLogTellsNoSecrets(t *testing.T) {
	t.Parallel()
	s := remotetest.New(t)
	h := s.Host()
	var log bytes.Buffer
	h.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	secret := []byte("s3cret-on-stdin")
	c := command.Command{Argv: []string{"cat"}, Stdin: secret}
	if _, err := h.Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	c.Job = "j"
	if _, err := h.Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(log.String(), "s3cret") {
		t.Errorf("the log tells the secret:\n%s", log.String())
	}
	for _, want := range []string{"connected", "15 bytes on standard input", "job started"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log has no %q:\n%s", want, log.String())
		}
	}
	for _, line := range s.Commands() {
		if strings.Contains(line, "s3cret") {
			t.Errorf("a command line tells the secret: %s", line)
		}
	}
}
