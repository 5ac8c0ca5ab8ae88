package procedure_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/landingteam/landing/cdimage/cdimagetest"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/runbooktest"
)

// oldRuns are the runs of the old journals. A run is killed as soon as a record
// of this kind is stored for a step whose name ends so.
var oldRuns = map[string]struct {
	fresh func(t testing.TB) oldScene
	kind  runbook.Kind
	step  string
}{
	"copyrc":           {oldCopyRC, runbook.Done, ":krillin/copy"}, // one of two
	"snapshot":         {oldSnapshot, runbook.Started, "copy"},
	"respin":           {oldRespin, runbook.Done, "write"},
	"release":          {oldRelease, runbook.Done, ":krillin/set 1%"},
	"rollout":          {oldRollout, runbook.Started, ":vegetahd/set 100%"},
	"hotfix":           {oldHotfix, runbook.Done, "import"},
	"backout":          {oldBackOut, runbook.Started, ":krillin/copy"},
	"investigatebuild": {oldInvestigateBuild, runbook.Done, "investigate"},
	"failedimport":     {oldInvestigateImport, runbook.Started, "run importer"},
	"republish":        {oldRepublish, runbook.Started, "build"},
	"rebuild":          {oldRebuild, runbook.Started, "build"},
	"channelconfig":    {oldEditConfig, runbook.Started, "write"},
}

// oldScene is a scene, with the folder that its paths begin with.
type oldScene struct {
	runbooktest.Scene
	root string
}

// labScene is a scene of a lab whose image server says it all.
func labScene(t testing.TB, l *lab.Lab, start func() (*runbook.Runner, runbook.Procedure)) oldScene {
	return oldScene{root: l.Images.Root(), Scene: runbooktest.Scene{Start: start, Snapshot: func() string { return snapshot(t, l) }}}
}

func oldCopyRC(t testing.TB) oldScene {
	l := newWorld(t, only("ubuntu-touch/rc-proposed/bq-aquaris.en", "ubuntu-touch/rc/bq-aquaris.en"))
	return labScene(t, l, func() (*runbook.Runner, runbook.Procedure) {
		x, c := copyrc(l, nil)
		return x, c.Run
	})
}

func oldSnapshot(t testing.TB) oldScene {
	l, srv := launchpadLab(t)
	s := labScene(t, l, func() (*runbook.Runner, runbook.Procedure) {
		c := snapshotOf(t, srv, l.Images.Root())
		return &runbook.Runner{Name: "snapshot", Input: c.Input, Human: runbooktest.ApproveEverything{}}, c.Run
	})
	s.Snapshot = func() string { return strings.Join(published(srv, "~landing-team/ubuntu/snapshot"), "\n") }
	return s
}

func oldRespin(t testing.TB) oldScene {
	l := respinLab(t)
	fixedDay(t, l)
	srv, err := l.LaunchpadServer()
	if err != nil {
		t.Fatal(err)
	}
	s := labScene(t, l, func() (*runbook.Runner, runbook.Procedure) {
		c := respin(t, l, false)
		return &runbook.Runner{Name: "respin", Input: c.Input, Human: runbooktest.ApproveEverything{}}, c.Run
	})
	s.Snapshot = func() string {
		return snapshot(t, l) + strings.Join(published(srv, "~landing-team/ubuntu/snapshot"), "\n")
	}
	return s
}

// fixedDay gives a lab an image host that has built nothing yet, on a day of its own.
func fixedDay(t testing.TB, l *lab.Lab) {
	t.Helper()
	root := filepath.Join(l.Images.Root(), "builder")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := cdimagetest.SetKnobs(root, cdimagetest.Knobs{Today: true, Now: time.Date(2099, 3, 2, 9, 0, 0, 0, time.UTC)}); err != nil {
		t.Fatal(err)
	}
}

func oldRelease(t testing.TB) oldScene {
	l, k := newWorld(t, of(lab.Candidates())), newClock(time.Hour)
	return labScene(t, l, func() (*runbook.Runner, runbook.Procedure) {
		c := release(t, l, k, "1% 2h ask, 100%")
		return &runbook.Runner{Name: "release", Input: c.Input, Human: runbooktest.ApproveEverything{}}, c.Run
	})
}

func oldRollout(t testing.TB) oldScene {
	l, k := newWorld(t, only("ubuntu-touch/stable/bq-aquaris.en")), newClock(time.Hour)
	phase(t, l, 0, stable...)
	return labScene(t, l, func() (*runbook.Runner, runbook.Procedure) {
		c := rollout(t, l, k, "1% 2h ask, 100%")
		c.Stay = true
		return &runbook.Runner{Name: "rollout", Input: c.Input, Human: runbooktest.ApproveEverything{}}, c.Run
	})
}

func oldHotfix(t testing.TB) oldScene {
	l, k := hotfixWorld(t, "krillin"), newClock(time.Hour)
	fixedDay(t, l)
	srv, err := l.LaunchpadServer()
	if err != nil {
		t.Fatal(err)
	}
	s := labScene(t, l, func() (*runbook.Runner, runbook.Procedure) {
		c := hotfix(t, l, k)
		return &runbook.Runner{Name: "hotfix", Input: c.Input, Human: runbooktest.ApproveEverything{}}, c.Run
	})
	s.Snapshot = func() string {
		return snapshot(t, l) + strings.Join(published(srv, "~landing-team/ubuntu/snapshot"), "\n") + strings.Join(published(srv, "~landing-team/ubuntu/overlay"), "\n")
	}
	return s
}

func oldBackOut(t testing.TB) oldScene {
	l := released(t, 50)
	return labScene(t, l, func() (*runbook.Runner, runbook.Procedure) {
		c := backout(l)
		return &runbook.Runner{Name: "backout", Input: c.Input, Human: runbooktest.ApproveEverything{}}, c.Run
	})
}

func oldInvestigateBuild(t testing.TB) oldScene {
	h := imageHost(t, failing)
	return hostScene(t, h, func() (*runbook.Runner, runbook.Procedure) {
		logs, err := h.BuildLogs()
		if err != nil {
			t.Fatal(err)
		}
		livefs, err := h.LivefsLogs()
		if err != nil {
			t.Fatal(err)
		}
		i := &procedure.InvestigateBuild{Logs: logs, Livefs: livefs, Builder: h.Builder}
		i.Input.ImageSet = touch
		return &runbook.Runner{Name: "failedbuild", Input: i.Input}, i.Run
	})
}

// hostScene is a scene of a lab of which only the image host matters.
func hostScene(t testing.TB, h host, start func() (*runbook.Runner, runbook.Procedure)) oldScene {
	return oldScene{root: h.Images.Root(), Scene: runbooktest.Scene{Start: start, Snapshot: func() string { return h.files(t) }}}
}

func oldInvestigateImport(t testing.TB) oldScene {
	l := newWorld(t, imported(genericChannel))
	build(t, l, newMako)
	return labScene(t, l, func() (*runbook.Runner, runbook.Procedure) {
		c := investigation(l, procedure.InvestigateImportInput{Channel: genericChannel, RunImporter: true})
		return &runbook.Runner{Name: "failedimport", Input: c.Input, Human: runbooktest.ApproveEverything{}}, c.Run
	})
}

func oldRepublish(t testing.TB) oldScene {
	h := imageHost(t, failing)
	return hostScene(t, h, func() (*runbook.Runner, runbook.Procedure) {
		x, p := republish(h, nil, nil)
		return x, p.Run
	})
}

func oldRebuild(t testing.TB) oldScene {
	h := imageHost(t, cdimagetest.Knobs{Now: morning})
	return hostScene(t, h, func() (*runbook.Runner, runbook.Procedure) {
		x, p := rebuild(h, nil)
		return x, p.Run
	})
}

func oldEditConfig(t testing.TB) oldScene {
	l := newWorld(t, only("ubuntu-touch/stable/meizu.en"))
	return labScene(t, l, func() (*runbook.Runner, runbook.Procedure) {
		c := editConfig(l)
		return runEdit(c, nil, runbooktest.ApproveEverything{}), c.Run
	})
}
