package treecheck_test

import (
	"os"
	"runtime/debug"
	"testing"

	"github.com/landingteam/landing/systemimage/systemimagetest"
)

func TestMain(m *testing.M) {
	debug.SetGCPercent(400) // worlds are small and many
	os.Exit(systemimagetest.InMemory(m.Run))
}
