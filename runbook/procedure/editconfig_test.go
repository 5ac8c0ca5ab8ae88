package procedure_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/channelconfig"
)

func editConfig(l *lab.Lab, edits ...channelconfig.Edit) *procedure.EditConfig {
	if len(edits) == 0 {
		section := channelconfig.Section("ubuntu-touch/rc-proposed/meizu.en")
		edits = []channelconfig.Edit{
			channelconfig.Set(section, "fullcount", "5"),
			channelconfig.RemoveFile(section, "custom"),
		}
	}
	root := l.Images.Root()
	return &procedure.EditConfig{
		File:  &channelconfig.HostFile{Runner: l.Server().Runner, Path: filepath.Join(root, "etc/config")},
		Input: procedure.EditConfigInput{Edits: edits},
	}
}

func runEdit(c *procedure.EditConfig, j runbook.Journal, h runbook.Human) *runbook.Runner {
	return &runbook.Runner{Name: "channelconfig", Input: c.Input, Journal: j, Human: h, Operator: "operator"}
}

func readConfig(t testing.TB, c *procedure.EditConfig) string {
	t.Helper()
	b, err := os.ReadFile(c.File.Path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestEditConfig(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	c := editConfig(l)
	before := readConfig(t, c)
	j, h := &runbooktest.Memory{}, &runbooktest.Human{}
	if err := runEdit(c, j, h).Execute(t.Context(), c.Run); !errors.Is(err, runbook.ErrPending) {
		t.Fatalf("with nobody there: %v, want ErrPending", err)
	}
	if len(h.Asked()) != 1 {
		t.Fatalf("asked %v", h.Asked())
	}
	for _, want := range []string{"channel ubuntu-touch/rc-proposed/meizu.en: fullcount is 5, was 3", `"-fullcount = 3"`, `"+fullcount = 5"`, `"-files = ubuntu, device, custom, keyring, version"`} {
		if e := string(h.Asked()[0].Evidence); !strings.Contains(e, want) {
			t.Errorf("the evidence does not say %s:\n%s", want, e)
		}
	}
	if got := readConfig(t, c); got != before {
		t.Error("written before the answer")
	}
	if err := runEdit(c, j, runbooktest.ApproveEverything{}).Execute(t.Context(), c.Run); err != nil {
		t.Fatal(err)
	}
	old, err := channelconfig.Parse([]byte(before))
	if err != nil {
		t.Fatal(err)
	}
	want, err := old.Edit(c.Input.Edits...)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want.Text()), readConfig(t, c)); diff != "" {
		t.Errorf("the file (-want +got)\n%s", diff)
	}
	backups, _ := filepath.Glob(c.File.Path + ".before-*")
	if len(backups) != 1 {
		t.Fatalf("backups: %v, want one", backups)
	}
	if text, err := os.ReadFile(backups[0]); err != nil || string(text) != before {
		t.Errorf("the backup is not the old text: %v", err)
	}
	// Once more, there is nothing to do and nothing to ask.
	h = &runbooktest.Human{}
	if err := runEdit(c, &runbooktest.Memory{}, h).Execute(t.Context(), c.Run); err != nil || len(h.Asked()) > 0 {
		t.Errorf("the same again: %v, asked %v", err, h.Asked())
	}
}

// Killed before and after every write of its journal, and resumed, EditConfig
// writes the file once.
func TestEditConfigKillAnywhere(t *testing.T) {
	t.Parallel()
	begin := newWorld(t, only("ubuntu-touch/stable/meizu.en"))
	killAnywhere(t, func(t testing.TB) runbooktest.Scene {
		l := begin.Clone(t)
		return runbooktest.Scene{
			Start: func() (*runbook.Runner, runbook.Procedure) {
				c := editConfig(l)
				return runEdit(c, nil, runbooktest.ApproveEverything{}), c.Run
			},
			Snapshot: func() string {
				list, err := filepath.Glob(filepath.Join(l.Images.Root(), "etc/*"))
				if err != nil {
					t.Fatal(err)
				}
				// The name of the backup depends on the root that the file names.
				return strings.Join([]string{snapshot(t, l), "files in etc:", string(rune('0' + len(list)))}, "\n")
			},
		}
	})
}

func TestEditConfigPlanChangesNothing(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	before := snapshot(t, l)
	c := editConfig(l)
	c.File.ReadOnly = true
	plan, err := runEdit(c, nil, nil).Plan(t.Context(), c.Run)
	if err != nil {
		t.Fatal(err)
	}
	asks, does := 0, ""
	for _, rec := range plan {
		switch {
		case rec.Kind == runbook.Planned && rec.Verb == runbook.VerbGate:
			asks++
		case rec.Kind == runbook.Planned && rec.Verb == runbook.VerbDo:
			does += rec.Intent
		}
	}
	if asks != 1 || !strings.Contains(does, "fullcount is 5, was 3") {
		t.Errorf("the plan asks %d times and does %q", asks, does)
	}
	if d := cmp.Diff(before, snapshot(t, l)); d != "" {
		t.Errorf("the plan changed the world (-before +after)\n%s", d)
	}
}

// Somebody else edits the file while the question is open: their text stays.
func TestEditConfigOvertaken(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	c := editConfig(l)
	j := &runbooktest.Memory{}
	if err := runEdit(c, j, nil).Execute(t.Context(), c.Run); !errors.Is(err, runbook.ErrPending) {
		t.Fatal(err)
	}
	theirs := readConfig(t, c) + "# a note\n"
	if err := os.WriteFile(c.File.Path, []byte(theirs), 0o644); err != nil {
		t.Fatal(err)
	}
	err := runEdit(c, j, runbooktest.ApproveEverything{}).Execute(t.Context(), c.Run)
	if err == nil || !strings.Contains(err.Error(), "somebody changed it since; begin a new run") {
		t.Errorf("Execute() = %v", err)
	}
	if readConfig(t, c) != theirs {
		t.Error("what somebody else wrote is gone")
	}
}

func TestEditConfigRefuses(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	before := snapshot(t, l)
	set := func(section, key, value string) channelconfig.Edit {
		return channelconfig.Set(section, key, value)
	}
	for _, tt := range []struct {
		name  string
		edits []channelconfig.Edit
		want  string
	}{
		{"no edits", []channelconfig.Edit{}, "nothing to edit"},
		{"a password", []channelconfig.Edit{set("global", "public_fqdn", "http://me:secret@h/")}, "password would stand in the journal"},
		{"a list that is none", []channelconfig.Edit{set("global", "channels", "a,b, c")}, "would not load"},
		{"no section", []channelconfig.Edit{set("channel_x", "type", "auto")}, "no section"},
	} {
		c := editConfig(l, set("x", "x", "x"))
		c.Input.Edits = tt.edits
		err := runEdit(c, &runbooktest.Memory{}, runbooktest.ApproveEverything{}).Execute(t.Context(), c.Run)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
	if d := cmp.Diff(before, snapshot(t, l)); d != "" {
		t.Errorf("the world (-before +after)\n%s", d)
	}
}

// An edit mends a text that the server cannot read, and the mistakes that an
// edit brings are part of what is asked.
func TestEditConfigMends(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	c := editConfig(l)
	broken := readConfig(t, c) + "type manual\n"
	if err := os.WriteFile(c.File.Path, []byte(broken), 0o644); err != nil {
		t.Fatal(err)
	}
	now, err := c.File.Read(context.Background())
	if !errors.Is(err, systemimage.ErrMalformed) || now == nil {
		t.Fatalf("Read() = %v, %v", now, err)
	}
	c.Input.Edits = []channelconfig.Edit{
		channelconfig.Line{Number: strings.Count(broken, "\n"), Text: "type manual"}.Remove(),
		channelconfig.Set(channelconfig.Section("ubuntu-touch/rc-proposed/meizu.en"), "type", "atuo"),
	}
	h := &runbooktest.Human{}
	if err := runEdit(c, &runbooktest.Memory{}, h).Execute(t.Context(), c.Run); !errors.Is(err, runbook.ErrPending) {
		t.Fatal(err)
	}
	if e := string(h.Asked()[0].Evidence); !strings.Contains(e, `"lint"`) || !strings.Contains(e, "atuo") || !strings.Contains(e, "-type manual") {
		t.Errorf("the evidence does not tell of the mistake\n%s", e)
	}
	if err := runEdit(c, &runbooktest.Memory{}, runbooktest.ApproveEverything{}).Execute(t.Context(), c.Run); err != nil {
		t.Error(err)
	}
}
