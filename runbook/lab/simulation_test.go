package lab_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// The simulation runs procedures in worlds where things go wrong: for each seed a
// few faults at boundaries that the seed picks, in this process, without SSH and in
// virtual time. After each run it asks what must hold whatever happened. A seed
// that breaks a rule is shrunk to its fewest faults and prints how to run it again.
//
//	go test ./runbook/lab -run Simulation -v -args -seeds 10000
//	go test ./runbook/lab -run Simulation -v -args -procedure backout -seed 42
var (
	seeds     = flag.Int("seeds", 6, "seeds of each procedure that the simulation runs")
	firstSeed = flag.Uint64("first", 1, "the first seed")
	oneSeed   = flag.Uint64("seed", 0, "the one seed that the simulation runs; 0 runs -seeds of them")
	broken    = flag.Int("broken", 5, "how many seeds may break rules before the simulation ends")
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

func (c *counts) add(o outcome) {
	c.Lock()
	defer c.Unlock()
	c.runs++
	c.starts += o.starts
	c.kills += o.kills
	if o.done {
		c.done++
	}
	if o.settled {
		c.settled++
	}
	for _, kind := range o.met {
		c.faults[kind]++
	}
	for _, rule := range o.checked {
		c.checks[rule]++
	}
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
			s.all(t, first, n, total)
			s.noShell(t)
			t.Logf("%s, seeds %d to %d: %v; %.1f worlds a second", sc.name, first, first+n-1, total, float64(n)/time.Since(begun).Seconds())
		})
	}
}

// all runs seeds, on all processors, of which each has several worlds to turn to while
// one waits for the disk, until -broken of them break rules.
func (s *simulation) all(t *testing.T, first, n uint64, total *counts) {
	t.Helper()
	var next struct {
		sync.Mutex
		seed   uint64
		broken int
	}
	next.seed = first
	var working sync.WaitGroup
	for range 4 * runtime.GOMAXPROCS(0) {
		working.Go(func() {
			for {
				next.Lock()
				seed, more := next.seed, next.seed < first+n && next.broken < *broken
				next.seed++
				next.Unlock()
				if !more {
					return
				}
				faults := s.pick(seed)
				o := s.once(t, faults)
				total.add(o)
				if len(o.why) == 0 {
					continue
				}
				next.Lock()
				next.broken++
				next.Unlock()
				least := s.shrink(t, faults)
				t.Errorf("seed %d of %s breaks a rule with %d faults, %d of them needed: %v\n%s\nagain: go test ./runbook/lab -run Simulation -v -args -procedure %s -seed %d",
					seed, s.name, len(faults), len(least), least, strings.Join(s.once(t, least).why, "\n"), s.name, seed)
			}
		})
	}
	working.Wait()
}

// A simulation is a procedure with the world that each of its runs begins in, and
// what an undisturbed run does there.
type simulation struct {
	scene
	kinds      map[string]faultKind
	template   *systemimagetest.Server
	stranger   func() (*systemimagetest.Server, error) // of another site, made when first met
	launchpad  []byte                                  // the text of its world; nil is none
	dir        string
	begin      string // the world before
	want       string // the world after an undisturbed run
	takes      time.Duration
	counted    [boundaries]int
	signatures signatures
	parsed     sync.Map // newest images, by the SHA-256 of their index
	shells     sync.Map // scripts that were really run
	whole      sync.Map // files that xz has found whole, by their SHA-256
	play       func(ctx context.Context, root string, whole *sync.Map, c command.Command) (command.Output, bool)
}

// prepare makes the world and lets an undisturbed run show its boundaries.
func prepare(t *testing.T, sc scene) *simulation {
	t.Helper()
	s := &simulation{scene: sc, kinds: map[string]faultKind{}, play: lab.Play, dir: systemimagetest.TempDir(t)}
	for _, k := range faultKinds() {
		s.kinds[k.name] = k
	}
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(day))
		if err := s.makeTemplate(); err != nil {
			t.Fatal(err)
		}
	})
	o := s.once(t, nil)
	if len(o.why) > 0 || !o.done {
		t.Fatalf("seed 0 of %s breaks a rule undisturbed: done %v, %v\n        %s", sc.name, o.done, o.err, strings.Join(o.why, "\n        "))
	}
	s.want, s.counted, s.takes = o.world, o.counted, o.took
	return s
}

// day is when worlds are made: newer than all that was recorded.
var day = time.Date(2027, 3, 2, 9, 0, 0, 0, time.UTC)

func (s *simulation) makeTemplate() (err error) {
	if s.template, err = systemimagetest.Create(filepath.Join(s.dir, "template"), s.world()); err != nil {
		return err
	}
	s.stranger = sync.OnceValues(func() (*systemimagetest.Server, error) {
		w := s.world()
		w.Now = func() time.Time { return day }
		other, err := systemimagetest.Create(filepath.Join(s.dir, "stranger"), w)
		if err == nil {
			other.Now = nil
		}
		return other, err
	})
	if s.scene.builds {
		if err := lab.History(filepath.Join(s.template.Root(), "builder"), time.Now().UTC()); err != nil {
			return err
		}
	}
	if s.scene.launchpad {
		w := lab.LaunchpadWorld()
		w.Now = time.Now().UTC()
		if s.launchpad, err = w.Text(); err != nil {
			return err
		}
	}
	if s.begin, err = s.template.Snapshot(); err != nil {
		return err
	}
	return s.template.Freeze()
}

// shrink leaves out one fault after the other as long as a rule stays broken.
func (s *simulation) shrink(t *testing.T, faults []fault) []fault {
	t.Helper()
	for i := 0; i < len(faults); {
		fewer := slices.Delete(slices.Clone(faults), i, i+1)
		if len(s.once(t, fewer).why) > 0 {
			faults = fewer
		} else {
			i++
		}
	}
	return faults
}

// maxStarts is how often somebody starts a run again before giving it up.
const maxStarts = 16

// An outcome is what became of one run, with all its starts.
type outcome struct {
	done, settled bool
	err           error // of the last start
	settling      error
	took          time.Duration // from the first start to the end
	starts, kills int
	counted       [boundaries]int
	met           []string // faults, by kind
	checked       []string // rules
	why           []string // rules that were broken
	world         string
	trace         string // of what was done in which order
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
		time.Sleep(time.Until(day.Add(time.Hour))) // nothing was signed just now
		w, err := s.newWorld(dir, faults)
		if err != nil {
			t.Fatal(err)
		}
		defer w.wake()
		var left *runbooktest.Memory
		for o.starts = 1; o.starts <= maxStarts; o.starts++ {
			h := &hand{w: w, faces: true}
			x, p := s.make(h)
			start := runbooktest.KillOnce(t.Context(), x, p, left, w.killAt(), func(kill func()) { h.kill = kill })
			left, o.err = start.Left, start.Err
			if start.Killed {
				o.kills++
				w.buried(start)
			} else if o.err == nil {
				o.done = true
				break
			}
			if w.endless || w.givenUp {
				break
			}
			s.pause(o.err)
			w.elsewhereToo(t.Context(), left)
		}
		o.took = time.Since(w.begun)
		if !w.givenUp {
			w.calm()
		}
		if !o.done {
			x, p := s.make(&hand{w: w})
			x.Journal = left
			o.settling = x.Settle(t.Context(), p)
			o.settled = true
		}
		if w.givenUp {
			w.calm()
		}
		o.counted, o.met = w.counted, w.met
		v := &verdict{t: t, s: s, w: w, o: &o, journal: left}
		v.all()
		o.world, o.trace = v.world(), w.trace.String()
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

// A seed decides everything, also what several people do at the same time. Which of
// the questions that are asked of Launchpad at once gets which answer first it does
// not.
func TestSimulationRepeats(t *testing.T) {
	for _, sc := range scenes() {
		if sc.launchpad {
			continue
		}
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			s := prepare(t, sc)
			for seed := range uint64(3) {
				faults := s.pick(seed)
				a, b := strings.Split(s.once(t, faults).trace, "\n"), strings.Split(s.once(t, faults).trace, "\n")
				if !slices.Equal(a, b) {
					t.Errorf("seed %d, %v: the same seed twice (-first +second)\n%s", seed, faults, cmp.Diff(a, b))
				}
			}
		})
	}
}
