package launchpadtest_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/launchpad/launchpadtest"
)

// rowsOf lists a package's rows in the snapshot PPA: sources as "version
// status", binaries as "name version arch status".
func rowsOf(t testing.TB, c *launchpad.Client, name string) (sources, binaries []string) {
	t.Helper()
	a, err := c.Archive(t.Context(), snapshot)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range oldestFirst(list(t, c.Sources(t.Context(), a.SelfLink, launchpad.PublicationFilter{Name: name}))) {
		sources = append(sources, s.SourceVersion+" "+string(s.Status))
	}
	for _, b := range oldestFirst(list(t, c.Binaries(t.Context(), a.SelfLink, launchpad.PublicationFilter{}))) {
		if b.SourceName == name {
			binaries = append(binaries, fmt.Sprintf("%s %s %s %s", b.BinaryName, b.BinaryVersion, b.Arch(), b.Status))
		}
	}
	return sources, binaries
}

func oldestFirst(rows []launchpad.Publication) []launchpad.Publication {
	slices.SortFunc(rows, func(a, b launchpad.Publication) int { return a.SelfLink.ID() - b.SelfLink.ID() })
	return rows
}

// request asks for a copy from the overlay into the snapshot PPA, and returns the
// refusal, "" if a job was queued.
func request(t testing.TB, s *launchpadtest.Server, name, version string) string {
	t.Helper()
	status, body := raw(t, s, "POST", "~landing-team/+archive/ubuntu/snapshot", fmt.Sprintf("ws.op=copyPackage&source_name=%q&version=%q&from_series=vivid&to_series=vivid&to_pocket=Release&include_binaries=true&from_archive=/~landing-team/%%2Barchive/ubuntu/overlay", name, version), "Authorization", asOperator)
	if status == 200 && body == "null" {
		return ""
	}
	return fmt.Sprintf("%d %s", status, body)
}

// TestStates follows a package through the life of its rows.
func TestStates(t *testing.T) {
	s := newServer(t)
	s.Tick = 0
	c := s.Client()
	check := func(when string, wantSources ...string) []string {
		t.Helper()
		sources, binaries := rowsOf(t, c, "unity8")
		if d := cmp.Diff(wantSources, sources); d != "" {
			t.Errorf("%s (-want +got)\n%s", when, d)
		}
		return binaries
	}
	s.Do(func(w *launchpadtest.World) {
		w.Publish(snapshot, "vivid", launchpadtest.Package{Name: "unity8", Version: "8.11", Binaries: []launchpadtest.BinaryPackage{{Name: "unity8"}, {Name: "unity8-common", All: true}}})
		w.ArchLag = map[string]int{"armhf": 1}
	})
	if refused := request(t, s, "unity8", "8.12-0ubuntu1"); refused != "" {
		t.Fatal(refused)
	}
	check("accepted, and nothing more", "8.11 Published")
	s.Advance(time.Minute)
	if b := check("after the job", "8.11 Published", "8.12-0ubuntu1 Pending"); len(b) != 12 {
		t.Errorf("%d binary rows, want 6 old and 6 new", len(b))
	}
	if refused := request(t, s, "unity8", "8.12-0ubuntu1"); refused != "" {
		t.Fatal(refused)
	}
	s.Advance(time.Minute)
	s.Do(func(w *launchpadtest.World) {
		if e := w.Jobs[len(w.Jobs)-1].Error; !strings.Contains(e, "same version has unpublished binaries in the destination archive for Vivid") {
			t.Errorf("asked for again while Pending: %q", e)
		}
	})
	s.Advance(5 * time.Minute)
	b := check("after a cycle", "8.11 Superseded", "8.12-0ubuntu1 Published")
	want := []string{
		"unity8 8.11 amd64 Superseded", "unity8 8.11 armhf Published", "unity8 8.11 i386 Superseded",
		// Old Architecture: all rows stay while one architecture has the old source.
		"unity8-common 8.11 amd64 Published", "unity8-common 8.11 armhf Published", "unity8-common 8.11 i386 Published",
		"unity8 8.12-0ubuntu1 amd64 Published", "unity8 8.12-0ubuntu1 armhf Pending", "unity8 8.12-0ubuntu1 i386 Published",
		"unity8-common 8.12-0ubuntu1 amd64 Published", "unity8-common 8.12-0ubuntu1 armhf Pending", "unity8-common 8.12-0ubuntu1 i386 Published",
	}
	if d := cmp.Diff(want, b); d != "" {
		t.Errorf("binaries after a cycle (-want +got)\n%s", d)
	}
	s.Advance(10 * time.Minute)
	for n, row := range check("after all cycles", "8.11 Superseded", "8.12-0ubuntu1 Published") {
		if want := []string{"Superseded", "Published"}[n/6]; !strings.HasSuffix(row, want) {
			t.Errorf("%s, want %s", row, want)
		}
	}
	// Copying what is there changes nothing.
	if refused := request(t, s, "unity8", "8.12-0ubuntu1"); refused != "" {
		t.Fatal(refused)
	}
	s.Advance(time.Hour)
	check("copied again", "8.11 Superseded", "8.12-0ubuntu1 Published")
	s.Do(func(w *launchpadtest.World) {
		if e := w.Jobs[len(w.Jobs)-1].Error; e != "" {
			t.Errorf("copying what is there failed: %s", e)
		}
		w.DeleteSource(w.FindSource(snapshot, "unity8", "8.12-0ubuntu1"), "operator", "gone")
	})
	for n, row := range check("deleted", "8.11 Superseded", "8.12-0ubuntu1 Deleted") {
		if n >= 6 && !strings.HasSuffix(row, "Deleted") {
			t.Errorf("%s, want Deleted", row)
		}
	}
	// The same upload may come again after its deletion.
	if refused := request(t, s, "unity8", "8.12-0ubuntu1"); refused != "" {
		t.Fatal(refused)
	}
	s.Advance(time.Hour)
	check("back", "8.11 Superseded", "8.12-0ubuntu1 Deleted", "8.12-0ubuntu1 Published")
}

// TestSilentFailures runs jobs that fail where no caller sees it.
func TestSilentFailures(t *testing.T) {
	tests := []struct {
		name   string
		change func(w *launchpadtest.World)
		want   string
	}{
		{"no binaries", func(w *launchpadtest.World) {
			w.Binaries = nil
		}, "source has no binaries to be copied"},
		{"another upload", func(w *launchpadtest.World) {
			w.Publish(snapshot, "xenial", launchpadtest.Package{Name: "mir", Version: "1.10"})
			w.DeleteSource(w.FindSource(snapshot, "mir", "1.10"), "operator", "x")
		}, "a different source with the same version is published in the destination archive"},
		{"still to be published in another series", func(w *launchpadtest.World) {
			src := *w.FindSource(overlay, "mir", "1.10")
			src.Archive, src.Series, src.Status = snapshot, "xenial", launchpad.Pending
			w.Sources = append(w.Sources, &src)
			for _, b := range w.Binaries {
				if b.Archive == overlay && b.SourceName == "mir" { // built there
					build := *w.Builds[slices.IndexFunc(w.Builds, func(o *launchpadtest.Build) bool { return o.ID == b.Build })]
					build.ID, build.Series = 1000+b.ID, "xenial"
					row := *b
					row.Archive, row.Series, row.Status, row.Published, row.Build = snapshot, "xenial", launchpad.Pending, time.Time{}, build.ID
					w.Builds, w.Binaries = append(w.Builds, &build), append(w.Binaries, &row)
				}
			}
			w.PublishEvery = 24 * time.Hour
		}, "same version has unpublished binaries in the destination archive for Xenial"},
		{"built here meanwhile", func(w *launchpadtest.World) {
			src := *w.FindSource(overlay, "mir", "1.10")
			src.Archive, src.Status = snapshot, launchpad.Deleted
			w.Sources = append(w.Sources, &src)
			row := *w.Binaries[0]
			row.Archive, row.Status, row.SourceName, row.SourceVersion, row.Build = snapshot, launchpad.Deleted, "mir", "1.10", 7
			w.Binaries = append(w.Binaries, &row)
		}, "binaries conflicting with the existing ones"},
		{"older", func(w *launchpadtest.World) {
			w.Publish(snapshot, "vivid", launchpadtest.Package{Name: "mir", Version: "2"})
		}, "version older than the mir 2 in vivid published in vivid"},
		{"restricted", func(w *launchpadtest.World) { w.Archive(overlay).Private = true }, "without explicit unembargo option."},
		{"by hand", func(w *launchpadtest.World) { w.FailCopy = map[string]string{"mir": "source has expired binaries"} }, "source has expired binaries"},
	}
	for _, tt := range tests {
		s := newServer(t)
		c := s.Client()
		s.Do(tt.change)
		before, _ := rowsOf(t, c, "mir")
		if refused := request(t, s, "mir", "1.10"); refused != "" {
			t.Errorf("%s: %s", tt.name, refused)
		}
		s.Advance(time.Hour)
		sources, _ := rowsOf(t, c, "mir")
		if len(sources) != len(before) {
			t.Errorf("%s: copied: %s, before %s", tt.name, sources, before)
		}
		s.Do(func(w *launchpadtest.World) {
			if e := w.Jobs[0].Error; !strings.Contains(e, tt.want) || !strings.HasPrefix(e, "mir 1.10 in vivid (") {
				t.Errorf("%s: %q, want %q", tt.name, e, tt.want)
			}
		})
	}
}

// TestBuildsOfCopies loses a binary on its way: the target builds it.
func TestBuildsOfCopies(t *testing.T) {
	s := newServer(t)
	s.Do(func(w *launchpadtest.World) { w.LoseBinary = map[string]bool{"mir/armhf": true} })
	c := s.Client()
	if refused := request(t, s, "mir", "1.10"); refused != "" {
		t.Fatal(refused)
	}
	states := map[launchpad.BuildState]bool{}
	a, err := c.Archive(t.Context(), snapshot)
	if err != nil {
		t.Fatal(err)
	}
	s.Advance(90 * time.Second)
	src := list(t, c.Sources(t.Context(), a.SelfLink, launchpad.PublicationFilter{Name: "mir"}))
	for range 60 {
		s.Advance(time.Minute)
		for _, b := range list(t, c.SourceBuilds(t.Context(), src[0].SelfLink)) {
			states[b.State] = true
		}
	}
	if !states[launchpad.NeedsBuilding] || !states[launchpad.Building] || !states[launchpad.Built] {
		t.Errorf("states %v", states)
	}
	if _, b := rowsOf(t, c, "mir"); len(b) != 3 || !strings.Contains(strings.Join(b, ","), "mir 1.10 armhf Published") {
		t.Errorf("binaries %q", b)
	}
}

func TestEndSeries(t *testing.T) {
	s := newServer(t)
	c := s.Client()
	s.Do(func(w *launchpadtest.World) {
		w.Publish("ubuntu", "vivid", launchpadtest.Package{Name: "base-files", Version: "7"})
		w.EndSeries("vivid")
	})
	p, err := c.Archive(t.Context(), "ubuntu")
	if err != nil {
		t.Fatal(err)
	}
	if got := list(t, c.Sources(t.Context(), p.SelfLink, launchpad.PublicationFilter{})); len(got) != 1 || got[0].Status != launchpad.Obsolete {
		t.Errorf("primary archive: %+v", got)
	}
	if refused := request(t, s, "mir", "1.10"); refused != "400 vivid is obsolete and will not accept new uploads." {
		t.Errorf("copy into it: %s", refused)
	}
}

// TestFaults sends a fault of each kind.
func TestFaults(t *testing.T) {
	for _, tt := range []struct {
		fault *launchpadtest.Fault
		want  error
		oops  bool
	}{
		{&launchpadtest.Fault{Like: launchpadtest.Timeout}, launchpad.ErrTimeout, true}, {&launchpadtest.Fault{Like: launchpadtest.Unavailable}, launchpad.ErrServer, false},
		{&launchpadtest.Fault{Like: launchpadtest.Crash}, launchpad.ErrServer, true}, {&launchpadtest.Fault{Like: launchpadtest.Throttle}, launchpad.ErrServer, false}, {&launchpadtest.Fault{Drop: true}, launchpad.ErrServer, false},
	} {
		s := newServer(t)
		c := s.Client()
		c.Retries = 1
		once := *tt.fault
		once.Times = 1
		s.Faults = []*launchpadtest.Fault{tt.fault}
		_, err := c.Archive(t.Context(), overlay)
		var e *launchpad.Error
		if !errors.As(err, &e) || e.Kind != tt.want || (e.OOPS != "") != tt.oops || s.Count("") != 2 {
			t.Errorf("%+v: %v after %d requests", tt.fault, err, s.Count(""))
		}
		s.Faults = []*launchpadtest.Fault{&once} // and when it passes
		if _, err := c.Archive(t.Context(), overlay); err != nil || s.Count("") != 4 {
			t.Errorf("%+v once: %v after %d requests", tt.fault, err, s.Count(""))
		}
	}
}
