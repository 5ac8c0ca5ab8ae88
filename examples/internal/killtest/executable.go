//go:build !race

package killtest

import (
	"os"
	"testing"
)

// executable is the program: the executable of the test is the program as well.
func executable(t *testing.T) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return exe
}
