package main

import (
	"flag"
	"testing"

	"github.com/landingteam/landing/examples/internal/killtest"
)

var kills = flag.Int("kills", 1, "how often the program is killed at a random moment")

func TestMain(m *testing.M) { killtest.Main(m, main) }

// Republish is killed for real and started again until it is done: publishing
// again, and building anew. The image builder's job outlives it.
func TestKilledProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("starts real processes")
	}
	t.Parallel()
	for name, args := range map[string][]string{"publish": {"-yes"}, "build": {"-yes", "-full"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			killtest.Run(t, *kills, args...)
		})
	}
}
