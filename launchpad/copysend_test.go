package launchpad_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/launchpad/launchpadtest"
)

// TestInDoubt loses the answer to a request that took effect: it must be
// looked for and not sent again.
func TestInDoubt(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault *launchpadtest.Fault
		sent  int
	}{
		{"took effect", &launchpadtest.Fault{Op: "copyPackage", After: true, Drop: true, Times: 1}, 3},
		{"took effect, 502", &launchpadtest.Fault{Op: "copyPackage", After: true, Status: 502, Times: 1}, 3},
		{"took effect, a page in between", &launchpadtest.Fault{Op: "copyPackage", After: true, Status: 200, Body: loginPage, Header: map[string]string{"Content-Type": "text/html"}, Times: 1}, 3},
		{"had no effect, a page instead", &launchpadtest.Fault{Op: "copyPackage", Status: 200, Body: loginPage, Header: map[string]string{"Content-Type": "text/html"}, Times: 1}, 4},
		{"had no effect", &launchpadtest.Fault{Op: "copyPackage", Drop: true, Times: 1}, 4},
		{"throttled", &launchpadtest.Fault{Op: "copyPackage", Status: 429, Times: 1}, 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t)
			c := s.Client()
			plan := mustPlan(t, c, request)
			s.Faults = []*launchpadtest.Fault{tt.fault}
			if _, err := c.Copy(t.Context(), plan, launchpad.CopyOptions{}); err != nil {
				t.Error(err)
			}
			if n := s.Count("copyPackage"); n != tt.sent {
				t.Errorf("%d requests, want %d", n, tt.sent)
			}
		})
	}
}

// loginPage is what a network answers before one has logged in there.
const loginPage = "<!DOCTYPE html>\n<html><head><title>Log in to the network</title></head></html>\n"

// TestKilled stops a copy at every pause and starts it again: nothing may be
// asked for twice, with a ledger or by time alone.
func TestKilled(t *testing.T) {
	for kill := range 12 {
		for _, withLedger := range []bool{true, false} {
			t.Run(fmt.Sprintf("%d %v", kill, withLedger), func(t *testing.T) {
				s := newServer(t)
				c := s.Client()
				plan := mustPlan(t, c, request)
				var o launchpad.CopyOptions
				if withLedger {
					o.Ledger = filepath.Join(t.TempDir(), "ledger")
				}
				ctx, cancel := context.WithCancel(t.Context())
				n := 0
				if kill == 0 { // in the middle of sending
					c.Parallel = 1
					s.Faults = []*launchpadtest.Fault{{Op: "copyPackage", Skip: 1, Times: 1, After: true, Drop: true}}
				}
				c.Sleep = func(ctx context.Context, d time.Duration) error {
					if n++; n > kill {
						cancel()
						return ctx.Err()
					}
					return s.Sleep(ctx, d)
				}
				_, err := c.Copy(ctx, plan, o)
				if err == nil { // it was done before
					return
				}
				c = s.Client()
				o.Earlier = c.Now()
				if withLedger {
					o.Earlier = time.Time{}
				}
				probe, err := c.Probe(t.Context(), plan, o)
				if err != nil || probe.Complete && n == 1 {
					t.Errorf("probe: %+v, %v", probe, err)
				}
				report, err := c.Copy(t.Context(), plan, o)
				if err != nil || !report.Complete {
					t.Errorf("after restart: %v", err)
				}
				if got := s.Count("copyPackage"); got != 3 {
					t.Errorf("%d requests to copy, want 3", got)
				}
				if r, err := c.Probe(t.Context(), plan, o); err != nil || !r.Complete {
					t.Errorf("probe at the end: %v", err)
				}
			})
		}
	}
}

// A ledger says which fix is on its way to whom: it is the owner's alone.
func TestLedgerIsPrivate(t *testing.T) {
	c := newServer(t).Client()
	dir := t.TempDir()
	plan := mustPlan(t, c, request)
	old := filepath.Join(dir, "old")
	if err := os.WriteFile(old, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{old, filepath.Join(dir, "new")} {
		if _, err := c.Copy(t.Context(), plan, launchpad.CopyOptions{Ledger: path}); err != nil {
			t.Fatal(err)
		}
		if fi, err := os.Stat(path); err != nil || fi.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v, want 0600", path, fi.Mode(), err)
		}
	}
}

func TestProbe(t *testing.T) {
	s := newServer(t)
	c := s.Client()
	plan := mustPlan(t, c, request)
	if r, err := c.Probe(t.Context(), plan, launchpad.CopyOptions{}); err != nil || r.Complete || r.Count(launchpad.CopyNotRequested) != 3 {
		t.Errorf("before: %v, %v", outcomes(r), err)
	}
	o := launchpad.CopyOptions{Ledger: filepath.Join(t.TempDir(), "ledger")}
	ctx, cancel := context.WithCancel(t.Context())
	c.Sleep = func(context.Context, time.Duration) error { cancel(); return context.Canceled }
	if _, err := c.Copy(ctx, plan, o); !errors.Is(err, context.Canceled) || s.Count("copyPackage") != 3 {
		t.Fatalf("started: %v after %d requests", err, s.Count("copyPackage"))
	}
	c = s.Client()
	c.ReadOnly = true // probing writes nothing
	if r, err := c.Probe(t.Context(), plan, o); err != nil || r.Complete || r.Count(launchpad.CopyRequested) != 3 {
		t.Errorf("started: %v, %v", outcomes(r), err)
	}
	s.Advance(time.Hour)
	if r, err := c.Probe(t.Context(), plan, o); err != nil || !r.Complete {
		t.Errorf("an hour later: %v, %v", outcomes(r), err)
	}
	if _, err := c.Copy(t.Context(), mustPlan(t, c, request), launchpad.CopyOptions{}); err != nil {
		t.Errorf("copying what is there with a client that only reads: %v", err)
	}
	s.Do(func(w *launchpadtest.World) { w.Publish(overlay, "vivid", pkg("new", "1")) })
	if _, err := c.Copy(t.Context(), mustPlan(t, c, request), launchpad.CopyOptions{}); !errors.Is(err, launchpad.ErrReadOnly) {
		t.Errorf("copying with a client that only reads: %v", err)
	}
}
