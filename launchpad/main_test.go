package launchpad_test

import (
	"os"
	"runtime/debug"
	"testing"
)

func TestMain(m *testing.M) {
	debug.SetGCPercent(400) // a sixth of the time went into collecting small archives
	os.Exit(m.Run())
}
