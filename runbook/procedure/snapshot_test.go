package procedure_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/launchpad/launchpadtest"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/runbooktest"
)

// launchpadLab is a lab of which only Launchpad matters.
func launchpadLab(t testing.TB) (*lab.Lab, *launchpadtest.Server) {
	t.Helper()
	l := newWorld(t, only())
	srv, err := l.LaunchpadServer()
	if err != nil {
		t.Fatal(err)
	}
	return l, srv
}

func snapshotOf(t testing.TB, srv *launchpadtest.Server, dir string) *procedure.Snapshot {
	t.Helper()
	return &procedure.Snapshot{
		Launchpad: srv.Client(), Ledger: filepath.Join(dir, "ledger"), Manifest: filepath.Join(dir, "manifest.json"),
		Input: procedure.SnapshotInput{From: lab.OverlayPPA, To: lab.SnapshotPPA, Series: "vivid", Create: true},
	}
}

// published lists what an archive has published, as "NAME VERSION" and
// "NAME VERSION ARCH".
func published(srv *launchpadtest.Server, archive string) (list []string) {
	srv.Do(func(w *launchpadtest.World) {
		for _, s := range w.Sources {
			if s.Archive == archive && s.Status == launchpad.Published {
				list = append(list, s.SourceName+" "+s.SourceVersion)
			}
		}
		for _, b := range w.Binaries {
			if b.Archive == archive && b.Status == launchpad.Published {
				list = append(list, b.Name+" "+b.Version+" "+b.Arch)
			}
		}
	})
	slices.Sort(list)
	return list
}

func TestSnapshot(t *testing.T) {
	t.Parallel()
	_, srv := launchpadLab(t)
	c := snapshotOf(t, srv, t.TempDir())
	x := &runbook.Runner{Name: "snapshot", Input: c.Input, Journal: &runbooktest.Memory{}}
	if err := x.Execute(t.Context(), c.Run); !errors.Is(err, runbook.ErrPending) || !strings.Contains(err.Error(), "Copy these 3 packages") {
		t.Fatalf("with nobody there: %v, want ErrPending that shows the difference", err)
	}
	if n := srv.Count("copyPackage") + srv.Count("copyPackages"); n > 0 {
		t.Fatalf("%d copies were asked for before anybody approved", n)
	}
	x.Human = runbooktest.ApproveEverything{}
	if err := x.Execute(t.Context(), c.Run); err != nil {
		t.Fatal(err)
	}
	want := published(srv, "~landing-team/ubuntu/overlay")
	if d := cmp.Diff(want, published(srv, "~landing-team/ubuntu/snapshot")); d != "" || len(want) == 0 {
		t.Errorf("the snapshot (-overlay +snapshot)\n%s", d)
	}
	b, err := os.ReadFile(c.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	var m launchpad.Manifest
	if err := json.Unmarshal(b, &m); err != nil || len(m.Packages) != 3 {
		t.Errorf("the manifest has %d packages, %v, want 3", len(m.Packages), err)
	}
	// Once more, with a new journal: everything is there.
	n := srv.Count("POST")
	x = &runbook.Runner{Name: "snapshot", Input: c.Input, Journal: &runbooktest.Memory{}}
	if err := x.Execute(t.Context(), c.Run); err != nil {
		t.Fatal(err)
	}
	if more := srv.Count("POST") - n; more > 0 {
		t.Errorf("%d writes although everything was there", more)
	}
}

// A build of the origin that made nothing is named in the plan, in the question and
// in the notes at the end, whatever its state; a person decides about it, also when
// there is nothing to copy.
func TestSnapshotWithoutABuild(t *testing.T) {
	t.Parallel()
	for _, state := range []launchpad.BuildState{launchpad.FailedToBuild, launchpad.DependencyWait, launchpad.NeedsBuilding} {
		_, srv := launchpadLab(t)
		srv.Do(func(w *launchpadtest.World) {
			w.AddPPA("landing-team", "snapshot").Processors = nil // it builds nothing itself
			for _, b := range w.Builds {
				if b.Archive == "~landing-team/ubuntu/overlay" && b.SourceName == "unity8" && b.Arch == "armhf" {
					b.State = state
					w.Binaries = slices.DeleteFunc(w.Binaries, func(r *launchpadtest.BinaryRow) bool { return r.Build == b.ID })
				}
			}
		})
		without := fmt.Sprintf("unity8 8.12+15.04.20160824.1-0ubuntu1 on armhf (%s)", state)
		c := snapshotOf(t, srv, t.TempDir())
		records, err := (&runbook.Runner{Name: "snapshot", Input: c.Input}).Plan(t.Context(), c.Run)
		if err != nil {
			t.Fatal(err)
		}
		says := func(records []runbook.Record, text string) bool {
			return slices.ContainsFunc(records, func(r runbook.Record) bool { return r.Kind == runbook.Noted && strings.Contains(r.Reason, text) })
		}
		if !says(records, "on armhf is not in the origin: its build there is: "+string(state)) {
			t.Errorf("%s: the plan does not name the build", state)
		}
		for _, what := range []string{"Copy these 3 packages", "has everything that"} { // once, and once more with a new journal
			j := &runbooktest.Memory{}
			x := &runbook.Runner{Name: "snapshot", Input: c.Input, Journal: j}
			if err := x.Execute(t.Context(), c.Run); !errors.Is(err, runbook.ErrPending) || !strings.Contains(err.Error(), what) || !strings.Contains(err.Error(), "without "+without) {
				t.Fatalf("%s: %v, want a question with %q that names %s", state, err, what, without)
			}
			var told []runbook.Record
			x.Human, x.Observe = runbooktest.ApproveEverything{}, func(r runbook.Record) { told = append(told, r) }
			if err := x.Execute(t.Context(), c.Run); err != nil {
				t.Fatal(err)
			}
			if !says(told, without+" was not built in ") || says(told, "published on every architecture (") {
				t.Errorf("%s: the notes at the end do not name the build", state)
			}
		}
	}
}

func TestSnapshotPlanChangesNothing(t *testing.T) {
	t.Parallel()
	_, srv := launchpadLab(t)
	c := snapshotOf(t, srv, t.TempDir())
	c.Launchpad.ReadOnly = true
	for _, made := range []bool{false, true} {
		if made {
			srv.Do(func(w *launchpadtest.World) { w.AddPPA("landing-team", "snapshot") })
		}
		x := &runbook.Runner{Name: "snapshot", Input: c.Input}
		if _, err := x.Plan(t.Context(), c.Run); err != nil {
			t.Errorf("Plan() with the PPA made %v: %v", made, err)
		}
	}
	if n := srv.Count("POST"); n > 0 {
		t.Errorf("the plan wrote %d times", n)
	}
}

// A copy job that fails without telling anybody is named, and so is its package.
func TestSnapshotNamesWhatIsLost(t *testing.T) {
	t.Parallel()
	_, srv := launchpadLab(t)
	srv.Do(func(w *launchpadtest.World) { w.FailCopy = map[string]string{"unity8": "no permission"} })
	c := snapshotOf(t, srv, t.TempDir())
	x := &runbook.Runner{Name: "snapshot", Input: c.Input, Journal: &runbooktest.Memory{}, Human: runbooktest.ApproveEverything{}}
	err := x.Execute(t.Context(), c.Run)
	if err == nil || !strings.Contains(err.Error(), "unity8") {
		t.Fatalf("Execute() = %v, want an error that names unity8", err)
	}
	if strings.Contains(err.Error(), "ubuntu-system-settings") {
		t.Errorf("the error names a package that was copied: %v", err)
	}
}

// The answer to the request for the PPA is lost: whether it is there is not known, and
// the next start looks.
func TestSnapshotPPAInDoubt(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		_, srv := launchpadLab(t)
		srv.Faults = []*launchpadtest.Fault{{Op: "createPPA", Drop: true, After: after, Times: 1}, {Method: "GET", Path: "+archive/ubuntu/snapshot", Skip: 1, Times: 6, Status: 502}}
		c := snapshotOf(t, srv, t.TempDir())
		x := &runbook.Runner{Name: "snapshot", Input: c.Input, Journal: &runbooktest.Memory{}, Human: runbooktest.ApproveEverything{}}
		if err := x.Execute(t.Context(), c.Run); !errors.Is(err, runbook.ErrInDoubt) {
			t.Fatalf("Execute() = %v, want ErrInDoubt", err)
		}
		if err := x.Execute(t.Context(), c.Run); err != nil {
			t.Errorf("Execute() once more: %v", err)
		}
		if n := srv.Count("createPPA"); (n == 1) != after {
			t.Errorf("createPPA was sent %d times, and had taken effect: %v", n, after)
		}
	}
}

func TestSnapshotNoPPA(t *testing.T) {
	t.Parallel()
	_, srv := launchpadLab(t)
	c := snapshotOf(t, srv, t.TempDir())
	c.Input.Create = false
	x := &runbook.Runner{Name: "snapshot", Input: c.Input, Journal: &runbooktest.Memory{}, Human: runbooktest.ApproveEverything{}}
	if err := x.Execute(t.Context(), c.Run); err == nil || !strings.Contains(err.Error(), "no PPA") {
		t.Errorf("Execute() = %v, want an error that there is no PPA", err)
	}
}

func TestSnapshotKillAnywhere(t *testing.T) {
	t.Parallel()
	killAnywhere(t, func(t testing.TB) runbooktest.Scene {
		_, srv := launchpadLab(t)
		dir := t.TempDir()
		return runbooktest.Scene{
			Start: func() (*runbook.Runner, runbook.Procedure) {
				c := snapshotOf(t, srv, dir)
				return &runbook.Runner{Name: "snapshot", Input: c.Input, Human: runbooktest.ApproveEverything{}}, c.Run
			},
			Snapshot: func() string {
				return strings.Join(published(srv, "~landing-team/ubuntu/snapshot"), "\n")
			},
		}
	})
}
