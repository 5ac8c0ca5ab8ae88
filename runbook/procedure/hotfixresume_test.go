package procedure_test

import (
	"errors"
	"flag"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/landingteam/landing/launchpad/launchpadtest"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/systemimage/operate"
)

// Between its steps, and until days that are to come, the run is pending.
func TestHotfixPending(t *testing.T) {
	t.Parallel()
	l := hotfixLab(t, "krillin")
	k := newClock(0)
	c := hotfix(t, l, k)
	c.Stay, c.Input.Grace = false, 96*time.Hour
	x := &runbook.Runner{Name: "hotfix", Input: c.Input, Journal: &runbooktest.Memory{}, Human: runbooktest.ApproveEverything{}}
	for _, step := range []struct {
		after time.Duration
		want  string
	}{
		{0, "100% is due"}, {time.Hour, "100% is due"}, {time.Hour, "waits until 2026-03-06 11:00 UTC: grace period"},
		{96 * time.Hour, "waits until 2026-03-09 09:00 UTC: next working day"}, {70 * time.Hour, ""}, // from Friday to Monday
	} {
		k.advance(step.after)
		err := x.Execute(t.Context(), c.Run)
		if step.want == "" {
			if err != nil {
				t.Errorf("at the end: %v", err)
			}
		} else if !errors.Is(err, runbook.ErrPending) || !strings.Contains(err.Error(), step.want) {
			t.Fatalf("after %v more: %v, want ErrPending with %q", step.after, err, step.want)
		}
		if st := importerState(t, l); st != operate.ImporterOn {
			t.Errorf("while it is pending the importer is %q", st)
		}
	}
}

func TestHotfixPlanChangesNothing(t *testing.T) {
	t.Parallel()
	l := hotfixLab(t, "krillin")
	srv, err := l.LaunchpadServer()
	if err != nil {
		t.Fatal(err)
	}
	c := hotfix(t, l, newClock(time.Hour))
	c.Launchpad.ReadOnly, c.Builder.ReadOnly, c.Server.ReadOnly, c.Importer.ReadOnly, c.Config.ReadOnly = true, true, true, true, true
	for _, made := range []bool{false, true} {
		if made {
			srv.Do(func(w *launchpadtest.World) {
				w.AddPPA("landing-team", "snapshot")
				w.Publish("~landing-team/ubuntu/snapshot", "vivid", launchpadtest.Package{Name: "unity8", Version: "8.12+15.04.20160824.1-0ubuntu1"})
			})
		}
		before, posts := snapshot(t, l), srv.Count("POST")
		x := &runbook.Runner{Name: "hotfix", Input: c.Input}
		recs, err := x.Plan(t.Context(), c.Run)
		if err != nil {
			t.Fatalf("snapshot made %v: %v", made, err)
		}
		if d := cmp.Diff(before, snapshot(t, l)); d != "" || srv.Count("POST") != posts {
			t.Errorf("the plan changed something (-before +after)\n%s", d)
		}
		var planned []string
		for _, rec := range recs {
			if rec.Kind == runbook.Planned {
				step, _, _ := strings.Cut(rec.Step, "/after ") // the newest build of the lab's day
				planned = append(planned, step)
			}
		}
		for _, step := range []string{"public", "importer", "rc/ubuntu-touch-vivid-daily-preinstalled", "rc configuration", "import", "support", "stand down"} {
			if !slices.Contains(planned, step) {
				t.Errorf("the plan does not show %q: %q", step, planned)
			}
		}
	}
}

// A run that loses its journal, wherever that is, is gone on with by another
// start, and ends in the world of an undisturbed one.
func TestHotfixGoesOn(t *testing.T) {
	t.Parallel()
	begin := hotfixLab(t, "krillin")
	want := ""
	for writes := 1000; writes > 0; writes -= 23 {
		l := begin.Clone(t)
		k := newClock(time.Hour)
		dying := &dyingJournal{Memory: &runbooktest.Memory{}, left: writes}
		x := &runbook.Runner{Name: "hotfix", Input: hotfix(t, l, k).Input, Journal: dying, Human: runbooktest.ApproveEverything{}}
		err := x.Execute(t.Context(), hotfix(t, l, k).Run)
		if want == "" {
			if err != nil {
				t.Fatal(err)
			}
			want, writes = snapshot(t, l), writes-dying.left
			continue
		}
		if !errors.Is(err, runbook.ErrJournal) {
			t.Fatalf("after %d writes: %v, want ErrJournal", writes, err)
		}
		if st := importerState(t, l); st != operate.ImporterOn {
			t.Errorf("after %d writes the importer is %q", writes, st)
		}
		x.Journal = dying.Memory
		if err := x.Execute(t.Context(), hotfix(t, l, k).Run); err != nil {
			t.Fatalf("gone on with after %d writes: %v", writes, err)
		}
		if d := cmp.Diff(want, snapshot(t, l)); d != "" {
			t.Errorf("after %d writes the world differs (-undisturbed +gone on with)\n%s", writes, d)
		}
	}
}

var everywhere = flag.Bool("everywhere", false, "kill at every write of a journal, also where that takes minutes")

// killAnywhere is runbooktest.KillAnywhere with -everywhere, and every seventh
// point of it without.
func killAnywhere(t testing.TB, fresh func(t testing.TB) runbooktest.Scene) {
	t.Helper()
	step := 7
	if *everywhere {
		step = 1
	}
	runbooktest.KillEvery(t, step, fresh)
}

func TestHotfixKillAnywhere(t *testing.T) {
	t.Parallel()
	if !*everywhere {
		t.Skip("runs the procedure some hundred times: ask for it with -everywhere")
	}
	begin := hotfixLab(t, "krillin")
	runbooktest.KillAnywhere(t, func(t testing.TB) runbooktest.Scene {
		l := begin.Clone(t)
		k := newClock(time.Hour)
		srv, err := l.LaunchpadServer()
		if err != nil {
			t.Fatal(err)
		}
		return runbooktest.Scene{
			Start: func() (*runbook.Runner, runbook.Procedure) {
				c := hotfix(t, l, k)
				return &runbook.Runner{Name: "hotfix", Input: c.Input, Human: runbooktest.ApproveEverything{}}, c.Run
			},
			Snapshot: func() string {
				return snapshot(t, l) + strings.Join(published(srv, "~landing-team/ubuntu/snapshot"), "\n") + strings.Join(published(srv, "~landing-team/ubuntu/overlay"), "\n")
			},
		}
	})
}
