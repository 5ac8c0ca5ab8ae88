package launchpad_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
	if len(picked.Items) != 2 || picked.Items[0].Reason != "it is not published in the origin" || picked.Items[1].Version != "8.12-0ubuntu1" || len(picked.Stale) != 0 {
		t.Errorf("by name:\n%s", picked.Text())
	}
	pattern := mustPlan(t, c, launchpad.PlanRequest{From: request.From, To: request.To, Series: "vivid", Names: []string{"*m*"}, Exclude: []string{"tele*", "qt*"}})
	if len(pattern.Items) != 2 {
		t.Errorf("by pattern:\n%s", pattern.Text())
	}
	for i, b := range picked.Items[1].Binaries {
		if d := cmp.Diff(plan.Items[len(plan.Items)-1].Binaries[i], b); d != "" {
			t.Errorf("by name and by listing differ\n%s", d)
		}
	}
	for _, bad := range []launchpad.PlanRequest{{From: "x", To: "x", Series: "vivid"}, {From: request.From, To: request.To}, {From: request.From, To: request.To, Series: "vivid", Names: []string{"["}}, {From: "", To: request.To, Series: "vivid"}, {From: "ppa:landing-team/none", To: request.To, Series: "vivid"}} {
		if p, err := c.Plan(t.Context(), bad); err == nil {
			t.Errorf("%+v: %+v, want an error", bad, p)
		}
	}
}

func TestPlanAcrossSeries(t *testing.T) {
	s := newServer(t, func(w *launchpadtest.World) {
		w.Series[1].Arches[2].Disabled = true // no i386 in xenial
	})
	c := s.Client()
	r := request
	r.ToSeries = "xenial"
	plan, report, err := c.Snapshot(t.Context(), r, launchpad.CopyOptions{})
	if err != nil || !report.Complete {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"i386 is not enabled in xenial: its binaries stay behind"}, plan.Notes); d != "" {
		t.Errorf("notes (-want +got)\n%s", d)
	}
	for _, i := range plan.Items {
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
		want   launchpad.Outcome
	}{
		{"publishing is off", func(w *launchpadtest.World) { w.Archive(snapshot).Unpublished = true }, launchpad.PublishingOff},
		{"obsolete series", func(w *launchpadtest.World) { w.Series[0].Status = "Obsolete" }, launchpad.ObsoleteSeries},
		{"private origin", func(w *launchpadtest.World) { w.Archive(overlay).Private = true }, launchpad.Refused},
		{"target of others", func(w *launchpadtest.World) {
			w.Archive(snapshot).Private, w.Archive(snapshot).Owner = true, "stranger"
		}, launchpad.Refused},
		{"deleted", func(w *launchpadtest.World) { w.Archive(snapshot).Status = "Deleted" }, launchpad.Refused},
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
	if _, report, err := s.Client().Snapshot(t.Context(), r, launchpad.CopyOptions{}); err != nil || !report.Complete {
		t.Errorf("permitted: %v", err)
	}
}

// TestOutcomes reaches every way a copy can end.
func TestOutcomes(t *testing.T) {
	world := func(f func(w *launchpadtest.World)) func(*launchpadtest.Server) {
		return func(s *launchpadtest.Server) { s.Do(f) }
	}
	tests := []struct {
		name   string
		change func(s *launchpadtest.Server) // after the plan
		during func(w *launchpadtest.World)  // at every look
		want   launchpad.Outcome             // of unity8; the others are published
		detail string
	}{
		{"job fails in silence", world(func(w *launchpadtest.World) {
			w.FailCopy = map[string]string{"unity8": "source contains expired files"}
		}), nil, launchpad.Lost, "+packages"},
		{"job never runs", world(func(w *launchpadtest.World) { w.HoldCopy = map[string]bool{"unity8": true} }), nil, launchpad.Lost, "+packages"},
		{"newer upload before the job", world(func(w *launchpadtest.World) { w.Upload(snapshot, "vivid", pkg("unity8", "9.0")) }), nil, launchpad.Lost, "newer 9.0"},
		{"other upload of the same version was deleted", func(s *launchpadtest.Server) {
			s.Do(func(w *launchpadtest.World) {
				w.Publish(snapshot, "xenial", pkg("unity8", "8.12-0ubuntu1"))
			})
		}, nil, launchpad.Lost, "+packages"},
		{"no rights", world(func(w *launchpadtest.World) {
			w.FailCopy = nil
			w.Tokens[0].Access = "READ_PRIVATE"
		}), nil, launchpad.Refused, "Signer has no upload rights"},
		{"series becomes obsolete", world(func(w *launchpadtest.World) { w.Series[0].Status = "Obsolete" }), nil, launchpad.ObsoleteSeries, "vivid is obsolete"},
		{"one binary stays Pending", world(func(w *launchpadtest.World) { w.HoldBinary = map[string]bool{"unity8/armhf": true} }), nil, launchpad.StuckPending, "for 2h"},
		{"Architecture: all stays Pending on one", world(func(w *launchpadtest.World) { w.HoldBinary = map[string]bool{"unity8-common/i386": true} }), nil, launchpad.StuckPending, "do not become"},
		{"superseded", nil, func(w *launchpadtest.World) {
			if w.FindSource(snapshot, "unity8", "8.12-0ubuntu1") != nil && w.FindSource(snapshot, "unity8", "9.0") == nil {
				w.Upload(snapshot, "vivid", pkg("unity8", "9.0", bin("unity8"), launchpadtest.BinaryPackage{Name: "unity8-common", All: true}))
			}
		}, launchpad.WasSuperseded, "by 9.0"},
		{"deleted", nil, func(w *launchpadtest.World) {
			if src := w.FindSource(snapshot, "unity8", "8.12-0ubuntu1"); src != nil {
				w.DeleteSource(src, "operator", "not yet")
			}
		}, launchpad.WasDeleted, "by operator: not yet"},
		{"one binary deleted", nil, func(w *launchpadtest.World) {
			for _, b := range w.Binaries {
				if b.Archive == snapshot && b.Name == "unity8-common" && b.Arch == "armhf" {
					b.Status = launchpad.Deleted
				}
			}
		}, launchpad.WasDeleted, "unity8-common 8.12-0ubuntu1 armhf"},
		{"build fails", world(func(w *launchpadtest.World) {
			w.LoseBinary = map[string]bool{"unity8/armhf": true, "unity8-common/armhf": true}
			w.FailBuild = map[string]bool{"unity8/armhf": true}
		}), nil, launchpad.BuildFailed, "on armhf: Failed to build"},
		{"built in the target in part", world(func(w *launchpadtest.World) {
			w.LoseBinary = map[string]bool{"unity8/armhf": true, "unity8-common/armhf": true}
		}), nil, launchpad.StuckPending, "no build is under way"}, // armhf does not build Architecture: all
		{"publishing is switched off", nil, func(w *launchpadtest.World) {
			if w.FindSource(snapshot, "unity8", "8.12-0ubuntu1") != nil {
				w.Archive(snapshot).Unpublished = true
			}
		}, launchpad.PublishingOff, "switched it off"},
		{"late, and well", world(func(w *launchpadtest.World) { w.ArchLag = map[string]int{"armhf": 5} }), nil, launchpad.FullyPublished, ""},
		{"late job, and well", world(func(w *launchpadtest.World) { w.JobDelay = 12 * time.Minute }), nil, launchpad.FullyPublished, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t)
			c := s.Client()
			plan := mustPlan(t, c, request)
			if tt.change != nil {
				tt.change(s)
			}
			report, err := c.Copy(t.Context(), plan, launchpad.CopyOptions{Progress: func(launchpad.Progress) {
				if tt.during != nil {
					s.Do(tt.during)
				}
			}})
			if report == nil {
				t.Fatal(err)
			}
			if (err == nil) != report.Complete || report.Complete != (tt.want == launchpad.FullyPublished) {
				t.Errorf("complete %v, error %v", report.Complete, err)
			}
			for _, r := range report.Results {
				if r.Name == "unity8" && (r.Outcome != tt.want || !strings.Contains(r.Detail, tt.detail)) {
					t.Errorf("unity8: %q (%s) missing %v, want %q (%s)", r.Outcome, r.Detail, r.Missing, tt.want, tt.detail)
				}
			}
			if n := s.Count("copyPackage"); n > 3 {
				t.Errorf("%d requests to copy three packages", n)
			}
			s.Do(func(w *launchpadtest.World) {
				assertPublished(t, w, plan, func(name string) bool { return outcomes(report)[name] == launchpad.FullyPublished })
			})
		})
	}
}

// TestBuiltInTheTarget loses the only binary of a package on its way: the
// target builds it, hours after the others were published.
func TestBuiltInTheTarget(t *testing.T) {
	for _, fails := range []bool{false, true} {
		s := newServer(t, func(w *launchpadtest.World) {
			w.LoseBinary = map[string]bool{"telephony-service/armhf": true}
			w.FailBuild = map[string]bool{"telephony-service": fails}
			w.BuildTime = 40 * time.Minute
		})
		_, report, err := s.Client().Snapshot(t.Context(), request, launchpad.CopyOptions{})
		want := launchpad.FullyPublished
		if fails {
			want = launchpad.BuildFailed
		}
		if got := outcomes(report)["telephony-service"]; got != want || report.Complete == fails || (err != nil) != fails {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
}

// TestIncomplete finds a source in the target that lacks a binary. Copying it
// again adds what is missing.
func TestIncomplete(t *testing.T) {
	for name, fault := range map[string]*launchpadtest.Fault{"": {Op: "none"}, "answer lost": {Op: "copyPackage", After: true, Drop: true}} {
		s := newServer(t)
		c := s.Client()
		if _, _, err := c.Snapshot(t.Context(), request, launchpad.CopyOptions{}); err != nil {
			t.Fatal(err)
		}
		s.Do(func(w *launchpadtest.World) {
			for _, b := range w.Binaries {
				if b.Archive == snapshot && b.Name == "unity8-common" && b.Arch == "armhf" {
					b.Status = launchpad.Deleted
				}
			}
		})
		sent := s.Count("copyPackage")
		s.Faults = []*launchpadtest.Fault{fault}
		plan, report, err := c.Snapshot(t.Context(), request, launchpad.CopyOptions{})
		if err != nil || !report.Complete || plan.Count(launchpad.CopyIt) != 1 || !strings.Contains(plan.Text(), "lacks 1 of its binaries") {
			t.Errorf("%s: %v\n%s", name, err, plan.Text())
		}
		s.Faults = nil
		if r, err := c.Probe(t.Context(), plan, launchpad.CopyOptions{}); err != nil || !r.Complete {
			t.Errorf("%s: probe %v, %v", name, outcomes(r), err)
		}
		if _, err := c.Copy(t.Context(), plan, launchpad.CopyOptions{}); err != nil {
			t.Errorf("%s: again: %v", name, err)
		}
		if n := s.Count("copyPackage") - sent; n != 1 {
			t.Errorf("%s: asked %d times", name, n)
		}
	}
}

// TestAmbiguous loses the answer to a request that took effect: it must be
// looked for and not sent again.
func TestAmbiguous(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault *launchpadtest.Fault
		sent  int
	}{
		{"took effect", &launchpadtest.Fault{Op: "copyPackage", After: true, Drop: true, Times: 1}, 3},
		{"took effect, 502", &launchpadtest.Fault{Op: "copyPackage", After: true, Status: 502, Times: 1}, 3},
		{"had no effect", &launchpadtest.Fault{Op: "copyPackage", Drop: true, Times: 1}, 4},
		{"throttled", &launchpadtest.Fault{Op: "copyPackage", Status: 429, Times: 1}, 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t)
			c := s.Client()
			plan := mustPlan(t, c, request)
			s.Faults = []*launchpadtest.Fault{tt.fault}
			if _, err := c.Copy(t.Context(), plan, launchpad.CopyOptions{}); err != nil {
				t.Error(err)
			}
			if n := s.Count("copyPackage"); n != tt.sent {
				t.Errorf("%d requests, want %d", n, tt.sent)
			}
		})
	}
}

// TestKilled stops a copy at every pause and starts it again: nothing may be
// asked for twice, with a ledger or by time alone.
func TestKilled(t *testing.T) {
	for kill := range 12 {
		for _, withLedger := range []bool{true, false} {
			t.Run(fmt.Sprintf("%d %v", kill, withLedger), func(t *testing.T) {
				s := newServer(t)
				c := s.Client()
				plan := mustPlan(t, c, request)
				var o launchpad.CopyOptions
				if withLedger {
					o.Ledger = filepath.Join(t.TempDir(), "ledger")
				}
				ctx, cancel := context.WithCancel(t.Context())
				n := 0
				if kill == 0 { // in the middle of sending
					c.Parallel = 1
					s.Faults = []*launchpadtest.Fault{{Op: "copyPackage", Skip: 1, Times: 1, After: true, Drop: true}}
				}
				c.Sleep = func(ctx context.Context, d time.Duration) error {
					if n++; n > kill {
						cancel()
						return ctx.Err()
					}
					return s.Sleep(ctx, d)
				}
				_, err := c.Copy(ctx, plan, o)
				if err == nil { // it was done before
					return
				}
				c = s.Client()
				o.Earlier = c.Now()
				if withLedger {
					o.Earlier = time.Time{}
				}
				probe, err := c.Probe(t.Context(), plan, o)
				if err != nil || probe.Complete && n == 1 {
					t.Errorf("probe: %+v, %v", probe, err)
				}
				report, err := c.Copy(t.Context(), plan, o)
				if err != nil || !report.Complete {
					t.Errorf("after restart: %v", err)
				}
				if got := s.Count("copyPackage"); got != 3 {
					t.Errorf("%d requests to copy, want 3", got)
				}
				if r, err := c.Probe(t.Context(), plan, o); err != nil || !r.Complete {
					t.Errorf("probe at the end: %v", err)
				}
			})
		}
	}
}

func TestStartAndWatch(t *testing.T) {
	s := newServer(t)
	c := s.Client()
	plan := mustPlan(t, c, request)
	if r, err := c.Probe(t.Context(), plan, launchpad.CopyOptions{}); err != nil || r.Complete || r.Count(launchpad.Unsent) != 3 {
		t.Errorf("before: %v, %v", outcomes(r), err)
	}
	r, err := c.Start(t.Context(), plan, launchpad.CopyOptions{Batch: 2})
	if err != nil || r.Complete || r.Count(launchpad.Requested) != 3 || s.Count("copyPackages") != 1 || s.Count("copyPackage") != 1 {
		t.Errorf("started: %v, %v, %v", outcomes(r), err, s.Requests())
	}
	c.ReadOnly = true // watching writes nothing
	if r, err = c.Watch(t.Context(), plan, launchpad.CopyOptions{}); err != nil || !r.Complete {
		t.Errorf("watched: %v, %v", outcomes(r), err)
	}
	if _, err := c.Copy(t.Context(), mustPlan(t, c, request), launchpad.CopyOptions{}); err != nil {
		t.Errorf("copying what is there with a client that only reads: %v", err)
	}
	s.Do(func(w *launchpadtest.World) { w.Publish(overlay, "vivid", pkg("new", "1")) })
	if _, err := c.Copy(t.Context(), mustPlan(t, c, request), launchpad.CopyOptions{}); !errors.Is(err, launchpad.ErrReadOnly) {
		t.Errorf("copying with a client that only reads: %v", err)
	}
}

func TestManifest(t *testing.T) {
	s := newServer(t)
	c := s.Client()
	plan, report, err := c.Snapshot(t.Context(), request, launchpad.CopyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	first := report.Manifest(plan)
	b, _ := json.Marshal(first)
	var stored launchpad.Manifest
	if err := json.Unmarshal(b, &stored); err != nil || len(stored.Compare(first)) != 0 || len(stored.Packages) != 3 {
		t.Errorf("stored: %v, %v", err, stored.Compare(first))
	}
	s.Do(func(w *launchpadtest.World) {
		w.Publish(overlay, "vivid", pkg("unity8", "8.13-0ubuntu1"), pkg("extra", "1"))
		w.AddPPA("landing-team", "replay")
	})
	s.Advance(10 * time.Minute)
	plan, report, err = c.Snapshot(t.Context(), request, launchpad.CopyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var changes []string
	for _, ch := range stored.Compare(report.Manifest(plan)) {
		changes = append(changes, ch.String())
	}
	if d := cmp.Diff([]string{"new     extra 1", "changed unity8 8.12-0ubuntu1 to 8.13-0ubuntu1"}, changes); d != "" {
		t.Errorf("changes (-want +got)\n%s", d)
	}
	// The old state can be made again, although the origin went on.
	r := request
	r.To, r.Replay = "ppa:landing-team/replay", &stored
	plan, report, err = c.Snapshot(t.Context(), r, launchpad.CopyOptions{})
	if err != nil {
		t.Fatalf("%v\n%s", err, plan.Text())
	}
	if ch := stored.Compare(report.Manifest(plan)); len(ch) != 0 {
		t.Errorf("replayed differently: %v", ch)
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
		for _, i := range plan.Items {
			rows := 0
			for _, b := range i.Binaries {
				rows += len(b.Arches)
			}
			if want := map[string]int{"8.12-0ubuntu1": 6, "8.13": 3, "1.10": 9, "0.1": 1, "1": 3}[i.Version]; i.Action == launchpad.CopyIt && rows != want {
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
	if plan.Count(launchpad.CopyIt) != 63 || plan.Err() != nil || s.Count("") > 30 {
		t.Errorf("%d packages, %v, in %d requests", plan.Count(launchpad.CopyIt), plan.Err(), s.Count(""))
	}
}
