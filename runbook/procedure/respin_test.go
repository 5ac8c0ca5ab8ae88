package procedure_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/builder"
	"github.com/landingteam/landing/cdimage/cdimagetest"
	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/launchpad/launchpadtest"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/systemimage/channelconfig"
)

const respun = "ubuntu-touch/rc-proposed/ubuntu"

func respinLab(t testing.TB) *lab.Lab {
	t.Helper()
	return newWorld(t, only(respun))
}

func respin(t testing.TB, l *lab.Lab, keep bool) *procedure.Respin {
	t.Helper()
	lp, err := l.Launchpad()
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Builds()
	if err != nil {
		t.Fatal(err)
	}
	root, err := l.BuildRoot()
	if err != nil {
		t.Fatal(err)
	}
	b.Poll = 20 * time.Millisecond
	return &procedure.Respin{
		Launchpad: lp, Ledger: filepath.Join(l.Images.Root(), "state", "ledger"), Builder: b,
		Server: l.Server(), Importer: l.Importer(),
		Config: &channelconfig.HostFile{Runner: l.Server().Runner, Path: filepath.Join(l.Images.Root(), "etc", "config")},
		Input: procedure.RespinInput{
			Origin: lab.OverlayPPA, PPA: lab.SnapshotPPA, Series: "vivid", Create: true, Pin: 1001,
			Extra:   []procedure.ExtraPackages{{From: lab.SecurityPPA, Names: []string{"unity8"}}},
			Project: "ubuntu-touch-custom", Type: "daily-preinstalled",
			Channel: respun, File: "ubuntu", Keep: keep,
			Folder: filepath.Join(root, "www/full/ubuntu-touch-custom/vivid/daily-preinstalled"),
		},
	}
}

func etcConfig(t testing.TB, l *lab.Lab) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(l.Images.Root(), "etc", "config"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestRespin(t *testing.T) {
	t.Parallel()
	for _, keep := range []bool{false, true} {
		l := respinLab(t)
		before, crontab := etcConfig(t, l), readCrontab(t, l)
		c := respin(t, l, keep)
		x := &runbook.Runner{Name: "respin", Input: c.Input, Journal: &runbooktest.Memory{}, Human: runbooktest.ApproveEverything{}}
		if err := x.Execute(t.Context(), c.Run); err != nil {
			t.Fatal(err)
		}
		m, err := l.Client().Latest(t.Context(), respun, "mako")
		if err != nil {
			t.Fatal(err)
		}
		ids, err := c.Builder.IDs(t.Context(), cdimage.ImageSet{Project: "ubuntu-touch-custom", Series: "vivid", Type: "daily-preinstalled"})
		if err != nil {
			t.Fatal(err)
		}
		built := ids[len(ids)-1].String()
		if has, _ := m.Detail().Get("ubuntu"); m.Version != 3 || has != built {
			t.Errorf("mako is at image %d with ubuntu=%s, want 3 with %s", m.Version, has, built)
		}
		after := etcConfig(t, l)
		if keep != strings.Contains(after, c.Input.Folder+";vivid;import=any") {
			t.Errorf("keep %v: the channel's configuration is\n%s", keep, after)
		}
		if !keep && after != before {
			t.Errorf("configuration (-before +after)\n%s", cmp.Diff(before, after))
		}
		if got := readCrontab(t, l); got != crontab {
			t.Errorf("crontab (-before +after)\n%s", cmp.Diff(crontab, got))
		}
		srv, err := l.LaunchpadServer()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(published(srv, "~landing-team/ubuntu/snapshot"), "\n"); !strings.Contains(got, "unity8 8.12+15.04.20160824.1-0ubuntu1.1 armhf") {
			t.Errorf("the fix is not in the snapshot:\n%s", got)
		}
	}
}

func TestRespinPlanChangesNothing(t *testing.T) {
	t.Parallel()
	l := respinLab(t)
	c := respin(t, l, false)
	before := snapshot(t, l)
	c.Launchpad.ReadOnly, c.Builder.ReadOnly, c.Server.ReadOnly, c.Importer.ReadOnly, c.Config.ReadOnly = true, true, true, true, true
	x := &runbook.Runner{Name: "respin", Input: c.Input}
	if _, err := x.Plan(t.Context(), c.Run); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(before, snapshot(t, l)); d != "" {
		t.Errorf("the plan changed the world (-before +after)\n%s", d)
	}
}

// A build that fails ends the run before the image server is touched; started
// again, it builds again and goes on.
func TestRespinBuildFails(t *testing.T) {
	t.Parallel()
	l := respinLab(t)
	c := respin(t, l, false)
	root, err := l.BuildRoot()
	if err != nil {
		t.Fatal(err)
	}
	if err := cdimagetest.SetKnobs(root, cdimagetest.Knobs{Today: true, States: map[string]string{"armhf": "Failed to build", "i386": "Failed to build"}}); err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, l)
	j := &runbooktest.Memory{}
	x := &runbook.Runner{Name: "respin", Input: c.Input, Journal: j, Human: runbooktest.ApproveEverything{}}
	if err := x.Execute(t.Context(), c.Run); !errors.Is(err, builder.ErrNotBuilt) {
		t.Fatalf("Execute() = %v, want ErrNotBuilt", err)
	}
	if d := cmp.Diff(before, snapshot(t, l)); d != "" {
		t.Errorf("the image server was touched (-before +after)\n%s", d)
	}
	if err := cdimagetest.SetKnobs(root, cdimagetest.Knobs{Today: true}); err != nil {
		t.Fatal(err)
	}
	if err := x.Execute(t.Context(), c.Run); err != nil {
		t.Fatal(err)
	}
	if version, _, _ := latest(t, l, respun, "mako"); version != 3 {
		t.Errorf("mako is at image %d, want 3", version)
	}
}

// The copies into the snapshot have a test of their own: here the run begins with
// the build.
func TestRespinKillAnywhere(t *testing.T) {
	t.Parallel()
	begin := respinLab(t)
	// An image host that has built nothing yet: its history takes longer than the run.
	if err := os.Mkdir(filepath.Join(begin.Images.Root(), "builder"), 0o755); err != nil {
		t.Fatal(err)
	}
	killAnywhere(t, func(t testing.TB) runbooktest.Scene {
		l := begin.Clone(t)
		return runbooktest.Scene{
			Start: func() (*runbook.Runner, runbook.Procedure) {
				c := respin(t, l, false)
				c.Input.Origin, c.Input.Extra, c.Input.PPA = "", nil, lab.OverlayPPA
				return &runbook.Runner{Name: "respin", Input: c.Input, Human: runbooktest.ApproveEverything{}}, c.Run
			},
			Snapshot: func() string { return snapshot(t, l) },
		}
	})
}

// Nothing goes back in time unnoticed: with nobody there to answer, nothing is
// imported.
func TestRespinBackInTime(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, has string // root file system of the newest image
		keep      bool
		want      string
	}{
		{"older build", "20991231", true, ":mako has 20991231, the build is 2"},
		{"no build", "yesterday", true, "ubuntu=yesterday, which cannot be compared with build 2"},
		{"older build after the next import", "20150611", false, "back to 20150611, or what is newest then, at the first import after"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := only(respun)
			for _, d := range w.Channels[0].Devices {
				for n := range d.Images {
					d.Images[n].Details = strings.ReplaceAll(d.Images[n].Details, "ubuntu=20150611", "ubuntu="+tt.has)
				}
			}
			l := newWorld(t, w)
			c := respin(t, l, tt.keep)
			c.Input.Origin, c.Input.Extra, c.Input.PPA = "", nil, lab.OverlayPPA
			before := snapshot(t, l)
			asks(t, &runbook.Runner{Name: "respin", Input: c.Input}, c.Run, "older root file system", tt.want)
			if d := cmp.Diff(before, snapshot(t, l)); d != "" {
				t.Errorf("the image server was touched (-before +after)\n%s", d)
			}
		})
	}
}

func TestRespinInput(t *testing.T) {
	t.Parallel()
	good := procedure.RespinInput{PPA: "ppa:a/b", Series: "vivid", Project: "p", Type: "t", Channel: "c", File: "ubuntu", Folder: "/srv/i"}
	for name, change := range map[string]func(*procedure.RespinInput){
		"ppa": func(in *procedure.RespinInput) { in.PPA = "" }, "ppa:OWNER/NAME": func(in *procedure.RespinInput) { in.PPA = "a/b" },
		"channel": func(in *procedure.RespinInput) { in.Channel = "" }, "semicolons": func(in *procedure.RespinInput) { in.Folder = "/srv/i;vivid;import=any" },
		"blanks": func(in *procedure.RespinInput) { in.Series = "vi vid" },
	} {
		in := good
		change(&in)
		c := &procedure.Respin{Input: in}
		x := &runbook.Runner{Name: "respin", Input: in, Journal: &runbooktest.Memory{}}
		if err := x.Execute(t.Context(), c.Run); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%+v: %v, want an error about %s", in, err, name)
		}
	}
}

// A snapshot that is taken as it is may be behind the origin that images are
// otherwise built from.
func TestRespinBehindTheOrigin(t *testing.T) {
	t.Parallel()
	l := respinLab(t)
	srv, err := l.LaunchpadServer()
	if err != nil {
		t.Fatal(err)
	}
	c := respin(t, l, false)
	c.Input.AsIs, c.Input.Extra = true, nil
	x := &runbook.Runner{Name: "respin", Input: c.Input, Journal: &runbooktest.Memory{}}
	if err := x.Execute(t.Context(), c.Run); !errors.Is(err, launchpad.ErrNotFound) {
		t.Errorf("without the snapshot: %v, want ErrNotFound", err)
	}
	srv.Do(func(w *launchpadtest.World) {
		w.AddPPA("landing-team", "snapshot")
		w.Publish("~landing-team/ubuntu/snapshot", "vivid",
			launchpadtest.Package{Name: "unity8", Version: "8.12+15.04.20160824.1-0ubuntu1.1"}, // ahead
			launchpadtest.Package{Name: "ubuntu-system-settings", Version: "0.3"})
	})
	asks(t, x, c.Run, "Build an image with older packages all the same?",
		"ubuntu-system-settings is 0.4+15.04.20160811-0ubuntu1 in ppa:landing-team/overlay, and 0.3 in the snapshot",
		"ubuntu-touch-meta is 1.250ubuntu1 in ppa:landing-team/overlay, and not there in the snapshot")
	if n := srv.Count("POST"); n > 0 {
		t.Errorf("%d writes to Launchpad", n)
	}
}

// asks runs p with nobody to answer: it must stop at a question with these texts,
// and with no line about a package that is ahead.
func asks(t *testing.T, x *runbook.Runner, p runbook.Procedure, want ...string) {
	t.Helper()
	var text string
	x.Journal = &runbooktest.Memory{}
	x.Observe = func(r runbook.Record) {
		if r.Kind == runbook.Asked {
			text += r.Intent + string(r.Evidence)
		}
	}
	err := x.Execute(t.Context(), p)
	if !errors.Is(err, runbook.ErrPending) {
		t.Fatalf("Execute() = %v, want a question", err)
	}
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("%s\nlacks %q", text, w)
		}
	}
	if strings.Contains(text, "unity8") {
		t.Errorf("%s\nnames unity8", text)
	}
}

// What cannot be imported is not built.
func TestRespinOfAManualChannel(t *testing.T) {
	t.Parallel()
	l := respinLab(t)
	for _, edit := range [][2]string{{"type = auto", "type = manual"}, {"file_ubuntu", "file_rootfs"}} {
		c := respin(t, l, false)
		old := etcConfig(t, l)
		path := filepath.Join(l.Images.Root(), "etc", "config")
		if err := os.WriteFile(path, []byte(strings.Replace(old, edit[0], edit[1], 1)), 0o644); err != nil {
			t.Fatal(err)
		}
		x := &runbook.Runner{Name: "respin", Input: c.Input, Journal: &runbooktest.Memory{}, Human: runbooktest.ApproveEverything{}}
		err := x.Execute(t.Context(), c.Run)
		if err == nil || !strings.Contains(err.Error(), "etc/config") {
			t.Errorf("%s: %v, want an error that names etc/config", edit[1], err)
		}
		if ids, err := c.Builder.IDs(t.Context(), cdimage.ImageSet{Project: "ubuntu-touch-custom", Series: "vivid", Type: "daily-preinstalled"}); err != nil || len(ids) > 2 {
			t.Errorf("%s: builds %v, %v", edit[1], ids, err)
		}
		if err := os.WriteFile(path, []byte(old), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
