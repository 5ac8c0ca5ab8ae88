package procedure_test

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/launchpad/launchpadtest"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/systemimage/operate"
)

// Whoever says no, and wherever: before the gate the fix is in no public place,
// and after it nobody is offered an image that was refused. What outlasts the run is
// noted.
func TestHotfixRefused(t *testing.T) {
	t.Parallel()
	public := false
	for _, gate := range []string{"assess", "decide", "countermeasures/in place", "countermeasures/announcement", "fix", "snapshot/difference",
		"configuration/approve", "fix to the snapshot/difference", "fix to the overlay/difference", "public", "QA 1/approve", "support"} {
		l := hotfixLab(t, "krillin")
		c := hotfix(t, l, newClock(time.Hour))
		config := snapshot(t, l)
		j := &runbooktest.Memory{}
		x := &runbook.Runner{Name: "hotfix", Input: c.Input, Journal: j, Human: human(func(q runbook.Question) runbook.Answer {
			a, _ := runbooktest.ApproveEverything{}.Ask(t.Context(), q)
			if q.Step == gate {
				a.Verdict, a.Reason = runbook.No, "not like this"
			}
			return a
		})}
		if err := x.Execute(t.Context(), c.Run); !errors.Is(err, runbook.ErrRejected) || !strings.Contains(err.Error(), gate) {
			t.Fatalf("%s refused: %v", gate, err)
		}
		if in := fixIsIn(t, l); len(in) > 0 != public {
			t.Errorf("%s refused: the fix is in %v", gate, in)
		}
		protected := gate != "assess" && gate != "decide" && gate != "countermeasures/in place"
		_, notes := trace(t, j)
		for note, want := range map[string]bool{
			"still in place: the store is read-only": protected,
			"the fix has been public since":          public,
			"stable:krillin has image 2 of this run": gate == "support",
		} {
			if got := strings.Contains(strings.ReplaceAll(strings.Join(notes, "\n"), stable[0].Channel, "stable"), note); got != want {
				t.Errorf("%s refused: notes %q, want %q in them: %v", gate, notes, note, want)
			}
		}
		public = public || gate == "public"
		version, _, p := latest(t, l, stable[0].Channel, "krillin")
		if version > 1 && p > 0 {
			t.Errorf("%s refused: image %d is offered to %d %%", gate, version, p)
		}
		if st := importerState(t, l); st != operate.ImporterOn {
			t.Errorf("%s refused: the importer is %q", gate, st)
		}
		if d := cmp.Diff(config[strings.Index(config, "-- config --"):], func(s string) string { return s[strings.Index(s, "-- config --"):] }(snapshot(t, l))); d != "" {
			t.Errorf("%s refused: configuration (-before +after)\n%s", gate, d)
		}
	}
}

// The one who assessed may not decide.
func TestHotfixNeedsTwo(t *testing.T) {
	t.Parallel()
	l := hotfixLab(t, "krillin")
	c := hotfix(t, l, newClock(time.Hour))
	x := &runbook.Runner{Name: "hotfix", Input: c.Input, Journal: &runbooktest.Memory{}, Human: human(func(runbook.Question) runbook.Answer {
		return runbook.Answer{Verdict: runbook.Yes, By: "operator", Reason: "seen"}
	})}
	if err := x.Execute(t.Context(), c.Run); !errors.Is(err, runbook.ErrPending) || !strings.Contains(err.Error(), "operator may not answer") {
		t.Errorf("Execute() = %v, want ErrPending because operator assessed already", err)
	}
}

func TestHotfixWantsAPrivatePPA(t *testing.T) {
	t.Parallel()
	l := hotfixLab(t, "krillin")
	c := hotfix(t, l, newClock(time.Hour))
	c.Input.Security = lab.SecurityPPA
	x := &runbook.Runner{Name: "hotfix", Journal: &runbooktest.Memory{}, Human: runbooktest.ApproveEverything{}}
	if err := x.Execute(t.Context(), c.Run); err == nil || !strings.Contains(err.Error(), "not known to be private") {
		t.Errorf("Execute() = %v", err)
	}
	c.Input.AllowPublic = true
	x.Journal = &runbooktest.Memory{}
	if err := x.Execute(t.Context(), c.Run); err != nil {
		t.Errorf("with AllowPublic: %v", err)
	}
}

// The snapshot is made of the versions of the last stable image, whatever the
// overlay has by now; or it is there, and used as it is.
func TestHotfixSnapshot(t *testing.T) {
	t.Parallel()
	for _, reuse := range []bool{false, true} {
		l := hotfixLab(t, "krillin")
		srv, err := l.LaunchpadServer()
		if err != nil {
			t.Fatal(err)
		}
		s := snapshotOf(t, srv, t.TempDir())
		if !reuse {
			s.Input.To = "ppa:landing-team/ota-4"
		}
		x := &runbook.Runner{Name: "snapshot", Input: s.Input, Journal: &runbooktest.Memory{}, Human: runbooktest.ApproveEverything{}}
		if err := x.Execute(t.Context(), s.Run); err != nil {
			t.Fatal(err)
		}
		const old, later = "ubuntu-system-settings 0.4+15.04.20160811-0ubuntu1", "0.5+15.04.20160901-0ubuntu1"
		srv.Do(func(w *launchpadtest.World) {
			w.Publish("~landing-team/ubuntu/overlay", "vivid", launchpadtest.Package{Name: "ubuntu-system-settings", Version: later})
		})
		c := hotfix(t, l, newClock(time.Hour))
		if reuse {
			c.Input.Origin, c.Input.Create = "", false
		} else {
			text, err := os.ReadFile(s.Manifest)
			if err != nil {
				t.Fatal(err)
			}
			c.Input.Replay = &launchpad.Manifest{}
			if err := json.Unmarshal(text, c.Input.Replay); err != nil {
				t.Fatal(err)
			}
		}
		x = &runbook.Runner{Name: "hotfix", Input: c.Input, Journal: &runbooktest.Memory{}, Human: runbooktest.ApproveEverything{}}
		if err := x.Execute(t.Context(), c.Run); err != nil {
			t.Fatalf("re-use %v: %v", reuse, err)
		}
		has := published(srv, "~landing-team/ubuntu/snapshot")
		if !slices.Contains(has, old) || !slices.Contains(has, theFix) || slices.Contains(has, "ubuntu-system-settings "+later) {
			t.Errorf("re-use %v: the snapshot has %q, want the versions of the last image and the fix", reuse, has)
		}
	}
}

// An image that is replaced while it is tested is asked about anew.
func TestHotfixAsksQAAgain(t *testing.T) {
	t.Parallel()
	l := hotfixLab(t, "krillin")
	c := hotfix(t, l, newClock(time.Hour))
	var asked []string
	x := &runbook.Runner{Name: "hotfix", Input: c.Input, Journal: &runbooktest.Memory{}, Human: human(func(q runbook.Question) runbook.Answer {
		if strings.HasPrefix(q.Step, "QA") {
			asked = append(asked, q.Step)
		}
		if q.Step == "QA 1/approve" {
			if _, err := l.Server().Tag(t.Context(), operate.TagRequest{Channel: "ubuntu-touch/rc/bq-aquaris.en", Device: "krillin", Version: 2, Tag: "again"}); err != nil {
				t.Error(err)
			}
		}
		a, _ := runbooktest.ApproveEverything{}.Ask(t.Context(), q)
		return a
	})}
	if err := x.Execute(t.Context(), c.Run); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"QA 1/approve", "QA 2/approve"}, asked); d != "" {
		t.Errorf("asked (-want +got)\n%s", d)
	}
}

func TestHotfixInput(t *testing.T) {
	t.Parallel()
	l := hotfixLab(t, "krillin")
	for _, tt := range []struct {
		name string
		set  func(*procedure.HotfixInput)
		want string
	}{
		{"no packages", func(in *procedure.HotfixInput) { in.Packages = nil }, "source packages"},
		{"no support", func(in *procedure.HotfixInput) { in.Support = "" }, "support"},
		{"same PPA", func(in *procedure.HotfixInput) { in.Snapshot = in.Overlay }, "three PPAs"},
		{"no PPA", func(in *procedure.HotfixInput) { in.Security = "team/ppa" }, "ppa:OWNER/NAME"},
		{"no build", func(in *procedure.HotfixInput) { in.Builds = nil }, "at least one build"},
		{"twice", func(in *procedure.HotfixInput) { in.Builds = append(slices.Clone(in.Builds), in.Builds[0]) }, "listed twice"},
		{"manifest of nothing", func(in *procedure.HotfixInput) { in.Origin, in.Replay = "", &launchpad.Manifest{} }, "replayed"},
		{"other channel", func(in *procedure.HotfixInput) {
			in.Builds = slices.Clone(in.Builds)
			in.Builds[0].Channels = []string{"ubuntu-touch/devel/ubuntu"}
		}, "path element"},
		{"no such file", func(in *procedure.HotfixInput) {
			in.Builds = slices.Clone(in.Builds)
			in.Builds[0].File = "rootfs"
		}, "has no file rootfs"},
	} {
		c := hotfix(t, l, newClock(time.Hour))
		tt.set(&c.Input)
		x := &runbook.Runner{Name: "hotfix"}
		if _, err := x.Plan(t.Context(), c.Run); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want an error with %q", tt.name, err, tt.want)
		}
	}
}
