package procedure_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/landingteam/landing/phasing"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/systemimage/operate"
)

// clock is a clock that a test moves; each look at it moves it by step.
type clock struct {
	mu   sync.Mutex
	now  time.Time
	step time.Duration
}

func newClock(step time.Duration) *clock {
	return &clock{now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), step: step}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(c.step)
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// The stable images of the sample world, which begin at 0 % here.
var stable = []procedure.NamedImage{
	{Channel: "ubuntu-touch/stable/bq-aquaris.en", Device: "krillin", Version: 1},
	{Channel: "ubuntu-touch/stable/bq-aquaris.en", Device: "vegetahd", Version: 1},
}

func phase(t testing.TB, l *lab.Lab, percentage int, targets ...procedure.NamedImage) {
	t.Helper()
	for _, g := range targets {
		if _, err := l.Server().Phase(t.Context(), operate.PhaseRequest{
			Channel: g.Channel, Device: g.Device, Version: g.Version, Percentage: percentage}); err != nil {
			t.Fatal(err)
		}
	}
}

func percentages(t testing.TB, l *lab.Lab) (list []int) {
	t.Helper()
	for _, g := range stable {
		_, _, p := latest(t, l, g.Channel, g.Device)
		list = append(list, p)
	}
	return list
}

func schedule(t testing.TB, text string) phasing.Schedule {
	t.Helper()
	s, err := phasing.ParseSchedule(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func rollout(t testing.TB, l *lab.Lab, k *clock, text string) *procedure.Rollout {
	return &procedure.Rollout{
		Server: l.Server(),
		Pace: procedure.Pace{Now: k.Now, Every: time.Millisecond,
			Stop: &procedure.StopFile{Runner: l.Server().Runner, Path: filepath.Join(l.Images.Root(), "phased-state", "done")}},
		Input: procedure.RolloutInput{Images: stable, Schedule: schedule(t, text)},
	}
}

func execute(t testing.TB, c *procedure.Rollout, j runbook.Journal, h runbook.Human) error {
	x := &runbook.Runner{Name: "rollout", Input: c.Input, Journal: j, Human: h, Operator: "operator"}
	return x.Execute(t.Context(), c.Run)
}

// Between its steps a rollout is pending; started again when a step is due it
// goes on, earlier nothing happens.
func TestRolloutInSeveralStarts(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	phase(t, l, 0, stable...)
	k := newClock(0)
	c := rollout(t, l, k, "1% 2h, 10% 6h, 100%")
	j := &runbooktest.Memory{}
	for _, step := range []struct {
		after time.Duration
		want  []int
	}{
		{0, []int{1, 1}},
		{time.Hour, []int{1, 1}},
		{time.Hour, []int{10, 10}},
		{5 * time.Hour, []int{10, 10}},
	} {
		k.advance(step.after)
		if err := execute(t, c, j, nil); !errors.Is(err, runbook.ErrPending) {
			t.Fatalf("after %v more: %v, want ErrPending", step.after, err)
		}
		if d := cmp.Diff(step.want, percentages(t, l)); d != "" {
			t.Fatalf("after %v more (-want +got)\n%s", step.after, d)
		}
	}
	k.advance(time.Hour)
	if err := execute(t, c, j, nil); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]int{100, 100}, percentages(t, l)); d != "" {
		t.Errorf("at the end (-want +got)\n%s", d)
	}
	if _, err := os.Stat(c.Stop.Path); err != nil {
		t.Errorf("the stop file of a finished rollout: %v", err)
	}
}

// What cannot be phased in is refused by the plan already.
func TestRolloutTargets(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	for _, tt := range []struct {
		target procedure.NamedImage
		want   string
	}{
		{procedure.NamedImage{Channel: stable[0].Channel, Device: "krillin", Version: 7}, "its newest is 1"},
		{procedure.NamedImage{Channel: stable[0].Channel, Device: "kirllin", Version: 1}, "krillin"},
		{procedure.NamedImage{Channel: "ubuntu-touch/ubuntu-15.04/bq-aquaris.en", Device: "krillin", Version: 1}, "Use its target " + stable[0].Channel},
		{stable[1], "named twice"},
	} {
		c := rollout(t, l, newClock(0), "10% 2h, 100%")
		c.Input.Images = []procedure.NamedImage{stable[1], tt.target}
		x := &runbook.Runner{Name: "rollout", Input: c.Input}
		if _, err := x.Plan(t.Context(), c.Run); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want an error with %q", tt.target, err, tt.want)
		}
	}
}

func TestRolloutAsks(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	phase(t, l, 0, stable...)
	k := newClock(time.Minute)
	c := rollout(t, l, k, "1% 2h ask, 100%")
	c.Stay = true
	j := &runbooktest.Memory{}
	if err := execute(t, c, j, nil); !errors.Is(err, runbook.ErrPending) || !strings.Contains(err.Error(), "from 1% to 100%") {
		t.Fatalf("with nobody there: %v, want ErrPending that asks", err)
	}
	if d := cmp.Diff([]int{1, 1}, percentages(t, l)); d != "" {
		t.Fatalf("while a person is asked (-want +got)\n%s", d)
	}
	if err := execute(t, c, j, runbooktest.ApproveEverything{}); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]int{100, 100}, percentages(t, l)); d != "" {
		t.Errorf("after the answer (-want +got)\n%s", d)
	}
}

// What halts a rollout halts it at 0 % everywhere, and asks before it goes on
// where it was.
func TestRolloutHalts(t *testing.T) {
	t.Parallel()
	for name, alarm := range map[string]func(t *testing.T, l *lab.Lab, c *procedure.Rollout){
		"bad health": func(_ *testing.T, _ *lab.Lab, c *procedure.Rollout) {
			c.Health = func(context.Context) (procedure.Health, error) {
				return procedure.Health{Bad: true, Why: "crash reports"}, nil
			}
		},
		"stop file": func(t *testing.T, _ *lab.Lab, c *procedure.Rollout) {
			if err := os.MkdirAll(filepath.Dir(c.Stop.Path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(c.Stop.Path, nil, 0o644); err != nil {
				t.Fatal(err)
			}
		},
		"set to 0 by somebody else": func(t *testing.T, l *lab.Lab, _ *procedure.Rollout) { phase(t, l, 0, stable[1]) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			phase(t, l, 0, stable...)
			k := newClock(0)
			c := rollout(t, l, k, "10% 2h, 100%")
			j := &runbooktest.Memory{}
			if err := execute(t, c, j, nil); !errors.Is(err, runbook.ErrPending) {
				t.Fatal(err)
			}
			k.advance(time.Hour)
			alarm(t, l, c)
			err := execute(t, c, j, nil)
			if !errors.Is(err, runbook.ErrPending) || !strings.Contains(err.Error(), "Resume") {
				t.Fatalf("after the alarm: %v, want ErrPending that asks whether to resume", err)
			}
			if d := cmp.Diff([]int{0, 0}, percentages(t, l)); d != "" {
				t.Fatalf("halted (-want +got)\n%s", d)
			}
			c.Health = nil
			if err := execute(t, c, j, runbooktest.ApproveEverything{}); !errors.Is(err, runbook.ErrPending) {
				t.Fatalf("resumed: %v, want it to wait for the rest of the step", err)
			}
			if d := cmp.Diff([]int{10, 10}, percentages(t, l)); d != "" {
				t.Fatalf("resumed (-want +got)\n%s", d)
			}
		})
	}
}

func TestRolloutLevelsAndDoesNotLower(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	phase(t, l, 0, stable...)
	k := newClock(0)
	c := rollout(t, l, k, "10% 2h, 50% 2h, 100%")
	j := &runbooktest.Memory{}
	if err := execute(t, c, j, nil); !errors.Is(err, runbook.ErrPending) {
		t.Fatal(err)
	}
	phase(t, l, 5, stable[0])
	phase(t, l, 70, stable[1])
	if err := execute(t, c, j, nil); !errors.Is(err, runbook.ErrPending) {
		t.Fatal(err)
	}
	if d := cmp.Diff([]int{10, 70}, percentages(t, l)); d != "" {
		t.Errorf("levelled (-want +got)\n%s", d)
	}
	k.advance(2 * time.Hour)
	if err := execute(t, c, j, nil); !errors.Is(err, runbook.ErrPending) {
		t.Fatal(err)
	}
	if d := cmp.Diff([]int{50, 70}, percentages(t, l)); d != "" {
		t.Errorf("one step later (-want +got)\n%s", d)
	}
}

func TestRolloutStopsAtANewerVersion(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	phase(t, l, 0, stable...)
	k := newClock(0)
	c := rollout(t, l, k, "10% 2h, 100%")
	j := &runbooktest.Memory{}
	if err := execute(t, c, j, nil); !errors.Is(err, runbook.ErrPending) {
		t.Fatal(err)
	}
	out, err := l.Images.Run(t.Context(), command.Command{Argv: []string{"tag-image", stable[0].Channel, stable[0].Device, "1", "OTA-4.1"}})
	if err != nil || out.Exit != 0 {
		t.Fatalf("tag-image: exit %d, %v", out.Exit, err)
	}
	k.advance(3 * time.Hour)
	if err := execute(t, c, j, nil); !errors.Is(err, procedure.ErrSuperseded) {
		t.Errorf("with a newer version: %v, want ErrSuperseded", err)
	}
	if d := cmp.Diff(10, percentages(t, l)[1]); d != "" {
		t.Errorf("the other device (-want +got)\n%s", d)
	}
}

// A newer version of one target stops the raising of the others.
func TestRolloutRaisesNoOthersAtANewerVersion(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	phase(t, l, 0, stable...)
	c := rollout(t, l, newClock(0), "10% 2h, 100%")
	before := 0
	l.Images.Before = func(argv []string) error { // the first target is tagged when its percentage is being set
		if filepath.Base(argv[0]) == "set-phased-percentage" && before == 0 {
			before++
			if _, err := l.Images.Run(t.Context(), command.Command{Argv: []string{"tag-image", stable[0].Channel, stable[0].Device, "1", "OTA-4.1"}}); err != nil {
				t.Error(err)
			}
		}
		return nil
	}
	if err := execute(t, c, &runbooktest.Memory{}, nil); !errors.Is(err, procedure.ErrSuperseded) {
		t.Errorf("with a newer version: %v, want ErrSuperseded", err)
	}
	if p := percentages(t, l)[1]; p != 0 {
		t.Errorf("the other device is at %d %%, want 0", p)
	}
}

// It halts also where a killed program left files that block every commit, while an
// import holds the global lock; and one index that is lost keeps no other target up.
func TestRolloutHaltsInABrokenWorld(t *testing.T) {
	t.Parallel()
	for name, breaks := range map[string]func(t *testing.T, l *lab.Lab, index string){
		"left-overs": func(t *testing.T, l *lab.Lab, index string) {
			for _, end := range []string{".new", ".new.asc"} {
				if err := os.WriteFile(index+end, []byte("half"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		},
		"index lost": func(t *testing.T, l *lab.Lab, index string) {
			if err := os.Remove(index); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, virtual(func(t *testing.T) {
			l := newLab(t)
			phase(t, l, 0, stable...)
			c := rollout(t, l, newClock(0), "10% 2h, 100%")
			j := &runbooktest.Memory{}
			if err := execute(t, c, j, nil); !errors.Is(err, runbook.ErrPending) {
				t.Fatal(err)
			}
			breaks(t, l, filepath.Join(l.Images.Root(), "www", stable[0].Channel, stable[0].Device, "index.json"))
			release, err := l.Images.HoldLock()
			if err != nil {
				t.Fatal(err)
			}
			defer release()
			c.Health = func(context.Context) (procedure.Health, error) {
				return procedure.Health{Bad: true, Why: "crashes"}, nil
			}
			err = execute(t, c, j, nil)
			if name == "index lost" {
				if err == nil || !strings.Contains(err.Error(), "not everything is stopped") {
					t.Errorf("halted: %v", err)
				}
			} else if !errors.Is(err, runbook.ErrPending) {
				t.Errorf("halted: %v, want the question whether to resume", err)
			} else if _, _, p := latest(t, l, stable[0].Channel, stable[0].Device); p != 0 {
				t.Errorf("at %d %%, want 0", p)
			}
			if _, _, p := latest(t, l, stable[1].Channel, stable[1].Device); p != 0 {
				t.Errorf("the other device is at %d %%, want 0", p)
			}
			if _, err := os.Stat(c.Stop.Path); err != nil {
				t.Errorf("the stop file: %v", err)
			}
		}))
	}
}

func TestRolloutKillAnywhere(t *testing.T) {
	t.Parallel()
	begin := newWorld(t, only("ubuntu-touch/stable/bq-aquaris.en"))
	phase(t, begin, 0, stable...)
	killAnywhere(t, func(t testing.TB) runbooktest.Scene {
		l := begin.Clone(t)
		k := newClock(time.Hour)
		return runbooktest.Scene{
			Start: func() (*runbook.Runner, runbook.Procedure) {
				c := rollout(t, l, k, "1% 2h ask, 100%")
				c.Stay = true
				return &runbook.Runner{Name: "rollout", Input: c.Input, Human: runbooktest.ApproveEverything{}}, c.Run
			},
			Snapshot: func() string { return snapshot(t, l) },
		}
	})
}
