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
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/systemimage/operate"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// of narrows a world down to the channels of one vendor, for tests that make it a
// hundred times.
func of(w systemimagetest.World) systemimagetest.World {
	w.Channels = slices.DeleteFunc(slices.Clone(w.Channels), func(c systemimagetest.Channel) bool {
		return c.Name != "ubuntu-touch/rc/bq-aquaris.en" && c.Name != stable[0].Channel && c.Alias != stable[0].Channel
	})
	return w
}

func release(t testing.TB, l *lab.Lab, k *clock, text string) *procedure.Release {
	return &procedure.Release{
		Server: l.Server(), Importer: l.Importer(), Pace: procedure.Pace{Now: k.Now, Stay: true, Every: time.Millisecond},
		Input: procedure.ReleaseInput{Tag: "OTA-5", From: "rc", To: "stable", Schedule: schedule(t, text), Not: []string{"operator"}},
	}
}

func TestRelease(t *testing.T) {
	t.Parallel()
	l := newWorld(t, of(lab.Candidates()))
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
	x.Human = runbooktest.ApproveEverything{}
	if err := x.Execute(t.Context(), c.Run); err != nil {
		t.Fatal(err)
	}
	for _, g := range stable {
		if version, tag, p := latest(t, l, g.Channel, g.Device); version != 2 || tag != "OTA-5" || p != 100 {
			t.Errorf("%s: image %d, tag %q, at %d %%, want 2, OTA-5, 100", g, version, tag, p)
		}
	}
	if st := importerState(t, l); st != operate.ImporterOn {
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

// Where the image before was withdrawn and no delta leads from it to the new one,
// a copy at 0 % would let everybody have it again: the gate says so, and the release
// goes no further until that is mended.
func TestReleaseAfterAWithdrawnImage(t *testing.T) {
	t.Parallel()
	for _, delta := range []bool{true, false} {
		w := of(lab.Released(0))
		for i, c := range w.Channels {
			if c.Name != "ubuntu-touch/rc/bq-aquaris.en" {
				continue
			}
			for k, d := range c.Devices {
				fixed := d.Images[len(d.Images)-1]
				fixed.Version, fixed.Bases = 3, []int{2}
				fixed.Details = strings.Replace(fixed.Details, "ubuntu=20150611", "ubuntu=20150612", 1)
				w.Channels[i].Devices[k].Images = append(slices.Clone(d.Images), fixed)
			}
		}
		l := newWorld(t, w)
		if !delta {
			noDeltas(t, l)
		}
		c := release(t, l, newClock(time.Hour), "1% 2h, 100%")
		shown := ""
		x := &runbook.Runner{Name: "release", Input: c.Input, Journal: &runbooktest.Memory{}, Human: human(func(q runbook.Question) runbook.Answer {
			shown += string(q.Evidence)
			a, _ := runbooktest.ApproveEverything{}.Ask(t.Context(), q)
			return a
		})}
		err := x.Execute(t.Context(), c.Run)
		if !strings.Contains(shown, "the phasing of image 2, which is at 0 %") {
			t.Errorf("shown: %s", shown)
		}
		if delta {
			if err != nil {
				t.Error(err)
			}
			nobodyGetsIt(t, l)
			continue
		}
		if err == nil || !strings.Contains(err.Error(), "can be had by everybody now") {
			t.Fatalf("without a delta: %v", err)
		}
		phase(t, l, 100, faulty(3)...)
		if err := x.Execute(t.Context(), c.Run); err != nil {
			t.Error(err)
		}
		nobodyGetsIt(t, l)
	}
}

// Whoever is asked sees that the tag is one that the channel has had.
func TestReleaseQuestionsTheTag(t *testing.T) {
	t.Parallel()
	l := newWorld(t, of(lab.Candidates()))
	c := release(t, l, newClock(0), "100%")
	c.Input.Tag = "OTA-4"
	shown := ""
	x := &runbook.Runner{Name: "release", Input: c.Input, Journal: &runbooktest.Memory{}, Human: human(func(q runbook.Question) runbook.Answer {
		shown += string(q.Evidence)
		return runbook.Answer{}
	})}
	_ = x.Execute(t.Context(), c.Run)
	if want := "image 1 there has the tag OTA-4 already"; !strings.Contains(shown, want) {
		t.Errorf("shown: %s, without %q", shown, want)
	}
}

func TestReleaseNeedsATag(t *testing.T) {
	t.Parallel()
	l := newWorld(t, of(lab.Candidates()))
	c := release(t, l, newClock(0), "100%")
	c.Input.Tag = ""
	x := &runbook.Runner{Name: "release", Input: c.Input, Journal: &runbooktest.Memory{}, Human: runbooktest.ApproveEverything{}}
	if err := x.Execute(t.Context(), c.Run); err == nil || !strings.Contains(err.Error(), "tag") {
		t.Errorf("Execute() without a tag = %v", err)
	}
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
