package procedure_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/runbooktest"
)

func writeStopFile(t testing.TB, f *procedure.StopFile, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(f.Path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.Path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// runnerFunc is a host that looks at each command first.
type runnerFunc func(context.Context, command.Command) (command.Output, error)

func (f runnerFunc) Run(ctx context.Context, c command.Command) (command.Output, error) {
	return f(ctx, c)
}

// The end of a rollout is no alarm for another, whenever it comes; touch still is.
func TestRolloutEndIsNoAlarm(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"before", "between", "while a percentage is set"} {
		t.Run(when, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			phase(t, l, 0, stable...)
			k := newClock(0)
			other := func() {
				c := rollout(t, l, newClock(0), "100%")
				c.Input.Images = stable[:1]
				if err := execute(t, c, &runbooktest.Memory{}, nil); err != nil {
					t.Fatal(err)
				}
			}
			c := rollout(t, l, k, "10% 2h, 50% 2h, 100%")
			c.Input.Images = stable[1:]
			ended := false
			switch when {
			case "before":
				other()
			case "while a percentage is set":
				runner := c.Server.Runner
				c.Server.Runner = runnerFunc(func(ctx context.Context, cmd command.Command) (command.Output, error) {
					if slices.Contains(cmd.Argv, "landing-phase-many") && !ended {
						ended = true
						other()
					}
					return runner.Run(ctx, cmd)
				})
			}
			j := &runbooktest.Memory{}
			at := func(want int) {
				t.Helper()
				if err := execute(t, c, j, nil); !errors.Is(err, runbook.ErrPending) {
					t.Fatal(err)
				}
				if _, _, p := latest(t, l, stable[1].Channel, stable[1].Device); p != want {
					t.Fatalf("at %d %%, want %d", p, want)
				}
			}
			at(10)
			if when == "between" {
				other()
			}
			k.advance(2 * time.Hour)
			at(50)
			if _, err := os.Stat(c.Stop.Path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the end of the other rollout is still there: touch would be no alarm (%v)", err)
			}
			if _, _, p := latest(t, l, stable[0].Channel, stable[0].Device); p != 100 {
				t.Errorf("the image of the other rollout is at %d %%, want 100", p)
			}
			writeStopFile(t, c.Stop, "")
			at(0)
		})
	}
}

// A plan names a stop file that is there, and what it means.
func TestPlanNamesTheStopFile(t *testing.T) {
	t.Parallel()
	l, out := newWorld(t, of(lab.Candidates())), released(t, 50)
	stop := &procedure.StopFile{Runner: l.Server().Runner, Path: filepath.Join(l.Images.Root(), "phased-state", "done")}
	plans := map[string]func() (any, runbook.Procedure){
		"rollout": func() (any, runbook.Procedure) {
			c := rollout(t, l, newClock(0), "10% 2h, 100%")
			return c.Input, c.Run
		},
		"release": func() (any, runbook.Procedure) {
			c := release(t, l, newClock(0), "10% 2h, 100%")
			c.Stop = stop
			return c.Input, c.Run
		},
		"backout": func() (any, runbook.Procedure) {
			c := backout(out)
			c.Stop = &procedure.StopFile{Runner: out.Server().Runner, Path: stop.Path}
			return c.Input, c.Run
		},
	}
	for text, meaning := range map[string]string{
		"":                       "halts",
		"crash reports":          "halts",
		"phased in to everybody": "an earlier rollout ended",
	} {
		writeStopFile(t, stop, text)
		for name, plan := range plans {
			in, p := plan()
			list, err := (&runbook.Runner{Name: name, Input: in}).Plan(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			var said string
			for _, rec := range list {
				if strings.Contains(rec.Reason, stop.Path+" is there") {
					said = rec.Reason
				}
			}
			if !strings.Contains(said, text) || !strings.Contains(said, meaning) && name != "backout" || said == "" {
				t.Errorf("%s, with %q in the stop file: the plan says %q", name, text, said)
			}
		}
	}
}

// With a health signal that stays bad, and somebody who says yes to everything, a
// start ends: it resumes once. The next one asks again.
func TestRolloutResumesOnceInAStart(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]func(percentage int) bool{
		"always":             func(int) bool { return true },
		"as soon as offered": func(p int) bool { return p > 0 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			phase(t, l, 0, stable...)
			c := rollout(t, l, newClock(time.Minute), "10% 2h, 100%")
			c.Stay = true
			well := false
			c.Health = func(context.Context) (procedure.Health, error) {
				return procedure.Health{Bad: !well && bad(percentages(t, l)[0]), Why: "crash reports"}, nil
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			j := &runbooktest.Memory{}
			x := &runbook.Runner{Name: "rollout", Input: c.Input, Journal: j, Human: runbooktest.ApproveEverything{}}
			if err := x.Execute(ctx, c.Run); !errors.Is(err, runbook.ErrPending) || !strings.Contains(err.Error(), "halted again") {
				t.Fatalf("with bad health: %v, want ErrPending: halted again", err)
			}
			if d := cmp.Diff([]int{0, 0}, percentages(t, l)); d != "" {
				t.Errorf("halted (-want +got)\n%s", d)
			}
			if n := len(texts(t, j)); n > 100 {
				t.Errorf("%d lines in the journal of one start", n)
			}
			if err := execute(t, c, j, nil); !errors.Is(err, runbook.ErrPending) || !strings.Contains(err.Error(), "Resume the rollout") && !strings.Contains(err.Error(), "Begin the rollout") {
				t.Errorf("started again: %v, want the question whether to resume", err)
			}
			well = true
			if err := x.Execute(ctx, c.Run); err != nil {
				t.Errorf("in good health: %v", err)
			}
		})
	}
}

// A rollout begins where its images are: what lies before in the schedule takes
// neither time nor questions.
func TestRolloutBeginsWhereTheImagesAre(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		at     []int
		first  string // how the first start ends; "" is at its end
		then   []int
		second string // after the answer
	}{
		{"everybody has it", []int{100, 100}, "", []int{100, 100}, ""},
		{"half way", []int{50, 70}, "from 50% to 100%", []int{50, 70}, ""},
		{"in a step", []int{30, 30}, "from 30% to 100%", []int{30, 30}, ""},
		{"below the first", []int{0, 100}, "30% is due", []int{1, 100}, "100%"},
		{"one is far ahead", []int{10, 100}, "30% is due", []int{10, 100}, "100%"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			for n, p := range tt.at {
				phase(t, l, p, stable[n])
			}
			k := newClock(time.Minute)
			c := rollout(t, l, k, "1% 2h, 30% 1s ask, 100%")
			j := &runbooktest.Memory{}
			err := execute(t, c, j, nil)
			if ok := err == nil && tt.first == "" || errors.Is(err, runbook.ErrPending) && tt.first != "" && strings.Contains(err.Error(), tt.first); !ok {
				t.Fatalf("first: %v, want %q", err, tt.first)
			}
			if d := cmp.Diff(tt.then, percentages(t, l)); d != "" {
				t.Errorf("after the first start (-want +got)\n%s", d)
			}
			plan, err := (&runbook.Runner{Name: "rollout", Input: c.Input}).Plan(t.Context(), c.Run)
			if err != nil {
				t.Fatal(err)
			}
			if nothing := strings.Contains(plan[len(plan)-1].Reason, "nothing to do"); nothing != (tt.first == "") {
				t.Errorf("the plan ends with %q", plan[len(plan)-1].Reason)
			}
			if tt.first == "" {
				return
			}
			for range 3 {
				k.advance(2 * time.Hour)
				if err = execute(t, c, j, runbooktest.ApproveEverything{}); !errors.Is(err, runbook.ErrPending) {
					break
				}
			}
			if err != nil {
				t.Error(err)
			}
			if d := cmp.Diff([]int{100, 100}, percentages(t, l)); d != "" {
				t.Errorf("at the end (-want +got)\n%s", d)
			}
		})
	}
}
