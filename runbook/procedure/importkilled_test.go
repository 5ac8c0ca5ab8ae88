package procedure_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// An import that was killed before it signed a file is gone on with, whether the kill
// was seen or the link was lost, and what it left is taken away: every later import would stop at it.
func TestKilledImportGoesOn(t *testing.T) {
	t.Parallel()
	for name, seen := range map[string]bool{"seen": true, "link lost": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := respinLab(t)
			config, crontab := etcConfig(t, l), readCrontab(t, l)
			c, _ := respinOn(t, l, false)
			if err := l.Images.SetFaults(systemimagetest.Faults{Kill: systemimagetest.Unsigned}); err != nil {
				t.Fatal(err)
			}
			runner, killed := c.Server.Runner, 0
			c.Server.Runner = runnerFunc(func(ctx context.Context, cmd command.Command) (command.Output, error) {
				out, err := runner.Run(ctx, cmd)
				if out.Exit == 137 && slices.ContainsFunc(cmd.Argv, func(a string) bool { return strings.HasSuffix(a, "bin/import-images") }) {
					if killed++; !seen {
						return command.Output{}, errors.New("the link was lost")
					}
				}
				return out, err
			})
			x := &runbook.Runner{Name: "respin", Input: c.Input, Journal: &runbooktest.Memory{}, Human: runbooktest.ApproveEverything{}}
			if err := x.Execute(t.Context(), c.Run); err == nil || killed != 1 {
				t.Fatalf("the import was killed %d times: %v", killed, err)
			}
			if err := x.Execute(t.Context(), c.Run); err != nil {
				t.Fatalf("started again: %v", err)
			}
			if version, _, _ := latest(t, l, respun, "mako"); version != 3 {
				t.Errorf("image %d, want 3", version)
			}
			if d := cmp.Diff(config, etcConfig(t, l)); d != "" {
				t.Errorf("configuration (-before +after)\n%s", d)
			}
			if d := cmp.Diff(crontab, readCrontab(t, l)); d != "" {
				t.Errorf("crontab (-before +after)\n%s", d)
			}
		})
	}
}

// The result of an import that was killed, which the next start fetches, is not the end:
// the importer is run again, though the channel has its image.
func TestKilledResultIsNotTheEnd(t *testing.T) {
	t.Parallel()
	l := respinLab(t)
	c, _ := respinOn(t, l, false)
	runner, imports, fetched := c.Server.Runner, 0, 0
	ctx, kill := context.WithCancel(t.Context())
	c.Server.Runner = runnerFunc(func(ctx context.Context, cmd command.Command) (command.Output, error) {
		switch {
		case !slices.ContainsFunc(cmd.Argv, func(a string) bool { return strings.HasSuffix(a, "bin/import-images") }):
		case cmd.Attach: // what the job left
			fetched++
			return command.Output{Exit: 137}, nil
		default:
			if imports++; imports == 1 { // it publishes, and is killed behind that; nobody watches any more
				_, err := runner.Run(ctx, cmd)
				kill()
				return command.Output{}, errors.Join(err, context.Canceled)
			}
		}
		return runner.Run(ctx, cmd)
	})
	x := &runbook.Runner{Name: "respin", Input: c.Input, Journal: &runbooktest.Memory{}, Human: runbooktest.ApproveEverything{}}
	if err := x.Execute(ctx, c.Run); err == nil {
		t.Fatal("the first start was not ended")
	}
	if err := x.Execute(t.Context(), c.Run); err != nil || imports != 2 || fetched != 1 {
		t.Errorf("started again: %v, with %d imports and %d results fetched, want 2 and 1", err, imports, fetched)
	}
}

// A re-spin whose import is killed in the commit of an alias goes on: the alias gets the
// image, and what the program left is gone. That our channel has it is not the end.
func TestImportKilledInAlias(t *testing.T) {
	t.Parallel()
	for _, point := range []systemimagetest.KillPoint{systemimagetest.Signed, systemimagetest.BeforeSignatureMoved} {
		t.Run(string(point), func(t *testing.T) {
			t.Parallel()
			l := newWorld(t, only(respun, "ubuntu-touch/devel-proposed/ubuntu"))
			c, _ := respinOn(t, l, false)
			runner, left := c.Server.Runner, "none yet"
			c.Server.Runner = runnerFunc(func(ctx context.Context, cmd command.Command) (command.Output, error) {
				begins := slices.ContainsFunc(cmd.Argv, func(a string) bool { return strings.HasSuffix(a, "bin/import-images") })
				if begins && left == "none yet" { // after the full image and its delta
					if err := l.Images.SetFaults(systemimagetest.Faults{Kill: point, KillCommit: 3}); err != nil {
						t.Error(err)
					}
				}
				out, err := runner.Run(ctx, cmd)
				if begins && left == "none yet" {
					left = leftOver(t, l)
				}
				return out, err
			})
			x := &runbook.Runner{Name: "respin", Input: c.Input, Journal: &runbooktest.Memory{}, Human: runbooktest.ApproveEverything{}}
			if err := x.Execute(t.Context(), c.Run); err == nil || !strings.Contains(left, "/devel-proposed/") {
				t.Fatalf("the import was killed at %q: %v, want the alias, and an error", left, err)
			}
			if err := x.Execute(t.Context(), c.Run); err != nil {
				t.Fatalf("started again: %v", err)
			}
			nothingLeft(t, l)
			if version, _, _ := latest(t, l, "ubuntu-touch/devel-proposed/ubuntu", "mako"); version != 3 {
				t.Errorf("the alias is at image %d, want 3", version)
			}
		})
	}
}

// An import that is killed between the full image and its delta leaves it without one,
// which no program makes later: the report says so.
func TestImportKilledBeforeItsDelta(t *testing.T) {
	t.Parallel()
	l := respinLab(t)
	c, _ := respinOn(t, l, false)
	if err := l.Images.SetFaults(systemimagetest.Faults{Kill: systemimagetest.Signed, KillCommit: 2}); err != nil {
		t.Fatal(err)
	}
	j := &runbooktest.Memory{}
	x := &runbook.Runner{Name: "respin", Input: c.Input, Journal: j, Human: runbooktest.ApproveEverything{}}
	if err := x.Execute(t.Context(), c.Run); err == nil {
		t.Fatal("the import was not killed")
	}
	j.Fail = func(line []byte) error { // this start is killed just before it says so
		if strings.Contains(string(line), "no delta leads") {
			return errors.New("killed")
		}
		return nil
	}
	if err := x.Execute(t.Context(), c.Run); err == nil {
		t.Fatal("what has to be said was not said")
	}
	j.Fail = nil
	for range 2 {
		if err := x.Execute(t.Context(), c.Run); err != nil {
			t.Fatalf("started again: %v", err)
		}
	}
	nothingLeft(t, l)
	deltaOrNote(t, l, j, respun, "mako", 2)
}

// A percentage that is killed in the commit of an alias is set there by the next start.
func TestPercentageKilledInAlias(t *testing.T) {
	virtual(func(t *testing.T) {
		l := newLab(t)
		phase(t, l, 0, stable...)
		k := newClock(0)
		c := rollout(t, l, k, "1% 2h, 100%")
		j := &runbooktest.Memory{}
		if err := l.Images.SetFaults(systemimagetest.Faults{Kill: systemimagetest.Signed, KillCommit: 2}); err != nil {
			t.Fatal(err)
		}
		first := execute(t, c, j, runbooktest.ApproveEverything{})
		left := leftOver(t, l)
		if !strings.Contains(left, "/ubuntu-15.04/") {
			t.Fatalf("the first start: %v, left over: %q, want the alias", first, left)
		}
		if err := execute(t, c, j, runbooktest.ApproveEverything{}); runbook.Ending(err) != "pending" {
			t.Errorf("started again: %v, want that it waits for its next step", err)
		}
		nothingLeft(t, l)
		if _, _, at := latest(t, l, "ubuntu-touch/ubuntu-15.04/bq-aquaris.en", stable[0].Device); at != 1 {
			t.Errorf("the alias is at %d %%, want 1", at)
		}
	})(t)
}

// A stop that dies in the commit of an alias's index stops that too, in the same start:
// devices on the alias are offered the same image.
func TestStopKilledInAlias(t *testing.T) {
	virtual(func(t *testing.T) {
		l := released(t, 50)
		if err := l.Images.SetFaults(systemimagetest.Faults{Kill: systemimagetest.Signed, KillCommit: 2}); err != nil {
			t.Fatal(err)
		}
		x := &runbook.Runner{Name: "backout", Journal: &runbooktest.Memory{}}
		err := x.Execute(t.Context(), backout(l).Run)
		if runbook.Ending(err) != "pending" {
			t.Errorf("%v, want its first question", err)
		}
		nothingLeft(t, l)
		nobodyGetsIt(t, l)
		if _, _, at := latest(t, l, "ubuntu-touch/ubuntu-15.04/bq-aquaris.en", stable[0].Device); at != 0 {
			t.Errorf("the alias is at %d %%, want 0", at)
		}
	})(t)
}

// An import whose end was not seen is not taken for done because the channel that the
// run is about has its image: it may have been killed behind it, in the commit of an
// alias, and its job would stay on the host.
func TestUnseenImportIsNotAdopted(t *testing.T) {
	t.Parallel()
	l := respinLab(t)
	c, _ := respinOn(t, l, false)
	runner, imports := c.Server.Runner, 0
	ctx, kill := context.WithCancel(t.Context())
	c.Server.Runner = runnerFunc(func(ctx context.Context, cmd command.Command) (command.Output, error) {
		out, err := runner.Run(ctx, cmd)
		if slices.ContainsFunc(cmd.Argv, func(a string) bool { return strings.HasSuffix(a, "bin/import-images") }) && !cmd.Attach {
			if imports++; imports == 1 {
				kill()
				return command.Output{}, context.Canceled
			}
		}
		return out, err
	})
	x := &runbook.Runner{Name: "respin", Input: c.Input, Journal: &runbooktest.Memory{}, Human: runbooktest.ApproveEverything{}}
	if err := x.Execute(ctx, c.Run); err == nil {
		t.Fatal("the first start was not ended")
	}
	if err := x.Execute(t.Context(), c.Run); err != nil || imports != 2 {
		t.Errorf("started again: %v, with %d imports, want the second", err, imports)
	}
}
