package launchpadtest_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/launchpad/launchpadtest"
)

// TestCopyRules asks for copies that Launchpad refuses, or takes, before any job is
// queued: what is asked about first decides about the answer.
func TestCopyRules(t *testing.T) {
	obsolete := func(w *launchpadtest.World) { w.EndSeries("vivid") }
	stranger := func(w *launchpadtest.World) { w.AddPerson("landing-team").Members = nil }
	both := func(w *launchpadtest.World) { obsolete(w); stranger(w) }
	one := func(more string) string {
		return "ws.op=copyPackage&source_name=mir&version=%221.10%22&to_pocket=Release" + ofOverlay + more
	}
	many := func(names, more string) string {
		return "ws.op=copyPackages&to_pocket=Release&source_names=" + url.QueryEscape(names) + ofOverlay + more
	}
	const noRights, ended = "400 Signer has no upload rights to this PPA.", "400 vivid is obsolete and will not accept new uploads."
	tests := []struct {
		name   string
		change func(w *launchpadtest.World)
		form   string
		want   string
		jobs   []string // name, version, series it goes to
	}{
		{"taken", nil, one(""), "200 null", []string{"mir 1.10 vivid"}},
		{"not published, and no rights", stranger, one("&from_series=xenial"), "400 mir is not published in overlay.", nil},
		{"no rights", stranger, one(""), noRights, nil},
		{"obsolete, its series not named", obsolete, one(""), ended, nil},
		{"obsolete, and no rights", both, one(""), ended, nil},
		{"into another series", obsolete, one("&to_series=xenial"), "200 null", []string{"mir 1.10 xenial"}},
		{"no such pocket of the origin", nil, one("&from_pocket=Relase"), "404 No such pocket: 'RELASE'.", nil},
		{"no such pocket, and no such package", nil, strings.Replace(one(""), "=mir&", "=miir&", 1) + "&from_pocket=x", "404 No such pocket: 'X'.", nil},
		{"not in that pocket", nil, one("&from_pocket=updates"), "400 mir is not published in overlay.", nil},
		{"in that pocket", nil, one("&from_pocket=RELEASE"), "200 null", []string{"mir 1.10 vivid"}},

		{"many: the highest version", func(w *launchpadtest.World) {
			w.Publish(overlay, "vivid", launchpadtest.Package{Name: "mir", Version: "1.9"}) // came later
		}, many(`["mir"]`, ""), "200 null", []string{"mir 1.10 vivid"}},
		{"many: the highest of any series", func(w *launchpadtest.World) {
			w.Publish(overlay, "xenial", launchpadtest.Package{Name: "mir", Version: "2"})
			w.Publish(overlay, "vivid", launchpadtest.Package{Name: "mir", Version: "1.9"})
		}, many(`["mir"]`, ""), "200 null", []string{"mir 2 xenial"}},
		{"many: one that nobody knows", nil, many(`["mir","miir"]`, ""), "404 No such source package: 'miir'.", nil},
		{"many: one without a row here", func(w *launchpadtest.World) {
			w.Publish(snapshot, "vivid", launchpadtest.Package{Name: "qtmir", Version: "1"})
		}, many(`["mir","qtmir"]`, ""), "200 null", []string{"mir 1.10 vivid"}},
		{"many: none has a row, and no rights", func(w *launchpadtest.World) {
			w.Publish(snapshot, "vivid", launchpadtest.Package{Name: "qtmir", Version: "1"})
			stranger(w)
		}, many(`["qtmir"]`, ""), "400 None of the supplied package names are published in overlay.", nil},
		{"many: obsolete", obsolete, many(`["mir"]`, ""), ended, nil},
		{"many: no such pocket", nil, strings.Replace(many(`["mir"]`, ""), "=Release", "=relase", 1), "404 No such pocket: 'RELASE'.", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t)
			if tt.change != nil {
				s.Do(tt.change)
			}
			if got := post(t, s, toSnapshot, tt.form); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			var jobs []string
			s.Do(func(w *launchpadtest.World) {
				for _, j := range w.Jobs {
					jobs = append(jobs, strings.Join([]string{j.Name, j.Version, j.ToSeries}, " "))
				}
			})
			if d := cmp.Diff(tt.jobs, jobs); d != "" {
				t.Errorf("jobs (-want +got)\n%s", d)
			}
		})
	}
}

// TestPocketOfTheOrigin copies from a primary archive, which has more pockets than
// one: unless one is named, the newest row is taken.
func TestPocketOfTheOrigin(t *testing.T) {
	const none = "mir 3 in vivid (source has no binaries to be copied)"
	for pocket, want := range map[string]string{"": none, "&from_pocket=updates": none, "&from_pocket=Release": ""} {
		s := newServer(t)
		s.Do(func(w *launchpadtest.World) {
			w.Publish("ubuntu", "vivid", launchpadtest.Package{Name: "mir", Version: "3"},
				launchpadtest.Package{Name: "mir", Version: "3", Pocket: "Updates", Binaries: []launchpadtest.BinaryPackage{}})
		})
		if got := post(t, s, toSnapshot, "ws.op=copyPackage&source_name=mir&version=%223%22&to_pocket=Release&include_binaries=true&from_archive=/ubuntu/%2Barchive/primary"+pocket); got != "200 null" {
			t.Fatalf("%q: %s", pocket, got)
		}
		s.Advance(time.Hour)
		s.Do(func(w *launchpadtest.World) {
			if got := w.Jobs[0].Error; got != want || (w.FindSource(snapshot, "mir", "3") != nil) != (want == "") {
				t.Errorf("%q: %q, want %q", pocket, got, want)
			}
		})
	}
}

// TestDeletionRules: a deletion needs no comment, says when, and takes rows that are
// not active any more.
func TestDeletionRules(t *testing.T) {
	s := newServer(t)
	s.Do(func(w *launchpadtest.World) {
		src := w.FindSource(overlay, "mir", "1.10")
		src.Status = launchpad.Superseded
	})
	var id, bin int
	s.Do(func(w *launchpadtest.World) {
		id = w.FindSource(overlay, "mir", "1.10").ID
		bin = w.Binaries[slices.IndexFunc(w.Binaries, func(b *launchpadtest.BinaryRow) bool { return b.Name == "unity8" })].ID
	})
	ppa := "~landing-team/+archive/ubuntu/overlay/"
	for _, path := range []string{fmt.Sprintf("%s+sourcepub/%d", ppa, id), fmt.Sprintf("%s+binarypub/%d", ppa, bin)} {
		if got := post(t, s, path, "ws.op=requestDeletion"); got != "200 null" {
			t.Fatalf("%s: %s", path, got)
		}
		_, body := raw(t, s, "GET", path, "", "Authorization", asOperator)
		var row launchpad.Publication
		if err := json.Unmarshal([]byte(body), &row); err != nil {
			t.Fatal(err)
		}
		if row.Status != launchpad.Deleted || row.DateSuperseded.IsZero() || row.RemovalComment != "" || row.RemovedByLink.Name() != "operator" {
			t.Errorf("%s: %+v", path, row)
		}
	}
}
