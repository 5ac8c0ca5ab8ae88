package procedure_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// ends are how the steps with a name ended, in order.
func ends(t *testing.T, j runbook.Journal, name string) (list []string) {
	t.Helper()
	for _, rec := range recordsOf(t, j) {
		if rec.Verb == runbook.VerbDo && strings.HasSuffix(rec.Step, name) && rec.Kind != runbook.Started {
			list = append(list, strings.TrimPrefix(rec.Step, "stop/")+" "+string(rec.Kind))
		}
	}
	return list
}

// What goes wrong in the command that stops all images keeps none of them from being
// stopped, and none is set once more than it has to be.
func TestStopMany(t *testing.T) {
	t.Parallel()
	errLink := errors.New("link lost")
	for _, tt := range []struct {
		name    string
		disturb func(t *testing.T, l *lab.Lab, c *procedure.BackOut)
		runs    int // of the server's program
		ends    []string
	}{
		{"nothing", func(*testing.T, *lab.Lab, *procedure.BackOut) {}, 2,
			[]string{"krillin/stop done", "vegetahd/stop done", "again krillin/stop adopted", "again vegetahd/stop adopted"}},
		{"the link is lost before its end is seen", func(_ *testing.T, _ *lab.Lab, c *procedure.BackOut) {
			host := c.Server.Runner
			c.Server.Runner = runnerFunc(func(ctx context.Context, cmd command.Command) (command.Output, error) {
				many := slices.Contains(cmd.Argv, "landing-phase-many")
				if many {
					cmd.Line = nil
				}
				out, err := host.Run(ctx, cmd)
				if many {
					return command.Output{}, errLink
				}
				return out, err
			})
		}, 2, []string{"krillin/stop doubt", "vegetahd/stop doubt", "again krillin/stop adopted", "again vegetahd/stop adopted"}},
		{"the host is lost between two images", func(_ *testing.T, l *lab.Lab, _ *procedure.BackOut) {
			runs, host := 0, l.Images.Before
			l.Images.Before = func(argv []string) error {
				if runs++; runs == 2 {
					return errLink
				}
				return host(argv)
			}
		}, 2, []string{"krillin/stop done", "vegetahd/stop doubt", "again krillin/stop adopted", "again vegetahd/stop done"}},
		{"the first program is killed", func(t *testing.T, l *lab.Lab, _ *procedure.BackOut) {
			if err := l.Images.SetFaults(systemimagetest.Faults{Kill: systemimagetest.BeforeIndexMoved}); err != nil {
				t.Fatal(err)
			}
		}, 3, []string{"vegetahd/stop done", "krillin/stop done", "again krillin/stop adopted", "again vegetahd/stop adopted"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := released(t, 50)
			c := backout(l)
			c.Stop = &procedure.StopFile{Runner: c.Server.Runner, Path: filepath.Join(l.Images.Root(), "phased-state", "done")}
			runs := 0
			l.Images.Before = func(argv []string) error {
				if filepath.Base(argv[0]) == "set-phased-percentage" {
					runs++
				}
				return nil
			}
			tt.disturb(t, l, c)
			j := &runbooktest.Memory{}
			x := &runbook.Runner{Name: "backout", Input: c.Input, Journal: j}
			if err := x.Execute(t.Context(), c.Run); !errors.Is(err, runbook.ErrPending) {
				t.Fatalf("%v, want a question", err)
			}
			nobodyGetsIt(t, l)
			got := ends(t, j, "/stop")
			for n := range got {
				got[n] = strings.NewReplacer("again/", "again ", stable[0].Channel+":", "").Replace(got[n])
			}
			slices.Sort(got)
			slices.Sort(tt.ends)
			if d := cmp.Diff(tt.ends, got); d != "" || runs != tt.runs {
				t.Errorf("%d runs of the program, want %d (-want +got)\n%s", runs, tt.runs, d)
			}
		})
	}
}

// A back-out that is killed between two images of its command finds each of them as
// it is when it is started again.
func TestStopManyKilledBetween(t *testing.T) {
	t.Parallel()
	l := released(t, 50)
	scene := runbooktest.Scene{Start: func() (*runbook.Runner, runbook.Procedure) {
		c := backout(l)
		c.Stop = &procedure.StopFile{Runner: c.Server.Runner, Path: filepath.Join(l.Images.Root(), "phased-state", "done")}
		return &runbook.Runner{Name: "backout", Input: c.Input}, c.Run
	}}
	left := runbooktest.KillAfter(t, scene, func(rec runbook.Record) bool {
		return rec.Kind == runbook.Done && strings.HasSuffix(rec.Step, "/stop")
	})
	if got := ends(t, left, "/stop"); len(got) != 1 {
		t.Fatalf("ended when it was killed: %q, want one", got)
	}
	x, p := scene.Start()
	x.Journal = left
	if err := x.Execute(t.Context(), p); !errors.Is(err, runbook.ErrPending) {
		t.Fatal(err)
	}
	nobodyGetsIt(t, l)
	if got := ends(t, left, "/stop"); len(got) != 4 || !strings.HasSuffix(got[1], "adopted") {
		t.Errorf("ends: %q, want the second image found stopped", got)
	}
}
