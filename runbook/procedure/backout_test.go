package procedure_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/systemimage/operate"
	"github.com/landingteam/landing/systemimage/upgrade"
)

func faulty(version int) []procedure.NamedImage {
	return []procedure.NamedImage{
		{Channel: stable[0].Channel, Device: stable[0].Device, Version: version},
		{Channel: stable[1].Channel, Device: stable[1].Device, Version: version},
	}
}

func backout(l *lab.Lab) *procedure.BackOut {
	return &procedure.BackOut{
		Server: l.Server(), Importer: l.Importer(),
		Input: procedure.BackOutInput{Faulty: faulty(2), Tag: "OTA-4.1", Percentage: 100},
	}
}

// released is a lab in which stable has image 2, at a percentage.
func released(t testing.TB, percentage int) *lab.Lab {
	t.Helper()
	return newWorld(t, of(lab.Released(percentage)))
}

// nobodyGetsIt checks what a back-out is for, with what devices would choose: on
// every channel that has a device of the faulty image, at every build and with
// every number that a device can draw.
func nobodyGetsIt(t testing.TB, l *lab.Lab) {
	t.Helper()
	channels, err := l.Client().Channels(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for channel, device := range channels.Pairs() {
		if c := channels.Channels[channel]; channel != stable[0].Channel && c.Alias != stable[0].Channel && c.Redirect != stable[0].Channel {
			continue
		}
		x, err := l.Client().Index(t.Context(), channel, device)
		if err != nil {
			t.Fatal(err)
		}
		newest, _ := x.Newest()
		for build := range newest + 1 {
			for number := range 101 {
				o, err := upgrade.Choose(x.Index, upgrade.Request{Build: build, Draw: func(int) int { return number }})
				if err != nil {
					t.Fatal(err)
				}
				if k := len(o.Path); k > 0 && strings.Contains(o.Path[k-1].VersionDetail, "ubuntu=20150611") {
					t.Fatalf("%s %s: a device at build %d with number %d gets image %d, the faulty one", channel, device, build, number, o.Path[k-1].Version)
				}
			}
		}
	}
}

func TestBackOut(t *testing.T) {
	t.Parallel()
	l := released(t, 50)
	c := backout(l)
	var sent []procedure.Announcement
	c.Announce = func(_ context.Context, a procedure.Announcement) error { sent = append(sent, a); return nil }
	x := &runbook.Runner{Name: "backout", Input: c.Input, Journal: &runbooktest.Memory{}}
	if err := x.Execute(t.Context(), c.Run); !errors.Is(err, runbook.ErrPending) || !strings.Contains(err.Error(), "understood") {
		t.Fatalf("with nobody there: %v, want ErrPending that asks for the assessment", err)
	}
	nobodyGetsIt(t, l) // stopped before anybody was asked anything
	x.Human = runbooktest.ApproveEverything{}
	if err := x.Execute(t.Context(), c.Run); err != nil {
		t.Fatal(err)
	}
	for _, g := range stable {
		m, err := l.Client().Latest(t.Context(), g.Channel, g.Device)
		if err != nil {
			t.Fatal(err)
		}
		if ubuntu, _ := m.Detail().Get("ubuntu"); m.Version != 3 || m.Percentage != 100 || ubuntu != "20150610" || m.Detail().Tag() != "OTA-4.1" {
			t.Errorf("%s: image %d at %d %%: %s, want the content of image 1 again as image 3, OTA-4.1", g, m.Version, m.Percentage, m.VersionDetail)
		}
	}
	if len(sent) != 1 || !strings.Contains(sent[0].Body, "krillin: image 2") || !strings.Contains(sent[0].Body, "last good image") {
		t.Errorf("announcements = %+v", sent)
	}
	if st := importerState(t, l); st != operate.ImporterOn {
		t.Errorf("importer is %q, want on", st)
	}
}

// Devices that cannot update are led to recovery instead of a new image.
func TestBackOutRecovery(t *testing.T) {
	t.Parallel()
	l := released(t, 50)
	c := backout(l)
	var asked []string
	x := &runbook.Runner{Name: "backout", Input: c.Input, Journal: &runbooktest.Memory{}, Human: human(func(q runbook.Question) runbook.Answer {
		asked = append(asked, q.Step)
		a := runbook.Answer{Verdict: runbook.Yes, By: "lead", Reason: "seen"}
		if q.Step == "devices can update" {
			a.Verdict = runbook.No
		}
		return a
	})}
	if err := x.Execute(t.Context(), c.Run); err != nil {
		t.Fatal(err)
	}
	want := []string{"assess", "devices can update", "recover/factory images", "recover/instructions", "announcement", "fix"}
	if d := cmp.Diff(want, asked); d != "" {
		t.Errorf("asked (-want +got)\n%s", d)
	}
	nobodyGetsIt(t, l)
	if version, _, p := latest(t, l, stable[0].Channel, stable[0].Device); version != 2 || p != 0 {
		t.Errorf("image %d at %d %%, want 2 at 0", version, p)
	}
}

// From whatever point a release was killed at, a back-out by another operator
// with another journal ends with nobody being offered the faulty image, and the
// importer as it should be.
func TestBackOutOfAKilledRelease(t *testing.T) {
	t.Parallel()
	step := 11
	if *everywhere {
		step = 1
	}
	for writes := 0; ; writes += step {
		l := newWorld(t, of(lab.Candidates()))
		c := release(t, l, newClock(time.Hour), "1% 2h ask, 50% 1h, 100%")
		dying := &dyingJournal{Memory: &runbooktest.Memory{}, left: writes}
		x := &runbook.Runner{Name: "release", Input: c.Input, Journal: dying, Human: runbooktest.ApproveEverything{}}
		err := x.Execute(t.Context(), c.Run)
		if err != nil && !errors.Is(err, runbook.ErrJournal) {
			t.Fatalf("release that loses its journal after %d writes: %v", writes, err)
		}
		b := backout(l)
		published := faulty(2)
		b.Input.Faulty = nil
		for _, g := range published {
			if v, _, _ := latest(t, l, g.Channel, g.Device); v == 2 {
				b.Input.Faulty = append(b.Input.Faulty, g)
			}
		}
		if len(b.Input.Faulty) > 0 {
			y := &runbook.Runner{Name: "backout", Input: b.Input, Journal: &runbooktest.Memory{}, Human: runbooktest.ApproveEverything{}}
			if err := y.Execute(t.Context(), b.Run); err != nil {
				t.Fatalf("back-out after %d writes of the release: %v", writes, err)
			}
			nobodyGetsIt(t, l)
		}
		if st := importerState(t, l); st != operate.ImporterOn {
			t.Errorf("after %d writes: importer is %q, want on", writes, st)
		}
		if err == nil {
			return // the release came to its end
		}
	}
}

// A wrong name or number is said, with what there is; nothing is guessed.
func TestBackOutInput(t *testing.T) {
	t.Parallel()
	l := released(t, 50)
	before := snapshot(t, l)
	for name, tt := range map[string]struct {
		set  func(in *procedure.BackOutInput)
		want string
	}{
		"no image":             {func(in *procedure.BackOutInput) { in.Faulty = nil }, "which images"},
		"a number too high":    {func(in *procedure.BackOutInput) { in.Faulty = faulty(3)[:1] }, "its newest is 2, at 50 %"},
		"twice":                {func(in *procedure.BackOutInput) { in.Faulty = append(faulty(1)[:1], faulty(2)[0]) }, "named twice"},
		"good, not faulty":     {func(in *procedure.BackOutInput) { in.Faulty, in.Good = faulty(2)[:1], faulty(1)[1:] }, "no faulty image above it"},
		"the faulty one again": {func(in *procedure.BackOutInput) { in.Good = faulty(2)[:1] }, "no faulty image above it"},
		"comma":                {func(in *procedure.BackOutInput) { in.Tag = "a,b" }, "comma"},
		"percentage":           {func(in *procedure.BackOutInput) { in.Percentage = 101 }, "0..100"},
	} {
		c := backout(l)
		tt.set(&c.Input)
		x := &runbook.Runner{Name: "backout", Input: c.Input, Journal: &runbooktest.Memory{}}
		if err := x.Execute(t.Context(), c.Run); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want an error with %q", name, err, tt.want)
		}
	}
	if d := cmp.Diff(before, snapshot(t, l)); d != "" {
		t.Errorf("something was done (-before +after)\n%s", d)
	}
}

func TestBackOutKillAnywhere(t *testing.T) {
	t.Parallel()
	begin := released(t, 50)
	killAnywhere(t, func(t testing.TB) runbooktest.Scene {
		l := begin.Clone(t)
		return runbooktest.Scene{
			Start: func() (*runbook.Runner, runbook.Procedure) {
				c := backout(l)
				return &runbook.Runner{Name: "backout", Input: c.Input, Human: runbooktest.ApproveEverything{}}, c.Run
			},
			Snapshot: func() string { return snapshot(t, l) },
		}
	})
}
