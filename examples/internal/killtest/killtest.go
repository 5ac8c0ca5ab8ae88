// Package killtest kills a program for real, at random moments.
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

	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// Run builds the program in the current folder and runs it on labs in folders,
// with a journal. Killed with SIGKILL at random moments, and started again with
// the same words until it is done, it must leave the world that an undisturbed
// run leaves. It goes on until the program was hit so many times.
func Run(t *testing.T, kills int, args ...string) {
	t.Helper()
	exe := filepath.Join(t.TempDir(), "program")
	if out, err := exec.Command("go", "build", "-o", exe, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	p := program{exe, args}
	dir := t.TempDir()
	begin := time.Now()
	if out, _, err := p.start(t, dir, time.Hour); err != nil {
		t.Fatalf("undisturbed: %v\n%s", err, out)
	}
	took := time.Since(begin)
	want := world(t, dir)
	killed := 0
	for n := 0; killed < kills; n++ {
		if n == 10*kills {
			t.Fatalf("only %d of %d kills hit the program within %d runs", killed, kills, n)
		}
		dir := t.TempDir()
		after := rand.N(took)
		for start := 1; ; start++ {
			out, hit, err := p.start(t, dir, after)
			if hit {
				killed++
				after = time.Hour // let the next start come to its end
				continue
			}
			if err != nil {
				t.Fatalf("killed after %v, start %d: %v\n%s", after, start, err, out)
			}
			break
		}
		if got := world(t, dir); got != want {
			t.Errorf("the world differs\n-- undisturbed --\n%s\n-- killed after %v --\n%s", want, after, got)
		}
	}
	t.Logf("killed %d times", killed)
}

type program struct {
	exe  string
	args []string
}

// start starts the program and kills it after a while. hit is false when it was
// done before that.
func (p program) start(t *testing.T, dir string, after time.Duration) (output []byte, hit bool, err error) {
	t.Helper()
	cmd := exec.Command(p.exe, append([]string{"-lab", filepath.Join(dir, "lab"), "-journal", filepath.Join(dir, "journal")}, p.args...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	err = cmd.Wait()
	timer.Stop()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == -1 {
		return out.Bytes(), true, nil
	}
	return out.Bytes(), false, err
}

func world(t *testing.T, dir string) string {
	t.Helper()
	s, err := systemimagetest.Open(filepath.Join(dir, "lab"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "journal.lock")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the journal is still locked: %v", err)
	}
	return text
}
