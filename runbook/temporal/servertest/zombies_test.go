package servertest_test

import (
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook/temporal"
	"github.com/landingteam/landing/runbook/temporal/servertest"
)

var zombies = flag.Int("zombies", 3, "how many workers TestZombies lets sleep past their heartbeat")

// A worker that sleeps past its heartbeat and wakes beside its successor does nothing
// twice, and takes no hold from it.
func TestZombies(t *testing.T) {
	t.Parallel()
	s := shared(t)
	want := scenes["copyrc"].undisturbed(t, "copyrc")
	var costs times
	t.Run("asleep", func(t *testing.T) {
		for n := range *zombies {
			switch n % 3 {
			case 2:
				t.Run("copyrc", func(t *testing.T) { t.Parallel(); copyZombie(t, s, want, &costs) })
			default: // half the time in the middle of an effect
				t.Run("folder", func(t *testing.T) { t.Parallel(); folderZombie(t, s, &costs) })
			}
		}
	})
	t.Logf("%d workers slept; a sleep costs %v", costs.n(), costs.String())
}

// asleep stops the worker that is at a run, and wakes it when another has gone on for
// a while.
func asleep(t *testing.T, s *servertest.Server, id, dir, queue string, sleeper *os.Process, goesOn func() bool, costs *times) {
	t.Helper()
	if err := sleeper.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	process(t, s, queue, dir)
	eventually(t, "another goes on with "+id, func() bool {
		pid, over := atWork(t, s, id)
		return over || pid != 0 && pid != sleeper.Pid
	})
	costs.add(time.Since(began))
	eventually(t, "the other is in the middle of it", goesOn)
	if err := sleeper.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
}

func folderZombie(t *testing.T, s *servertest.Server, costs *times) {
	const steps = 12
	dir, queue, id := t.TempDir(), once("queue"), once("zombie")
	log := func() string { text, _ := os.ReadFile(filepath.Join(dir, "log")); return string(text) }
	a := process(t, s, queue, dir)
	h := start(t, s, queue, id, temporal.Run{Procedure: "folder", Heartbeat: beat, Input: input(t, folder{Steps: steps, Each: 300 * time.Millisecond})})
	eventually(t, "three steps are done", func() bool { return strings.Count(log(), "\n") >= 3 })
	time.Sleep(rand.N(300 * time.Millisecond))
	before := strings.Count(log(), "\n")
	asleep(t, s, id, dir, queue, a, func() bool { return strings.Count(log(), "\n") >= before+2 }, costs)
	if r, err := ends(t, s, h); err != nil || r.Ending != "done" {
		t.Errorf("%+v, %v", r, err)
	}
	time.Sleep(time.Second) // whatever the zombie was about to do
	seen := map[string]int{}
	for line := range strings.Lines(log()) {
		seen[strings.Fields(line)[0]]++
		if strings.Contains(line, "NOT-HELD") {
			t.Errorf("an effect without the hold: %s", line)
		}
	}
	for step, times := range seen {
		if times > 1 {
			t.Errorf("%s was done %d times:\n%s", step, times, log())
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "off")); err == nil || len(seen) != steps {
		t.Errorf("still held, or %d of %d steps", len(seen), steps)
	}
}

// copyZombie is one that copies images on the lab: a copy that is made twice is another
// version in the index.
func copyZombie(t *testing.T, s *servertest.Server, want string, costs *times) {
	sc := scenes["copyrc"]
	dir, queue, id := sc.home(t), once("queue"), once("zombie-copyrc")
	a := process(t, s, queue, dir)
	h := start(t, s, queue, id, sc.run(t, "copyrc", dir))
	eventually(t, "it is at work", func() bool { pid, _ := atWork(t, s, id); return pid == a.Pid })
	time.Sleep(500*time.Millisecond + rand.N(time.Second))
	asleep(t, s, id, dir, queue, a, func() bool { time.Sleep(rand.N(time.Second)); return true }, costs)
	if r, err := ends(t, s, h); err != nil || r.Ending != "done" {
		t.Errorf("%+v, %v", r, err)
	}
	done(t, s, id)
	time.Sleep(time.Second) // whatever the zombie was about to do
	if got := snapshot(t, dir); got != want {
		t.Errorf("the world (-undisturbed +zombie)\n%s", cmp.Diff(want, got))
	}
}
