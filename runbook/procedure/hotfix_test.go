package procedure_test

import (
	"context"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/landingteam/landing/cdimage/cdimagetest"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/systemimage/channelconfig"
	"github.com/landingteam/landing/systemimage/operate"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// hotfixLab is a lab with the fix in a private PPA, and a channel of rc-proposed
// that imports from the same builds as rc.
func hotfixLab(t testing.TB, devices ...string) *lab.Lab {
	t.Helper()
	l := hotfixWorld(t, devices...)
	root, err := l.BuildRoot()
	if err != nil {
		t.Fatal(err)
	}
	// A day on which nothing was built yet, the same in every lab.
	if err := cdimagetest.SetKnobs(root, cdimagetest.Knobs{Today: true, Now: time.Date(2099, 3, 2, 9, 0, 0, 0, time.UTC)}); err != nil {
		t.Fatal(err)
	}
	return l
}

// hotfixWorld is the same, before its image host is made.
func hotfixWorld(t testing.TB, devices ...string) *lab.Lab {
	t.Helper()
	w := lab.Importable()
	w.Channels = slices.DeleteFunc(w.Channels, func(c systemimagetest.Channel) bool {
		return c.Name != "ubuntu-touch/rc-proposed/ubuntu" && c.Name != "ubuntu-touch/rc/bq-aquaris.en" && c.Name != "ubuntu-touch/stable/bq-aquaris.en"
	})
	for i := range w.Channels {
		w.Channels[i].Devices = slices.DeleteFunc(slices.Clone(w.Channels[i].Devices), func(d systemimagetest.Device) bool {
			return d.Name != "mako" && !slices.Contains(devices, d.Name)
		})
	}
	return newWorld(t, w)
}

func hotfix(t testing.TB, l *lab.Lab, k *clock) *procedure.Hotfix {
	t.Helper()
	srv, err := l.LaunchpadServer()
	if err != nil {
		t.Fatal(err)
	}
	builder, err := l.Builds()
	if err != nil {
		t.Fatal(err)
	}
	server := l.Server()
	return &procedure.Hotfix{
		Launchpad: srv.Client(), Ledger: filepath.Join(l.Images.Root(), "state", "ledger"), Builder: builder,
		Server: server, Importer: l.Importer(), Pace: procedure.Pace{Now: k.Now, Stay: true, Every: time.Millisecond},
		Config: &channelconfig.HostFile{Runner: server.Runner, Path: filepath.Join(server.Root, "etc", "config")},
		Input: procedure.HotfixInput{
			Problem: "the lock screen opens", Countermeasures: []string{"the store is read-only"}, Support: "the night shift", Grace: 48 * time.Hour,
			Security: lab.EmbargoedPPA, Packages: []string{"unity8"}, Series: "vivid",
			Snapshot: lab.SnapshotPPA, Origin: lab.OverlayPPA, Create: true, Overlay: lab.OverlayPPA,
			Builds: []procedure.HotfixBuild{{Project: "ubuntu-touch", Type: "daily-preinstalled", Series: "vivid", File: "ubuntu",
				Folder:   filepath.Join(l.Images.Root(), "builder/www/full/ubuntu-touch/vivid/daily-preinstalled"),
				Channels: []string{"ubuntu-touch/rc/bq-aquaris.en"}}},
			From: "rc", To: "stable", Tag: "OTA-4.1", Schedule: schedule(t, "1% 2h, 100%"), Not: []string{"operator"},
		},
	}
}

const theFix = "unity8 8.12+15.04.20160824.1-0ubuntu1.1"

// fixIsIn lists the public archives that have the fix.
func fixIsIn(t testing.TB, l *lab.Lab) (list []string) {
	t.Helper()
	srv, err := l.LaunchpadServer()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"overlay", "snapshot"} {
		if slices.Contains(published(srv, "~landing-team/ubuntu/"+name), theFix) {
			list = append(list, name)
		}
	}
	return list
}

// historical is the newest build of a lab's history, of the day of the test.
var historical = regexp.MustCompile(`/after 20[0-8][0-9]{5}`)

// trace lists what a run did and was asked, in order, without looks.
func trace(t testing.TB, j runbook.Journal) (steps, notes []string) {
	t.Helper()
	for rec, err := range runbook.Records(t.Context(), j) {
		switch {
		case err != nil:
			t.Fatal(err)
		case rec.Verb == runbook.VerbNote:
			notes = append(notes, rec.Reason)
		case rec.Kind == runbook.Acquired:
			steps = append(steps, "take "+rec.Step)
		case rec.Kind == runbook.Released:
			steps = append(steps, "give back "+rec.Step)
		case rec.Kind == runbook.Approved:
			steps = append(steps, "? "+rec.Step)
		case rec.Kind == runbook.Done && (rec.Verb == runbook.VerbDo || rec.Verb == runbook.VerbWait && !strings.Contains(rec.Step, "round")):
			steps = append(steps, historical.ReplaceAllString(rec.Step, ""))
		}
	}
	return steps, notes
}

func TestHotfix(t *testing.T) {
	t.Parallel()
	l := hotfixLab(t, "krillin", "vegetahd")
	c := hotfix(t, l, newClock(time.Hour))
	var sent []procedure.Announcement
	c.Announce = func(_ context.Context, a procedure.Announcement) error { sent = append(sent, a); return nil }
	before := snapshot(t, l)
	j := &runbooktest.Memory{}
	x := &runbook.Runner{Name: "hotfix", Input: c.Input, Journal: j, Operator: "operator", Human: runbooktest.ApproveEverything{}}
	if err := x.Execute(t.Context(), c.Run); err != nil {
		t.Fatal(err)
	}
	steps, notes := trace(t, j)
	const krillin, vegetahd = "ubuntu-touch/stable/bq-aquaris.en:krillin/", "ubuntu-touch/stable/bq-aquaris.en:vegetahd/"
	want := []string{
		"? assess", "? decide", "? countermeasures/in place", "? countermeasures/announcement", "countermeasures/send announcement", "? fix",
		"snapshot/PPA", "? snapshot/difference", "snapshot/copy",
		"? configuration/approve", "? fix to the snapshot/difference", "? fix to the overlay/difference",
		"? public", "fix to the snapshot/copy",
		"take importer", "keep back", "rc/ubuntu-touch-vivid-daily-preinstalled/build",
		"take rc configuration", "import", "give back rc configuration",
		"fix to the overlay/copy", "rc-proposed/ubuntu-touch-vivid-daily-preinstalled/after 20990302/build", "let in", "give back importer",
		"? QA 1/approve",
		"take stable/importer", "stable/" + krillin + "copy", "stable/" + vegetahd + "copy", "give back stable/importer",
		"? support",
		"rollout/round 1/" + krillin + "set 1%", "rollout/round 1/" + vegetahd + "set 1%",
		"rollout/round 2/" + krillin + "set 100%", "rollout/round 2/" + vegetahd + "set 100%",
		"? announcement", "send announcement", "grace period", "? countermeasures removed", "next working day", "? stand down",
	}
	if d := cmp.Diff(want, steps); d != "" {
		t.Errorf("what was done (-want +got)\n%s", d)
	}
	for _, g := range stable {
		m, err := l.Client().Latest(t.Context(), g.Channel, g.Device)
		if err != nil {
			t.Fatal(err)
		}
		if has, _ := m.Detail().Get("ubuntu"); m.Version != 2 || m.Percentage != 100 || m.Detail().Tag() != "OTA-4.1" || has != "20990302" {
			t.Errorf("%s: image %d at %d %%: %s", g, m.Version, m.Percentage, m.VersionDetail)
		}
	}
	if d := cmp.Diff([]string{"overlay", "snapshot"}, fixIsIn(t, l)); d != "" {
		t.Errorf("the fix is in (-want +got)\n%s", d)
	}
	// rc-proposed was kept back from the build of the snapshot, and takes the one after it.
	if m, err := l.Client().Latest(t.Context(), "ubuntu-touch/rc-proposed/ubuntu", "mako"); err != nil || m.Version != 2 {
		t.Errorf("rc-proposed is at image %d, %v, want still 2", m.Version, err)
	}
	if _, err := l.Server().Import(t.Context(), operate.ImportRequest{}); err != nil {
		t.Fatal(err)
	}
	m, err := l.Client().Latest(t.Context(), "ubuntu-touch/rc-proposed/ubuntu", "mako")
	if has, _ := m.Detail().Get("ubuntu"); err != nil || m.Version != 3 || has != "20990302.1" {
		t.Errorf("after the importer rc-proposed is at image %d, %s, %v, want 3 with ubuntu=20990302.1", m.Version, m.VersionDetail, err)
	}
	config := func(text string) string { return text[strings.Index(text, "-- config --"):] }
	if d := cmp.Diff(config(before), config(snapshot(t, l))); d != "" {
		t.Errorf("configuration and crontab (-before +after)\n%s", d)
	}
	if len(sent) != 2 || strings.Contains(sent[0].Body, "lock screen") || !strings.Contains(sent[1].Body, "krillin: image 2") || !strings.Contains(sent[1].Body, "unity8") {
		t.Errorf("announcements: %+v", sent)
	}
	var exposure []string
	for _, n := range notes {
		if strings.Contains(n, "had been public") {
			exposure = append(exposure, n[:strings.Index(n, ":")])
			if strings.HasSuffix(n, " 0s") {
				t.Errorf("measured nothing: %s", n)
			}
		}
	}
	if d := cmp.Diff([]string{"offered to 1%", "offered to 100%", "announced"}, exposure); d != "" {
		t.Errorf("exposure (-want +got)\n%s", d)
	}
}
