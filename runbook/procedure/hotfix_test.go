package procedure_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/cdimage/cdimagetest"
	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/launchpad/launchpadtest"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// hotfixLab is a lab with the fix in a private PPA, and a channel of rc-proposed
// that imports from the same builds as rc.
func hotfixLab(t testing.TB, devices ...string) *lab.Lab {
	t.Helper()
	w := lab.Importable()
	w.Channels = slices.DeleteFunc(w.Channels, func(c systemimagetest.Channel) bool {
		return c.Name != "ubuntu-touch/rc-proposed/ubuntu" && c.Name != "ubuntu-touch/rc/bq-aquaris.en" && c.Name != "ubuntu-touch/stable/bq-aquaris.en"
	})
	for i := range w.Channels {
		w.Channels[i].Devices = slices.DeleteFunc(slices.Clone(w.Channels[i].Devices), func(d systemimagetest.Device) bool {
			return d.Name != "mako" && !slices.Contains(devices, d.Name)
		})
	}
	l := lab.NewWorld(t, w)
	root, err := l.BuildRoot()
	if err != nil {
		t.Fatal(err)
	}
	// A day on which nothing was built yet, the same in every lab.
	if err := cdimagetest.SetKnobs(root, cdimagetest.Knobs{Today: true, Now: time.Date(2099, 3, 2, 9, 0, 0, 0, time.UTC)}); err != nil {
		t.Fatal(err)
	}
	return l
}

func hotfix(t testing.TB, l *lab.Lab, k *clock) *procedure.Hotfix {
	t.Helper()
	srv, err := l.LaunchpadServer()
	if err != nil {
		t.Fatal(err)
	}
	builder, err := l.Builds()
	if err != nil {
		t.Fatal(err)
	}
	server := l.Server()
	return &procedure.Hotfix{
		Launchpad: srv.Client(), Ledger: filepath.Join(l.Images.Root(), "state", "ledger"), Builder: builder,
		Server: server, Importer: l.Importer(), Now: k.Now, Stay: true, Every: time.Millisecond,
		Config: &systemimage.ConfigFile{Runner: server.Runner, Path: filepath.Join(server.Root, "etc", "config")},
		Input: procedure.HotfixInput{
			Problem: "the lock screen opens", Countermeasures: []string{"the store is read-only"}, Support: "the night shift", Grace: 48 * time.Hour,
			Security: lab.EmbargoedPPA, Packages: []string{"unity8"}, Series: "vivid",
			Snapshot: lab.SnapshotPPA, Origin: lab.OverlayPPA, Create: true, Overlay: lab.OverlayPPA,
			Builds: []procedure.HotfixBuild{{Project: "ubuntu-touch", Type: "daily-preinstalled", Series: "vivid", File: "ubuntu",
				Images:   filepath.Join(l.Images.Root(), "builder/www/full/ubuntu-touch/vivid/daily-preinstalled"),
				Channels: []string{"ubuntu-touch/rc/bq-aquaris.en"}}},
			From: "rc", To: "stable", Tag: "OTA-4.1", Schedule: schedule(t, "1% 2h, 100%"), Not: []string{"operator"},
		},
	}
}

const theFix = "unity8 8.12+15.04.20160824.1-0ubuntu1.1"

// fixIsIn lists the public archives that have the fix.
func fixIsIn(t testing.TB, l *lab.Lab) (list []string) {
	t.Helper()
	srv, err := l.LaunchpadServer()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"overlay", "snapshot"} {
		if slices.Contains(published(srv, "~landing-team/ubuntu/"+name), theFix) {
			list = append(list, name)
		}
	}
	return list
}

// historical is the newest build of a lab's history, of the day of the test.
var historical = regexp.MustCompile(`/after 20[0-8][0-9]{5}`)

// trace lists what a run did and was asked, in order, without looks.
func trace(t testing.TB, j runbook.Journal) (steps, notes []string) {
	t.Helper()
	for rec, err := range runbook.Records(t.Context(), j) {
		switch {
		case err != nil:
			t.Fatal(err)
		case rec.Verb == runbook.VerbNote:
			notes = append(notes, rec.Reason)
		case rec.Kind == runbook.Acquired:
			steps = append(steps, "take "+rec.Step)
		case rec.Kind == runbook.Released:
			steps = append(steps, "give back "+rec.Step)
		case rec.Kind == runbook.Approved:
			steps = append(steps, "? "+rec.Step)
		case rec.Kind == runbook.Done && (rec.Verb == runbook.VerbDo || rec.Verb == runbook.VerbWait && !strings.Contains(rec.Step, "round")):
			steps = append(steps, historical.ReplaceAllString(rec.Step, ""))
		}
	}
	return steps, notes
}

func TestHotfix(t *testing.T) {
	t.Parallel()
	l := hotfixLab(t, "krillin", "vegetahd")
	c := hotfix(t, l, newClock(time.Hour))
	var sent []procedure.Announcement
	c.Announce = func(_ context.Context, a procedure.Announcement) error { sent = append(sent, a); return nil }
	before := snapshot(t, l)
	j := &runbooktest.Memory{}
	x := &runbook.Runner{Name: "hotfix", Input: c.Input, Journal: j, Operator: "operator", Human: runbook.ApproveEverythingInALab{}}
	if err := x.Execute(t.Context(), c.Run); err != nil {
		t.Fatal(err)
	}
	steps, notes := trace(t, j)
	const krillin, vegetahd = "ubuntu-touch/stable/bq-aquaris.en:krillin/", "ubuntu-touch/stable/bq-aquaris.en:vegetahd/"
	want := []string{
		"? assess", "? decide", "? countermeasures/in place", "? countermeasures/announcement", "countermeasures/send announcement", "? fix",
		"snapshot/PPA", "? snapshot/difference", "snapshot/copy",
		"? configuration/approve", "? fix to the snapshot/difference", "? fix to the overlay/difference",
		"? public", "fix to the snapshot/copy",
		"take importer", "keep back", "rc/ubuntu-touch-vivid-daily-preinstalled/build",
		"take rc configuration", "import", "give back rc configuration",
		"fix to the overlay/copy", "rc-proposed/ubuntu-touch-vivid-daily-preinstalled/after 20990302/build", "let in", "give back importer",
		"? QA 1/approve",
		"take stable/importer", "stable/" + krillin + "copy", "stable/" + vegetahd + "copy", "give back stable/importer",
		"? support",
		"rollout/round 1/" + krillin + "set 1%", "rollout/round 1/" + vegetahd + "set 1%",
		"rollout/round 2/" + krillin + "set 100%", "rollout/round 2/" + vegetahd + "set 100%",
		"? announcement", "send announcement", "grace period", "? countermeasures removed", "next working day", "? stand down",
	}
	if d := cmp.Diff(want, steps); d != "" {
		t.Errorf("what was done (-want +got)\n%s", d)
	}
	for _, g := range stable {
		m, err := l.Client().Latest(t.Context(), g.Channel, g.Device)
		if err != nil {
			t.Fatal(err)
		}
		if has, _ := m.Detail().Get("ubuntu"); m.Version != 2 || m.Percentage != 100 || m.Detail().Tag() != "OTA-4.1" || has != "20990302" {
			t.Errorf("%s: image %d at %d %%: %s", g, m.Version, m.Percentage, m.VersionDetail)
		}
	}
	if d := cmp.Diff([]string{"overlay", "snapshot"}, fixIsIn(t, l)); d != "" {
		t.Errorf("the fix is in (-want +got)\n%s", d)
	}
	// rc-proposed was kept back from the build of the snapshot, and takes the one after it.
	if m, err := l.Client().Latest(t.Context(), "ubuntu-touch/rc-proposed/ubuntu", "mako"); err != nil || m.Version != 2 {
		t.Errorf("rc-proposed is at image %d, %v, want still 2", m.Version, err)
	}
	if _, err := l.Server().Import(t.Context(), systemimage.ImportRequest{}); err != nil {
		t.Fatal(err)
	}
	m, err := l.Client().Latest(t.Context(), "ubuntu-touch/rc-proposed/ubuntu", "mako")
	if has, _ := m.Detail().Get("ubuntu"); err != nil || m.Version != 3 || has != "20990302.1" {
		t.Errorf("after the importer rc-proposed is at image %d, %s, %v, want 3 with ubuntu=20990302.1", m.Version, m.VersionDetail, err)
	}
	config := func(text string) string { return text[strings.Index(text, "-- config --"):] }
	if d := cmp.Diff(config(before), config(snapshot(t, l))); d != "" {
		t.Errorf("configuration and crontab (-before +after)\n%s", d)
	}
	if len(sent) != 2 || strings.Contains(sent[0].Body, "lock screen") || !strings.Contains(sent[1].Body, "krillin: image 2") || !strings.Contains(sent[1].Body, "unity8") {
		t.Errorf("announcements: %+v", sent)
	}
	var exposure []string
	for _, n := range notes {
		if strings.Contains(n, "had been public") {
			exposure = append(exposure, n[:strings.Index(n, ":")])
			if strings.HasSuffix(n, " 0s") {
				t.Errorf("measured nothing: %s", n)
			}
		}
	}
	if d := cmp.Diff([]string{"offered to 1%", "offered to 100%", "announced"}, exposure); d != "" {
		t.Errorf("exposure (-want +got)\n%s", d)
	}
}

// Whoever says no, and wherever: before the gate the fix is in no public place,
// and after it nobody is offered an image that was refused.
func TestHotfixRefused(t *testing.T) {
	t.Parallel()
	public := false
	for _, gate := range []string{"assess", "decide", "countermeasures/in place", "countermeasures/announcement", "fix", "snapshot/difference",
		"configuration/approve", "fix to the snapshot/difference", "fix to the overlay/difference", "public", "QA 1/approve", "support"} {
		l := hotfixLab(t, "krillin")
		c := hotfix(t, l, newClock(time.Hour))
		config := snapshot(t, l)
		x := &runbook.Runner{Name: "hotfix", Input: c.Input, Journal: &runbooktest.Memory{}, Human: human(func(q runbook.Question) runbook.Answer {
			a, _ := runbook.ApproveEverythingInALab{}.Ask(t.Context(), q)
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
		public = public || gate == "public"
		version, _, p := latest(t, l, stable[0].Channel, "krillin")
		if version > 1 && p > 0 {
			t.Errorf("%s refused: image %d is offered to %d %%", gate, version, p)
		}
		if st := importerState(t, l); st != systemimage.ImporterOn {
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
	x := &runbook.Runner{Name: "hotfix", Journal: &runbooktest.Memory{}, Human: runbook.ApproveEverythingInALab{}}
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
		x := &runbook.Runner{Name: "snapshot", Input: s.Input, Journal: &runbooktest.Memory{}, Human: runbook.ApproveEverythingInALab{}}
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
		x = &runbook.Runner{Name: "hotfix", Input: c.Input, Journal: &runbooktest.Memory{}, Human: runbook.ApproveEverythingInALab{}}
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
			if _, err := l.Server().Tag(t.Context(), systemimage.TagRequest{Channel: "ubuntu-touch/rc/bq-aquaris.en", Device: "krillin", Version: 2, Tag: "again"}); err != nil {
				t.Error(err)
			}
		}
		a, _ := runbook.ApproveEverythingInALab{}.Ask(t.Context(), q)
		return a
	})}
	if err := x.Execute(t.Context(), c.Run); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"QA 1/approve", "QA 2/approve"}, asked); d != "" {
		t.Errorf("asked (-want +got)\n%s", d)
	}
}

// Between its steps, and until days that are to come, the run is pending.
func TestHotfixPending(t *testing.T) {
	t.Parallel()
	l := hotfixLab(t, "krillin")
	k := newClock(0)
	c := hotfix(t, l, k)
	c.Stay, c.Input.Grace = false, 96*time.Hour
	x := &runbook.Runner{Name: "hotfix", Input: c.Input, Journal: &runbooktest.Memory{}, Human: runbook.ApproveEverythingInALab{}}
	for _, step := range []struct {
		after time.Duration
		want  string
	}{
		{0, "100% is due"}, {time.Hour, "100% is due"}, {time.Hour, "grace period is at 2026-03-06 11:00:00"},
		{96 * time.Hour, "next working day is at 2026-03-09 09:00:00"}, {70 * time.Hour, ""}, // from Friday to Monday
	} {
		k.advance(step.after)
		err := x.Execute(t.Context(), c.Run)
		if step.want == "" {
			if err != nil {
				t.Errorf("at the end: %v", err)
			}
		} else if !errors.Is(err, runbook.ErrPending) || !strings.Contains(err.Error(), step.want) {
			t.Fatalf("after %v more: %v, want ErrPending with %q", step.after, err, step.want)
		}
		if st := importerState(t, l); st != systemimage.ImporterOn {
			t.Errorf("while it is pending the importer is %q", st)
		}
	}
}

func TestHotfixPlanChangesNothing(t *testing.T) {
	t.Parallel()
	l := hotfixLab(t, "krillin")
	srv, err := l.LaunchpadServer()
	if err != nil {
		t.Fatal(err)
	}
	c := hotfix(t, l, newClock(time.Hour))
	c.Launchpad.ReadOnly, c.Builder.ReadOnly, c.Server.ReadOnly, c.Importer.ReadOnly, c.Config.ReadOnly = true, true, true, true, true
	for _, made := range []bool{false, true} {
		if made {
			srv.Do(func(w *launchpadtest.World) {
				w.AddPPA("landing-team", "snapshot")
				w.Publish("~landing-team/ubuntu/snapshot", "vivid", launchpadtest.Package{Name: "unity8", Version: "8.12+15.04.20160824.1-0ubuntu1"})
			})
		}
		before, posts := snapshot(t, l), srv.Count("POST")
		x := &runbook.Runner{Name: "hotfix", Input: c.Input}
		recs, err := x.Plan(t.Context(), c.Run)
		if err != nil {
			t.Fatalf("snapshot made %v: %v", made, err)
		}
		if d := cmp.Diff(before, snapshot(t, l)); d != "" || srv.Count("POST") != posts {
			t.Errorf("the plan changed something (-before +after)\n%s", d)
		}
		var planned []string
		for _, rec := range recs {
			if rec.Kind == runbook.Planned {
				step, _, _ := strings.Cut(rec.Step, "/after ") // the newest build of the lab's day
				planned = append(planned, step)
			}
		}
		for _, step := range []string{"public", "importer", "rc/ubuntu-touch-vivid-daily-preinstalled", "rc configuration", "import", "support", "stand down"} {
			if !slices.Contains(planned, step) {
				t.Errorf("the plan does not show %q: %q", step, planned)
			}
		}
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

// A run that loses its journal, wherever that is, is gone on with by another
// start, and ends in the world of an undisturbed one.
func TestHotfixGoesOn(t *testing.T) {
	t.Parallel()
	begin := hotfixLab(t, "krillin")
	want := ""
	for writes := 1000; writes > 0; writes -= 23 {
		l := begin.Clone(t)
		k := newClock(time.Hour)
		dying := &dyingJournal{Memory: &runbooktest.Memory{}, left: writes}
		x := &runbook.Runner{Name: "hotfix", Input: hotfix(t, l, k).Input, Journal: dying, Human: runbook.ApproveEverythingInALab{}}
		err := x.Execute(t.Context(), hotfix(t, l, k).Run)
		if want == "" {
			if err != nil {
				t.Fatal(err)
			}
			want, writes = snapshot(t, l), writes-dying.left
			continue
		}
		if !errors.Is(err, runbook.ErrJournal) {
			t.Fatalf("after %d writes: %v, want ErrJournal", writes, err)
		}
		if st := importerState(t, l); st != systemimage.ImporterOn {
			t.Errorf("after %d writes the importer is %q", writes, st)
		}
		x.Journal = dying.Memory
		if err := x.Execute(t.Context(), hotfix(t, l, k).Run); err != nil {
			t.Fatalf("gone on with after %d writes: %v", writes, err)
		}
		if d := cmp.Diff(want, snapshot(t, l)); d != "" {
			t.Errorf("after %d writes the world differs (-undisturbed +gone on with)\n%s", writes, d)
		}
	}
}

var everywhere = flag.Bool("everywhere", false, "kill at every write of a journal, also where that takes minutes")

// killAnywhere is runbooktest.KillAnywhere with -everywhere, and every seventh
// point of it without.
func killAnywhere(t testing.TB, fresh func(t testing.TB) runbooktest.Scene) {
	t.Helper()
	step := 7
	if *everywhere {
		step = 1
	}
	runbooktest.KillEvery(t, step, fresh)
}

func TestHotfixKillAnywhere(t *testing.T) {
	t.Parallel()
	if !*everywhere {
		t.Skip("runs the procedure some hundred times: ask for it with -everywhere")
	}
	begin := hotfixLab(t, "krillin")
	runbooktest.KillAnywhere(t, func(t testing.TB) runbooktest.Scene {
		l := begin.Clone(t)
		k := newClock(time.Hour)
		srv, err := l.LaunchpadServer()
		if err != nil {
			t.Fatal(err)
		}
		return runbooktest.Scene{
			Start: func() (*runbook.Runner, runbook.Procedure) {
				c := hotfix(t, l, k)
				return &runbook.Runner{Name: "hotfix", Input: c.Input, Human: runbook.ApproveEverythingInALab{}}, c.Run
			},
			Snapshot: func() string {
				return snapshot(t, l) + strings.Join(published(srv, "~landing-team/ubuntu/snapshot"), "\n") + strings.Join(published(srv, "~landing-team/ubuntu/overlay"), "\n")
			},
		}
	})
}
