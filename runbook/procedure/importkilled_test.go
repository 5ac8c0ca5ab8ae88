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
		if slices.ContainsFunc(cmd.Argv, func(a string) bool { return strings.HasSuffix(a, "bin/import-images") }) {
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
