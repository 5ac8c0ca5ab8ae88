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
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/systemimage/channelconfig"
	"github.com/landingteam/landing/systemimage/operate"
)

// failingHost is a host on which some commands fail.
type failingHost struct {
	command.Runner
	fails func(argv string) bool
}

func (h *failingHost) Run(ctx context.Context, c command.Command) (command.Output, error) {
	if argv := strings.Join(c.Argv, " "); h.fails != nil && h.fails(argv) {
		return command.Output{Exit: 1, Stderr: []byte("no space left on device\n")}, nil
	}
	return h.Runner.Run(ctx, c)
}

func respinOn(t *testing.T, l *lab.Lab, keep bool) (*procedure.Respin, *failingHost) {
	t.Helper()
	c := respin(t, l, keep)
	c.Input.Origin, c.Input.Extra, c.Input.PPA = "", nil, lab.OverlayPPA
	h := &failingHost{Runner: c.Server.Runner}
	c.Server.Runner, c.Config.Runner, c.Importer.Runner = h, h, h
	return c, h
}

// A re-spin whose import fails gives the configuration back, before the importer is on
// again; started again it goes on.
func TestRespinImportFails(t *testing.T) {
	t.Parallel()
	for name, keep := range map[string]bool{"for one import": false, "to be kept": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := respinLab(t)
			config, crontab := etcConfig(t, l), readCrontab(t, l)
			c, h := respinOn(t, l, keep)
			h.fails = func(argv string) bool {
				return strings.Contains(argv, "import-images -vvv")
			}
			x := &runbook.Runner{Name: "respin", Input: c.Input, Journal: &runbooktest.Memory{}, Human: runbooktest.ApproveEverything{}}
			if err := x.Execute(t.Context(), c.Run); err == nil || errors.Is(err, runbook.ErrOwed) {
				t.Fatalf("with an import that fails: %v", err)
			}
			if d := cmp.Diff(config, etcConfig(t, l)); d != "" {
				t.Errorf("configuration (-before +after)\n%s", d)
			}
			if d := cmp.Diff(crontab, readCrontab(t, l)); d != "" {
				t.Errorf("crontab (-before +after)\n%s", d)
			}
			h.fails = nil
			if err := x.Execute(t.Context(), c.Run); err != nil {
				t.Fatalf("started again: %v", err)
			}
			if version, _, _ := latest(t, l, respun, "mako"); version != 3 {
				t.Errorf("mako is at image %d, want 3", version)
			}
			if is := etcConfig(t, l) != config; is != keep {
				t.Errorf("pointed at the build: %v, want %v", is, keep)
			}
			if d := cmp.Diff(crontab, readCrontab(t, l)); d != "" {
				t.Errorf("crontab at the end (-before +after)\n%s", d)
			}
		})
	}
}

// Where the configuration cannot be given back the importer stays off, and both are
// owed: the next run of the crontab would publish the build.
func TestRespinConfigurationOwed(t *testing.T) {
	t.Parallel()
	l := respinLab(t)
	config, crontab := etcConfig(t, l), readCrontab(t, l)
	c, h := respinOn(t, l, false)
	imported := false
	h.fails = func(argv string) bool {
		imported = imported || strings.Contains(argv, "import-images -vvv")
		return imported && (strings.Contains(argv, "import-images -vvv") || strings.Contains(argv, "landing-file-replace"))
	}
	x := &runbook.Runner{Name: "respin", Input: c.Input, Journal: &runbooktest.Memory{}, Human: runbooktest.ApproveEverything{}}
	err := x.Execute(t.Context(), c.Run)
	if !errors.Is(err, runbook.ErrOwed) || !strings.Contains(err.Error(), "the importer stays off") {
		t.Fatalf("with a configuration that cannot be written: %v, want ErrOwed that says that the importer stays off", err)
	}
	if st := importerState(t, l); st != operate.ImporterPaused {
		t.Errorf("the importer is %q while the channel is pointed at the build", st)
	}
	h.fails = nil
	if err := x.Settle(t.Context(), c.Run); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(config, etcConfig(t, l)); d != "" {
		t.Errorf("configuration (-before +after)\n%s", d)
	}
	if d := cmp.Diff(crontab, readCrontab(t, l)); d != "" {
		t.Errorf("crontab (-before +after)\n%s", d)
	}
}

// What somebody else writes while the channel is pointed at the build stays.
func TestRespinGivesBackOnlyItsOwn(t *testing.T) {
	t.Parallel()
	l := respinLab(t)
	c, h := respinOn(t, l, false)
	const other = "file:/srv/somewhere"
	h.fails = func(argv string) bool {
		if !strings.Contains(argv, "import-images -vvv") {
			return false
		}
		now, err := c.Config.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		next, err := now.Edit(channelconfig.Set(channelconfig.Section(respun), "file_ubuntu", other))
		if err == nil {
			_, err = c.Config.Replace(t.Context(), now, next)
		}
		if err != nil {
			t.Fatal(err)
		}
		return true
	}
	x := &runbook.Runner{Name: "respin", Input: c.Input, Journal: &runbooktest.Memory{}, Human: runbooktest.ApproveEverything{}}
	if err := x.Execute(t.Context(), c.Run); err == nil {
		t.Fatal("with an import that fails: no error")
	}
	if !slices.Contains(strings.Split(etcConfig(t, l), "\n"), "file_ubuntu = "+other) {
		t.Errorf("somebody else's line is gone:\n%s", etcConfig(t, l))
	}
	if st := importerState(t, l); st != operate.ImporterOn {
		t.Errorf("the importer is %q, want on", st)
	}
}

// A dyingHost is lost with the first command that meets it, which begins there when
// all is over.
type dyingHost struct {
	command.Runner
	meets string // in the arguments
	dead  bool
	late  command.Command
}

func (h *dyingHost) Run(ctx context.Context, c command.Command) (command.Output, error) {
	if !h.dead && slices.Contains(c.Argv, h.meets) {
		h.dead, h.late = true, c
	}
	if h.dead {
		return command.Output{}, errors.New("link lost")
	}
	return h.Runner.Run(ctx, c)
}

// What was still on its way to the host when a run was settled changes nothing any
// more: neither the crontab nor the configuration.
func TestRespinSettledBeforeItsCommandsArrive(t *testing.T) {
	t.Parallel()
	for _, meets := range []string{"landing-crontab", "landing-file-replace"} {
		t.Run(meets, func(t *testing.T) {
			t.Parallel()
			l := respinLab(t)
			config, crontab := etcConfig(t, l), readCrontab(t, l)
			c, alive := respinOn(t, l, false)
			h := &dyingHost{Runner: alive, meets: meets}
			c.Server.Runner, c.Config.Runner, c.Importer.Runner = h, h, h
			x := &runbook.Runner{Name: "respin", Input: c.Input, Journal: &runbooktest.Memory{}, Human: runbooktest.ApproveEverything{}}
			if err := x.Execute(t.Context(), c.Run); !errors.Is(err, runbook.ErrOwed) {
				t.Fatalf("with a link that is lost: %v, want ErrOwed", err)
			}
			h.dead, h.meets = false, ""
			if err := x.Settle(t.Context(), c.Run); err != nil {
				t.Fatal(err)
			}
			if out, err := h.Run(t.Context(), h.late); err != nil || out.Exit != 3 {
				t.Errorf("what arrives late: exit %d, %v; want 3", out.Exit, err)
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
