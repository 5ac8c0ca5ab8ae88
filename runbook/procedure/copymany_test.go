package procedure_test

import (
	"context"
	"errors"
	"fmt"
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
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/systemimage/operate"
)

// runs reports whether a command runs copy-image on a device.
func runs(argv []string, device string) bool {
	return slices.ContainsFunc(argv, func(a string) bool { return filepath.Base(a) == "copy-image" }) && slices.Contains(argv, device)
}

// What goes wrong with one of several copies keeps none of the others back, and the next
// start makes it good: each is copied once, one is in doubt at most.
func TestCopyMany(t *testing.T) {
	t.Parallel()
	errLink := errors.New("link lost")
	link := func(behind bool) func(*testing.T, *lab.Lab, *procedure.CopyRC) {
		return func(_ *testing.T, _ *lab.Lab, c *procedure.CopyRC) {
			host, lost := c.Server.Runner, false
			c.Server.Runner = command.Func(func(ctx context.Context, cmd command.Command) (out command.Output, err error) {
				cut := !lost && runs(cmd.Argv, "vegetahd")
				if !cut || behind {
					out, err = host.Run(ctx, cmd)
				}
				if cut {
					lost = true
					return command.Output{}, errLink
				}
				return out, err
			})
		}
	}
	for _, tt := range []struct {
		name          string
		disturb       func(t *testing.T, l *lab.Lab, c *procedure.CopyRC)
		first, second string // how the copy of vegetahd ended
		says          string
	}{
		{"nothing", func(*testing.T, *lab.Lab, *procedure.CopyRC) {}, "done", "", ""},
		{"the link is lost before the program runs", link(false), "doubt", "done", "link lost"},
		{"the link is lost while it runs", link(true), "failed", "adopted", "the end of copy-image was not seen (link lost)"}, // published, mirrors may not know
		{"the program fails", func(_ *testing.T, l *lab.Lab, _ *procedure.CopyRC) {
			left := filepath.Join(l.Images.Root(), "www", rcPairs[1].To, "vegetahd", "index.json.new.asc")
			l.Images.Before = func(argv []string) error {
				if runs(argv, "vegetahd") {
					return os.WriteFile(left, nil, 0o644)
				}
				return nil
			}
			l.Images.After = func(argv []string, _ int) {
				if runs(argv, "vegetahd") {
					l.Images.Before = nil
					_ = os.Remove(left)
				}
			}
		}, "failed", "done", "nothing was published"},
		{"a file is cut before it is verified", func(t *testing.T, l *lab.Lab, _ *procedure.CopyRC) {
			l.Images.After = func(argv []string, _ int) {
				if !runs(argv, "vegetahd") {
					return
				}
				if err := os.Truncate(filepath.Join(l.Images.Root(), "www", rcPairs[1].To, "vegetahd", "version-2.tar.xz"), 3); err != nil {
					t.Error(err)
				}
			}
		}, "failed", "failed", "version-2.tar.xz: has 3 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			j := &runbooktest.Memory{}
			x, c := copyrc(l, j, func(c *procedure.CopyRC) { tt.disturb(t, l, c) })
			err := x.Execute(t.Context(), c.Run)
			if tt.says == "" && err != nil || tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)) {
				t.Errorf("%v, want %q", err, tt.says)
			}
			end := func(p procedure.Pair, kind string) string { return p.String() + "/copy " + kind }
			want := []string{end(rcPairs[0], "done"), end(rcPairs[1], tt.first), end(rcPairs[2], "done")}
			if d := cmp.Diff(want, ends(t, j, "/copy")); d != "" {
				t.Errorf("the first start (-want +got)\n%s", d)
			}
			if err := x.Execute(t.Context(), c.Run); (err != nil) != (tt.second == "failed") {
				t.Errorf("the second start: %v", err)
			}
			if tt.second != "" {
				want = append(want, end(rcPairs[1], tt.second))
			}
			if d := cmp.Diff(want, ends(t, j, "/copy")); d != "" {
				t.Errorf("both starts (-want +got)\n%s", d)
			}
			copiedOnce(t, l, rcPairs...)
			oneAfterTheOther(t, j)
		})
	}
}

func copiedOnce(t *testing.T, l *lab.Lab, pairs ...procedure.Pair) {
	t.Helper()
	for _, p := range pairs {
		if version, tag, percentage := latest(t, l, p.To, p.Device); version != 2 || tag != "OTA-13-rc" || percentage != 100 {
			t.Errorf("%s: newest image is %d, tag %q, at %d %%, want 2, OTA-13-rc, 100", p, version, tag, percentage)
		}
	}
	if st := importerState(t, l); st != operate.ImporterOn {
		t.Errorf("the importer is %s", st)
	}
}

// oneAfterTheOther makes sure that no copy begins before the one before has its end, and
// its look at the published index if it was made, on record.
func oneAfterTheOther(t *testing.T, j runbook.Journal) {
	t.Helper()
	open := ""
	for _, rec := range recordsOf(t, j) {
		group, step, _ := strings.Cut(rec.Step, "/copy")
		if verified, ok := strings.CutSuffix(rec.Step, "/published"); ok {
			group, step = verified, "published"
		}
		switch {
		case step == "published":
			if open == group {
				open = ""
			}
		case rec.Verb != runbook.VerbDo || step != "":
		case rec.Kind == runbook.Started && open != "":
			t.Errorf("the copy of %s begins before that of %s is verified", group, open)
		case rec.Kind == runbook.Started:
			open = group
		case rec.Kind != runbook.Done:
			open = ""
		}
	}
}

// Killed between two copies, a run has at most the second in doubt; started again it
// finds the first as it was, and copies the rest.
func TestCopyManyKilledBetween(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		last    func(rec runbook.Record) bool
		inDoubt []string
	}{
		{"behind the first", func(rec runbook.Record) bool {
			return rec.Kind == runbook.Done && rec.Step == rcPairs[0].String()+"/copy"
		}, nil},
		{"before the second", func(rec runbook.Record) bool {
			return rec.Kind == runbook.Started && rec.Step == rcPairs[1].String()+"/copy"
		}, []string{rcPairs[1].String() + "/copy"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			var copied []string
			l.Images.After = func(argv []string, _ int) {
				for _, p := range rcPairs {
					if runs(argv, p.Device) {
						copied = append(copied, p.Device)
					}
				}
			}
			scene := runbooktest.Scene{Start: func() (*runbook.Runner, runbook.Procedure) {
				x, c := copyrc(l, nil)
				return x, c.Run
			}}
			left := runbooktest.KillAfter(t, scene, tt.last)
			st, err := runbook.StatusOf(t.Context(), left)
			if err != nil {
				t.Fatal(err)
			}
			var doubt []string
			for _, s := range st.InDoubt() {
				doubt = append(doubt, s.Step)
			}
			if d := cmp.Diff(tt.inDoubt, doubt); d != "" {
				t.Errorf("in doubt (-want +got)\n%s", d)
			}
			x, p := scene.Start()
			x.Journal = left
			if err := x.Execute(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			copiedOnce(t, l, rcPairs...)
			if d := cmp.Diff([]string{"krillin", "vegetahd", "arale"}, copied); d != "" {
				t.Errorf("runs of the program (-want +got)\n%s", d)
			}
		})
	}
}

// Before each copy every index of the tree is looked at, after the program before has
// ended, and what holds the importer back is looked at too.
func TestCopyManyLooksBeforeEach(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	listing, err := l.Client().Channels(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	indexes := map[string]bool{}
	for channel, device := range listing.Pairs() {
		indexes[listing.Channels[channel].Devices[device].Index] = true
	}
	var done []string // since the last program ended
	x, c := copyrc(l, &runbooktest.Memory{}, func(c *procedure.CopyRC) {
		see := func(host command.Runner) command.Runner {
			return command.Func(func(ctx context.Context, cmd command.Command) (command.Output, error) {
				out, err := host.Run(ctx, cmd)
				switch {
				case slices.Contains(cmd.Argv, "landing-preflight"):
					done = append(done, fmt.Sprintf("%d indexes", strings.Count(string(cmd.Stdin), "\nindex ")))
				case slices.Contains(cmd.Argv, "crontab") || slices.Contains(cmd.Argv, "landing-crontab"):
					done = append(done, "crontab")
				}
				return out, err
			})
		}
		c.Server.Runner, c.Importer.Runner = see(c.Server.Runner), see(c.Importer.Runner)
	})
	copies := 0
	l.Images.Before = func(argv []string) error {
		if !slices.Contains(argv, "--help") {
			copies++
			for _, want := range []string{"crontab", fmt.Sprintf("%d indexes", len(indexes))} {
				if !slices.Contains(done, want) {
					t.Errorf("copy %d begins after %q, want %s among them", copies, done, want)
				}
			}
			done = nil
		}
		return nil
	}
	if err := x.Execute(t.Context(), c.Run); err != nil {
		t.Fatal(err)
	}
	if copies != len(rcPairs) {
		t.Errorf("%d copies, want %d", copies, len(rcPairs))
	}
}
