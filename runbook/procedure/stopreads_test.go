package procedure_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
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
		t.Run(tt.name, virtual(func(t *testing.T) {
			l := released(t, 50)
			c := backout(l)
			sight := c.Server.Client
			var asked, waited atomic.Int32
			c.Server.Client = l.Client()
			tree := c.Server.Client.HTTP.Transport
			c.Server.Client.HTTP = &http.Client{Transport: roundTripper(func(q *http.Request) (*http.Response, error) {
				if asked.Add(1) <= tt.answer {
					return tree.RoundTrip(q)
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
		}))
	}
}

// A percentage that a rollout sets between the look at the host and the one at the tree
// does not make them two servers: the stop goes on.
func TestBackOutWhileAPercentageIsPublished(t *testing.T) {
	t.Parallel()
	l := released(t, 50)
	l.Images.Now = func() time.Time { return time.Now().Add(time.Minute) }
	c := backout(l)
	c.Stop = rollout(t, l, newClock(time.Minute), "linear 5h every 10m").Stop
	first := c.Input.Faulty[0]
	var once sync.Once
	published := make(chan struct{})
	runner := c.Server.Runner
	c.Server.Runner = runnerFunc(func(ctx context.Context, cmd command.Command) (command.Output, error) {
		out, err := runner.Run(ctx, cmd)
		if slices.Contains(cmd.Argv, "landing-index") {
			once.Do(func() {
				set := []string{"set-phased-percentage", "-vvv", first.Channel, first.Device, strconv.Itoa(first.Version), "60"}
				if o, err := l.Images.Run(ctx, command.Command{Argv: set}); err != nil || o.Exit != 0 {
					t.Errorf("a percentage: %v %s", err, o.Stderr)
				}
				close(published)
			})
		}
		return out, err
	})
	tree := c.Server.Client.HTTP.Transport
	c.Server.Client.HTTP = &http.Client{Transport: roundTripper(func(q *http.Request) (*http.Response, error) {
		if strings.HasSuffix(q.URL.Path, first.Device+"/index.json") {
			<-published
		}
		return tree.RoundTrip(q)
	})}
	x := &runbook.Runner{Name: "backout", Input: c.Input, Journal: &runbooktest.Memory{}, Human: runbooktest.ApproveEverything{}}
	if err := x.Execute(t.Context(), c.Run); err != nil {
		t.Error(err)
	}
	nobodyGetsIt(t, l)
}
