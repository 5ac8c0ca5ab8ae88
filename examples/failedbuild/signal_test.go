package main

import (
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/landingteam/landing/examples/internal/killtest"
)

// TestSignalWhileReading: a pipe to which nobody writes any more does not keep the
// program from ending at the first signal.
func TestSignalWhileReading(t *testing.T) {
	program := killtest.New(t)
	for _, flag := range []string{"-log", "-livefs"} {
		for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
			t.Run(flag+" "+sig.String(), func(t *testing.T) {
				cmd := program.Command(flag, "-")
				stdin, err := cmd.StdinPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				defer cmd.Process.Kill()
				// More than a pipe holds: when it is written, the program reads.
				if _, err := io.WriteString(stdin, strings.Repeat("a line of a log\n", 100_000)); err != nil {
					t.Fatal(err)
				}
				if err := cmd.Process.Signal(sig); err != nil {
					t.Fatal(err)
				}
				ended := make(chan error, 1)
				go func() { _, err := cmd.Process.Wait(); ended <- err }()
				select {
				case err := <-ended:
					if err != nil {
						t.Error(err)
					}
				case <-time.After(time.Minute):
					t.Error("it reads on")
				}
				stdin.Close()
			})
		}
	}
}
