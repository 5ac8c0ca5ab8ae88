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
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/systemimage"
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
var stable = []procedure.Target{
	{Channel: "ubuntu-touch/stable/bq-aquaris.en", Device: "krillin", Version: 1},
	{Channel: "ubuntu-touch/stable/bq-aquaris.en", Device: "vegetahd", Version: 1},
}

func phase(t testing.TB, l *lab.Lab, percentage int, targets ...procedure.Target) {
	t.Helper()
	for _, g := range targets {
		if _, err := l.Server().SetPercentage(t.Context(), systemimage.PhaseRequest{
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
		Server: l.Server(), Now: k.Now, Every: time.Millisecond,
		Stop:  &procedure.StopFile{Runner: l.Images, Path: filepath.Join(l.Images.Root(), "phased-state", "done")},
		Input: procedure.RolloutInput{Targets: stable, Schedule: schedule(t, text)},
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
	l := lab.New(t)
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

func TestRolloutAsks(t *testing.T) {
	t.Parallel()
	l := lab.New(t)
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
	if err := execute(t, c, j, runbook.ApproveEverythingInALab{}); err != nil {
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
			if err := os.WriteFile(c.Stop.Path, []byte("crash reports\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		},
		"set to 0 by somebody else": func(t *testing.T, l *lab.Lab, _ *procedure.Rollout) { phase(t, l, 0, stable[1]) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := lab.New(t)
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
			if err := execute(t, c, j, runbook.ApproveEverythingInALab{}); !errors.Is(err, runbook.ErrPending) {
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
	l := lab.New(t)
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
	l := lab.New(t)
	phase(t, l, 0, stable...)
	k := newClock(0)
	c := rollout(t, l, k, "10% 2h, 100%")
	j := &runbooktest.Memory{}
	if err := execute(t, c, j, nil); !errors.Is(err, runbook.ErrPending) {
		t.Fatal(err)
	}
	out, err := l.Images.Run(t.Context(), systemimage.Command{Argv: []string{"tag-image", stable[0].Channel, stable[0].Device, "1", "OTA-4.1"}})
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

func TestRolloutKillAnywhere(t *testing.T) {
	t.Parallel()
	begin := lab.NewWorld(t, only("ubuntu-touch/stable/bq-aquaris.en"))
	phase(t, begin, 0, stable...)
	killAnywhere(t, func(t testing.TB) runbooktest.Scene {
		l := begin.Clone(t)
		k := newClock(time.Hour)
		return runbooktest.Scene{
			Start: func() (*runbook.Runner, runbook.Procedure) {
				c := rollout(t, l, k, "1% 2h ask, 100%")
				c.Stay = true
				return &runbook.Runner{Name: "rollout", Input: c.Input, Human: runbook.ApproveEverythingInALab{}}, c.Run
			},
			Snapshot: func() string { return snapshot(t, l) },
		}
	})
}

// A rollout and a back-out of the same images at the same time: the back-out
// wins, whenever it begins.
func TestRolloutAgainstBackOut(t *testing.T) {
	t.Parallel()
	for _, after := range []time.Duration{0, 50 * time.Millisecond, 150 * time.Millisecond, 300 * time.Millisecond} {
		t.Run(after.String(), func(t *testing.T) {
			t.Parallel()
			l := released(t, 0)
			k := newClock(time.Minute)
			c := rollout(t, l, k, "linear 5h every 10m")
			c.Input.Targets, c.Stay = faulty(2), true
			ended := make(chan error)
			go func() { ended <- execute(t, c, &runbooktest.Memory{}, nil) }()
			time.Sleep(after)
			b := backout(l)
			b.Stop = c.Stop
			y := &runbook.Runner{Name: "backout", Input: b.Input, Journal: &runbooktest.Memory{}, Human: runbook.ApproveEverythingInALab{}}
			if err := y.Execute(t.Context(), b.Run); err != nil {
				t.Errorf("back-out: %v", err)
			}
			if err := <-ended; err == nil {
				t.Error("the rollout went on to its end")
			}
			nobodyGetsIt(t, l, 2)
		})
	}
}

// Two runs that hold the importer at once: the last one out puts it back.
func TestTwoRunsHoldTheImporter(t *testing.T) {
	t.Parallel()
	l := lab.New(t)
	other := l.Importer()
	other.Owner = systemimage.Mark{Run: "release-x", Operator: "colleague"}
	if err := other.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	x, c := copyrc(l, &runbooktest.Memory{})
	if err := x.Execute(t.Context(), c.Run); err != nil {
		t.Fatal(err)
	}
	st, err := l.Importer().Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if st.State != systemimage.ImporterPaused || len(st.By) != 1 || st.By[0].Run != "release-x" {
		t.Errorf("after the first run: %+v, want it paused by the other run alone", st)
	}
	if err := other.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	if st := importerState(t, l); st != systemimage.ImporterOn {
		t.Errorf("after both: importer is %q, want on", st)
	}
}
