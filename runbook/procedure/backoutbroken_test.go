package procedure_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/operate"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// A tree that a killed program left unable to take a commit, and a global lock
// that an import holds, do not keep a back-out from stopping.
func TestBackOutStopsInABrokenWorld(t *testing.T) {
	virtual(func(t *testing.T) {
		l := released(t, 50)
		if err := l.Images.SetFaults(systemimagetest.Faults{Kill: systemimagetest.Signed}); err != nil {
			t.Fatal(err)
		}
		argv := []string{"set-phased-percentage", "-v", stable[0].Channel, stable[0].Device, "2", "60"}
		if out, err := l.Images.Run(t.Context(), command.Command{Argv: argv}); err != nil || out.Exit != 137 {
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
		nobodyGetsIt(t, l)
		t.Logf("stopped after %v", time.Since(stopped))
	})(t)
}

// Of an index that is not whole, or has no signature, devices take nothing; somebody may
// have taken the signature away for that. What is stopped there is published again with
// its 0 %, and not before; a number that does not exist changes no file, and one that is at
// 0 % already neither.
func TestStopPublishesNothing(t *testing.T) {
	t.Parallel()
	at0 := func(t *testing.T, l *lab.Lab, index string) {
		published := stable[0]
		published.Version = 2
		phase(t, l, 0, published)
		if err := os.Remove(index + ".asc"); err != nil {
			t.Fatal(err)
		}
	}
	takenAway := func(t *testing.T, l *lab.Lab, index string) {
		if err := os.Remove(index + ".asc"); err != nil {
			t.Fatal(err)
		}
	}
	killed := func(f systemimagetest.Faults) func(*testing.T, *lab.Lab, string) {
		return func(t *testing.T, l *lab.Lab, _ string) {
			if err := l.Images.SetFaults(f); err != nil {
				t.Fatal(err)
			}
			argv := []string{"set-phased-percentage", "-v", stable[0].Channel, stable[0].Device, "2", "60"}
			if out, err := l.Images.Run(t.Context(), command.Command{Argv: argv}); err != nil || out.Exit != 137 {
				t.Fatalf("killed program: exit %d, %v", out.Exit, err)
			}
		}
	}
	unsigned := killed(systemimagetest.Faults{Kill: systemimagetest.BeforeSignatureMoved})
	away := killed(systemimagetest.Faults{Kill: systemimagetest.BeforeIndexMoved})
	bothThere := func(t *testing.T, l *lab.Lab, index string) {
		away(t, l, index)
		old, err := os.ReadFile(index + ".new")
		if err == nil {
			err = os.WriteFile(index, append(old, '\n'), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name    string
		disturb func(t *testing.T, l *lab.Lab, index string)
		channel string
		version int
		signed  bool // in the end, with its 0 %; else no file changes
	}{
		{"taken away", takenAway, stable[0].Channel, 2, true},
		{"taken away, mistyped", takenAway, stable[0].Channel, 92, false},
		{"taken away at 0 %", at0, stable[0].Channel, 2, false},
		{"killed", unsigned, stable[0].Channel, 2, true},
		{"killed, mistyped", unsigned, stable[0].Channel, 92, false},
		{"killed between its two moves", away, stable[0].Channel, 2, true},
		{"killed between its two moves, mistyped", away, stable[0].Channel, 92, false},
		{"killed before the old index went", bothThere, stable[0].Channel, 2, true},
		{"killed before the old index went, mistyped", bothThere, stable[0].Channel, 92, false},
		{"killed between its two moves in an alias", killed(systemimagetest.Faults{Kill: systemimagetest.BeforeIndexMoved, KillCommit: 2}), "ubuntu-touch/ubuntu-15.04/bq-aquaris.en", 2, true},
	} {
		t.Run(tt.name, virtual(func(t *testing.T) {
			l := released(t, 50)
			index := filepath.Join(l.Images.Root(), "www", tt.channel, stable[0].Device, "index.json")
			tt.disturb(t, l, index)
			offered := func() bool {
				client := l.Images.Client()
				client.Tries = 1
				x, err := client.Index(t.Context(), tt.channel, stable[0].Device)
				if err != nil {
					return false
				}
				m, _ := x.Latest()
				return m.Percentage > 0
			}
			files := func() map[string]string {
				paths, err := filepath.Glob(index + "*")
				if err != nil {
					t.Fatal(err)
				}
				texts := map[string]string{}
				for _, path := range paths {
					text, err := os.ReadFile(path)
					if err != nil {
						t.Fatal(err)
					}
					texts[path] = string(text)
				}
				return texts
			}
			before := files()
			if offered() {
				t.Fatal("devices are offered the image already")
			}
			c := backout(l)
			c.Input.Faulty = faulty(tt.version)
			host := c.Server.Runner
			c.Server.Runner = runnerFunc(func(ctx context.Context, cmd command.Command) (command.Output, error) {
				if slices.ContainsFunc(cmd.Argv, func(arg string) bool { return strings.HasSuffix(arg, "re-sign-indexes") }) {
					t.Error("everything was signed again")
				}
				out, err := host.Run(ctx, cmd)
				if offered() {
					t.Errorf("%.4q published what devices took nothing from", cmd.Argv)
				}
				return out, err
			})
			x := &runbook.Runner{Name: "backout", Journal: &runbooktest.Memory{}}
			err := x.Execute(t.Context(), c.Run)
			if tt.signed {
				if _, unsigned := os.Stat(index + ".asc"); unsigned != nil {
					t.Errorf("%v; the signature: %v", err, unsigned)
				}
				nobodyGetsIt(t, l)
				return
			}
			if d := cmp.Diff(before, files()); d != "" {
				t.Errorf("%v; files (-before +after)\n%s", err, d)
			}
		}))
	}
}

// noDeltas brings a lab into a state in which no delta leads to what is published in
// stable.
func noDeltas(t testing.TB, l *lab.Lab) {
	t.Helper()
	name := filepath.Join(l.Images.Root(), "etc", "config")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	const section, base = "[channel_ubuntu-touch/stable/bq-aquaris.en]\n", "deltabase = ubuntu-touch/stable/bq-aquaris.en, ubuntu-touch/rc/bq-aquaris.en"
	changed := strings.Replace(string(text), base, "deltabase = ubuntu-touch/stable/meizu.en", 1)
	if !strings.Contains(changed, section) || changed == string(text) {
		t.Fatalf("the configuration is another:\n%s", text)
	}
	if err := os.WriteFile(name, []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A newer number ends the 0 % of the faulty image. Where no delta leads from it to
// the good one, a percentage below 100 would offer it again, to everybody.
func TestBackOutWithoutDelta(t *testing.T) {
	t.Parallel()
	for _, percentage := range []int{0, 20, 100} {
		l := released(t, 50)
		noDeltas(t, l)
		c := backout(l)
		c.Input.Percentage = percentage
		j := &runbooktest.Memory{}
		x := &runbook.Runner{Name: "backout", Input: c.Input, Journal: j, Human: runbooktest.ApproveEverything{}}
		if err := x.Execute(t.Context(), c.Run); err != nil {
			t.Fatalf("at %d %%: %v", percentage, err)
		}
		nobodyGetsIt(t, l)
		_, notes := trace(t, j)
		if said := strings.Contains(strings.Join(notes, "\n"), "offered to everybody"); said != (percentage < 100) {
			t.Errorf("at %d %%: notes %q", percentage, notes)
		}
	}
	// With a delta the percentage is as asked for.
	l := released(t, 50)
	c := backout(l)
	c.Input.Percentage = 20
	x := &runbook.Runner{Name: "backout", Input: c.Input, Journal: &runbooktest.Memory{}, Human: runbooktest.ApproveEverything{}}
	if err := x.Execute(t.Context(), c.Run); err != nil {
		t.Fatal(err)
	}
	nobodyGetsIt(t, l)
	if _, _, p := latest(t, l, stable[0].Channel, stable[0].Device); p != 20 {
		t.Errorf("at %d %%, want 20", p)
	}
}

// The faulty image was tagged since, which published it anew under a higher
// number: whichever of the numbers is named, both are taken back.
func TestBackOutOfATaggedImage(t *testing.T) {
	t.Parallel()
	for _, named := range []int{2, 3} {
		l := released(t, 50)
		for _, g := range stable {
			if _, err := l.Server().Tag(t.Context(), operate.TagRequest{Channel: g.Channel, Device: g.Device, Version: 2, Tag: "OTA-5a"}); err != nil {
				t.Fatal(err)
			}
		}
		c := backout(l)
		c.Input.Faulty = faulty(named)
		x := &runbook.Runner{Name: "backout", Input: c.Input, Journal: &runbooktest.Memory{}}
		if err := x.Execute(t.Context(), c.Run); !errors.Is(err, runbook.ErrPending) {
			t.Fatal(err)
		}
		nobodyGetsIt(t, l)
		x.Human = runbooktest.ApproveEverything{}
		if err := x.Execute(t.Context(), c.Run); err != nil {
			t.Fatal(err)
		}
		nobodyGetsIt(t, l)
		m, err := l.Client().Latest(t.Context(), stable[0].Channel, stable[0].Device)
		if ubuntu, _ := m.Detail().Get("ubuntu"); err != nil || m.Version != 4 || ubuntu != "20150610" {
			t.Errorf("%d named: image %d, %s, %v, want 4 with the content of 1", named, m.Version, m.VersionDetail, err)
		}
	}
}

// Without a good image on the server, a person brings one there, and the same run
// goes on.
func TestBackOutWithoutGoodImage(t *testing.T) {
	t.Parallel()
	w := of(lab.Released(50))
	for i, c := range w.Channels {
		for k, d := range c.Devices {
			if c.Name == stable[0].Channel && d.Name == stable[0].Device {
				d.Images = d.Images[1:]
				d.Images[0].Bases = nil
				w.Channels[i].Devices[k] = d
			}
		}
	}
	l := newWorld(t, w)
	c := backout(l)
	x := &runbook.Runner{Name: "backout", Input: c.Input, Journal: &runbooktest.Memory{}, Human: runbooktest.ApproveEverything{}}
	if err := x.Execute(t.Context(), c.Run); err == nil || !strings.Contains(err.Error(), "by hand") {
		t.Fatalf("without a good image: %v", err)
	}
	if version, _, _ := latest(t, l, stable[1].Channel, stable[1].Device); version != 3 {
		t.Errorf("the other device is at image %d, want the good one as 3", version)
	}
	if _, err := l.Server().Copy(t.Context(), operate.CopyRequest{
		From: "ubuntu-touch/rc/bq-aquaris.en", To: stable[0].Channel, Device: stable[0].Device, Version: 1, Tag: "OTA-4.1", Percentage: 100}); err != nil {
		t.Fatal(err)
	}
	if err := x.Execute(t.Context(), c.Run); err != nil {
		t.Fatal(err)
	}
	nobodyGetsIt(t, l)
}

// What a killed run holds of the importer is taken over, once a person says that
// the run is dead.
func TestBackOutTakesOver(t *testing.T) {
	t.Parallel()
	l := released(t, 50)
	killed := l.Importer()
	killed.Owner = operate.Owner{Run: "release-x", Operator: "colleague"}
	if err := killed.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := backout(l)
	answers := map[string]runbook.Verdict{"assess": runbook.Yes, "devices can update": runbook.Yes}
	x := &runbook.Runner{Name: "backout", Input: c.Input, Journal: &runbooktest.Memory{}, Human: human(func(q runbook.Question) runbook.Answer {
		return runbook.Answer{Verdict: answers[q.Step], By: "lead", Reason: "seen"}
	})}
	if err := x.Execute(t.Context(), c.Run); !errors.Is(err, runbook.ErrPending) || !strings.Contains(err.Error(), "take over") {
		t.Fatalf("while another run holds the importer: %v, want a question", err)
	}
	if version, _, _ := latest(t, l, stable[0].Channel, stable[0].Device); version != 2 {
		t.Fatalf("image %d is published before the answer", version)
	}
	x.Human = runbooktest.ApproveEverything{}
	if err := x.Execute(t.Context(), c.Run); err != nil {
		t.Fatal(err)
	}
	nobodyGetsIt(t, l)
	if st := importerState(t, l); st != operate.ImporterOn {
		t.Errorf("importer is %q, want on", st)
	}
}

// A percentage that is raised while the run is pending is noticed by the next start.
func TestBackOutLooksAgain(t *testing.T) {
	t.Parallel()
	l := released(t, 50)
	c := backout(l)
	x := &runbook.Runner{Name: "backout", Input: c.Input, Journal: &runbooktest.Memory{}}
	if err := x.Execute(t.Context(), c.Run); !errors.Is(err, runbook.ErrPending) {
		t.Fatal(err)
	}
	phase(t, l, 10, faulty(2)[1])
	if err := x.Execute(t.Context(), c.Run); err == nil || !strings.Contains(err.Error(), "offered again") {
		t.Errorf("raised meanwhile: %v", err)
	}
}

// The published tree cannot be read from here, but by devices perhaps: it is stopped
// all the same, and the run goes on once that can be seen.
func TestBackOutWithoutSight(t *testing.T) {
	t.Parallel()
	l := released(t, 50)
	c := backout(l)
	sight := c.Server.Client
	c.Server.Client = &systemimage.Client{BaseURL: "http://127.0.0.1:1", Unverified: true, Pause: time.Millisecond}
	x := &runbook.Runner{Name: "backout", Input: c.Input, Journal: &runbooktest.Memory{}, Human: runbooktest.ApproveEverything{}}
	if err := x.Execute(t.Context(), c.Run); !errors.Is(err, systemimage.ErrInDoubt) || !strings.Contains(err.Error(), "says that it is set to 0 %") {
		t.Errorf("without sight: %v", err)
	}
	nobodyGetsIt(t, l)
	c.Server.Client = sight
	if err := x.Execute(t.Context(), c.Run); err != nil {
		t.Fatal(err)
	}
	nobodyGetsIt(t, l)
}

// One index that cannot be read does not keep the others from being stopped, and
// the error says what to do.
func TestBackOutWithAnIndexLost(t *testing.T) {
	virtual(func(t *testing.T) {
		l := released(t, 50)
		index := filepath.Join(l.Images.Root(), "www", stable[0].Channel, stable[0].Device, "index.json")
		if err := os.Rename(index, index+".lost"); err != nil {
			t.Fatal(err)
		}
		c := backout(l)
		c.Server.Client.Pause = time.Millisecond
		x := &runbook.Runner{Name: "backout", Input: c.Input, Journal: &runbooktest.Memory{}, Human: runbooktest.ApproveEverything{}}
		err := x.Execute(t.Context(), c.Run)
		if err == nil || !strings.Contains(err.Error(), "not everything is stopped") || !strings.Contains(err.Error(), "backup") || strings.Contains(err.Error(), "vegetahd") {
			t.Errorf("without an index: %v", err)
		}
		if _, _, p := latest(t, l, stable[1].Channel, stable[1].Device); p != 0 {
			t.Errorf("the other device is at %d %%", p)
		}
		if err := os.Rename(index+".lost", index); err != nil {
			t.Fatal(err)
		}
		if err := x.Execute(t.Context(), c.Run); err != nil {
			t.Fatal(err)
		}
		nobodyGetsIt(t, l)
	})(t)
}
