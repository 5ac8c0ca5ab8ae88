package remote_test

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/runbook/remote"
	"github.com/landingteam/landing/runbook/remote/remotetest"
)

// A command that only looks is sent once more when the link is lost; an effect never is.
func TestReadsSurviveALostLink(t *testing.T) {
	t.Parallel()
	look := command.Look("landing-x", "echo seen")
	effect := command.Script("landing-x", "echo seen")
	for name, tt := range map[string]struct {
		command command.Command
		losses  int64
		sent    int64
		want    error
	}{
		"a look, lost once":      {look, 1, 2, nil},
		"a look, lost twice":     {look, 2, 2, remote.ErrLost},
		"a look, not lost":       {look, 0, 1, nil},
		"an effect, lost once":   {effect, 1, 1, remote.ErrLost},
		"an effect, never again": {effect, 2, 1, remote.ErrLost},
	} {
		for when, fault := range map[string]remotetest.Fault{"before it ran": {Before: true}, "before its status": {After: true}} {
			t.Run(name+", "+when, func(t *testing.T) {
				t.Parallel()
				s := remotetest.New(t)
				var sent atomic.Int64
				s.Set(func() {
					s.Fault = func(*remotetest.Request) remotetest.Fault {
						if sent.Add(1) <= tt.losses {
							return fault
						}
						return remotetest.Fault{}
					}
				})
				out, err := s.Host().Run(t.Context(), tt.command)
				if !errors.Is(err, tt.want) {
					t.Fatalf("Run: %v, want %v", err, tt.want)
				}
				if got := sent.Load(); got != tt.sent {
					t.Errorf("sent %d times, want %d", got, tt.sent)
				}
				if diff := cmp.Diff("seen\n", string(out.Stdout)); diff != "" && err == nil {
					t.Errorf("output (-want +got):\n%s", diff)
				}
			})
		}
	}
}
