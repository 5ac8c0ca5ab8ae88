package procedure_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/remote"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/operate"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// rcPairs are the pairs of the sample world.
var rcPairs = []procedure.Pair{
	{From: "ubuntu-touch/rc-proposed/bq-aquaris.en", To: "ubuntu-touch/rc/bq-aquaris.en", Device: "krillin"},
	{From: "ubuntu-touch/rc-proposed/bq-aquaris.en", To: "ubuntu-touch/rc/bq-aquaris.en", Device: "vegetahd"},
	{From: "ubuntu-touch/rc-proposed/meizu.en", To: "ubuntu-touch/rc/meizu.en", Device: "arale"},
}

func copyrc(l *lab.Lab, j runbook.Journal, change ...func(*procedure.CopyRC)) (*runbook.Runner, *procedure.CopyRC) {
	c := &procedure.CopyRC{
		Server: l.Server(), Importer: l.Importer(),
		Input: procedure.CopyRCInput{Tag: "OTA-13-rc", From: "rc-proposed", To: "rc"},
	}
	for _, f := range change {
		f(c)
	}
	return &runbook.Runner{Name: "copyrc", Input: c.Input, Journal: j, Operator: "operator"}, c
}

// only is the sample world with some of its channels and devices, for tests that
// make it a hundred times.
func only(keep ...string) systemimagetest.World {
	w := systemimagetest.SampleWorld()
	var channels []systemimagetest.Channel
	for _, c := range w.Channels {
		if !slices.Contains(keep, c.Name) {
			continue
		}
		c.Devices = slices.DeleteFunc(slices.Clone(c.Devices), func(d systemimagetest.Device) bool { return d.Redirect != "" })
		channels = append(channels, c)
	}
	w.Channels = channels
	return w
}

func snapshot(t testing.TB, l *lab.Lab) string {
	t.Helper()
	s, err := l.Images.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// latest returns number, tag and percentage of a device's newest image.
func latest(t testing.TB, l *lab.Lab, channel, device string) (int, string, int) {
	t.Helper()
	m, err := l.Client().Latest(t.Context(), channel, device)
	if err != nil {
		t.Fatal(err)
	}
	return m.Version, m.Detail().Tag(), m.Percentage
}

func importerState(t testing.TB, l *lab.Lab) operate.ImporterState {
	t.Helper()
	st, err := l.Importer().Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return st.State
}

func TestCopyRC(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	crontab := readCrontab(t, l)
	x, c := copyrc(l, &runbooktest.Memory{})
	if err := x.Execute(t.Context(), c.Run); err != nil {
		t.Fatal(err)
	}
	for _, p := range rcPairs {
		version, tag, percentage := latest(t, l, p.To, p.Device)
		if version != 2 || tag != "OTA-13-rc" || percentage != 100 {
			t.Errorf("%s: newest image is %d, tag %q, at %d %%, want 2, OTA-13-rc, 100", p, version, tag, percentage)
		}
	}
	if got := readCrontab(t, l); got != crontab {
		t.Errorf("crontab (-before +after)\n%s", cmp.Diff(crontab, got))
	}
}

func readCrontab(t testing.TB, l *lab.Lab) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(l.Images.Root(), "crontab"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestCopyRCPlanChangesNothing(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	before := snapshot(t, l)
	x, c := copyrc(l, nil)
	c.Server.ReadOnly, c.Importer.ReadOnly = true, true
	plan, err := x.Plan(t.Context(), c.Run)
	if err != nil {
		t.Fatal(err)
	}
	var intents []string
	for _, rec := range plan {
		if rec.Kind == runbook.Planned && rec.Verb == runbook.VerbDo {
			intents = append(intents, rec.Intent)
		}
	}
	want := []string{
		"copy image 3 of ubuntu-touch/rc-proposed/bq-aquaris.en for krillin to ubuntu-touch/rc/bq-aquaris.en, tag OTA-13-rc, at 100 %",
		"copy image 3 of ubuntu-touch/rc-proposed/bq-aquaris.en for vegetahd to ubuntu-touch/rc/bq-aquaris.en, tag OTA-13-rc, at 100 %",
		"copy image 101 of ubuntu-touch/rc-proposed/meizu.en for arale to ubuntu-touch/rc/meizu.en, tag OTA-13-rc, at 100 %",
	}
	if d := cmp.Diff(want, intents); d != "" {
		t.Errorf("planned effects (-want +got)\n%s", d)
	}
	if d := cmp.Diff(before, snapshot(t, l)); d != "" {
		t.Errorf("the plan changed the world (-before +after)\n%s", d)
	}
}

// Killed before and after every write of its journal, and resumed, CopyRC ends
// in the world of an undisturbed run, with one new version for each pair.
func TestCopyRCKillAnywhere(t *testing.T) {
	t.Parallel()
	begin := newWorld(t, only("ubuntu-touch/rc-proposed/bq-aquaris.en", "ubuntu-touch/rc/bq-aquaris.en"))
	runbooktest.KillAnywhere(t, func(t testing.TB) runbooktest.Scene {
		l := begin.Clone(t)
		return runbooktest.Scene{
			Start: func() (*runbook.Runner, runbook.Procedure) {
				x, c := copyrc(l, nil)
				return x, c.Run
			},
			Snapshot: func() string { return snapshot(t, l) },
		}
	})
}

func TestCopyRCDoneAlready(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	x, c := copyrc(l, &runbooktest.Memory{})
	if err := x.Execute(t.Context(), c.Run); err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, l)
	var held bool
	x, c = copyrc(l, &runbooktest.Memory{})
	x.Observe = func(rec runbook.Record) { held = held || rec.Verb == runbook.VerbHold }
	if err := x.Execute(t.Context(), c.Run); err != nil {
		t.Fatalf("the same copy again: %v, want it to be done", err)
	}
	if held {
		t.Error("the importer was held although nothing was to be copied")
	}
	if d := cmp.Diff(before, snapshot(t, l)); d != "" {
		t.Errorf("the world (-before +after)\n%s", d)
	}

	// With another tag it says which command fits, and that does it. What another
	// percentage means a person has to know: it may be taken back.
	for _, tt := range []struct {
		tag, says string
		do        []string // nil is what it says
	}{
		{"OTA-14-rc", "use tag-image ", nil},
		{"OTA-13-rc", "a rollout that goes on raises it", []string{"set-phased-percentage", "-v", rcPairs[0].To, rcPairs[0].Device, "2", "100"}},
	} {
		l := l.Clone(t)
		change := func(c *procedure.CopyRC) {
			c.Input.Tag = tt.tag
			c.Input.Pairs = rcPairs[:1]
		}
		if tt.tag == "OTA-13-rc" {
			mustRun(t, l, "set-phased-percentage", "-v", rcPairs[0].To, rcPairs[0].Device, "2", "30")
		}
		before := snapshot(t, l)
		x, c = copyrc(l, &runbooktest.Memory{}, change)
		err := x.Execute(t.Context(), c.Run)
		if err == nil {
			t.Fatalf("%s: the same content was taken for done", tt.tag)
		}
		if !strings.Contains(err.Error(), tt.says) {
			t.Fatalf("%v: want an error that says %q", err, tt.says)
		}
		if d := cmp.Diff(before, snapshot(t, l)); d != "" {
			t.Errorf("the world (-before +after)\n%s", d)
		}
		if tt.do == nil {
			_, use, _ := strings.Cut(err.Error(), ": use ")
			tt.do = strings.Fields(use)
		}
		mustRun(t, l, tt.do...)
		x, c = copyrc(l, &runbooktest.Memory{}, change)
		if err := x.Execute(t.Context(), c.Run); err != nil {
			t.Errorf("after %q: %v", tt.do, err)
		}
	}
}

// mustRun runs a program of the server.
func mustRun(t testing.TB, l *lab.Lab, argv ...string) {
	t.Helper()
	argv[0] = filepath.Join(l.Images.Root(), "bin", argv[0])
	out, err := l.Images.Run(t.Context(), command.Command{Argv: argv})
	if err != nil || out.Exit != 0 {
		t.Fatalf("%q: %v, exit status %d\n%s%s", argv, err, out.Exit, out.Stdout, out.Stderr)
	}
}

// One pair whose index cannot be committed does not keep the others back.
func TestCopyRCOnePairFails(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	stale := filepath.Join(l.Images.Root(), "www", "ubuntu-touch/rc/bq-aquaris.en/krillin/index.json.new.asc")
	if err := os.WriteFile(stale, []byte("left by a killed copy"), 0o644); err != nil {
		t.Fatal(err)
	}
	j := &runbooktest.Memory{}
	x, c := copyrc(l, j)
	err := x.Execute(t.Context(), c.Run)
	if !errors.Is(err, systemimage.ErrBroken) || !strings.Contains(err.Error(), "krillin") || !strings.Contains(err.Error(), "cleanup-tree") {
		t.Fatalf("Execute() = %v, want ErrBroken for krillin that names cleanup-tree", err)
	}
	if version, _, _ := latest(t, l, "ubuntu-touch/rc/bq-aquaris.en", "krillin"); version != 1 {
		t.Errorf("krillin is at image %d, want 1", version)
	}
	for _, p := range rcPairs[1:] {
		if version, _, _ := latest(t, l, p.To, p.Device); version != 2 {
			t.Errorf("%s is at image %d, want 2", p, version)
		}
	}
	if st := importerState(t, l); st != operate.ImporterOn {
		t.Errorf("importer is %q, want on", st)
	}
	// Mended, the same run goes on with the pair that failed. Here the copies of
	// the other pairs have mended it: they remove what no index names.
	if _, err := os.Stat(stale); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the left-over is still there: %v", err)
	}
	if err := x.Execute(t.Context(), c.Run); err != nil {
		t.Fatal(err)
	}
	if version, _, _ := latest(t, l, "ubuntu-touch/rc/bq-aquaris.en", "krillin"); version != 2 {
		t.Errorf("krillin is at image %d after the second start, want 2", version)
	}
}

// A copy whose connection is cut before it is published is in doubt, not failed; the
// next start looks and copies.
func TestCopyRCConnectionCut(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	j := &runbooktest.Memory{}
	cut := true
	x, c := copyrc(l, j, func(c *procedure.CopyRC) {
		c.Input.Pairs = rcPairs[:1]
		host := c.Server.Runner
		c.Server.Runner = command.Func(func(ctx context.Context, cmd command.Command) (command.Output, error) {
			if cut && slices.ContainsFunc(cmd.Argv, func(arg string) bool { return filepath.Base(arg) == "copy-image" }) {
				return command.Output{}, &remote.Error{Op: "run", Kind: remote.ErrLost}
			}
			return host.Run(ctx, cmd)
		})
	})
	if err := x.Execute(t.Context(), c.Run); !errors.Is(err, runbook.ErrInDoubt) || runbook.Ending(err) != "in doubt" {
		t.Fatalf("Execute() = %v, want ErrInDoubt", err)
	}
	s, err := runbook.StatusOf(t.Context(), j)
	if err != nil || s.Ending != "in doubt" || len(s.InDoubt()) != 1 {
		t.Errorf("%q, in doubt %v, %v", s.Ending, s.InDoubt(), err)
	}
	cut = false
	if err := x.Execute(t.Context(), c.Run); err != nil {
		t.Fatal(err)
	}
	if version, _, _ := latest(t, l, rcPairs[0].To, "krillin"); version != 2 {
		t.Errorf("krillin is at image %d, want 2: copied once", version)
	}
}

func TestCopyRCCancelledGivesTheImporterBack(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	ctx, cancel := context.WithCancel(t.Context())
	l.Images.After = func(argv []string, _ int) {
		if filepath.Base(argv[0]) == "copy-image" {
			cancel()
		}
	}
	x, c := copyrc(l, &runbooktest.Memory{})
	if err := x.Execute(ctx, c.Run); err == nil {
		t.Error("a cancelled run ended well")
	}
	if st := importerState(t, l); st != operate.ImporterOn {
		t.Errorf("importer is %q, want on", st)
	}
}

func TestCopyRCImporterOffByHand(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	path := filepath.Join(l.Images.Root(), "crontab")
	byHand := strings.Replace(readCrontab(t, l), "*/5 *", "#*/5 *", 1)
	if err := os.WriteFile(path, []byte(byHand), 0o644); err != nil {
		t.Fatal(err)
	}
	j := &runbooktest.Memory{}
	x, c := copyrc(l, j)
	if err := x.Execute(t.Context(), c.Run); err != nil {
		t.Fatal(err)
	}
	if got := readCrontab(t, l); got != byHand {
		t.Errorf("crontab (-before +after)\n%s", cmp.Diff(byHand, got))
	}
	noted := false
	for rec, err := range runbook.Records(t.Context(), j) {
		if err != nil {
			t.Fatal(err)
		}
		noted = noted || rec.Kind == runbook.Noted && strings.Contains(rec.Reason, "by hand")
	}
	if !noted {
		t.Error("the run does not note that the importer was off by hand")
	}
}

func TestCopyRCRefusesOddCrontabs(t *testing.T) {
	t.Parallel()
	for name, crontab := range map[string]string{
		"without an importer line": "0 4 * * * true\n",
		"whose last line is open":  "*/5 * * * * bin/import-images",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := systemimagetest.SampleWorld()
			w.Crontab = crontab
			l := newWorld(t, w)
			before := snapshot(t, l)
			x, c := copyrc(l, &runbooktest.Memory{})
			if err := x.Execute(t.Context(), c.Run); err == nil || !strings.Contains(err.Error(), "crontab") {
				t.Errorf("Execute() = %v, want an error about the crontab", err)
			}
			if d := cmp.Diff(before, snapshot(t, l)); d != "" {
				t.Errorf("the world (-before +after)\n%s", d)
			}
		})
	}
}

func TestCopyRCOntoItself(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	x, c := copyrc(l, &runbooktest.Memory{}, func(c *procedure.CopyRC) { c.Input.To = c.Input.From })
	if err := x.Execute(t.Context(), c.Run); err == nil || !strings.Contains(err.Error(), `not with "rc-proposed" again`) {
		t.Errorf("Execute() = %v, want an error about the word", err)
	}
}

// With two lines that run the importer a person is asked before anything is
// touched. After a yes the last line is held, also by a start that follows a
// kill in the middle, and the crontab ends as it began.
func TestCopyRCTwoImporterLines(t *testing.T) {
	t.Parallel()
	const one, two = "0 * * * * bin/import-images\n", "*/5 * * * * bin/import-images -v\n"
	w := systemimagetest.SampleWorld()
	w.Crontab = one + two
	l := newWorld(t, w)
	before := snapshot(t, l)
	j := &runbooktest.Memory{}
	x, c := copyrc(l, j)
	human := &runbooktest.Human{}
	x.Human = human
	if err := x.Execute(t.Context(), c.Run); !errors.Is(err, runbook.ErrPending) {
		t.Fatalf("unanswered: %v, want ErrPending", err)
	}
	if d := cmp.Diff(before, snapshot(t, l)); d != "" {
		t.Errorf("unanswered (-before +after)\n%s", d)
	}
	if asked := human.Asked(); len(asked) != 1 || string(asked[0].Evidence) != `{"lines":[1,2]}` {
		t.Errorf("asked %+v, want the numbers of the lines", asked)
	}
	human.Answers = map[string]runbook.Answer{"several importers": {Verdict: runbook.Yes, By: "operator", Reason: "the other runs at night"}}
	ctx, cancel := context.WithCancel(t.Context())
	copies := 0
	l.Images.Before = func(argv []string) error {
		tab := readCrontab(t, l)
		if filepath.Base(argv[0]) == "copy-image" && (!strings.HasPrefix(tab, one) || strings.Contains(tab, "\n"+two)) {
			t.Errorf("crontab while an image is copied:\n%s", tab)
		}
		return nil
	}
	l.Images.After = func(argv []string, _ int) {
		if copies++; copies == 2 { // the first asks for help
			cancel()
		}
	}
	if err := x.Execute(ctx, c.Run); err == nil {
		t.Error("a cancelled run ended well")
	}
	x, c = copyrc(l, j)
	x.Human = human
	if err := x.Execute(t.Context(), c.Run); err != nil {
		t.Fatal(err)
	}
	if got := readCrontab(t, l); got != one+two {
		t.Errorf("crontab (-before +after)\n%s", cmp.Diff(one+two, got))
	}
	if asked := human.Asked(); len(asked) != 2 {
		t.Errorf("asked %d times, want twice", len(asked))
	}
	for _, p := range rcPairs {
		if n, tag, _ := latest(t, l, p.To, p.Device); n != 2 || tag != "OTA-13-rc" {
			t.Errorf("%s: image %d with tag %s, want 2 with OTA-13-rc", p, n, tag)
		}
	}
}

// A second line that appears while a run goes on is not passed over.
func TestCopyRCSecondImporterLineAppears(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	x, c := copyrc(l, &runbooktest.Memory{})
	c.Importer.Runner = command.Func(func(ctx context.Context, cmd command.Command) (command.Output, error) {
		if slices.Contains(cmd.Argv, "landing-crontab") { // the crontab is being written: there are two lines more than were seen
			path := filepath.Join(l.Images.Root(), "crontab")
			more := "0 * * * * bin/import-images\n1 * * * * bin/import-images\n"
			if tab := readCrontab(t, l); !strings.Contains(tab, more) {
				if err := os.WriteFile(path, []byte(tab+more), 0o644); err != nil {
					t.Error(err)
				}
			}
		}
		return l.Images.Run(ctx, cmd)
	})
	err := x.Execute(t.Context(), c.Run)
	if !errors.Is(err, systemimage.ErrPartial) {
		t.Errorf("Execute() = %v, want ErrPartial", err)
	}
	if n, _, _ := latest(t, l, rcPairs[0].To, rcPairs[0].Device); n != 1 {
		t.Errorf("image %d was copied", n)
	}
}

func TestCopyRCOtherInputDiverges(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	j := &runbooktest.Memory{}
	x, c := copyrc(l, j)
	if err := x.Execute(t.Context(), c.Run); err != nil {
		t.Fatal(err)
	}
	x, c = copyrc(l, j, func(c *procedure.CopyRC) { c.Input.Tag = "OTA-14-rc" })
	if err := x.Execute(t.Context(), c.Run); !errors.Is(err, runbook.ErrDiverged) {
		t.Errorf("Execute() with another tag = %v, want ErrDiverged", err)
	}
	x, c = copyrc(l, j)
	x.Name = "release"
	if err := x.Execute(t.Context(), c.Run); !errors.Is(err, runbook.ErrDiverged) {
		t.Errorf("Execute() of another procedure = %v, want ErrDiverged", err)
	}
}
