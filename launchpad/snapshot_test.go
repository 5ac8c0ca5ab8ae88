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

func outcomes(r *launchpad.Report) map[string]launchpad.Outcome {
	out := map[string]launchpad.Outcome{}
	for _, p := range r.Results {
		out[p.Name] = p.Outcome
	}
	return out
}

func TestSnapshot(t *testing.T) {
	s := newServer(t)
	c := s.Client()
	var last launchpad.Progress
	calls := 0
	plan, report, err := c.Snapshot(t.Context(), request, launchpad.CopyOptions{Progress: func(p launchpad.Progress) { last = p; calls++ }})
	if err != nil {
		t.Fatal(err)
	}
	if !report.Complete || report.Count(launchpad.FullyPublished) != 3 || s.Count("copyPackage") != 3 {
		t.Errorf("%+v after %d requests to copy", report, s.Count("copyPackage"))
	}
	if last.Done != 3 || last.Total != 3 || calls < 3 {
		t.Errorf("progress %+v after %d calls", last, calls)
	}
	s.Do(func(w *launchpadtest.World) { assertPublished(t, w, plan, nil) })

	// A second one finds everything there and sends nothing.
	again, report, err := c.Snapshot(t.Context(), request, launchpad.CopyOptions{})
	if err != nil || !report.Complete || again.Count(launchpad.Present) != 3 || s.Count("copyPackage") != 3 {
		t.Errorf("again: %v\n%s", err, again.Text())
	}
}

// assertPublished checks against the world what a report claims: every row the
// plan expects was published.
func assertPublished(t testing.TB, w *launchpadtest.World, plan *launchpad.Plan, claimed func(name string) bool) {
	t.Helper()
	for _, i := range plan.Items {
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
