package killtest

import (
	"os"
	"testing"

	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// started is the name by which [Run] starts the program.
const started = "killed-program"

// Main is TestMain of a program that [Run] kills: the executable of the test is the
// program as well, and the programs of its lab, so that none has to be built.
func Main(m *testing.M, program func()) {
	switch {
	case os.Args[0] == started:
		program()
	case lab.Program():
	default:
		os.Exit(systemimagetest.InMemory(m.Run))
	}
}
