package operate

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/internal/serverlog"
)

// A held lock is waited for, and the wait ends at its deadline or with the context.
func TestCopyWaitsForTheLock(t *testing.T) {
	held := func(t *testing.T, times int) (*replay, *Server) {
		h := replayOf(t, "copy-ok", "copy-ok-tag-v3")
		s := h.server()
		s.LockWait, s.LockPoll = time.Minute, 10*time.Second
		s.Runner = runnerWith(h, func(c command.Command) (command.Output, bool) {
			if len(c.Argv) < 4 || filepath.Base(c.Argv[3]) != "copy-image" || slices.Contains(c.Argv, "--help") || times == 0 {
				return command.Output{}, false
			}
			times--
			return command.Output{Stdout: []byte(serverlog.LockText + "\n")}, true
		})
		return h, s
	}
	synctest.Test(t, func(t *testing.T) {
		_, s := held(t, 3)
		start := time.Now()
		got, err := s.Copy(t.Context(), copyRC)
		if err != nil || got.Version != 2 || time.Since(start) != 30*time.Second {
			t.Errorf("%+v, %v after %v", got, err, time.Since(start))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		h, s := held(t, -1)
		start := time.Now()
		_, err := s.Copy(t.Context(), copyRC)
		if !errors.Is(err, systemimage.ErrLocked) || !strings.Contains(err.Error(), "process 4711: /srv/si/bin/import-images") || len(h.runs) != 0 || time.Since(start) > time.Minute {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		_, s := held(t, -1)
		ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
		defer cancel()
		if _, err := s.Copy(ctx, copyRC); !errors.Is(err, systemimage.ErrLocked) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

// A lost connection proves nothing: the index does.
func TestCopyLostConnection(t *testing.T) {
	lost := errors.New("connection reset")
	for _, published := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			h := replayOf(t, "copy-ok", "copy-ok-tag-v3")
			s := h.server()
			s.Runner = command.Func(func(ctx context.Context, c command.Command) (command.Output, error) {
				if len(c.Argv) < 4 || filepath.Base(c.Argv[3]) != "copy-image" || slices.Contains(c.Argv, "--help") {
					return h.Run(ctx, c)
				}
				if published {
					h.w.apply(t, h.r)
				}
				return command.Output{}, lost
			})
			got, err := s.Copy(t.Context(), copyRC)
			switch {
			case published && (!errors.Is(err, systemimage.ErrPartial) || got.Version != 2):
				t.Errorf("published: %+v, %v", got, err)
			case !published && (!errors.Is(err, systemimage.ErrInDoubt) || !errors.Is(err, lost)):
				t.Errorf("not published: %v", err)
			}
			// A second start finds it done, or does it.
			s.Runner = h
			if got, err := s.Copy(t.Context(), copyRC); err != nil || got.Version != 2 {
				t.Errorf("again: %+v, %v", got, err)
			}
		})
	}
}

// A job that was lost is over, so that nothing is in doubt: one lost before is
// started anew, one lost meanwhile is a program that was killed.
func TestCopyLostJob(t *testing.T) {
	for _, before := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			h := replayOf(t, "copy-ok", "copy-ok-tag-v3")
			s := h.server()
			asked := 0
			s.Runner = command.Func(func(ctx context.Context, c command.Command) (command.Output, error) {
				if len(c.Argv) < 4 || filepath.Base(c.Argv[3]) != "copy-image" || slices.Contains(c.Argv, "--help") {
					return h.Run(ctx, c)
				}
				if asked++; asked == 1 {
					return command.Output{}, fmt.Errorf("host: %w", &command.LostJob{Name: c.Job, Reason: "the host was restarted", Before: before})
				}
				return h.Run(ctx, c)
			})
			r := copyRC
			r.Job = "copy-1"
			got, err := s.Copy(t.Context(), r)
			switch {
			case before && (err != nil || got.Version != 2 || asked != 2):
				t.Errorf("lost before: %+v, %v, asked %d times", got, err, asked)
			case !before && (!errors.Is(err, systemimage.ErrBroken) || errors.Is(err, systemimage.ErrInDoubt) || !strings.Contains(err.Error(), "killed")):
				t.Errorf("lost meanwhile: %+v, %v", got, err)
			}
			if got, err := s.Copy(t.Context(), r); err != nil || got.Version != 2 {
				t.Errorf("again: %+v, %v", got, err)
			}
		})
	}
}
