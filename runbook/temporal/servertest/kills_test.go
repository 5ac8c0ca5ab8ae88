package servertest_test

import (
	"flag"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/api/enums/v1"

	"github.com/landingteam/landing/runbook/temporal"
	"github.com/landingteam/landing/runbook/temporal/servertest"
)

var kills = flag.Int("kills", 8, "how many workers TestKilledWorkers kills at work, over all its procedures")

// killed are the procedures whose workers are killed.
var killed = []string{"copyrc", "release", "backout", "hotfix"}

// Workers are killed with SIGKILL while they are at work, and the other one goes on: the
// world is that of a run which nobody disturbed, and the importer is on.
func TestKilledWorkers(t *testing.T) {
	t.Parallel()
	s := shared(t)
	var costs times
	t.Run("at work", func(t *testing.T) {
		for i, name := range killed {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				n := (*kills + i) / len(killed)
				want := scenes[name].undisturbed(t, name)
				for hits, runs := 0, 0; hits < n; runs++ {
					if runs == 10*n {
						t.Fatalf("only %d of %d kills hit a worker at work", hits, n)
					}
					hits += killedRun(t, s, name, want, min(3, n-hits), &costs)
				}
			})
		}
	})
	t.Logf("%d workers killed at work; a loss costs %v", costs.n(), costs.String())
}

// killedRun kills up to most workers of a run at random moments, and returns how many.
func killedRun(t *testing.T, s *servertest.Server, name, want string, most int, costs *times) (hits int) {
	t.Helper()
	sc := scenes[name]
	dir, queue, id := sc.home(t), once("queue"), once(name)
	crew := map[int]*os.Process{}
	join := func() {
		p := process(t, s, queue, dir)
		crew[p.Pid] = p
	}
	join()
	join()
	h := start(t, s, queue, id, sc.run(t, name, dir))
	go approve(t, s, id)
	for hits < most {
		time.Sleep(rand.N(2 * time.Second))
		pid, over := atWork(t, s, id)
		if over {
			break
		}
		if pid == 0 || crew[pid] == nil {
			continue // it waits for a person, or for a time
		}
		if err := crew[pid].Kill(); err != nil {
			t.Fatal(err)
		}
		delete(crew, pid)
		began := time.Now()
		join()
		goneOn := false
		eventually(t, "another goes on with "+id, func() bool {
			now, over := atWork(t, s, id)
			goneOn = now != 0 && now != pid
			return goneOn || over || state(t, s, id).Phase == temporal.Waiting
		})
		if goneOn {
			costs.add(time.Since(began))
			hits++
		}
	}
	if r, err := ends(t, s, h); err != nil || r.Ending != "done" {
		t.Errorf("%s: %+v, %v", id, r, err)
	}
	done(t, s, id)
	for _, p := range crew {
		_ = p.Kill()
	}
	if got := snapshot(t, dir); got != want {
		t.Errorf("%s: the world (-undisturbed +killed)\n%s", id, cmp.Diff(want, got))
	}
	return hits
}

// atWork is the process that works at a run now; 0 is none.
func atWork(t *testing.T, s *servertest.Server, id string) (pid int, over bool) {
	t.Helper()
	d, err := s.Client.DescribeWorkflowExecution(t.Context(), id, "")
	if err != nil {
		return 0, false
	}
	for _, a := range d.GetPendingActivities() {
		if a.GetState() == enums.PENDING_ACTIVITY_STATE_STARTED {
			text, _, _ := strings.Cut(a.GetLastWorkerIdentity(), "@") // PID@HOST@
			pid, _ = strconv.Atoi(text)
		}
	}
	return pid, d.GetWorkflowExecutionInfo().GetCloseTime() != nil
}

// times are how long things took.
type times struct {
	mu  sync.Mutex
	all []time.Duration
}

func (x *times) add(d time.Duration) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.all = append(x.all, d)
}

func (x *times) n() int { return len(x.all) }

// String is the median and the worst.
func (x *times) String() string {
	if len(x.all) == 0 {
		return "nothing"
	}
	slices.Sort(x.all)
	round := func(d time.Duration) string { return d.Round(10 * time.Millisecond).String() }
	return round(x.all[len(x.all)/2]) + " (median), " + round(x.all[len(x.all)-1]) + " (worst), with a heartbeat of " + beat.String()
}
