package launchpad

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/launchpad/value"
)

func body(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "bodies", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func decoded[T any](t testing.TB, name string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(body(t, name), &v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

func known[T any](v T) value.Field[T] { return value.Field[T]{Value: v, Known: true} }

const api = "https://api.launchpad.net/devel/"

func TestArchiveBodies(t *testing.T) {
	a := decoded[Archive](t, "archive-ppa-overlay.json")
	want := Archive{
		SelfLink: api + "~ci-train-ppa-service/+archive/ubuntu/stable-phone-overlay", WebLink: "https://launchpad.net/~ci-train-ppa-service/+archive/ubuntu/stable-phone-overlay",
		Name: "stable-phone-overlay", DisplayName: "Stable Phone Overlay", Reference: "~ci-train-ppa-service/ubuntu/stable-phone-overlay",
		Description: "Landing target for the stable phone image.", OwnerLink: api + "~ci-train-ppa-service", DistributionLink: api + "ubuntu",
		Status: "Active", Private: known(false), Publish: known(true), PermitObsolete: known(true), RequireVirtualized: known(true),
		BuildDebug: known(false), PublishDebug: known(false), AuthorizedSize: known(102400),
		SigningKey: "4F1C2D9A7B6E5038A1C4D7F0B3E6925817AC40DE",
	}
	if d := cmp.Diff(want, a); d != "" {
		t.Errorf("overlay (-want +got)\n%s", d)
	}
	if a := decoded[Archive](t, "archive-ppa-snapshot.json"); a.SigningKey != "" || a.Name != "stable-snapshot" {
		t.Errorf("snapshot: key %q, name %q", a.SigningKey, a.Name)
	}
	p := decoded[Archive](t, "archive-primary.json")
	if p.Description != "" || p.AuthorizedSize.Known || p.AuthorizedSize.Redacted || !p.PermitObsolete.Is(false) || p.Reference != "ubuntu" {
		t.Errorf("primary: %+v", p)
	}
	hidden := value.Field[bool]{Redacted: true}
	r := decoded[Archive](t, "archive-ppa-private-redacted.json")
	if !r.Private.Is(true) || r.Publish != hidden || r.PermitObsolete != hidden || !r.AuthorizedSize.Redacted ||
		r.Status != string(value.Redacted) || r.Publish.Is(false) {
		t.Errorf("private: %+v", r)
	}
}

func TestSeriesBodies(t *testing.T) {
	if s := decoded[series](t, "distro-series-vivid.json"); s.Name != "vivid" || s.Status != "Supported" {
		t.Errorf("series: %+v", s)
	}
	if a := decoded[architecture](t, "distro-arch-series-armhf.json"); a.Tag != "armhf" || !a.Enabled.Is(true) {
		t.Errorf("architecture: %+v", a)
	}
	tags := func(name string) (out []string) {
		for _, a := range decoded[collection[architecture]](t, name).Entries {
			out = append(out, a.Tag)
		}
		return out
	}
	if d := cmp.Diff([]string{"amd64", "armhf", "i386"}, tags("distro-series-architectures.json")); d != "" {
		t.Errorf("architectures (-want +got)\n%s", d)
	}
}

func TestSourceBodies(t *testing.T) {
	tests := []struct {
		name    string
		entries int
		next    bool
		first   string
	}{
		{"sources-page-1.json", 3, true, ""},
		{"sources-page-2.json", 3, true, "ubuntu-keyboard 0.99.trunk.phablet2+15.04.20160226-0ubuntu1 Published"},
		{"sources-page-3-last.json", 1, false, "unity8 8.12+15.04.20160509-0ubuntu1 Published"},
		{"sources-empty.json", 0, false, ""},
		{"sources-raw-single-line.json", 1, false, "unity8 8.12+15.04.20160509-0ubuntu1 Published"},
		{"sources-v1.0-total-size-inline.json", 2, true, ""},
		{"target-source-pending.json", 1, false, "unity8 8.12+15.04.20160509-0ubuntu1 Pending"},
		{"target-source-pending-with-old-published.json", 2, false, "unity8 8.12+15.04.20160509-0ubuntu1 Pending"},
		{"target-source-published-old-superseded.json", 2, false, "unity8 8.12+15.04.20160509-0ubuntu1 Published"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := decoded[collection[Publication]](t, tt.name)
			if len(p.Entries) != tt.entries || (p.Next != "") != tt.next {
				t.Fatalf("%d entries, next %q, want %d, %v", len(p.Entries), p.Next, tt.entries, tt.next)
			}
			for i, s := range p.Entries {
				if got := s.SourceName + " " + s.SourceVersion + " " + string(s.Status); i == 0 && tt.first != "" && got != tt.first {
					t.Errorf("first entry %s, want %s", got, tt.first)
				}
				if s.SelfLink.ID() == 0 || s.SeriesLink.Name() != "vivid" || s.DateCreated.IsZero() || s.Pocket != release {
					t.Errorf("entry %d: %+v", i, s)
				}
				b, _ := json.Marshal(s)
				var again Publication
				if err := json.Unmarshal(b, &again); err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(s, again); d != "" {
					t.Errorf("round trip (-first +again)\n%s", d)
				}
			}
		})
	}
}

func TestBinaryBodies(t *testing.T) {
	tests := []struct {
		name               string
		published, pending int
	}{
		{"binaries-source-ppa.json", 9, 0},
		{"binaries-target-all-pending.json", 0, 9},
		{"binaries-target-mixed.json", 6, 3},
		{"binaries-target-all-published.json", 9, 0},
		{"binaries-target-missing-armhf.json", 6, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			published, pending, all := 0, 0, 0
			for _, b := range decoded[collection[Publication]](t, tt.name).Entries {
				switch b.Status {
				case Published:
					published++
				case Pending:
					pending++
				}
				if b.ArchSpecific.Is(false) {
					all++
				}
				if b.Arch() == "" || b.BinaryName == "" || b.SourceName != "unity8" || !b.IsDebug.Is(false) || b.Phased.Known {
					t.Errorf("%+v", b)
				}
			}
			if published != tt.published || pending != tt.pending || all == 0 {
				t.Errorf("%d Published, %d Pending, %d Architecture: all, want %d, %d and some", published, pending, all, tt.published, tt.pending)
			}
		})
	}
}

func TestBuildBodies(t *testing.T) {
	tests := []struct {
		name          string
		state         BuildState
		final, failed bool
		took          time.Duration
		log           bool
	}{
		{"build-success.json", Built, true, false, 17*time.Minute + 44579132*time.Microsecond, true},
		{"build-failed.json", FailedToBuild, true, true, 17*time.Minute + 44579132*time.Microsecond, true},
		{"build-dependency-wait.json", DependencyWait, false, true, 17*time.Minute + 44579132*time.Microsecond, true},
		{"build-currently-building.json", Building, false, false, 0, false},
		{"build-needs-building.json", NeedsBuilding, false, false, 0, false},
	}
	for _, tt := range tests {
		b := decoded[Build](t, tt.name)
		if b.State != tt.state || b.State.Final() != tt.final || b.State.Failed() != tt.failed || !b.State.Known() || b.Duration() != tt.took || (b.LogURL != "") != tt.log || b.Arch() == "" {
			t.Errorf("%s: %+v", tt.name, b)
		}
	}
	if b := decoded[Build](t, "build-dependency-wait.json"); b.DependencyWaitFor != "libprotobuf-lite9 (>= 2.6.1), libxkbcommon-dev" {
		t.Errorf("waits for %q", b.DependencyWaitFor)
	}
	if n := len(decoded[collection[Build]](t, "builds-of-copied-source.json").Entries); n != 4 {
		t.Errorf("%d builds of the copied source, want 4", n)
	}
	if s := BuildState("Brand new state"); s.Final() || s.Failed() || s.Known() {
		t.Error("an unknown state counts as known")
	}
}

func TestLivefsBodies(t *testing.T) {
	l := decoded[livefs](t, "livefs-ubuntu-touch.json")
	if l.Name != "ubuntu-touch" || l.SeriesLink.Name() != "vivid" || !strings.HasSuffix(string(l.PendingLink), "/pending_builds") {
		t.Errorf("livefs: %+v", l)
	}
	tests := []struct {
		name     string
		state    BuildState
		log      bool
		override bool
		took     time.Duration
	}{
		{"livefs-build-pending.json", NeedsBuilding, false, false, 0},
		{"livefs-build-building-with-override.json", Building, false, true, 0},
		{"livefs-build-success.json", Built, true, false, 48*time.Minute + 29*time.Second + 509086*time.Microsecond},
		{"livefs-build-failed.json", FailedToBuild, true, false, 18*time.Minute + 29*time.Second + 658440*time.Microsecond},
	}
	for _, tt := range tests {
		b := decoded[Build](t, tt.name)
		if b.State != tt.state || (b.LogURL != "") != tt.log || b.Override.Known != tt.override || b.Arch() != "armhf" || b.Version == "" || b.Duration() != tt.took || b.LivefsLink.Name() != "ubuntu-touch" {
			t.Errorf("%s: %+v", tt.name, b)
		}
		if tt.override && b.Override.Value["channel"] != "ubuntu-touch/rc/ubuntu" {
			t.Errorf("override %v", b.Override)
		}
	}
	if p := decoded[collection[Build]](t, "livefs-completed-builds-page-1.json"); len(p.Entries) != 2 || p.Next == "" {
		t.Errorf("completed builds: %d entries, next %q", len(p.Entries), p.Next)
	}
}

// TestRedactedAnywhere hides each field of each entry in turn: the entry must
// still decode, with the others as they were.
func TestRedactedAnywhere(t *testing.T) {
	check := func(name string, raw []byte, into func() any) {
		var m map[string]any
		if err := json.Unmarshal(raw, &m); err != nil {
			t.Fatal(err)
		}
		for key := range m {
			for _, v := range []any{value.Redacted, nil, "missing"} {
				old := m[key]
				if m[key] = v; v == "missing" {
					delete(m, key)
				}
				b, _ := json.Marshal(m)
				if err := json.Unmarshal(b, into()); err != nil {
					t.Errorf("%s with %s = %v: %v", name, key, v, err)
				}
				m[key] = old
			}
		}
	}
	check("archive", body(t, "archive-ppa-overlay.json"), func() any { return new(Archive) })
	check("series", body(t, "distro-series-vivid.json"), func() any { return new(series) })
	check("architecture", body(t, "distro-arch-series-armhf.json"), func() any { return new(architecture) })
	check("build", body(t, "build-failed.json"), func() any { return new(Build) })
	check("livefs", body(t, "livefs-ubuntu-touch.json"), func() any { return new(livefs) })
	check("livefs build", body(t, "livefs-build-building-with-override.json"), func() any { return new(Build) })
	check("source", decoded[collection[json.RawMessage]](t, "sources-raw-single-line.json").Entries[0], func() any { return new(Publication) })
	check("binary", decoded[collection[json.RawMessage]](t, "binaries-source-ppa.json").Entries[0], func() any { return new(Publication) })
}

func FuzzBodies(f *testing.F) {
	names, _ := filepath.Glob("testdata/bodies/*.json")
	for _, n := range names {
		b, err := os.ReadFile(n)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		roundTrip[Archive](t, b)
		roundTrip[Publication](t, b)
		roundTrip[Build](t, b)
		roundTrip[livefs](t, b)
		var c collection[json.RawMessage]
		if json.Unmarshal(b, &c) == nil {
			for _, e := range c.Entries {
				roundTrip[Publication](t, e)
			}
		}
	})
}

func roundTrip[T any](t *testing.T, b []byte) {
	var v, again T
	if json.Unmarshal(b, &v) != nil {
		return
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatalf("%s\ndecodes, but does not encode: %v", b, err)
	}
	if err := json.Unmarshal(out, &again); err != nil {
		t.Fatalf("%s\n: %v", out, err)
	}
	if d := cmp.Diff(v, again); d != "" {
		t.Errorf("round trip (-first +again)\n%s", d)
	}
}
