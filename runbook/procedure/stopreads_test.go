package procedure_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/runbook/runbooktest"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(q *http.Request) (*http.Response, error) { return f(q) }

// The tree accepts connections and answers nothing, and commands reach the host: all
// images are stopped after it was waited for once.
func TestBackOutOfASilentTree(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		answer int32 // requests that are answered before it falls silent
	}{{"from the beginning", 0}, {"after the listing", 4}, {"after an index", 9}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := released(t, 50)
			c := backout(l)
			sight := c.Server.Client
			var asked, waited atomic.Int32
			c.Server.Client = l.Client()
			c.Server.Client.HTTP = &http.Client{Transport: roundTripper(func(q *http.Request) (*http.Response, error) {
				if asked.Add(1) <= tt.answer {
					return http.DefaultTransport.RoundTrip(q)
				}
				waited.Add(1)
				<-q.Context().Done()
				return nil, q.Context().Err()
			})}
			c.Server.Client.Timeout, c.Server.Client.Pause = 300*time.Millisecond, time.Millisecond
			c.Patience = 50 * time.Millisecond
			var mu sync.Mutex
			var before []int32 // requests that were waited for until each image was stopped
			runner := c.Server.Runner
			c.Server.Runner = runnerFunc(func(ctx context.Context, cmd command.Command) (command.Output, error) {
				if slices.Contains(cmd.Argv, "landing-phase-many") { // a line for each image
					mu.Lock()
					for range strings.Lines(string(cmd.Stdin)) {
						before = append(before, waited.Load())
					}
					mu.Unlock()
				}
				return runner.Run(ctx, cmd)
			})
			x := &runbook.Runner{Name: "backout", Input: c.Input, Journal: &runbooktest.Memory{}, Human: runbooktest.ApproveEverything{}}
			if err := x.Execute(t.Context(), c.Run); err == nil || errors.Is(err, runbook.ErrPending) {
				t.Errorf("with a silent tree: %v, want an error", err)
			}
			nobodyGetsIt(t, l)
			if len(before) < len(c.Input.Faulty) {
				t.Fatalf("%d images were set", len(before))
			}
			for n, waits := range before[:len(c.Input.Faulty)] {
				if waits > 1 {
					t.Errorf("image %d was set after %d requests that were not answered, want at most 1", n+1, waits)
				}
			}
			c.Server.Client = sight
			if err := x.Execute(t.Context(), c.Run); err != nil {
				t.Errorf("when it answers again: %v", err)
			}
		})
	}
}
