package lab_test

import (
	"slices"
	"testing"

	"github.com/landingteam/landing/launchpad/launchpadtest"
	"github.com/landingteam/landing/runbook/lab"
)

// A clone begins with what happened at the Launchpad of the first lab, and goes
// its own way from there.
func TestCloneLaunchpad(t *testing.T) {
	t.Parallel()
	first := lab.New(t)
	add := func(l *lab.Lab, name string) {
		srv, err := l.LaunchpadServer()
		if err != nil {
			t.Fatal(err)
		}
		srv.Do(func(w *launchpadtest.World) { w.AddPPA("landing-team", name) })
	}
	has := func(l *lab.Lab, name string) (found bool) {
		srv, err := l.LaunchpadServer()
		if err != nil {
			t.Fatal(err)
		}
		srv.Do(func(w *launchpadtest.World) {
			found = slices.ContainsFunc(w.Archives, func(a *launchpadtest.Archive) bool { return a.Name == name })
		})
		return found
	}
	add(first, "before")
	clone := first.Clone(t)
	add(clone, "after")
	if !has(clone, "before") {
		t.Error("the clone does not know what happened before")
	}
	if has(first, "after") {
		t.Error("the first lab knows what happened at the clone's")
	}
}
