package procedure_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/builder"
	"github.com/landingteam/landing/cdimage/cdimagetest"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/runbooktest"
)

func republish(h host, j runbook.Journal, human runbook.Human, change ...func(*procedure.RepublishBuild)) (*runbook.Runner, *procedure.RepublishBuild) {
	b := *h.Builder
	p := &procedure.RepublishBuild{Builder: &b}
	p.Input.ImageSet = touch
	for _, f := range change {
		f(p)
	}
	return &runbook.Runner{Name: "republish", Input: p.Input, Journal: j, Human: human, Operator: "operator"}, p
}

func TestRepublish(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		knobs cdimagetest.Knobs
	}{
		{"one architecture was not downloaded", failing},
		{"nothing was downloaded", cdimagetest.Knobs{Now: morning, Downloads: map[string]string{"i386": "503", "armhf": "resolve"}}},
		{"died while publishing", cdimagetest.Knobs{Now: morning, Crash: "publishing"}},
		{"as today", cdimagetest.Knobs{Now: morning.AddDate(10, 0, 0), Today: true, Downloads: map[string]string{"i386": "404"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := imageHost(t, tt.knobs)
			j := &runbooktest.Memory{}
			x, p := republish(h, j, nil)
			if err := x.Execute(t.Context(), p.Run); err != nil {
				t.Fatal(err)
			}
			day := tt.knobs.Now.Format("20060102")
			if got, want := h.ids(t), fmt.Sprintf("[%s %[1]s.1]", day); got != want {
				t.Fatalf("builds %s, want %s", got, want)
			}
			ids, _ := h.IDs(t.Context(), touch)
			res, err := h.Result(t.Context(), cdimage.Build{ImageSet: touch, ID: ids[1]})
			if err != nil || res.Publish != cdimage.Complete {
				t.Errorf("published: %s, %v", res.Publish, err)
			}
			// the live file systems of the failed run
			image, err := os.ReadFile(filepath.Join(h.root, strings.TrimPrefix(res.Dir, h.root), "vivid-preinstalled-touch-i386.tar.gz"))
			if err != nil || !strings.Contains(string(image), "(livefs build 74602)") {
				t.Errorf("image of i386: %q, %v", image, err)
			}
			// once more there is nothing to do, whoever asks
			before := h.files(t)
			for _, j := range []runbook.Journal{j, &runbooktest.Memory{}} {
				x, p := republish(h, j, nil)
				if err := x.Execute(t.Context(), p.Run); err != nil {
					t.Error(err)
				}
			}
			if d := cmp.Diff(before, h.files(t)); d != "" {
				t.Errorf("done already, and the host changed (-before +after)\n%s", d)
			}
		})
	}
}

// What is not safe is not done: the question says why and what to run instead,
// and only yes runs it.
func TestRepublishRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		host func(testing.TB) host
		says string
		id   string
	}{
		{name: "another day", host: func(t testing.TB) host {
			h := imageHost(t, failing)
			h.later(t, 23*time.Hour)
			return h
		}, says: "past midnight UTC"},
		{name: "a live file system failed", host: func(t testing.TB) host {
			return imageHost(t, cdimagetest.Knobs{Now: morning, States: map[string]string{"i386": "Failed to build"}})
		}, says: "ubuntu-touch-custom-i386 has no good build"},
		{name: "not all were asked for", host: func(t testing.TB) host {
			h := imageHost(t, cdimagetest.Knobs{Now: morning, Kill: "asking"})
			h.later(t, 7*time.Hour)
			return h
		}, says: "i386 was not built in 20160906"},
		{name: "older than the newest live file systems", host: func(t testing.TB) host {
			return imageHost(t, failing, cdimagetest.Knobs{Now: morning.Add(2 * time.Hour)})
		}, id: "20160906", says: "20160906.1 made newer live file systems"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := tt.host(t)
			before := h.files(t)
			choose := func(p *procedure.RepublishBuild) {
				if tt.id != "" {
					p.Input.ID, _ = cdimage.ParseBuildID(tt.id)
				}
			}
			j := &runbooktest.Memory{}
			nobody := &runbooktest.Human{}
			x, p := republish(h, j, nobody, choose)
			if err := x.Execute(t.Context(), p.Run); !errors.Is(err, runbook.ErrPending) {
				t.Fatalf("with nobody there: %v, want ErrPending", err)
			}
			asked := nobody.Asked()
			if len(asked) != 1 || !strings.Contains(asked[0].Text, tt.says) ||
				!strings.Contains(string(asked[0].Evidence), "env DIST=vivid for-project ubuntu-touch-custom cron.daily-preinstalled --live") {
				t.Errorf("asked %+v, want %q and the command", asked, tt.says)
			}
			advised(t, asked[0])
			other := &runbooktest.Memory{}
			x, p = republish(h, other, &runbooktest.Human{Answers: map[string]runbook.Answer{"full rebuild": {Verdict: runbook.No, By: "qa", Reason: "later"}}}, choose)
			if err := x.Execute(t.Context(), p.Run); !errors.Is(err, runbook.ErrRejected) {
				t.Errorf("no: %v, want ErrRejected", err)
			}
			if d := cmp.Diff(before, h.files(t)); d != "" {
				t.Errorf("nobody agreed, and the host changed (-before +after)\n%s", d)
			}
			builds := strings.Count(h.ids(t), "2016")
			for range 2 { // the second start finds it done
				x, p = republish(h, j, runbooktest.ApproveEverything{}, choose)
				if err := x.Execute(t.Context(), p.Run); err != nil {
					t.Fatalf("yes: %v", err)
				}
			}
			if got := strings.Count(h.ids(t), "2016"); got != builds+1 {
				t.Errorf("builds %s, want one more than %d", h.ids(t), builds)
			}
		})
	}
}

// advised looks whether the remedy that is shown is what is asked about.
func advised(t *testing.T, q runbook.Question) {
	t.Helper()
	var show struct{ Remedy string }
	if err := json.Unmarshal(q.Evidence, &show); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(show.Remedy, "full rebuild") && show.Remedy != "read the livefs log" || strings.Contains(show.Remedy, "then publish-only") || strings.HasPrefix(show.Remedy, "publish-only") {
		t.Errorf("asked %q, and advised %q", q.Text, show.Remedy)
	}
}

// Midnight, UTC, passes while somebody looks: what is asked and what is advised are of
// the same moment. When it passes while the run is started, it is said whose day the
// image got.
func TestRepublishAtMidnight(t *testing.T) {
	t.Parallel()
	start := func(when string) (runbook.Question, string, error) {
		h := imageHost(t, failing)
		k, err := cdimagetest.GetKnobs(h.root)
		if err != nil {
			t.Fatal(err)
		}
		k.Now = time.Date(2016, 9, 6, 23, 59, 0, 0, time.UTC)
		h.knobs(t, k)
		nobody, notes := &runbooktest.Human{}, ""
		x, p := republish(h, &runbooktest.Memory{}, nobody)
		x.Observe = func(rec runbook.Record) {
			if strings.HasSuffix(rec.Step, when) && (rec.Verb == runbook.VerbRead || rec.Kind == runbook.Started) {
				h.later(t, 2*time.Minute)
			}
			if rec.Verb == runbook.VerbNote {
				notes += rec.Reason
			}
		}
		err = x.Execute(t.Context(), p.Run)
		asked := append(nobody.Asked(), runbook.Question{})
		return asked[0], notes, err
	}
	asked, _, err := start("live file systems to publish")
	if !errors.Is(err, runbook.ErrPending) || !strings.Contains(asked.Text, "past midnight UTC") {
		t.Fatalf("before it was asked: %v, %q", err, asked.Text)
	}
	advised(t, asked)
	if _, _, err := start("is it safe"); !errors.Is(err, procedure.ErrUnsafe) || !strings.Contains(err.Error(), "full rebuild") {
		t.Errorf("before it was begun: %v", err)
	}
	if _, notes, err := start("build"); err != nil || !strings.Contains(notes, "20160907 is published, complete") || !strings.Contains(notes, "the ID of another day than 20160906") {
		t.Errorf("when it was begun: %v, %q", err, notes)
	}
}

// The log of a publish-only run of the touch era does not name the live file systems
// that it took: that is said, and they are not guessed.
func TestRepublishUnnamed(t *testing.T) {
	t.Parallel()
	for _, today := range []bool{false, true} {
		k := failing
		if today {
			k.Now, k.Today = morning.AddDate(10, 0, 0), true
		}
		h := imageHost(t, k)
		notes := ""
		x, p := republish(h, &runbooktest.Memory{}, nil)
		x.Observe = func(rec runbook.Record) {
			if rec.Verb == runbook.VerbNote {
				notes += rec.Reason
			}
		}
		if err := x.Execute(t.Context(), p.Run); err != nil {
			t.Fatal(err)
		}
		if said := strings.Contains(notes, "does not name the live file systems"); said == today {
			t.Errorf("as today %v: %q", today, notes)
		}
		ids, err := h.IDs(t.Context(), touch)
		if err != nil {
			t.Fatal(err)
		}
		res, err := h.Result(t.Context(), cdimage.Build{ImageSet: touch, ID: ids[1]})
		if said := strings.Contains(strings.Join(res.Warnings, "\n"), "does not name the live file systems"); err != nil || said == today {
			t.Errorf("as today %v: %v, %q", today, err, res.Warnings)
		}
	}
}

// The day ends between two starts: what was safe is so no more.
func TestRepublishTooLate(t *testing.T) {
	t.Parallel()
	h := imageHost(t, failing)
	lock(t, h)
	j := &runbooktest.Memory{}
	x, p := republish(h, j, nil)
	if err := x.Execute(t.Context(), p.Run); !errors.Is(err, builder.ErrLocked) {
		t.Fatalf("Execute() = %v, want ErrLocked", err)
	}
	unlock(t, h)
	h.later(t, 24*time.Hour)
	before := h.files(t)
	x, p = republish(h, j, nil)
	if err := x.Execute(t.Context(), p.Run); !errors.Is(err, procedure.ErrUnsafe) {
		t.Errorf("the next day: %v, want ErrUnsafe", err)
	}
	if d := cmp.Diff(before, h.files(t)); d != "" {
		t.Errorf("too late, and the host changed (-before +after)\n%s", d)
	}
}

// A lock that is held uses up no ID; with the lock gone the same run goes on.
func TestRepublishLocked(t *testing.T) {
	t.Parallel()
	h := imageHost(t, failing)
	lock(t, h)
	j := &runbooktest.Memory{}
	x, p := republish(h, j, nil)
	if err := x.Execute(t.Context(), p.Run); !errors.Is(err, builder.ErrLocked) {
		t.Fatalf("Execute() = %v, want ErrLocked", err)
	}
	unlock(t, h)
	x, p = republish(h, j, nil)
	if err := x.Execute(t.Context(), p.Run); err != nil {
		t.Fatal(err)
	}
	if got := h.ids(t); got != "[20160906 20160906.1]" {
		t.Errorf("builds %s", got)
	}
}

// An attempt that fails is reported, and tried again only when it is started
// again.
func TestRepublishFailsAgain(t *testing.T) {
	t.Parallel()
	for _, knobs := range []cdimagetest.Knobs{
		{Downloads: map[string]string{"i386": "503", "armhf": "503"}},
		{Downloads: map[string]string{"i386": "503"}},
		{Crash: "publishing"},
	} {
		h := imageHost(t, failing)
		knobs.Now = morning.Add(2 * time.Hour)
		h.knobs(t, knobs)
		j := &runbooktest.Memory{}
		for _, want := range []string{"[20160906 20160906.1]", "[20160906 20160906.1 20160906.2]"} {
			x, p := republish(h, j, nil)
			err := x.Execute(t.Context(), p.Run)
			if !errors.Is(err, builder.ErrNotBuilt) {
				t.Errorf("Execute() = %v, want ErrNotBuilt", err)
			}
			if got := h.ids(t); got != want {
				t.Errorf("builds %s, want %s", got, want)
			}
		}
		h.knobs(t, cdimagetest.Knobs{Now: morning.Add(6 * time.Hour)})
		// Another run of the procedure sees the attempts of the first.
		x, p := republish(h, &runbooktest.Memory{}, nil)
		if err := x.Execute(t.Context(), p.Run); err != nil {
			t.Error(err)
		}
		if got := h.ids(t); got != "[20160906 20160906.1 20160906.2 20160906.3]" {
			t.Errorf("builds %s", got)
		}
	}
}

func TestRepublishNothingToDo(t *testing.T) {
	t.Parallel()
	h := imageHost(t, cdimagetest.Knobs{Now: morning})
	before := h.files(t)
	x, p := republish(h, &runbooktest.Memory{}, nil)
	if err := x.Execute(t.Context(), p.Run); err != nil {
		t.Error(err)
	}
	if d := cmp.Diff(before, h.files(t)); d != "" {
		t.Errorf("the host (-before +after)\n%s", d)
	}
	x, p = republish(h, &runbooktest.Memory{}, nil, func(p *procedure.RepublishBuild) { p.Input.ID = cdimage.BuildID{Day: 20160906, N: 7} })
	if err := x.Execute(t.Context(), p.Run); !errors.Is(err, cdimage.ErrNotFound) {
		t.Errorf("a build that is not there: %v, want ErrNotFound", err)
	}
	x, p = republish(imageHost(t), &runbooktest.Memory{}, nil)
	if err := x.Execute(t.Context(), p.Run); !errors.Is(err, cdimage.ErrNotFound) {
		t.Errorf("no build at all: %v, want ErrNotFound", err)
	}
}

// What the host could not be told is refused before anything is looked at.
func TestRepublishInvalid(t *testing.T) {
	t.Parallel()
	h := imageHost(t, failing)
	for name, change := range map[string]func(*procedure.RepublishBuild){
		"no architecture": func(p *procedure.RepublishBuild) { p.Input.Arches = []string{""} },
		"two in one":      func(p *procedure.RepublishBuild) { p.Input.Arches = []string{"armhf i386"} },
		"archive":         func(p *procedure.RepublishBuild) { p.Input.ExtraPPAs = []builder.PPA{{Owner: "a b", Name: "c"}} },
		"series":          func(p *procedure.RepublishBuild) { p.Input.Series = "vivid; reboot" },
	} {
		j := &runbooktest.Memory{}
		x, p := republish(h, j, nil, change)
		if err := x.Execute(t.Context(), p.Run); !errors.Is(err, builder.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
		}
		for rec, err := range runbook.Records(t.Context(), j) {
			if err != nil || rec.Step != "" {
				t.Errorf("%s: %v, %v on record", name, rec.Step, err)
			}
		}
	}
}

func TestRepublishAtWork(t *testing.T) {
	t.Parallel()
	h := imageHost(t, failing)
	h.knobs(t, cdimagetest.Knobs{Now: morning.Add(2 * time.Hour), Kill: "building"}) // its log stays without an end
	if _, err := h.Build(t.Context(), builder.Request{ImageSet: touch}); err == nil {
		t.Fatal("the killed build ended well")
	}
	x, p := republish(h, &runbooktest.Memory{}, nil)
	if err := x.Execute(t.Context(), p.Run); !errors.Is(err, builder.ErrLocked) || !strings.Contains(err.Error(), "20160906.1 is still at work") {
		t.Errorf("Execute() = %v, want ErrLocked", err)
	}
}

func TestRepublishPlanChangesNothing(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		knobs cdimagetest.Knobs
		want  []string
	}{
		"safe": {failing, []string{
			"do: publish ubuntu-touch-custom/vivid daily-preinstalled again, without new live file systems: env DIST=vivid for-project ubuntu-touch-custom cron.daily-preinstalled"}},
		"unsafe": {cdimagetest.Knobs{Now: morning, States: map[string]string{"i386": "Chroot problem"}}, []string{
			"gate: ubuntu-touch-custom/vivid/daily-preinstalled-20160906 cannot be published again: ubuntu-touch-custom-i386 has no good build of this run, an older one would be mixed in. Build it anew instead?",
			"do: build ubuntu-touch-custom/vivid daily-preinstalled anew: env DIST=vivid for-project ubuntu-touch-custom cron.daily-preinstalled --live"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := imageHost(t, tt.knobs)
			before := h.files(t)
			x, p := republish(h, nil, nil)
			p.Builder.ReadOnly = true
			plan, err := x.Plan(t.Context(), p.Run)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, rec := range plan {
				if rec.Kind == runbook.Planned {
					got = append(got, string(rec.Verb)+": "+rec.Intent)
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("planned (-want +got)\n%s", d)
			}
			if d := cmp.Diff(before, h.files(t)); d != "" {
				t.Errorf("the plan changed the host (-before +after)\n%s", d)
			}
		})
	}
}

// Killed before and after every write of its journal, and resumed, the host has
// one more build, and not two.
func TestRepublishKillAnywhere(t *testing.T) {
	t.Parallel()
	killAnywhere(t, func(t testing.TB) runbooktest.Scene {
		h := imageHost(t, failing)
		return runbooktest.Scene{
			Start: func() (*runbook.Runner, runbook.Procedure) {
				x, p := republish(h, nil, nil)
				return x, p.Run
			},
			Snapshot: func() string { return h.files(t) },
		}
	})
}

// The same where publishing again is not safe, and a person agrees to a rebuild.
func TestRepublishOfferKillAnywhere(t *testing.T) {
	t.Parallel()
	killAnywhere(t, func(t testing.TB) runbooktest.Scene {
		h := imageHost(t, cdimagetest.Knobs{Now: morning, States: map[string]string{"i386": "Failed to build"}})
		return runbooktest.Scene{
			Start: func() (*runbook.Runner, runbook.Procedure) {
				x, p := republish(h, nil, runbooktest.ApproveEverything{})
				return x, p.Run
			},
			Snapshot: func() string { return h.files(t) },
		}
	})
}
