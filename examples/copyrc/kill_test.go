package main

import (
	"bytes"
	"errors"
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/systemimage/systemimagetest"
)

var kills = flag.Int("kills", 4, "how often the program is killed at a random moment")

// The program itself, killed with SIGKILL at random moments and started again
// with the same words until it is done, leaves the world that an undisturbed
// run leaves.
func TestKilledProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("starts real processes")
	}
	t.Parallel()
	exe := filepath.Join(t.TempDir(), "copyrc")
	if out, err := exec.Command("go", "build", "-o", exe, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	dir := t.TempDir()
	begin := time.Now()
	if out, err := command(exe, dir).CombinedOutput(); err != nil {
		t.Fatalf("undisturbed: %v\n%s", err, out)
	}
	took := time.Since(begin)
	want := world(t, dir)
	killed := 0
	for n := 0; killed < *kills; n++ {
		if n == 10**kills {
			t.Fatalf("only %d of %d kills hit the program within %d runs", killed, *kills, n)
		}
		dir := t.TempDir()
		after := rand.N(took)
		for start := 0; ; start++ {
			if start == 100 {
				t.Fatalf("killed after %v: not done after %d starts", after, start)
			}
			out, hit, err := startAndKill(t, exe, dir, after)
			if hit {
				killed++
				after = took * 20 // let the next start come to its end
				continue
			}
			if err != nil {
				t.Fatalf("start %d: %v\n%s", start+1, err, out)
			}
			break
		}
		if d := cmp.Diff(want, world(t, dir)); d != "" {
			t.Errorf("the world differs (-undisturbed +killed)\n%s", d)
		}
	}
	t.Logf("killed %d times", killed)
}

func command(exe, dir string) *exec.Cmd {
	return exec.Command(exe, "-lab", filepath.Join(dir, "lab"), "-journal", filepath.Join(dir, "journal"))
}

// startAndKill starts the program and kills it after a while. hit is false when
// it was done before that.
func startAndKill(t *testing.T, exe, dir string, after time.Duration) (output []byte, hit bool, err error) {
	t.Helper()
	cmd := command(exe, dir)
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
