package runbooktest

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/landingteam/landing/runbook"
)

// ward is a small world: named things that are set to values, a count of how
// often each was set, and an importer.
type ward struct {
	mu       sync.Mutex
	set      map[string]string
	importer string
	polls    int
}

func (w *ward) get(name string) (string, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	v, ok := w.set[name]
	return v, ok
}

func (w *ward) put(name, value string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.set[name] += value
}

func (w *ward) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "importer %s\n", w.importer)
	for _, name := range slices.Sorted(maps.Keys(w.set)) {
		fmt.Fprintf(&b, "%s %s\n", name, w.set[name])
	}
	return b.String()
}

func (w *ward) step(name string, work time.Duration) runbook.Step[string] {
	return runbook.Step[string]{Name: "copy", Intent: "copy " + name,
		Do: func(context.Context) (string, error) {
			time.Sleep(work / 2)
			w.put(name, "x")
			time.Sleep(work / 2)
			return name, nil
		},
		Probe: func(context.Context) (string, bool, error) {
			_, ok := w.get(name)
			return name, ok, nil
		},
	}
}

func (w *ward) hold(name string) runbook.Hold {
	set := func(v string) func(context.Context) error {
		return func(context.Context) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.importer = v
			return nil
		}
	}
	return runbook.Hold{Name: name, Intent: "pause the importer", Acquire: set("off"), Release: set("on"),
		Look: func(context.Context) (bool, string, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.importer == "off", "the importer is " + w.importer, nil
		}}
}

// scene is a procedure with everything in it: parallel keys, nested holds, a
// gate inside a hold, a poll.
func scene(work time.Duration, mend func(*ward, *runbook.Runner)) func(testing.TB) Scene {
	return func(testing.TB) Scene {
		w := &ward{set: map[string]string{}, importer: "on"}
		people := &Human{}
		starts := 0
		p := func(ctx context.Context, r *runbook.Run) error {
			if err := r.Require(ctx, "server", func(context.Context) error { return nil }); err != nil {
				return err
			}
			n, err := runbook.Read(ctx, r, "latest", func(context.Context) (int, error) { return 7, nil })
			if err != nil {
				return err
			}
			err = r.Hold(ctx, w.hold("importer"), func(ctx context.Context, r *runbook.Run) error {
				if err := runbook.Each(ctx, r, slices.All([]string{"arale", "bacon", "krillin"}), 2, func(ctx context.Context, r *runbook.Run, _ int, name string) error {
					return r.Hold(ctx, runbook.Hold{Name: "slot", Intent: "take a slot",
						Acquire: func(context.Context) error {
							w.mu.Lock()
							defer w.mu.Unlock()
							w.set["slot "+name] = "taken"
							return nil
						},
						Release: func(context.Context) error {
							w.mu.Lock()
							defer w.mu.Unlock()
							w.set["slot "+name] = "free"
							return nil
						},
					}, func(ctx context.Context, r *runbook.Run) error {
						_, err := runbook.Do(ctx, r, w.step(fmt.Sprint(name, n), work))
						return err
					})
				}); err != nil {
					return err
				}
				return r.Gate(ctx, runbook.Gate{Name: "go", Question: "go on?", Evidence: n})
			})
			if err != nil {
				return err
			}
			if _, err := runbook.Wait(ctx, r, runbook.Poll[bool]{Name: "published", Intent: "wait", Every: work + 1, Check: func(context.Context) (bool, bool, error) {
				w.mu.Lock()
				defer w.mu.Unlock()
				w.polls++
				return true, w.polls > 3, nil
			}}); err != nil {
				return err
			}
			if _, err := runbook.Do(ctx, r.Group("last"), w.step("phase", work)); err != nil {
				return err
			}
			return r.Verify(ctx, "phased", func(context.Context) error { return nil })
		}
		return Scene{
			Start: func() (*runbook.Runner, runbook.Procedure) {
				if starts++; starts > 1 {
					people.Answers = map[string]runbook.Answer{"go": {Verdict: runbook.Yes, By: "operator", Reason: "fine"}}
				}
				x := &runbook.Runner{Name: "all", Human: people}
				if mend != nil {
					mend(w, x)
				}
				return x, p
			},
			Snapshot: w.String,
		}
	}
}

func TestKillAnywhere(t *testing.T) {
	before := runtime.NumGoroutine()
	KillAnywhere(t, scene(0, nil))
	// Nothing of the dead stays behind.
	for range 500 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines before, %d after", before, runtime.NumGoroutine())
}

func TestKillAnywhereWithTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { KillAnywhere(t, scene(time.Minute, nil)) })
}

// recorder notes failures instead of failing.
type recorder struct {
	testing.TB
	failures []string
}

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}
func (r *recorder) Fatalf(format string, args ...any) { r.Errorf(format, args...); runtime.Goexit() }

func failures(t *testing.T, f func(testing.TB)) []string {
	r := &recorder{TB: t}
	done := make(chan bool)
	go func() {
		defer close(done)
		f(r)
	}()
	<-done
	return r.failures
}

func one(p func(context.Context, *runbook.Run, *ward) error) func(testing.TB) Scene {
	return func(testing.TB) Scene {
		w := &ward{set: map[string]string{}, importer: "on"}
		yes := map[string]runbook.Answer{"copy": {Verdict: runbook.No, By: "operator", Reason: "I think not"}}
		return Scene{Snapshot: w.String, Start: func() (*runbook.Runner, runbook.Procedure) {
			return &runbook.Runner{Name: "one", Human: &Human{Answers: yes}}, func(ctx context.Context, r *runbook.Run) error { return p(ctx, r, w) }
		}}
	}
}

func TestKillAnywhereFinds(t *testing.T) {
	for name, tc := range map[string]struct {
		p    func(context.Context, *runbook.Run, *ward) error
		want []string
	}{
		"an effect that is repeated": {
			func(ctx context.Context, r *runbook.Run, w *ward) error {
				s := w.step("arale", 0)
				s.Probe = nil
				_, err := runbook.Do(ctx, r, s)
				return err
			},
			[]string{"killed before write 3 (do done copy): the world differs (-undisturbed +killed)\n  importer on\n- arale x\n+ arale xx\n"},
		},
		"an act after the run was lost": {
			func(ctx context.Context, r *runbook.Run, w *ward) error {
				_, err := runbook.Do(ctx, r, w.step("arale", 0))
				if err != nil {
					w.put("sorry", "x")
				}
				return err
			},
			[]string{"killed before write 3 (do done copy): the world differs once the killed process woke (-before +after)\n  arale x\n+ sorry x\n"},
		},
		"a defer in place of a hold": {
			func(ctx context.Context, r *runbook.Run, w *ward) error {
				h := w.hold("")
				if w.set["arale"] != "" {
					return nil
				}
				h.Acquire(ctx)
				defer h.Release(ctx)
				_, err := runbook.Do(ctx, r, w.step("arale", 0))
				return err
			},
			[]string{"killed before write 3 (do done copy): the world differs", "killed after write 3 (do done copy): the world differs"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := failures(t, func(t testing.TB) { KillAnywhere(t, one(tc.p)) })
			for _, want := range tc.want {
				if !slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, want) }) {
					t.Errorf("not found: %s\nin %s", want, strings.Join(got, "\n"))
				}
			}
		})
	}
}

// What a killed run leaves is gone on with like any journal; a run that does not
// come to the record is a mistake of the test.
func TestKillAfter(t *testing.T) {
	s := scene(0, nil)(t)
	armed := func(rec runbook.Record) bool { return rec.Kind == runbook.Armed && rec.Step == "importer" }
	j := KillAfter(t, s, armed)
	var last runbook.Record
	for rec, err := range runbook.Records(t.Context(), j) {
		if err != nil {
			t.Fatal(err)
		}
		last = rec
	}
	if !armed(last) {
		t.Errorf("the journal ends with %v", last)
	}
	if err := finish(t, s, j, 1); err != nil {
		t.Error(err)
	}
	if !strings.Contains(s.Snapshot(), "importer on") {
		t.Errorf("the world at the end:\n%s", s.Snapshot())
	}
	said := failures(t, func(t testing.TB) {
		KillAfter(t, scene(0, nil)(t), func(runbook.Record) bool { return false })
	})
	if len(said) != 1 || !strings.Contains(said[0], "ended before it could be killed") {
		t.Errorf("without such a record: %q", said)
	}
}

func TestAssertIdempotent(t *testing.T) {
	w := &ward{set: map[string]string{}}
	if got := failures(t, func(t testing.TB) { AssertIdempotent(t, w.step("arale", 0), w.String) }); len(got) != 1 || !strings.Contains(got[0], "second Do changes the world") {
		t.Error(got)
	}
	AssertHold(t, w.hold("importer"), func() string {
		if w.importer == "off" {
			return "off"
		}
		return "on"
	})
	blind := w.hold("importer")
	blind.Look = func(context.Context) (bool, string, error) { return true, "off, I am sure", nil }
	if got := failures(t, func(t testing.TB) { AssertHold(t, blind, w.String) }); len(got) != 3 {
		t.Error(got)
	}
	bad := w.hold("importer")
	bad.Look = nil
	bad.Release = func(context.Context) error { return nil }
	if got := failures(t, func(t testing.TB) { AssertHold(t, bad, w.String) }); len(got) != 2 {
		t.Error(got)
	}
}

func TestMemory(t *testing.T) {
	for _, longest := range []int{0, 4000} {
		journals := map[string]*Memory{}
		TestJournal(t, func(t *testing.T, name string) runbook.Journal {
			if journals[name] == nil {
				journals[name] = &Memory{Longest: longest}
			}
			return journals[name]
		})
	}
}

// An effect that asks, before each thing that it sends, whether it may still act
// does not act once its process is dead, and the kill does not wait for it.
func TestKillStopsWhoAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		KillAnywhere(t, func(testing.TB) Scene {
			w := &ward{set: map[string]string{}, importer: "on"}
			p := func(ctx context.Context, r *runbook.Run) error {
				return runbook.Each(ctx, r, slices.All([]string{"arale", "bacon"}), 2, func(ctx context.Context, r *runbook.Run, _ int, name string) error {
					s := w.step(name, time.Second)
					if name == "bacon" { // sends again and again until arale is there
						s.Do = func(ctx context.Context) (string, error) {
							for {
								if err := runbook.Current(ctx); err != nil {
									return "", err
								}
								if _, ok := w.get("arale"); ok {
									w.put("bacon", "x")
									return "bacon", nil
								}
								time.Sleep(time.Second)
							}
						}
					}
					_, err := runbook.Do(ctx, r, s)
					return err
				})
			}
			return Scene{Snapshot: w.String, Start: func() (*runbook.Runner, runbook.Procedure) { return &runbook.Runner{Name: "asks"}, p }}
		})
	})
}
