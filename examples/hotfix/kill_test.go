package main

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/landingteam/landing/examples/internal/killtest"
	"github.com/landingteam/landing/runbook/procedure"
)

var kills = flag.Int("kills", 1, "how often the program is killed at a random moment")

func TestMain(m *testing.M) { killtest.Main(m, main) }

// Hotfix is killed for real and started again until it is done. It builds one
// root file system: the numbers that two get at once are a matter of chance.
func TestKilledProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("starts real processes")
	}
	t.Parallel()
	in := onLab()
	in.Builds = in.Builds[:1]
	in.Grace = 100 * time.Millisecond // no kill is wanted while nothing happens
	text, err := json.Marshal(struct {
		procedure.HotfixInput
		Grace string `json:"grace"` // as people write it
	}{in, in.Grace.String()})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "input.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	killtest.Run(t, *kills, "-yes", "-input", file, "-schedule", "30% 300ms ask, 100%")
}
