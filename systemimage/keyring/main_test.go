package keyring

import (
	"os"
	"runtime/debug"
	"testing"
)

func TestMain(m *testing.M) {
	debug.SetGCPercent(400) // each tarball is unpacked with a dictionary of its own
	os.Exit(m.Run())
}
