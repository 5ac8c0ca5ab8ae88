package procedure_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/operate"
)

// backedOut is a lab in which image 2 of stable, which rc has too, was taken back:
// published again as image 3 is the one before, or nothing.
func backedOut(t *testing.T, again bool) *lab.Lab {
	t.Helper()
	l := newWorld(t, of(lab.Released(50)))
	c := backout(l)
	x := &runbook.Runner{Name: "backout", Input: c.Input, Journal: &runbooktest.Memory{}, Human: human(func(q runbook.Question) runbook.Answer {
		a := runbook.Answer{Verdict: runbook.Yes, By: "lead", Reason: "seen"}
		if q.Step == "devices can update" && !again {
			a.Verdict = runbook.No
		}
		return a
	})}
	if err := x.Execute(t.Context(), c.Run); err != nil {
		t.Fatal(err)
	}
	return l
}

// Content that was backed out is not published again without a question, with
// another journal and after the stop file is gone.
func TestPublishAgain(t *testing.T) {
	t.Parallel()
	for name, again := range map[string]bool{"an older image is offered": true, "nothing is offered": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, verdict := range []runbook.Verdict{"", runbook.No, runbook.Yes} {
				l := backedOut(t, again)
				before := snapshot(t, l)
				c := release(t, l, newClock(0), "10% 2h, 100%")
				c.Stay = false
				var asked []string
				x := &runbook.Runner{Name: "release", Input: c.Input, Journal: &runbooktest.Memory{}, Human: human(func(q runbook.Question) runbook.Answer {
					asked = append(asked, q.Step)
					if q.Step == "publish again" {
						return runbook.Answer{Verdict: verdict, By: "lead", Reason: "seen"}
					}
					return runbook.Answer{Verdict: runbook.Yes, By: "lead", Reason: "seen"}
				})}
				err := x.Execute(t.Context(), c.Run)
				if len(asked) == 0 || asked[0] != "publish again" {
					t.Fatalf("asked %q first, want whether to publish again (%v)", asked, err)
				}
				_, _, p := latest(t, l, stable[0].Channel, stable[0].Device)
				switch verdict {
				case runbook.Yes:
					if !errors.Is(err, runbook.ErrPending) || p != 10 {
						t.Errorf("after a yes: at %d %%, %v", p, err)
					}
				default:
					if d := cmp.Diff(before, snapshot(t, l)); err == nil || d != "" {
						t.Errorf("after %q: %v (-before +after)\n%s", verdict, err, d)
					}
				}
			}
		})
	}
}

// The same for copies to rc.
func TestCopyRCPublishAgain(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	x, c := copyrc(l, &runbooktest.Memory{})
	c.Input.Pairs = []procedure.Pair{{From: "ubuntu-touch/rc-proposed/meizu.en", To: "ubuntu-touch/rc/meizu.en", Device: "arale"}}
	x.Input = c.Input
	if err := x.Execute(t.Context(), c.Run); err != nil {
		t.Fatal(err)
	}
	bad, _, _ := latest(t, l, "ubuntu-touch/rc/meizu.en", "arale")
	b := &procedure.BackOut{Server: l.Server(), Importer: l.Importer(), Input: procedure.BackOutInput{Percentage: 100,
		Faulty: []procedure.NamedImage{{Channel: "ubuntu-touch/rc/meizu.en", Device: "arale", Version: bad}}}}
	y := &runbook.Runner{Name: "backout", Input: b.Input, Journal: &runbooktest.Memory{}, Human: runbooktest.ApproveEverything{}}
	if err := y.Execute(t.Context(), b.Run); err != nil {
		t.Fatal(err)
	}
	x.Journal = &runbooktest.Memory{}
	if err := x.Execute(t.Context(), c.Run); !errors.Is(err, runbook.ErrPending) || !strings.Contains(err.Error(), "published again") {
		t.Fatalf("copied again: %v, want a question", err)
	}
	if v, _, _ := latest(t, l, "ubuntu-touch/rc/meizu.en", "arale"); v != bad+1 {
		t.Errorf("image %d is published, want none above %d", v, bad+1)
	}
	x.Human = runbooktest.ApproveEverything{}
	if err := x.Execute(t.Context(), c.Run); err != nil {
		t.Fatal(err)
	}
	if v, _, _ := latest(t, l, "ubuntu-touch/rc/meizu.en", "arale"); v != bad+2 {
		t.Errorf("after a yes: image %d, want %d", v, bad+2)
	}
}

// What is out already is not released: no message says to take it from those who
// are offered it.
func TestReleaseOfWhatIsOut(t *testing.T) {
	t.Parallel()
	for _, percentage := range []int{1, 50, 100} {
		l := released(t, percentage)
		c := release(t, l, newClock(0), "10% 2h, 100%")
		for name, do := range map[string]func() error{
			"plan": func() error {
				_, err := (&runbook.Runner{Name: "release", Input: c.Input}).Plan(t.Context(), c.Run)
				return err
			},
			"run": func() error {
				return (&runbook.Runner{Name: "release", Input: c.Input, Journal: &runbooktest.Memory{}, Human: runbooktest.ApproveEverything{}}).Execute(t.Context(), c.Run)
			},
		} {
			if err := do(); !errors.Is(err, systemimage.ErrRefused) || !strings.Contains(err.Error(), "nothing to copy") || strings.Contains(err.Error(), "set-phased-percentage") {
				t.Errorf("%s of what is at %d %%: %v", name, percentage, err)
			}
		}
		if _, _, p := latest(t, l, stable[0].Channel, stable[0].Device); p != percentage {
			t.Errorf("at %d %%, want %d", p, percentage)
		}
	}
}

// A wrong name or number is refused by the plan of a back-out, before anything is
// advised, and by a run, which stops what is named rightly.
func TestBackOutOfTheWrongImage(t *testing.T) {
	t.Parallel()
	image := func(channel, device string, version int) procedure.NamedImage {
		return procedure.NamedImage{Channel: channel, Device: device, Version: version}
	}
	for name, tt := range map[string]struct {
		image procedure.NamedImage
		want  string
	}{
		"number too high": {image(stable[0].Channel, "krillin", 99), "its newest is 2"},
		"not the newest":  {image(stable[0].Channel, "krillin", 1), "image 1 is not what is offered there: image 2 is, at 50 %"},
		"no channel":      {image("ubuntu-touch/stabel/bq-aquaris.en", "krillin", 2), "stabel"},
		"no device":       {image(stable[0].Channel, "kirllin", 2), "kirllin"},
		"alias":           {image("ubuntu-touch/ubuntu-15.04/bq-aquaris.en", "krillin", 2), "Use its target " + stable[0].Channel},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := released(t, 50)
			before := snapshot(t, l)
			c := backout(l)
			c.Input.Faulty = []procedure.NamedImage{tt.image, faulty(2)[1]}
			plan, err := (&runbook.Runner{Name: "backout", Input: c.Input}).Plan(t.Context(), c.Run)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "set-phased-percentage") {
				t.Errorf("plan: %v, want an error with %q", err, tt.want)
			}
			for _, rec := range plan {
				if strings.Contains(rec.Intent+rec.Reason, "100 %") {
					t.Errorf("the plan has %v", rec)
				}
			}
			if d := cmp.Diff(before, snapshot(t, l)); d != "" {
				t.Errorf("the plan did something (-before +after)\n%s", d)
			}
			x := &runbook.Runner{Name: "backout", Input: c.Input, Journal: &runbooktest.Memory{}, Human: runbooktest.ApproveEverything{}}
			if err := x.Execute(t.Context(), c.Run); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("run: %v, want an error with %q", err, tt.want)
			}
			if _, _, p := latest(t, l, stable[0].Channel, "krillin"); p != 50 {
				t.Errorf("krillin is at %d %%, want 50", p)
			}
			if _, _, p := latest(t, l, stable[1].Channel, stable[1].Device); p != 0 {
				t.Errorf("the image that was named rightly is at %d %%", p)
			}
		})
	}
}

// An image that another back-out has replaced already is no wrong one.
func TestBackOutTwice(t *testing.T) {
	t.Parallel()
	l := backedOut(t, true)
	c := backout(l)
	x := &runbook.Runner{Name: "backout", Input: c.Input, Journal: &runbooktest.Memory{}, Human: runbooktest.ApproveEverything{}}
	if err := x.Execute(t.Context(), c.Run); err != nil {
		t.Fatal(err)
	}
	if v, _, p := latest(t, l, stable[0].Channel, stable[0].Device); v != 3 || p != 100 {
		t.Errorf("image %d at %d %%, want 3 at 100", v, p)
	}
}

// The stop file keeps what every back-out has taken back, and the report says how it
// goes away.
func TestBackOutsShareTheStopFile(t *testing.T) {
	t.Parallel()
	l := released(t, 50)
	stop := &procedure.StopFile{Runner: l.Server().Runner, Path: filepath.Join(l.Images.Root(), "phased-state", "done")}
	for _, image := range faulty(2) {
		c := backout(l)
		c.Stop, c.Input.Faulty = stop, []procedure.NamedImage{image}
		j := &runbooktest.Memory{}
		x := &runbook.Runner{Name: "backout", Input: c.Input, Journal: j, Human: runbooktest.ApproveEverything{}}
		if err := x.Execute(t.Context(), c.Run); err != nil {
			t.Fatal(err)
		}
		_, notes := trace(t, j)
		if text := strings.Join(notes, "\n"); !strings.Contains(text, stop.Path+" stays") || !strings.Contains(text, "rm "+stop.Path) {
			t.Errorf("the report says %q, want where the stop file is and how it goes away", text)
		}
	}
	for n, image := range faulty(3) {
		c := rollout(t, l, newClock(0), "100%")
		c.Input.Images = []procedure.NamedImage{{Channel: image.Channel, Device: image.Device, Version: 3}}
		text, err := os.ReadFile(stop.Path)
		if err != nil || !strings.Contains(string(text), faulty(2)[n].String()+":2") {
			t.Errorf("the stop file says %q (%v), want %s in it", text, err, image)
		}
	}
}

// A hotfix whose content stable had before, and took back, asks before QA is asked.
func TestHotfixPublishAgain(t *testing.T) {
	t.Parallel()
	for _, verdict := range []runbook.Verdict{runbook.No, runbook.Yes} {
		l := hotfixLab(t, "krillin")
		c := hotfix(t, l, newClock(time.Hour))
		var asked []string
		x := &runbook.Runner{Name: "hotfix", Input: c.Input, Journal: &runbooktest.Memory{}, Human: human(func(q runbook.Question) runbook.Answer {
			if strings.HasPrefix(q.Step, "QA") {
				asked = append(asked, q.Step)
			}
			a, _ := runbooktest.ApproveEverything{}.Ask(t.Context(), q)
			if strings.HasSuffix(q.Step, "publish again") {
				a.Verdict = verdict
			}
			return a
		})}
		x.Observe = func(rec runbook.Record) {
			if rec.Step != "import" || rec.Kind != runbook.Done {
				return
			}
			req := operate.CopyRequest{From: "ubuntu-touch/rc/bq-aquaris.en", To: "ubuntu-touch/stable/bq-aquaris.en", Device: "krillin", Version: 2, Tag: "faulty", Percentage: 0}
			if _, err := l.Server().Copy(t.Context(), req); err != nil {
				t.Error(err)
			}
		}
		err := x.Execute(t.Context(), c.Run)
		want := []string{"QA 1/publish again", "QA 1/approve"}
		if verdict == runbook.No {
			want = want[:1]
		}
		if d := cmp.Diff(want, asked); d != "" {
			t.Errorf("asked (-want +got)\n%s(%v)", d, err)
		}
		if _, tag, p := latest(t, l, "ubuntu-touch/stable/bq-aquaris.en", "krillin"); verdict == runbook.No && (tag != "faulty" || p != 0 || !errors.Is(err, runbook.ErrRejected)) {
			t.Errorf("after a no: tag %s at %d %%, %v", tag, p, err)
		}
	}
}
