package launchpad_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/launchpad/launchpadtest"
)

var seeds = flag.Int("seeds", 12, "how many interleavings TestCopyUnderFire tries")

// TestCopyUnderFire lets everything that can go wrong go wrong at random: jobs
// that fail, hang or come late, cycles of the publisher in any order, uploads
// and deletions in between, and requests that fail before or after they took
// effect. A copy must never claim that something is published which was not,
// it must always end, and where nothing goes wrong it ends well.
func TestCopyUnderFire(t *testing.T) {
	complete := 0
	for seed := range *seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(uint64(seed), 7))
			maybe := func(p float64) bool { return r.Float64() < p }
			delay := time.Duration(1+r.IntN(16*60)) * time.Second
			s := newServer(t, func(w *launchpadtest.World) {
				for n := range r.IntN(12) {
					w.Publish(overlay, "vivid", pkg(fmt.Sprintf("pkg%02d", n), "1.0", bin(fmt.Sprintf("lib%02d", n)), launchpadtest.BinaryPackage{Name: fmt.Sprintf("data%02d", n), All: true}))
				}
				w.JobDelay = delay
				w.PublishEvery = time.Duration(1+r.IntN(20)) * time.Minute
			})
			c := s.Client()
			c.Retries = 1
			if maybe(0.3) { // some of it is there already, with gaps
				if _, _, err := copyAll(t, c, request, launchpad.CopyOptions{LostAfter: time.Hour}); err != nil {
					t.Fatal(err)
				}
				s.Do(func(w *launchpadtest.World) {
					for _, b := range w.Binaries {
						if b.Archive == snapshot && maybe(0.1) {
							b.Status, b.Published = launchpad.Deleted, time.Time{}
						}
					}
					for _, src := range w.Sources {
						if src.Archive == snapshot && maybe(0.3) {
							src.Status, src.Published = launchpad.Pending, time.Time{}
						}
					}
				})
			}
			plan := mustPlan(t, c, request)
			before := 0
			s.Do(func(w *launchpadtest.World) { before = len(w.Jobs) })
			calm := maybe(0.3)
			hidden := map[string]bool{} // jobs that leave no trace
			s.Do(func(w *launchpadtest.World) {
				spoil(w, plan, r, calm)
				maps.Copy(hidden, w.HoldCopy)
				for name := range w.FailCopy {
					hidden[name] = true
				}
			})
			// Called by the fake, one request at a time.
			faults := []*launchpadtest.Fault{{Like: launchpadtest.Timeout}, {Like: launchpadtest.Unavailable}, {Like: launchpadtest.Crash}, {Like: launchpadtest.Throttle}, {Drop: true}, {Drop: true, After: true}, {Status: 502, After: true}}
			s.Intercept = func(*http.Request) *launchpadtest.Fault {
				if calm || !maybe(0.08) {
					return nil
				}
				return faults[r.IntN(len(faults))]
			}
			pauses := 0
			c.Sleep = func(ctx context.Context, d time.Duration) error {
				if pauses++; pauses > 3000 {
					t.Fatal("it does not end")
				}
				if !calm && maybe(0.05) {
					s.Do(func(w *launchpadtest.World) { meddle(w, plan, r) })
				}
				return s.Sleep(ctx, d)
			}
			began := s.Now()
			report, err := c.Copy(t.Context(), plan, launchpad.CopyOptions{})
			if report == nil || (err == nil) != report.Complete {
				t.Fatalf("report %+v, error %v", report, err)
			}
			if d := s.Now().Sub(began); d > 8*time.Hour {
				t.Errorf("it took %v", d)
			}
			if report.Complete {
				complete++
			} else if jobs := s.Count("copyPackage"); calm && delay < 14*time.Minute {
				t.Errorf("nothing went wrong, and yet after %d requests: %v", jobs, err)
			}
			got := outcomes(report)
			s.Do(func(w *launchpadtest.World) {
				assertPublished(t, w, plan, func(name string) bool { return got[name] == launchpad.CopyPublished })
				jobs := map[string]int{}
				for _, j := range w.Jobs[before:] {
					// A job that shows within ten minutes is not asked for again.
					most := 2
					if delay < 9*time.Minute && !hidden[j.Name] {
						most = 1
					}
					if jobs[j.Name]++; jobs[j.Name] > most {
						t.Errorf("%s was asked for %d times", j.Name, jobs[j.Name])
					}
				}
			})
			for _, p := range report.Packages {
				if err == nil && !p.State.Ended() {
					t.Errorf("%s: %q is no end", p.Name, p.State)
				}
			}
		})
	}
	if complete == 0 || complete == *seeds {
		t.Errorf("%d of %d copies were complete: the dice are loaded", complete, *seeds)
	}
}

// spoil breaks things behind the web service before the copy begins.
func spoil(w *launchpadtest.World, plan *launchpad.Plan, r *rand.Rand, calm bool) {
	if w.ArchLag = map[string]int{"armhf": r.IntN(5)}; calm {
		return
	}
	w.FailCopy, w.HoldCopy, w.HoldBinary, w.LoseBinary, w.FailBuild = map[string]string{}, map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, i := range plan.Packages {
		b := i.Binaries[r.IntN(len(i.Binaries))]
		on := b.Name + "/" + b.Arches[r.IntN(len(b.Arches))]
		switch r.IntN(20) {
		case 0:
			w.FailCopy[i.Name] = "binaries conflicting with the existing ones"
		case 1:
			w.HoldCopy[i.Name] = true
		case 2:
			w.HoldBinary[on] = true
		case 3:
			w.LoseBinary[on] = true
		case 4:
			w.LoseBinary[on], w.FailBuild[i.Name] = true, true
		}
	}
}

// meddle does what others may do while a copy is under way.
func meddle(w *launchpadtest.World, plan *launchpad.Plan, r *rand.Rand) {
	i := plan.Packages[r.IntN(len(plan.Packages))]
	src := w.FindSource(snapshot, i.Name, i.Version)
	switch r.IntN(6) {
	case 0:
		if src != nil {
			w.DeleteSource(src, "operator", "not wanted")
		}
	case 1:
		w.Upload(snapshot, "vivid", launchpadtest.Package{Name: i.Name, Version: i.Version + "+newer"})
	case 2:
		w.Archive(snapshot).Unpublished = !w.Archive(snapshot).Unpublished
	case 3:
		w.HoldBinary = nil
	case 4:
		w.HoldCopy = nil
	case 5:
		w.Publish(overlay, "vivid", launchpadtest.Package{Name: i.Name, Version: i.Version + "+next"})
	}
}
