package procedure_test

import (
	"encoding/json"
	"errors"
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
	x.Human = runbook.ApproveEverythingInALab{}
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
	x := &runbook.Runner{Name: "snapshot", Input: c.Input, Journal: &runbooktest.Memory{}, Human: runbook.ApproveEverythingInALab{}}
	err := x.Execute(t.Context(), c.Run)
	if err == nil || !strings.Contains(err.Error(), "unity8") {
		t.Fatalf("Execute() = %v, want an error that names unity8", err)
	}
	if strings.Contains(err.Error(), "ubuntu-system-settings") {
		t.Errorf("the error names a package that was copied: %v", err)
	}
}

func TestSnapshotNoPPA(t *testing.T) {
	t.Parallel()
	_, srv := launchpadLab(t)
	c := snapshotOf(t, srv, t.TempDir())
	c.Input.Create = false
	x := &runbook.Runner{Name: "snapshot", Input: c.Input, Journal: &runbooktest.Memory{}, Human: runbook.ApproveEverythingInALab{}}
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
				return &runbook.Runner{Name: "snapshot", Input: c.Input, Human: runbook.ApproveEverythingInALab{}}, c.Run
			},
			Snapshot: func() string {
				return strings.Join(published(srv, "~landing-team/ubuntu/snapshot"), "\n")
			},
		}
	})
}
