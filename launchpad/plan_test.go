package launchpad_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/launchpad/launchpadtest"
)

func TestPlan(t *testing.T) {
	s := newServer(t, func(w *launchpadtest.World) {
		w.Publish(overlay, "vivid", pkg("unity8", "8.11-0ubuntu1"), pkg("qtmir", "0.4"), pkg("dialer", "1.0"), pkg("arm64-only", "1", launchpadtest.BinaryPackage{Name: "arm64-only", Arches: []string{"i386"}}))
		w.Publish(overlay, "xenial", pkg("xenial-only", "1"))
		w.Publish(snapshot, "vivid", pkg("unity8", "8.10-0ubuntu1"), pkg("qtmir", "0.5"), pkg("old-tool", "3"))
		w.Upload(overlay, "vivid", pkg("dialer", "1.1"), pkg("brand-new", "1"))
	})
	c := s.Client()
	plan := mustPlan(t, c, request)
	want := strings.TrimPrefix(`
from https://api.launchpad.test/devel/~landing-team/+archive/ubuntu/overlay vivid
to   https://api.launchpad.test/devel/~landing-team/+archive/ubuntu/snapshot vivid
conflict brand-new 1: it is still Pending in the origin
conflict dialer 1.0: 1.1 is about to replace it in the origin
conflict qtmir 0.4: the target has the newer 0.5
copy     arm64-only 1, 1 binaries
copy     mir 1.10, 9 binaries
copy     telephony-service 0.1, 1 binaries
copy     unity8 8.12-0ubuntu1 replaces 8.10-0ubuntu1, 6 binaries
stale    old-tool 3
note     unity8 has 2 published versions in the origin; 8.12-0ubuntu1 is the highest
`, "\n")
	if d := cmp.Diff(want, plan.Text()); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if err := plan.Err(); err == nil || !strings.Contains(err.Error(), "3 of 7") {
		t.Errorf("Err = %v", err)
	}
	if s.Count("POST") != 0 {
		t.Error("planning wrote something")
	}
	b, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	var again launchpad.Plan
	if err := json.Unmarshal(b, &again); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(*plan, again); d != "" {
		t.Errorf("round trip (-first +again)\n%s", d)
	}

	picked := mustPlan(t, c, launchpad.PlanRequest{From: request.From, To: request.To, Series: "vivid", Names: []string{"unity8", "missing"}})
	if len(picked.Packages) != 2 || picked.Packages[0].Reason != "it is not published in the origin" || picked.Packages[1].Version != "8.12-0ubuntu1" || len(picked.Stale) != 0 {
		t.Errorf("by name:\n%s", picked.Text())
	}
	pattern := mustPlan(t, c, launchpad.PlanRequest{From: request.From, To: request.To, Series: "vivid", Names: []string{"*m*"}, Exclude: []string{"tele*", "qt*"}})
	if len(pattern.Packages) != 2 {
		t.Errorf("by pattern:\n%s", pattern.Text())
	}
	for i, b := range picked.Packages[1].Binaries {
		if d := cmp.Diff(plan.Packages[len(plan.Packages)-1].Binaries[i], b); d != "" {
			t.Errorf("by name and by listing differ\n%s", d)
		}
	}
	for want, bad := range map[string]launchpad.PlanRequest{
		"the origin ppa:landing-team/none is not there": {From: "ppa:landing-team/none", To: request.To, Series: "vivid"},
		"the target ppa:landing-team/none is not there": {From: request.From, To: "ppa:landing-team/none", Series: "vivid"},
		"there is no series vivd":                       {From: request.From, To: request.To, Series: "vivd"},
		"there is no series xenail":                     {From: request.From, To: request.To, Series: "vivid", ToSeries: "xenail"},
	} {
		if _, err := c.Plan(t.Context(), bad); !errors.Is(err, launchpad.ErrNotFound) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nlacks %q", err, want)
		}
	}
	for _, bad := range []launchpad.PlanRequest{{From: "x", To: "x", Series: "vivid"}, {From: request.From, To: request.To}, {From: request.From, To: request.To, Series: "vivid", Names: []string{"["}}, {From: "", To: request.To, Series: "vivid"}} {
		if p, err := c.Plan(t.Context(), bad); err == nil {
			t.Errorf("%+v: %+v, want an error", bad, p)
		}
	}
}

// A pattern that fits nothing is no success.
func TestPlanOfNothing(t *testing.T) {
	r := request
	r.Names = []string{"untiy*"}
	plan, _, err := copyAll(t, newServer(t).Client(), r, launchpad.CopyOptions{})
	if err == nil || !strings.Contains(err.Error(), "nothing in vivid") || len(plan.Packages) != 0 {
		t.Errorf("%v\n%s", err, plan.Text())
	}
}

func TestPlanAcrossSeries(t *testing.T) {
	s := newServer(t, func(w *launchpadtest.World) {
		w.Series[1].Arches[2].Disabled = true // no i386 in xenial
	})
	c := s.Client()
	r := request
	r.ToSeries = "xenial"
	plan, report, err := copyAll(t, c, r, launchpad.CopyOptions{})
	if err != nil || !report.Complete {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"i386 is not enabled in xenial: its binaries stay behind"}, plan.Notes); d != "" {
		t.Errorf("notes (-want +got)\n%s", d)
	}
	for _, i := range plan.Packages {
		for _, b := range i.Binaries {
			if i.Name != "telephony-service" && len(b.Arches) != 2 {
				t.Errorf("%s expected on %v", b.Name, b.Arches)
			}
		}
	}
}

func TestBlocked(t *testing.T) {
	tests := []struct {
		name   string
		change func(w *launchpadtest.World)
		want   launchpad.CopyState
	}{
		{"publishing is off", func(w *launchpadtest.World) { w.Archive(snapshot).Unpublished = true }, launchpad.CopyPublishingOff},
		{"obsolete series", func(w *launchpadtest.World) { w.Series[0].Status = "Obsolete" }, launchpad.CopySeriesObsolete},
		{"private origin", func(w *launchpadtest.World) { w.Archive(overlay).Private = true }, launchpad.CopyRefused},
		{"target of others", func(w *launchpadtest.World) {
			w.Archive(snapshot).Private, w.Archive(snapshot).Owner = true, "stranger"
		}, launchpad.CopyRefused},
		{"deleted", func(w *launchpadtest.World) { w.Archive(snapshot).Status = "Deleted" }, launchpad.CopyRefused},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t, tt.change)
			c := s.Client()
			plan, err := c.Plan(t.Context(), request)
			if tt.name == "target of others" && errors.Is(err, launchpad.ErrPermission) {
				return // its publications cannot be listed at all
			}
			if err != nil || plan.Blocked != tt.want || plan.Err() == nil {
				t.Fatalf("blocked %q, %v, want %q", plan.Blocked, err, tt.want)
			}
			report, err := c.Copy(t.Context(), plan, launchpad.CopyOptions{})
			if err == nil || report.Count(tt.want) != 3 || s.Count("POST") != 0 {
				t.Errorf("%v: %v, %d writes", outcomes(report), err, s.Count("POST"))
			}
		})
	}
	s := newServer(t, func(w *launchpadtest.World) {
		w.Series[0].Status, w.Archive(snapshot).PermitObsolete, w.Archive(overlay).Private = "Obsolete", true, true
	})
	r := request
	r.Unembargo = true
	if _, report, err := copyAll(t, s.Client(), r, launchpad.CopyOptions{}); err != nil || !report.Complete {
		t.Errorf("permitted: %v", err)
	}
}

// TestPlanInMotion publishes, uploads and deletes in the origin while a plan
// reads it: whatever the moment, the plan must not mix old and new.
func TestPlanInMotion(t *testing.T) {
	for after := 1; after < 16; after++ {
		s := newServer(t)
		s.Do(func(w *launchpadtest.World) { w.Upload(overlay, "vivid", pkg("unity8", "8.13", bin("unity8"))) })
		c := s.Client()
		c.Parallel = 1
		n := 0
		c.HTTP.Transport = counting{c.HTTP.Transport, func() {
			if n++; n == after {
				s.Advance(10 * time.Minute) // 8.13 is published, 8.12 superseded
				s.Do(func(w *launchpadtest.World) {
					w.Publish(overlay, "vivid", pkg("late", "1"))
					w.DeleteSource(w.FindSource(overlay, "telephony-service", "0.1"), "operator", "x")
				})
			}
		}}
		plan, err := c.Plan(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range plan.Packages {
			rows := 0
			for _, b := range i.Binaries {
				rows += len(b.Arches)
			}
			if want := map[string]int{"8.12-0ubuntu1": 6, "8.13": 3, "1.10": 9, "0.1": 1, "1": 3}[i.Version]; i.Action == "copy" && rows != want {
				t.Errorf("changed before request %d: %s %s with %d binaries, want %d", after, i.Name, i.Version, rows, want)
			}
		}
	}
}

// counting calls before for each request.
type counting struct {
	http.RoundTripper
	before func()
}

func (c counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.before()
	return c.RoundTripper.RoundTrip(r)
}

// TestPlanFresh plans from an origin that was filled a moment ago: it is read
// twice as a whole, and not package by package.
func TestPlanFresh(t *testing.T) {
	s := newServer(t, func(w *launchpadtest.World) {
		for n := range 60 {
			w.Publish(overlay, "vivid", pkg(fmt.Sprintf("pkg%02d", n), "1"))
		}
	})
	plan := mustPlan(t, s.Client(), request)
	if plan.Copies() != 63 || plan.Err() != nil || s.Count("") > 30 {
		t.Errorf("%d packages, %v, in %d requests", plan.Copies(), plan.Err(), s.Count(""))
	}
}
