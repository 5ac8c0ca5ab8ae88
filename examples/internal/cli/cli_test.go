package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

func TestMain(m *testing.M) {
	lab.Program()
	// These tests wait most of their time, for what cannot be given back: many do so side by side. A
	// -parallel of the command line still counts.
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	if os.Getenv(stubborn) != "" {
		os.Exit(m.Run()) // killed before it could remove anything
	}
	os.Exit(systemimagetest.InMemory(m.Run))
}

// small is a world with one image: the tests of what is around a run look at no tree.
func small() systemimagetest.World {
	return systemimagetest.World{Channels: []systemimagetest.Channel{{Name: "ubuntu-touch/stable/ubuntu", Devices: []systemimagetest.Device{
		{Name: "mako", Images: []systemimagetest.Image{{Version: 1, Details: "ubuntu=20150610,keyring=archive-master"}}}}}}}
}

// program runs p as its procedure.
func program(p runbook.Procedure) Program {
	return Program{Name: "trial", About: "Tries things out", Lab: small,
		Procedure: func(_ *World, args []string) (any, runbook.Procedure, error) {
			if len(args) > 0 {
				return nil, nil, errors.New("no arguments are taken")
			}
			return nil, p, nil
		}}
}

func TestExitStatus(t *testing.T) {
	t.Parallel()
	done := func(context.Context, *runbook.Run) error { return nil }
	gate := func(ctx context.Context, r *runbook.Run) error {
		return r.Gate(ctx, runbook.Gate{Name: "go", Question: "Shall it be?"})
	}
	owed := func(ctx context.Context, r *runbook.Run) error {
		hold := runbook.Hold{Name: "importer", Intent: "the importer",
			Acquire: func(context.Context) error { return nil },
			Release: func(context.Context) error { return errors.New("crontab is gone") }}
		return r.Hold(ctx, hold, func(ctx context.Context, r *runbook.Run) error {
			_, err := runbook.Do(ctx, r, runbook.Step[int]{Name: "act", Intent: "act", Do: func(context.Context) (int, error) { return 1, nil }})
			return err
		})
	}
	for _, tt := range []struct {
		name  string
		p     runbook.Procedure
		args  []string
		stdin string
		want  int
		says  string
	}{
		{name: "done", p: done, want: ExitDone, says: "nothing; all is done"},
		{name: "help", p: done, args: []string{"-help"}, want: ExitDone, says: "Exit status"},
		{name: "failed", p: func(context.Context, *runbook.Run) error { return errors.New("no such luck") }, want: ExitFailed, says: "no such luck"},
		{name: "argument", p: done, args: []string{"x"}, want: ExitUsage, says: "no arguments are taken"},
		{name: "unknown flag", p: done, args: []string{"-x"}, want: ExitUsage, says: "-x"},
		{name: "late flag", p: done, args: []string{"x", "-plan"}, want: ExitUsage, says: "flags go first"},
		{name: "contradiction", p: done, args: []string{"-plan", "-settle"}, want: ExitUsage, says: "only one of"},
		{name: "yes on a site", p: done, args: []string{"-yes", "-site", "f"}, want: ExitUsage, says: "lab only"},
		{name: "site without journal", p: done, args: []string{"-site", "f"}, want: ExitUsage, says: "-journal"},
		{name: "no such site", p: done, args: []string{"-site", "/nonexistent/f", "-plan"}, want: ExitUsage, says: "/nonexistent/f"},
		{name: "nobody answers", p: gate, want: ExitPending, says: "Shall it be?"},
		{name: "yes", p: gate, stdin: "yes\nit shall\n", want: ExitDone, says: "it shall"},
		{name: "no", p: gate, stdin: "no\nno\nnot today\n", want: ExitFailed, says: "not today"},
		{name: "-yes", p: gate, args: []string{"-yes"}, want: ExitDone, says: "approved"},
		{name: "owed", p: owed, want: ExitOwed, says: "crontab is gone"},
		{name: "plan", p: gate, args: []string{"-plan"}, want: ExitDone, says: "ask        Shall it be?"},
		{name: "status without journal", p: done, args: []string{"-status"}, want: ExitUsage, says: "-journal"},
		{name: "status of nothing", p: done, args: []string{"-status", "-journal", "/nonexistent/j"}, want: ExitFailed, says: "/nonexistent/j"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			got := program(tt.p).Run(t.Context(), tt.args, strings.NewReader(tt.stdin), &out, &out)
			if got != tt.want || !strings.Contains(out.String(), tt.says) {
				t.Errorf("exit status %d, want %d; printed, without %q:\n%s", got, tt.want, tt.says, out.String())
			}
		})
	}
}

// A run goes on, is planned and is settled where it began, and nowhere else.
func TestRunStaysInItsWorld(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	for name, text := range map[string]string{
		"staging":    "[site]\nname = staging\n[image-server]\nurl = https://a:hush@x.invalid/\nssh = u@a.invalid\nroot = /srv/si\nunverified = yes\n",
		"production": "[site]\nname = production\n[image-server]\nurl = https://x.invalid/\nssh = u@a.invalid\nroot = /srv/si\nunverified = yes\n",
		"moved":      "[site]\nname = staging\n[image-server]\nurl = https://x.invalid/\nssh = u@b.invalid\nroot = /srv/si\nunverified = yes\n",
	} {
		if err := os.WriteFile(in(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct {
		home   []string
		others [][]string
	}{
		"site": {[]string{"-site", in("staging")}, [][]string{{}, {"-lab", in("lab")}, {"-site", in("production")}, {"-site", in("moved")}}},
		"lab":  {[]string{"-lab", in("a")}, [][]string{{}, {"-lab", in("b")}, {"-site", in("staging")}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wedged, released := true, 0
			p := program(func(ctx context.Context, r *runbook.Run) error {
				hold := runbook.Hold{Name: "importer", Intent: "the importer",
					Acquire: func(context.Context) error { return nil },
					Release: func(context.Context) error {
						if released++; wedged {
							return errors.New("crontab is gone")
						}
						return nil
					}}
				return r.Hold(ctx, hold, func(ctx context.Context, r *runbook.Run) error {
					_, err := runbook.Do(ctx, r, runbook.Step[int]{Name: "act", Intent: "act", Do: func(context.Context) (int, error) { return 1, nil }})
					return err
				})
			})
			journal := filepath.Join(t.TempDir(), "run.journal")
			run := func(where []string, args ...string) (int, string) {
				var out bytes.Buffer
				args = append(append(args, "-json", "-journal", journal), where...)
				return p.Run(t.Context(), args, strings.NewReader(""), &out, &out), out.String()
			}
			if got, out := run(tt.home); got != ExitOwed {
				t.Fatalf("exit status %d, want %d\n%s", got, ExitOwed, out)
			}
			if text, err := os.ReadFile(journal); err != nil || bytes.Contains(text, []byte("hush")) {
				t.Errorf("the journal holds a password, or %v", err)
			}
			wedged, released = false, 0
			for _, where := range tt.others {
				for _, args := range [][]string{{"-settle"}, {"-plan"}, {}} {
					want := ExitOwed
					if slices.Contains(args, "-plan") {
						want = ExitFailed
					}
					if got, out := run(where, args...); got != want || !strings.Contains(out, "the run works on") {
						t.Errorf("%v %v: exit status %d, want %d\n%s", args, where, got, want, out)
					}
				}
			}
			if released > 0 {
				t.Errorf("given back %d times in other worlds", released)
			}
			if got, out := run(tt.home, "-settle"); got != ExitDone || released != 1 {
				t.Errorf("at home: exit status %d, given back %d times\n%s", got, released, out)
			}
		})
	}
}

// What -status says of a run afterwards is what the run itself ended with.
func TestStatusExitsAsTheRunDid(t *testing.T) {
	t.Parallel()
	ask := func(ctx context.Context, r *runbook.Run) error {
		return r.Gate(ctx, runbook.Gate{Name: "go", Question: "Shall it be?"})
	}
	fail := func(context.Context, *runbook.Run) error { return errors.New("no such luck") }
	both := func(ctx context.Context, r *runbook.Run) error { return errors.Join(ask(ctx, r), fail(ctx, r)) }
	wedged := true
	held := func(end runbook.Procedure) runbook.Procedure {
		return func(ctx context.Context, r *runbook.Run) error {
			hold := runbook.Hold{Name: "importer", Intent: "the importer",
				Acquire: func(context.Context) error { return nil },
				Release: func(context.Context) error {
					if wedged {
						return errors.New("crontab is gone")
					}
					return nil
				}}
			return r.Hold(ctx, hold, func(ctx context.Context, r *runbook.Run) error {
				_, err := runbook.Do(ctx, r, runbook.Step[int]{Name: "act", Intent: "act", Do: func(context.Context) (int, error) { return 1, nil }})
				return errors.Join(err, end(ctx, r))
			})
		}
	}
	dir := t.TempDir()
	run := func(p runbook.Procedure, journal, stdin string, args ...string) int {
		var out bytes.Buffer
		args = append(args, "-json", "-journal", filepath.Join(dir, journal))
		return program(p).Run(t.Context(), args, strings.NewReader(stdin), &out, &out)
	}
	tests := []struct {
		name  string
		p     runbook.Procedure
		stdin string
		want  int
	}{
		{"done", ask, "yes\nit shall\n", ExitDone},
		{"pending", ask, "", ExitPending},
		{"rejected", ask, "no\nno\nnot today\n", ExitFailed},
		{"failed", fail, "", ExitFailed},
		{"pending and failed", both, "", ExitFailed},
		{"owed", held(ask), "yes\nit shall\n", ExitOwed},
		{"owed and pending", held(ask), "", ExitOwed},
	}
	var wg sync.WaitGroup
	for _, tt := range tests {
		wg.Go(func() {
			if got := run(tt.p, tt.name, tt.stdin); got != tt.want {
				t.Errorf("%s: exit status %d, want %d", tt.name, got, tt.want)
			}
			if got := run(tt.p, tt.name, "", "-status"); got != tt.want {
				t.Errorf("%s: exit status %d of -status, want %d", tt.name, got, tt.want)
			}
		})
	}
	wg.Wait()
	// To pay what is owed does not do what is left to do.
	wedged = false
	for _, name := range []string{"owed", "owed and pending"} {
		if got := run(held(ask), name, "", "-settle"); got != ExitDone {
			t.Errorf("%s: exit status %d of -settle", name, got)
		}
		if got := run(held(ask), name, "", "-status"); got != ExitPending {
			t.Errorf("%s: exit status %d of -status once settled, want %d", name, got, ExitPending)
		}
	}
}

// A run may be done and come to something bad: -status says so from the journal.
func TestStatusExitsAsTheResultDid(t *testing.T) {
	t.Parallel()
	p := program(func(ctx context.Context, r *runbook.Run) error { return r.Note("a cause was found") })
	p.Result = func(bool, io.Writer) error { return errors.New("a cause was found") }
	p.Status = func(s runbook.Status) error { return errors.New(s.Steps[len(s.Steps)-1].Reason) }
	journal := filepath.Join(t.TempDir(), "j")
	for _, args := range [][]string{{"-json"}, {"-status"}} {
		var out bytes.Buffer
		if got := p.Run(t.Context(), append(args, "-journal", journal), strings.NewReader(""), &out, &out); got != ExitFailed || !strings.Contains(out.String(), "a cause was found") {
			t.Errorf("%q: exit status %d, want %d\n%s", args, got, ExitFailed, out.String())
		}
	}
}

// A program that only looks refuses a journal that it would leave empty.
func TestLookRefusesJournal(t *testing.T) {
	t.Parallel()
	p := program(func(context.Context, *runbook.Run) error { return nil })
	p.Looks = func([]string) bool { return true }
	p.Look = func(context.Context, *World, []string, bool, io.Writer) error { return nil }
	for _, args := range [][]string{{"-journal", "j"}, {"-settle", "-journal", "j"}} {
		var out bytes.Buffer
		if got := p.Run(t.Context(), args, strings.NewReader(""), &out, &out); got != ExitUsage || !strings.Contains(out.String(), "-journal") {
			t.Errorf("%q: exit status %d, want %d\n%s", args, got, ExitUsage, out.String())
		}
	}
}

func TestLabKeepsOffOtherFolders(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	precious := filepath.Join(dir, "precious")
	if err := os.WriteFile(precious, []byte("data"), 0o644); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	p := program(func(context.Context, *runbook.Run) error { return nil })
	if got := p.Run(t.Context(), []string{"-lab", dir}, strings.NewReader(""), &out, &out); got != ExitUsage {
		t.Errorf("exit status %d, want %d\n%s", got, ExitUsage, out.String())
	}
	if b, err := os.ReadFile(precious); err != nil || string(b) != "data" {
		t.Errorf("the folder was touched: %q, %v", b, err)
	}
}

// A failure that the plan shows already keeps nobody from the rest.
func TestPlanFailureStopsNothing(t *testing.T) {
	t.Parallel()
	did := 0
	p := program(func(ctx context.Context, r *runbook.Run) error {
		return runbook.Each(ctx, r, slices.All([]string{"broken", "good"}), 1, func(ctx context.Context, r *runbook.Run, _ int, name string) error {
			_, err := runbook.Read(ctx, r, "look", func(context.Context) (int, error) {
				if name == "broken" {
					return 0, errors.New("no such image")
				}
				return 1, nil
			})
			if err != nil {
				return err
			}
			_, err = runbook.Do(ctx, r, runbook.Step[int]{Name: "act", Intent: "act", Do: func(context.Context) (int, error) { did++; return 1, nil }})
			return err
		})
	})
	var out bytes.Buffer
	if got := p.Run(t.Context(), nil, strings.NewReader(""), &out, &out); got != ExitFailed || did != 1 {
		t.Errorf("exit status %d, want %d; the good one was done %d times\n%s", got, ExitFailed, did, out.String())
	}
}

// With -json standard output holds JSON and nothing else, one value a line, also
// while a question is asked; a line is never a plan's by mistake.
func TestJSONOutput(t *testing.T) {
	t.Parallel()
	p := program(func(ctx context.Context, r *runbook.Run) error {
		if err := r.Gate(ctx, runbook.Gate{Name: "go", Question: "Shall it be?"}); err != nil {
			return err
		}
		return r.Note("two\nlines")
	})
	journal := filepath.Join(t.TempDir(), "j")
	for _, tt := range []struct {
		args []string
		want []string // verb and kind of each line
	}{
		{[]string{"-plan"}, []string{"gate planned", "note noted"}},
		{nil, []string{"run opened", "gate asked", "gate approved", "note noted", "run ended"}},
		{[]string{"-status"}, []string{" "}},
	} {
		var out, errs bytes.Buffer
		code := p.Run(t.Context(), append(tt.args, "-json", "-journal", journal), strings.NewReader("yes\nit shall\n"), &out, &errs)
		if code != ExitDone {
			t.Fatalf("%q: exit status %d\n%s%s", tt.args, code, out.String(), errs.String())
		}
		var got []string
		for line := range strings.Lines(out.String()) {
			var rec runbook.Record
			if err := json.Unmarshal([]byte(line), &rec); err != nil {
				t.Fatalf("%q: %q: %v", tt.args, line, err)
			}
			got = append(got, string(rec.Verb)+" "+string(rec.Kind))
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%q (-want +got)\n%s", tt.args, d)
		}
		if asks := len(tt.args) == 0; asks != strings.Contains(errs.String(), "Shall it be?") {
			t.Errorf("%q: standard error: %s", tt.args, errs.String())
		}
	}
}

// A start that was refused says why, and not what the journal says of another one.
func TestRefusedStartHasNoReport(t *testing.T) {
	t.Parallel()
	journal := filepath.Join(t.TempDir(), "j")
	run := func(name string, args ...string) (int, string) {
		var out bytes.Buffer
		p := program(func(context.Context, *runbook.Run) error { return nil })
		p.Name = name
		code := p.Run(t.Context(), append(args, "-journal", journal), strings.NewReader(""), &out, &out)
		return code, out.String()
	}
	if code, text := run("trial", "-settle"); code != ExitFailed || !strings.Contains(text, "there is none") {
		t.Errorf("settling a journal that is not there: exit status %d\n%s", code, text)
	}
	if code, text := run("trial"); code != ExitDone || !strings.Contains(text, "all is done") {
		t.Fatalf("exit status %d\n%s", code, text)
	}
	for _, args := range [][]string{nil, {"-plan"}, {"-settle"}} {
		code, text := run("another", args...)
		if code != ExitFailed || !strings.Contains(text, `is of procedure "trial"`) || strings.Contains(text, "done") || strings.Contains(text, "nothing to do") {
			t.Errorf("%q: exit status %d\n%s", args, code, text)
		}
	}
}

// What servers wrote cannot steer the terminal.
func TestPrinterKeepsControlCharactersOut(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := &printer{w: newScreen(&out)}
	p.step(runbook.Record{Kind: runbook.Failed, Step: "s", Error: "a\x1b[2Jb\nc\u202e"})
	if err := p.plan(t.Context(), &runbook.Runner{Name: "trial"}, func(ctx context.Context, r *runbook.Run) error {
		return r.Note("a\x1b[2Jb\nc\u202e")
	}); err != nil {
		t.Error(err)
	}
	Program{Name: "trial"}.end(&out, errors.New("a\x1b[2Jb\tc\u202e"))
	if got := out.String(); strings.ContainsAny(got, "\x1b\u202e") || strings.Contains(got, "\nc") {
		t.Errorf("printed %q", got)
	}
}

// Only what has changed is worth a line.
func TestPrinterShowsProgressOnce(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := &printer{w: newScreen(&out)}
	for _, done := range []int64{0, 0, 1, 1} {
		for _, label := range []string{"copy to a", "copy to b"} {
			p.step(runbook.Record{Kind: runbook.Progress, Label: label, Done: done, Total: 1})
		}
	}
	const want = `00:00:00  ...        copy to a: 0 of 1
00:00:00  ...        copy to b: 0 of 1
00:00:00  ...        copy to a: 1 of 1
00:00:00  ...        copy to b: 1 of 1
`
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// A program may have a flag of its own with the name of a shared one that it can do
// without.
func TestOwnLogFlag(t *testing.T) {
	t.Parallel()
	own := ""
	p := program(func(context.Context, *runbook.Run) error { return nil })
	p.Flags = func(fs *flag.FlagSet) { fs.StringVar(&own, "log", "", "a `FILE`") }
	var out bytes.Buffer
	if got := p.Run(t.Context(), []string{"-log", "build.log"}, strings.NewReader(""), &out, &out); got != ExitDone || own != "build.log" {
		t.Errorf("exit status %d, -log %q\n%s", got, own, out.String())
	}
}
