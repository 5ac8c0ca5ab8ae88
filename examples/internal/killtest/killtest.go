// Package killtest kills a program for real, at random moments.
package killtest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/landingteam/landing/launchpad/launchpadtest"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// Run builds the program in the current folder and runs it on labs in folders,
// with a journal. Killed with SIGKILL at random moments, and started again with
// the same words until it is done, it must leave the world that an undisturbed
// run leaves; some starts after the first are killed, too. It goes on until the
// program was hit so many times. Time counts from
// the journal's first line: before that the program only makes its lab.
func Run(t *testing.T, kills int, args ...string) {
	t.Helper()
	exe := filepath.Join(t.TempDir(), "program")
	if out, err := exec.Command("go", "build", "-o", exe, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	p := program{exe, args}
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
	}
	t.Logf("killed %d times", killed)
}

type program struct {
	exe  string
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
	cmd := exec.Command(p.exe, append([]string{"-lab", filepath.Join(dir, "lab"), "-journal", journal}, p.args...)...)
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
	return text + launchpadWorld(t, filepath.Join(dir, "lab", "state", "launchpad", "world.json")) + builderWorld(t, filepath.Join(dir, "lab", "builder"))
}

// builderWorld is what the lab's image builder keeps: logs and counters by name, so
// that a build begun twice is noticed, and what each image was made of.
func builderWorld(t *testing.T, root string) string {
	t.Helper()
	if _, err := os.Stat(root); errors.Is(err, os.ErrNotExist) {
		return ""
	}
	var lines []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		line := strings.TrimPrefix(path, root)
		if strings.HasSuffix(path, ".tar.gz") {
			image, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			line += fmt.Sprintf(" %x", sha256.Sum256(image))
		}
		lines = append(lines, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return "-- image builder --\n" + strings.Join(lines, "\n") + "\n"
}

// launchpadWorld is what the lab's Launchpad holds: every archive and publication,
// and every copy that was asked for, so that one asked for twice is noticed. It is
// empty when the program did without.
func launchpadWorld(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return ""
	} else if err != nil {
		t.Fatal(err)
	}
	w, err := launchpadtest.ParseWorld(text)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for _, a := range w.Archives {
		add("archive %s", a.Ref)
	}
	for _, s := range w.Sources {
		add("source %s %s %s in %s", s.SourceName, s.SourceVersion, s.Status, s.Archive)
	}
	for _, b := range w.Binaries {
		add("binary %s %s %s %s in %s", b.Name, b.Version, b.Arch, b.Status, b.Archive)
	}
	for _, j := range w.Jobs {
		add("job %s %s from %s to %s %q", j.Name, j.Version, j.From, j.To, j.Error)
	}
	slices.Sort(lines)
	return "-- Launchpad --\n" + strings.Join(lines, "\n") + "\n"
}
