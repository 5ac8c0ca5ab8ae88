package main

import (
	"flag"
	"testing"

	"github.com/landingteam/landing/examples/internal/killtest"
)

var kills = flag.Int("kills", 2, "how often the program is killed at a random moment")

func TestMain(m *testing.M) { killtest.Main(m, main) }

// Snapshot is killed for real and started again until it is done.
func TestKilledProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("starts real processes")
	}
	t.Parallel()
	killtest.Run(t, *kills, "-yes")
}
