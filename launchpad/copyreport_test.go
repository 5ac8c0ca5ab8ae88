package launchpad_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/launchpad/launchpadtest"
)

// TestOutcomes reaches every way a copy can end.
func TestOutcomes(t *testing.T) {
	world := func(f func(w *launchpadtest.World)) func(*launchpadtest.Server) {
		return func(s *launchpadtest.Server) { s.Do(f) }
	}
	tests := []struct {
		name   string
		change func(s *launchpadtest.Server) // after the plan
		during func(w *launchpadtest.World)  // at every look
		want   launchpad.CopyState           // of unity8; the others are published
		detail string
	}{
		{"job fails in silence", world(func(w *launchpadtest.World) {
			w.FailCopy = map[string]string{"unity8": "source contains expired files"}
		}), nil, launchpad.CopyLost, "+packages"},
		{"job never runs", world(func(w *launchpadtest.World) { w.HoldCopy = map[string]bool{"unity8": true} }), nil, launchpad.CopyLost, "+packages"},
		{"newer upload before the job", world(func(w *launchpadtest.World) { w.Upload(snapshot, "vivid", pkg("unity8", "9.0")) }), nil, launchpad.CopyLost, "newer 9.0"},
		{"other upload of the same version was deleted", func(s *launchpadtest.Server) {
			s.Do(func(w *launchpadtest.World) {
				w.Publish(snapshot, "xenial", pkg("unity8", "8.12-0ubuntu1"))
			})
		}, nil, launchpad.CopyLost, "+packages"},
		{"no rights", world(func(w *launchpadtest.World) {
			w.FailCopy = nil
			w.Tokens[0].Access = "READ_PRIVATE"
		}), nil, launchpad.CopyRefused, "Signer has no upload rights"},
		{"series becomes obsolete", world(func(w *launchpadtest.World) { w.Series[0].Status = "Obsolete" }), nil, launchpad.CopySeriesObsolete, "vivid is obsolete"},
		{"one binary stays Pending", world(func(w *launchpadtest.World) { w.HoldBinary = map[string]bool{"unity8/armhf": true} }), nil, launchpad.CopyStuck, "for 2h"},
		{"Architecture: all stays Pending on one", world(func(w *launchpadtest.World) { w.HoldBinary = map[string]bool{"unity8-common/i386": true} }), nil, launchpad.CopyStuck, "do not become"},
		{"superseded", nil, func(w *launchpadtest.World) {
			if w.FindSource(snapshot, "unity8", "8.12-0ubuntu1") != nil && w.FindSource(snapshot, "unity8", "9.0") == nil {
				w.Upload(snapshot, "vivid", pkg("unity8", "9.0", bin("unity8"), launchpadtest.BinaryPackage{Name: "unity8-common", All: true}))
			}
		}, launchpad.CopySuperseded, "by 9.0"},
		{"deleted", nil, func(w *launchpadtest.World) {
			if src := w.FindSource(snapshot, "unity8", "8.12-0ubuntu1"); src != nil {
				w.DeleteSource(src, "operator", "not yet")
			}
		}, launchpad.CopyDeleted, "by operator: not yet"},
		{"one binary deleted", nil, func(w *launchpadtest.World) {
			for _, b := range w.Binaries {
				if b.Archive == snapshot && b.Name == "unity8-common" && b.Arch == "armhf" {
					b.Status = launchpad.Deleted
				}
			}
		}, launchpad.CopyDeleted, "unity8-common 8.12-0ubuntu1 armhf"},
		{"build fails", world(func(w *launchpadtest.World) {
			w.LoseBinary = map[string]bool{"unity8/armhf": true, "unity8-common/armhf": true}
			w.FailBuild = map[string]bool{"unity8/armhf": true}
		}), nil, launchpad.CopyBuildFailed, "on armhf: Failed to build"},
		{"built in the target in part", world(func(w *launchpadtest.World) {
			w.LoseBinary = map[string]bool{"unity8/armhf": true, "unity8-common/armhf": true}
		}), nil, launchpad.CopyStuck, "no build is under way"}, // armhf does not build Architecture: all
		{"publishing is switched off", nil, func(w *launchpadtest.World) {
			if w.FindSource(snapshot, "unity8", "8.12-0ubuntu1") != nil {
				w.Archive(snapshot).Unpublished = true
			}
		}, launchpad.CopyPublishingOff, "switched it off"},
		{"late, and well", world(func(w *launchpadtest.World) { w.ArchLag = map[string]int{"armhf": 5} }), nil, launchpad.CopyPublished, ""},
		{"late job, and well", world(func(w *launchpadtest.World) { w.JobDelay = 12 * time.Minute }), nil, launchpad.CopyPublished, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t)
			c := s.Client()
			plan := mustPlan(t, c, request)
			if tt.change != nil {
				tt.change(s)
			}
			report, err := c.Copy(t.Context(), plan, launchpad.CopyOptions{Progress: func(int, int) {
				if tt.during != nil {
					s.Do(tt.during)
				}
			}})
			if report == nil {
				t.Fatal(err)
			}
			if (err == nil) != report.Complete || report.Complete != (tt.want == launchpad.CopyPublished) {
				t.Errorf("complete %v, error %v", report.Complete, err)
			}
			for _, r := range report.Packages {
				if r.Name == "unity8" && (r.State != tt.want || !strings.Contains(r.Detail, tt.detail)) {
					t.Errorf("unity8: %q (%s) missing %v, want %q (%s)", r.State, r.Detail, r.Missing, tt.want, tt.detail)
				}
			}
			if n := s.Count("copyPackage"); n > 3 {
				t.Errorf("%d requests to copy three packages", n)
			}
			s.Do(func(w *launchpadtest.World) {
				assertPublished(t, w, plan, func(name string) bool { return outcomes(report)[name] == launchpad.CopyPublished })
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
		_, report, err := copyAll(t, s.Client(), request, launchpad.CopyOptions{})
		want := launchpad.CopyPublished
		if fails {
			want = launchpad.CopyBuildFailed
		}
		if got := outcomes(report)["telephony-service"]; got != want || report.Complete == fails || (err != nil) != fails {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
}

// TestLateSource finds a source that is Pending in the target while its binaries
// are Published: publishers get on in any order, and the source is waited for.
func TestLateSource(t *testing.T) {
	for _, more := range []int{0, 12} { // few are looked at one by one, many in whole lists
		s := newServer(t, func(w *launchpadtest.World) {
			for n := range more {
				w.Publish(overlay, "vivid", pkg(fmt.Sprintf("pkg%02d", n), "1"))
			}
		})
		c := s.Client()
		if _, _, err := copyAll(t, c, request, launchpad.CopyOptions{}); err != nil {
			t.Fatal(err)
		}
		var due time.Time
		s.Do(func(w *launchpadtest.World) {
			due = w.Now.Add(30 * time.Minute)
			w.NextPublish = due
			for _, src := range w.Sources {
				if src.Archive == snapshot {
					src.Status, src.Published = launchpad.Pending, time.Time{}
				}
			}
		})
		_, report, err := copyAll(t, c, request, launchpad.CopyOptions{})
		if err != nil || !report.Complete || s.Now().Before(due) {
			t.Errorf("%d more: %v, %v at %v, want it complete after %v", more, err, outcomes(report), s.Now(), due)
		}
	}
}

// TestIncomplete finds a source in the target that lacks a binary. Copying it
// again adds what is missing.
func TestIncomplete(t *testing.T) {
	for name, fault := range map[string]*launchpadtest.Fault{"": {Op: "none"}, "answer lost": {Op: "copyPackage", After: true, Drop: true}} {
		s := newServer(t)
		c := s.Client()
		if _, _, err := copyAll(t, c, request, launchpad.CopyOptions{}); err != nil {
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
		plan, report, err := copyAll(t, c, request, launchpad.CopyOptions{})
		if err != nil || !report.Complete || plan.Copies() != 1 || !strings.Contains(plan.Text(), "lacks 1 of its binaries") {
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
