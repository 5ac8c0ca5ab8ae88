package remote_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/runbook/remote"
	"github.com/landingteam/landing/runbook/remote/remotetest"
)

// Whoever lost the right to act sends nothing: neither a command nor the start of a
// job. It is asked after the wait for the link, with the context of the call.
func TestNothingIsSentByWhoMayNotAct(t *testing.T) {
	t.Parallel()
	type key struct{}
	lost := errors.New("another process has the run")
	for name, c := range map[string]command.Command{
		"command": {Argv: []string{"touch", "did"}},
		"job":     {Argv: []string{"touch", "did"}, Job: "touch"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := remotetest.New(t)
			h := s.Host()
			var asked atomic.Int32
			h.Current = func(ctx context.Context) error {
				if ctx.Value(key{}) != "step" {
					t.Error("asked with another context")
				}
				asked.Add(1)
				return lost
			}
			ctx := context.WithValue(t.Context(), key{}, "step")
			if _, err := h.Run(ctx, c); !errors.Is(err, lost) || errors.Is(err, remote.ErrLost) {
				t.Errorf("Run: %v, want the refusal and nothing in doubt", err)
			}
			if asked.Load() == 0 {
				t.Error("nobody was asked")
			}
			if _, err := os.Stat(filepath.Join(s.Dir, "did")); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("it was sent: %v", err)
			}
			h.Current = func(context.Context) error { return nil }
			if _, err := h.Run(ctx, c); err != nil { // the session of the refusal is free again
				t.Error(err)
			}
		})
	}
}
