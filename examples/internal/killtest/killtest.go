// Package killtest starts the program that a test is in for real, and kills it at random
// moments.
package killtest

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/landingteam/landing/runbook/lab"
)

// Run runs the program, which the tests are in, on labs in folders, with a journal. Its
// TestMain is [Main]. Killed with SIGKILL at random moments, and started again with
// the same words until it is done, it must leave the world that an undisturbed
// run leaves; some starts after the first are killed, too. It goes on until the
// program was hit so many times. Time counts from
// the journal's first line: before that the program only makes its lab.
func Run(t *testing.T, kills int, args ...string) {
	t.Helper()
	p := program{New(t), args}
	dir := t.TempDir()
	out, took, err := p.start(t, dir, never)
	if err != nil {
		t.Fatalf("undisturbed: %v\n%s", err, out)
	}
	want := world(t, dir)
	killed := 0
	for n := 0; killed < kills; n++ {
		if n == 10*kills {
			t.Fatalf("only %d of %d kills hit the program within %d runs", killed, kills, n)
		}
		dir := t.TempDir()
		after := []time.Duration{rand.N(took)}
		out, _, err := p.start(t, dir, after[0])
		for errors.Is(err, errKilled) {
			killed++
			again := never
			if len(after) < most {
				again = rand.N(took)
			}
			after = append(after, again)
			out, _, err = p.start(t, dir, again)
		}
		if err != nil {
			t.Fatalf("killed after %v: %v\n%s", after, err, out)
		}
		if got := world(t, dir); got != want {
			t.Errorf("the world differs\n-- undisturbed --\n%s\n-- killed after %v --\n%s", want, after, got)
		}
		os.RemoveAll(dir) // each has the programs in it, and may lie in memory
	}
	t.Logf("killed %d times", killed)
}

// A Program is the one that the tests are in.
type Program struct{ exe string }

// New is the program. Its TestMain is [Main].
func New(t *testing.T) Program {
	t.Helper()
	return Program{executable(t)}
}

// Command starts it with arguments.
func (p Program) Command(args ...string) *exec.Cmd {
	cmd := exec.Command(p.exe)
	cmd.Args = append([]string{started}, args...)
	return cmd
}

// program is one with arguments.
type program struct {
	Program
	args []string
}

// A run is killed so often at most, and then left to come to its end.
const (
	most  = 3
	never = time.Hour
)

var errKilled = errors.New("killed")

// start starts the program and kills it so long after its journal was begun. It
// says how long the program was at work.
func (p program) start(t *testing.T, dir string, after time.Duration) (output []byte, took time.Duration, err error) {
	t.Helper()
	journal := filepath.Join(dir, "journal")
	cmd := p.Command(append([]string{"-lab", filepath.Join(dir, "lab"), "-journal", journal}, p.args...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var begin time.Time
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err = <-ended:
			var exit *exec.ExitError
			if errors.As(err, &exit) && exit.ExitCode() == -1 {
				err = errKilled
			}
			return out.Bytes(), time.Since(begin), err
		case <-tick.C:
			if _, err := os.Stat(journal); err == nil && begin.IsZero() {
				begin = time.Now()
			}
			if !begin.IsZero() && time.Since(begin) >= after {
				_ = cmd.Process.Kill()
			}
		}
	}
}

func world(t *testing.T, dir string) string {
	t.Helper()
	text, err := lab.Snapshot(filepath.Join(dir, "lab"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "journal.lock")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the journal is still locked: %v", err)
	}
	return text
}
