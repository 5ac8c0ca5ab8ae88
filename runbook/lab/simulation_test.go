package lab_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// The simulation runs procedures in worlds where things go wrong: for each seed a
// few faults at boundaries that the seed picks, in this process, without SSH and in
// virtual time. After each run it asks what must hold whatever happened. A seed
// that breaks a rule is shrunk to its fewest faults and prints how to run it again.
//
//	go test ./runbook/lab -run Simulation -args -seeds 10000
//	go test ./runbook/lab -run Simulation -args -procedure backout -seed 42
var (
	seeds     = flag.Int("seeds", 6, "seeds of each procedure that the simulation runs")
	firstSeed = flag.Uint64("first", 1, "the first seed")
	oneSeed   = flag.Uint64("seed", 0, "the one seed that the simulation runs; 0 runs -seeds of them")
	onlyOne   = flag.String("procedure", "", "the one procedure that the simulation runs; empty runs all")
)

// counts are what a simulation did.
type counts struct {
	sync.Mutex
	runs, starts, kills, settled, done int
	faults                             map[string]int // by kind
	checks                             map[string]int // by rule
}

func (c *counts) String() string {
	c.Lock()
	defer c.Unlock()
	list := func(m map[string]int) string {
		var parts []string
		for _, k := range slices.Sorted(maps.Keys(m)) {
			parts = append(parts, fmt.Sprintf("%s %d", k, m[k]))
		}
		return strings.Join(parts, ", ")
	}
	return fmt.Sprintf("%d runs in %d starts, %d kills, %d done, %d settled; faults: %s; rules checked: %s",
		c.runs, c.starts, c.kills, c.done, c.settled, list(c.faults), list(c.checks))
}

func TestSimulation(t *testing.T) {
	for _, sc := range scenes() {
		if *onlyOne != "" && *onlyOne != sc.name {
			continue
		}
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			begun := time.Now()
			s := prepare(t, sc)
			total := &counts{faults: map[string]int{}, checks: map[string]int{}}
			first, n := *firstSeed, uint64(*seeds)
			if *oneSeed != 0 {
				first, n = *oneSeed, 1
			}
			broken := 0
			for seed := first; seed < first+n; seed++ {
				faults := s.pick(seed)
				why := s.run(t, faults, total)
				if len(why) == 0 {
					continue
				}
				least := s.shrink(t, faults)
				t.Errorf("seed %d of %s breaks a rule with %d faults, %d of them needed: %v\n%s\nagain: go test ./runbook/lab -run Simulation -args -procedure %s -seed %d",
					seed, sc.name, len(faults), len(least), least, strings.Join(s.run(t, least, nil), "\n"), sc.name, seed)
				if broken++; broken == 5 {
					t.Fatal("enough seeds break rules")
				}
			}
			t.Logf("%s, seeds %d to %d: %v; %.0f worlds a second", sc.name, first, first+n-1, total, float64(n)/time.Since(begun).Seconds())
		})
	}
}

// A simulation is a procedure with the world that each of its runs begins in, and
// what an undisturbed run does there.
type simulation struct {
	scene
	template *systemimagetest.Server
	dir      string

	want                       string // the world after an undisturbed run
	commands, requests, writes int
}

// prepare makes the world and lets an undisturbed run show its boundaries.
func prepare(t *testing.T, sc scene) *simulation {
	t.Helper()
	s := &simulation{scene: sc, dir: systemimagetest.TempDir(t)}
	synctest.Test(t, func(t *testing.T) {
		var err error
		if s.template, err = systemimagetest.Create(filepath.Join(s.dir, "template"), sc.world()); err != nil {
			t.Fatal(err)
		}
	})
	o := s.once(t, nil)
	if len(o.why) > 0 || !o.done {
		t.Fatalf("the undisturbed run of %s: done %v, %v, %s", sc.name, o.done, o.err, strings.Join(o.why, "; "))
	}
	s.want, s.commands, s.requests, s.writes = o.world, o.commands, o.requests, o.writes
	return s
}

// run runs a procedure under faults and returns the rules that it broke.
func (s *simulation) run(t *testing.T, faults []fault, total *counts) []string {
	t.Helper()
	o := s.once(t, faults)
	if total == nil {
		return o.why
	}
	total.Lock()
	defer total.Unlock()
	total.runs++
	total.starts += o.starts
	total.kills += o.kills
	if o.done {
		total.done++
	}
	if o.settled {
		total.settled++
	}
	for _, kind := range o.met {
		total.faults[kind]++
	}
	for _, rule := range o.checked {
		total.checks[rule]++
	}
	return o.why
}

// shrink leaves out one fault after the other as long as a rule stays broken.
func (s *simulation) shrink(t *testing.T, faults []fault) []fault {
	t.Helper()
	for i := 0; i < len(faults); {
		fewer := slices.Delete(slices.Clone(faults), i, i+1)
		if len(s.run(t, fewer, nil)) > 0 {
			faults = fewer
		} else {
			i++
		}
	}
	return faults
}

// maxStarts is how often somebody starts a run again before giving it up.
const maxStarts = 12

// An outcome is what became of one run, with all its starts.
type outcome struct {
	done, settled              bool
	err                        error // of the last start
	starts, kills              int
	commands, requests, writes int
	met                        []string // faults, by kind
	checked                    []string // rules
	why                        []string // rules that were broken
	world                      string
}

// once runs a procedure in a world of its own, starts it again as a person would
// until it is done or given up, settles what is owed, and looks at the rules.
func (s *simulation) once(t *testing.T, faults []fault) (o outcome) {
	t.Helper()
	dir, err := os.MkdirTemp(s.dir, "run-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Hour) // nothing was signed just now
		w, err := newSimWorld(s.template, filepath.Join(dir, "server"), faults)
		if err != nil {
			t.Fatal(err)
		}
		var left *runbooktest.Memory
		for o.starts = 1; o.starts <= maxStarts; o.starts++ {
			x, p := s.make(w)
			at := w.killAt()
			start := runbooktest.KillOnce(t.Context(), x, p, left, at)
			defer start.Bury()
			left, o.err = start.Left, start.Err
			o.writes += start.Writes
			if start.Killed {
				o.kills++
				w.meet("kill")
			} else if o.err == nil {
				o.done = true
				break
			}
			s.pause(o.err)
		}
		w.calm()
		if !o.done {
			x, p := s.make(w)
			x.Journal = left
			o.err = x.Settle(t.Context(), p)
			o.settled = true
		}
		o.commands, o.requests, o.met = w.commands, w.requests, w.met
		v := &verdict{t: t, s: s, w: w, o: &o, journal: left}
		v.all()
		if o.world, err = w.server.Snapshot(); err != nil {
			t.Fatal(err)
		}
	})
	return o
}

// pause is the time until a person starts a run again: a minute, or when it is due.
func (s *simulation) pause(err error) {
	var e *runbook.Error
	if errors.As(err, &e) && e.Due.After(time.Now()) {
		time.Sleep(time.Until(e.Due))
		return
	}
	time.Sleep(time.Minute)
}
