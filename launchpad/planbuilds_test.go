package launchpad_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/launchpad/launchpadtest"
)

// unbuilt puts the build of a source of the overlay on an architecture into a state,
// and takes away what it made.
func unbuilt(w *launchpadtest.World, name, arch string, state launchpad.BuildState) {
	for _, b := range w.Builds {
		if b.Archive != overlay || b.SourceName != name || b.Arch != arch {
			continue
		}
		b.State = state
		w.Binaries = slices.DeleteFunc(w.Binaries, func(r *launchpadtest.BinaryRow) bool { return r.Build == b.ID })
	}
}

// TestUnbuilt plans a copy from an origin in which a build made nothing: whatever the
// reason, the plan says what will not be there.
func TestUnbuilt(t *testing.T) {
	states := []launchpad.BuildState{launchpad.FailedToBuild, launchpad.DependencyWait, launchpad.ChrootProblem, launchpad.FailedToUpload,
		launchpad.Cancelled, launchpad.SupersededSource, launchpad.NeedsBuilding, launchpad.Building, launchpad.Uploading}
	for _, state := range states {
		for _, more := range []int{0, 30} { // few packages are asked about one by one
			for _, names := range [][]string{nil, {"mir"}} {
				s := newServer(t, func(w *launchpadtest.World) {
					for n := range more {
						w.Publish(overlay, "vivid", pkg(fmt.Sprintf("data%02d", n), "1", launchpadtest.BinaryPackage{Name: fmt.Sprintf("data%02d", n), All: true}))
					}
					// The same in another series, and another version of it, are none of this plan's.
					w.Publish(overlay, "xenial", pkg("unity8", "8.12-0ubuntu1"))
					unbuilt(w, "mir", "armhf", state)
					for _, b := range w.Builds {
						if b.Series == "xenial" {
							b.State = launchpad.FailedToBuild
						}
					}
				})
				r := request
				r.Names = names
				plan := mustPlan(t, s.Client(), r)
				want := []string{fmt.Sprintf("mir 1.10 on armhf (%s)", state)}
				if d := cmp.Diff(want, plan.Unbuilt()); d != "" {
					t.Errorf("%s, %d more, %q (-want +got)\n%s", state, more, names, d)
				}
				if !strings.Contains(plan.Text(), "note     mir 1.10 on armhf is not in the origin: its build there is: "+string(state)) || plan.Err() != nil {
					t.Errorf("%s, %d more, %q: %v\n%s", state, more, names, plan.Err(), plan.Text())
				}
				if n := s.Count("getBuilds"); n > 8 {
					t.Errorf("%d more, %q: the builds of %d sources were asked for", more, names, n)
				}
			}
		}
	}
}

// What a source is not built for is nothing to speak of, nor is what another archive
// built, or an architecture that the target does not have.
func TestNothingUnbuilt(t *testing.T) {
	s := newServer(t)
	c := s.Client()
	if plan := mustPlan(t, c, request); len(plan.Unbuilt()) != 0 { // telephony-service is for armhf alone
		t.Errorf("%q", plan.Unbuilt())
	}
	s = newServer(t, func(w *launchpadtest.World) {
		unbuilt(w, "mir", "i386", launchpad.FailedToBuild)
		w.Series[1].Arches[2].Disabled = true // no i386 in xenial
	})
	r := request
	r.ToSeries = "xenial"
	if plan := mustPlan(t, s.Client(), r); len(plan.Unbuilt()) != 0 {
		t.Errorf("into a series without i386: %q", plan.Unbuilt())
	}
	r = request
	r.SourceOnly = true // the target builds everything itself
	if plan := mustPlan(t, s.Client(), r); len(plan.Unbuilt()) != 0 {
		t.Errorf("without binaries: %q", plan.Unbuilt())
	}
}

// A package that is there already lacks the same in the target.
func TestUnbuiltAndPresent(t *testing.T) {
	s := newServer(t, func(w *launchpadtest.World) {
		unbuilt(w, "mir", "armhf", launchpad.FailedToBuild)
		w.FailBuild = map[string]bool{"mir/armhf": true} // in the target, too
	})
	c := s.Client()
	_, report, err := copyAll(t, c, request, launchpad.CopyOptions{})
	if err != nil || !report.Complete {
		t.Fatal(err)
	}
	for _, p := range report.Packages {
		if (len(p.Unbuilt) > 0) != (p.Name == "mir") {
			t.Errorf("the report says of %s: unbuilt %q", p.Name, p.Unbuilt)
		}
	}
	plan := mustPlan(t, c, request)
	if d := cmp.Diff([]string{"mir 1.10 on armhf (Failed to build)"}, plan.Unbuilt()); d != "" || plan.Copies() != 0 {
		t.Errorf("again: %d copies (-want +got)\n%s", plan.Copies(), d)
	}
	replay := request
	replay.Replay = report.Manifest()
	if d := cmp.Diff([]string{"mir 1.10 on armhf (Failed to build)"}, mustPlan(t, c, replay).Unbuilt()); d != "" {
		t.Errorf("replayed (-want +got)\n%s", d)
	}
}
