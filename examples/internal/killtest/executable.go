//go:build !race

package killtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// executable is the program: the executable of the test is the program as well. A copy
// beside the labs can be linked into each of them, where the original may be on another
// disk. It is made by another process: none that is started here meanwhile holds it open.
func executable(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	exe := filepath.Join(t.TempDir(), "program")
	if out, err := exec.Command("cp", self, exe).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v\n%s", err, out)
	}
	return exe
}
