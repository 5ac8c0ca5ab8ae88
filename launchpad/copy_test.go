package launchpad_test

import (
	"testing"

	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/launchpad/launchpadtest"
)

const (
	overlay  = "~landing-team/ubuntu/overlay"
	snapshot = "~landing-team/ubuntu/snapshot"
)

var request = launchpad.PlanRequest{From: "ppa:landing-team/overlay", To: "ppa:landing-team/snapshot", Series: "vivid"}

// newServer has an overlay PPA with three packages and an empty snapshot PPA.
func newServer(t testing.TB, change ...func(*launchpadtest.World)) *launchpadtest.Server {
	s := launchpadtest.New(t, nil)
	s.Do(func(w *launchpadtest.World) {
		w.AddPPA("landing-team", "overlay")
		w.AddPPA("landing-team", "snapshot")
		w.Publish(overlay, "vivid",
			pkg("unity8", "8.12-0ubuntu1", bin("unity8"), launchpadtest.BinaryPackage{Name: "unity8-common", All: true}),
			pkg("mir", "1.10", bin("mir"), launchpadtest.BinaryPackage{Name: "libmir3", Version: "1:1.10+b1"}, launchpadtest.BinaryPackage{Name: "mir-dbgsym", Debug: true}),
			pkg("telephony-service", "0.1", launchpadtest.BinaryPackage{Name: "telephony-service", Arches: []string{"armhf"}}))
		for _, f := range change {
			f(w)
		}
	})
	return s
}

func pkg(name, version string, binaries ...launchpadtest.BinaryPackage) launchpadtest.Package {
	return launchpadtest.Package{Name: name, Version: version, Binaries: binaries}
}

func bin(name string) launchpadtest.BinaryPackage { return launchpadtest.BinaryPackage{Name: name} }

func mustPlan(t testing.TB, c *launchpad.Client, r launchpad.PlanRequest) *launchpad.Plan {
	t.Helper()
	p, err := c.Plan(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// copyAll plans and copies what r asks for. The report of a plan that cannot be
// carried out is empty.
func copyAll(t testing.TB, c *launchpad.Client, r launchpad.PlanRequest, o launchpad.CopyOptions) (*launchpad.Plan, *launchpad.CopyReport, error) {
	t.Helper()
	p := mustPlan(t, c, r)
	if err := p.Err(); err != nil {
		return p, &launchpad.CopyReport{}, err
	}
	report, err := c.Copy(t.Context(), p, o)
	return p, report, err
}

// count is the number of packages with which the plan does that.
func count(p *launchpad.Plan, action string) (n int) {
	for _, i := range p.Packages {
		if i.Action == action {
			n++
		}
	}
	return n
}

func outcomes(r *launchpad.CopyReport) map[string]launchpad.CopyState {
	out := map[string]launchpad.CopyState{}
	for _, p := range r.Packages {
		out[p.Name] = p.State
	}
	return out
}

func TestSnapshot(t *testing.T) {
	s := newServer(t)
	c := s.Client()
	var done, total, calls int
	plan, report, err := copyAll(t, c, request, launchpad.CopyOptions{Progress: func(d, n int) { done, total = d, n; calls++ }})
	if err != nil {
		t.Fatal(err)
	}
	if !report.Complete || report.Count(launchpad.CopyPublished) != 3 || s.Count("copyPackage") != 3 {
		t.Errorf("%+v after %d requests to copy", report, s.Count("copyPackage"))
	}
	if done != 3 || total != 3 || calls < 3 {
		t.Errorf("progress %d of %d after %d calls", done, total, calls)
	}
	s.Do(func(w *launchpadtest.World) { assertPublished(t, w, plan, nil) })

	// A second one finds everything there and sends nothing.
	again, report, err := copyAll(t, c, request, launchpad.CopyOptions{})
	if err != nil || !report.Complete || count(again, "present") != 3 || s.Count("copyPackage") != 3 {
		t.Errorf("again: %v\n%s", err, again.Text())
	}
}

// assertPublished checks against the world what a report claims: every row the
// plan expects was published.
func assertPublished(t testing.TB, w *launchpadtest.World, plan *launchpad.Plan, claimed func(name string) bool) {
	t.Helper()
	for _, i := range plan.Packages {
		if claimed != nil && !claimed(i.Name) {
			continue
		}
		if src := w.FindSource(snapshot, i.Name, i.Version); src == nil || src.Published.IsZero() {
			t.Errorf("%s %s is claimed as published, but is not", i.Name, i.Version)
		}
		for _, b := range i.Binaries {
			for _, arch := range b.Arches {
				found := false
				for _, row := range w.Binaries {
					found = found || row.Archive == snapshot && row.Name == b.Name && row.Version == b.Version && row.Arch == arch && !row.Published.IsZero()
				}
				if !found {
					t.Errorf("%s %s %s is claimed as published, but is not", b.Name, b.Version, arch)
				}
			}
		}
	}
}
