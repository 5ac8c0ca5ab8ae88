package remote_test

import (
	"context"
	"testing"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/runbook/remote/remotetest"
)

// BenchmarkRun compares commands over one connection with the baseline of a
// fresh connection for each, as scripts around the ssh program do it. The server
// answers by itself, so that what is measured is the way there. The number of
// the comparison: go test -bench Run -benchtime 1000x
func BenchmarkRun(b *testing.B) {
	s := remotetest.New(b, func(s *remotetest.Server) {
		s.Handler = func(context.Context, *remotetest.Request) int { return 0 }
	})
	c := command.Command{Argv: []string{"true"}}
	b.Run("OneConnection", func(b *testing.B) {
		h := s.Host()
		for b.Loop() {
			if _, err := h.Run(b.Context(), c); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("FreshConnections", func(b *testing.B) {
		h := s.Host()
		for b.Loop() {
			if _, err := h.Run(b.Context(), c); err != nil {
				b.Fatal(err)
			}
			h.Close()
		}
	})
}
