//go:build race

package killtest

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// executable builds the program in the current folder: under the race detector the
// executable of the test takes three times as long, and a kill is about one process.
func executable(t *testing.T) string {
	t.Helper()
	exe := filepath.Join(t.TempDir(), "program")
	if out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", exe, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return exe
}
