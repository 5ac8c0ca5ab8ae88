package procedure_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/phasing"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// of narrows a world down to the channels of one vendor, for tests that make it a
// hundred times.
func of(w systemimagetest.World) systemimagetest.World {
	w.Channels = slices.DeleteFunc(slices.Clone(w.Channels), func(c systemimagetest.Channel) bool {
		return c.Name != "ubuntu-touch/rc/bq-aquaris.en" && c.Name != "ubuntu-touch/stable/bq-aquaris.en"
	})
	return w
}

func release(t testing.TB, l *lab.Lab, k *clock, text string) *procedure.Release {
	return &procedure.Release{
		Server: l.Server(), Importer: l.Importer(), Now: k.Now, Stay: true, Every: time.Millisecond,
		Input: procedure.ReleaseInput{Tag: "OTA-5", From: "rc", To: "stable", Schedule: schedule(t, text), Not: []string{"operator"}},
	}
}

func TestRelease(t *testing.T) {
	t.Parallel()
	l := lab.NewWorld(t, of(lab.Candidates()))
	k := newClock(time.Hour)
	c := release(t, l, k, "1% 2h ask, 100%")
	j := &runbooktest.Memory{}
	x := &runbook.Runner{Name: "release", Input: c.Input, Journal: j, Operator: "operator"}
	before := snapshot(t, l)
	if err := x.Execute(t.Context(), c.Run); !errors.Is(err, runbook.ErrPending) || !strings.Contains(err.Error(), "Release these 2 images") {
		t.Fatalf("with nobody there: %v, want ErrPending that asks", err)
	}
	if d := cmp.Diff(before, snapshot(t, l)); d != "" {
		t.Fatalf("touched before the gate (-before +after)\n%s", d)
	}
	x.Human = runbook.ApproveEverythingInALab{}
	if err := x.Execute(t.Context(), c.Run); err != nil {
		t.Fatal(err)
	}
	for _, g := range stable {
		if version, tag, p := latest(t, l, g.Channel, g.Device); version != 2 || tag != "OTA-5" || p != 100 {
			t.Errorf("%s: image %d, tag %q, at %d %%, want 2, OTA-5, 100", g, version, tag, p)
		}
	}
	if st := importerState(t, l); st != systemimage.ImporterOn {
		t.Errorf("importer is %q, want on", st)
	}
	at := map[string][]string{}
	for rec, err := range runbook.Records(t.Context(), j) {
		if err != nil {
			t.Fatal(err)
		}
		if rec.Kind == runbook.Done && rec.Verb == runbook.VerbDo && strings.Contains(rec.Step, "krillin") {
			name := rec.Step[strings.LastIndex(rec.Step, "/")+1:]
			at["krillin"] = append(at["krillin"], name)
		}
	}
	if d := cmp.Diff([]string{"copy", "set 1%", "set 100%"}, at["krillin"]); d != "" {
		t.Errorf("effects on krillin (-want +got)\n%s", d)
	}
}

func TestReleaseNeedsATag(t *testing.T) {
	t.Parallel()
	l := lab.NewWorld(t, of(lab.Candidates()))
	c := release(t, l, newClock(0), "100%")
	c.Input.Tag = ""
	x := &runbook.Runner{Name: "release", Input: c.Input, Journal: &runbooktest.Memory{}, Human: runbook.ApproveEverythingInALab{}}
	if err := x.Execute(t.Context(), c.Run); err == nil || !strings.Contains(err.Error(), "tag") {
		t.Errorf("Execute() without a tag = %v", err)
	}
}

func faulty(version int) []procedure.Target {
	return []procedure.Target{
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
	return lab.NewWorld(t, of(lab.Released(percentage)))
}

// nobodyGetsIt checks what a back-out is for.
func nobodyGetsIt(t testing.TB, l *lab.Lab, version int) {
	t.Helper()
	for _, g := range stable {
		x, err := l.Client().Index(t.Context(), g.Channel, g.Device)
		if err != nil {
			t.Fatal(err)
		}
		newest, _ := x.Newest()
		m, _ := x.Full(version)
		if newest == version && phasing.Percent(m.Percentage) != 0 {
			t.Errorf("%s still offers image %d to %d %%", g, version, m.Percentage)
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
	nobodyGetsIt(t, l, 2) // stopped before anybody was asked anything
	x.Human = runbook.ApproveEverythingInALab{}
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
	if st := importerState(t, l); st != systemimage.ImporterOn {
		t.Errorf("importer is %q, want on", st)
	}
}

// A tree that a killed program left unable to take a commit, and a global lock
// that an import holds, do not keep a back-out from stopping.
func TestBackOutStopsInABrokenWorld(t *testing.T) {
	t.Parallel()
	l := released(t, 50)
	if err := l.Images.SetFaults(systemimagetest.Faults{Kill: systemimagetest.Signed}); err != nil {
		t.Fatal(err)
	}
	argv := []string{"set-phased-percentage", "-v", stable[0].Channel, stable[0].Device, "2", "60"}
	if out, err := l.Images.Run(t.Context(), systemimage.Command{Argv: argv}); err != nil || out.Exit != 137 {
		t.Fatalf("killed program: exit %d, %v", out.Exit, err)
	}
	release, err := l.Images.HoldLock()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	x := &runbook.Runner{Name: "backout", Journal: &runbooktest.Memory{}}
	c := backout(l)
	stopped := time.Now()
	if err := x.Execute(t.Context(), c.Run); !errors.Is(err, runbook.ErrPending) {
		t.Fatal(err)
	}
	nobodyGetsIt(t, l, 2)
	t.Logf("stopped after %v", time.Since(stopped))
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
	nobodyGetsIt(t, l, 2)
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
		l := lab.NewWorld(t, of(lab.Candidates()))
		c := release(t, l, newClock(time.Hour), "1% 2h ask, 50% 1h, 100%")
		dying := &dyingJournal{Memory: &runbooktest.Memory{}, left: writes}
		x := &runbook.Runner{Name: "release", Input: c.Input, Journal: dying, Human: runbook.ApproveEverythingInALab{}}
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
			y := &runbook.Runner{Name: "backout", Input: b.Input, Journal: &runbooktest.Memory{}, Human: runbook.ApproveEverythingInALab{}}
			if err := y.Execute(t.Context(), b.Run); err != nil {
				t.Fatalf("back-out after %d writes of the release: %v", writes, err)
			}
			nobodyGetsIt(t, l, 2)
		}
		if st := importerState(t, l); st != systemimage.ImporterOn {
			t.Errorf("after %d writes: importer is %q, want on", writes, st)
		}
		if err == nil {
			return // the release came to its end
		}
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
				return &runbook.Runner{Name: "backout", Input: c.Input, Human: runbook.ApproveEverythingInALab{}}, c.Run
			},
			Snapshot: func() string { return snapshot(t, l) },
		}
	})
}

// human answers questions with a function.
type human func(runbook.Question) runbook.Answer

func (h human) Ask(_ context.Context, q runbook.Question) (runbook.Answer, error) { return h(q), nil }

// dyingJournal fails after some writes, as on a full disk: nothing more is
// started then, and what is held is given back.
type dyingJournal struct {
	*runbooktest.Memory
	left int
}

func (j *dyingJournal) Append(ctx context.Context, line []byte) error {
	if j.left == 0 {
		return fmt.Errorf("no space left on device")
	}
	j.left--
	return j.Memory.Append(ctx, line)
}
