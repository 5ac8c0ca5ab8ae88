package servertest_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/builder"
	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/phasing"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/runbook/temporal"
	"github.com/landingteam/landing/systemimage/channelconfig"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// A scene is a procedure of the team with a lab to run it on.
type scene struct {
	world func() systemimagetest.World
	input func(dir string) any // what a run in the lab of that folder is asked to do
	make  func(p place, input json.RawMessage) (runbook.Procedure, error)
}

// A place is a lab's clients, and the folder beside it.
type place struct {
	*lab.Lab
	dir       string
	stay      bool // wait for times, in place of being pending
	launchpad *launchpad.Client
	builder   *builder.Builder
}

// labOf is the folder of the lab of a test's folder.
func labOf(dir string) string { return filepath.Join(dir, "lab") }

// enter opens the lab, which is made at the first time.
func (s scene) enter(dir string, stay bool) (p place, err error) {
	p = place{dir: dir, stay: stay}
	if p.Lab, err = lab.Open(labOf(dir), s.world()); err != nil {
		return p, err
	}
	if p.launchpad, err = p.Launchpad(); err != nil {
		return p, err
	}
	p.builder, err = p.Builds()
	return p, err
}

// home is a new folder with the lab in it: two workers may enter it at once.
func (s scene) home(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	p, err := s.enter(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// build is what a worker has of the scene.
func (s scene) build(dir string) func(context.Context, json.RawMessage) (runbook.Procedure, any, error) {
	return func(ctx context.Context, input json.RawMessage) (runbook.Procedure, any, error) {
		p, err := s.enter(dir, false)
		if err != nil {
			return nil, nil, err
		}
		context.AfterFunc(ctx, func() { p.Close() })
		run, err := s.make(p, input)
		return run, "the lab in " + dir, err
	}
}

// undisturbed runs the scene with a journal in a file, and returns the world.
func (s scene) undisturbed(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	p, err := s.enter(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	in := input(t, s.input(dir))
	run, err := s.make(p, in)
	if err != nil {
		t.Fatal(err)
	}
	j, err := runbook.OpenFile(filepath.Join(dir, "journal"))
	if err != nil {
		t.Fatal(err)
	}
	x := &runbook.Runner{Name: name, Input: in, Journal: j, Operator: "operator", Human: runbooktest.ApproveEverything{}}
	if err := x.Execute(t.Context(), run); err != nil {
		t.Fatalf("with a journal in a file: %v", err)
	}
	return snapshot(t, dir)
}

// snapshot is the world of a folder.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	text, err := lab.Snapshot(labOf(dir))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// run is what Temporal is asked for.
func (s scene) run(t *testing.T, name, dir string) temporal.Run {
	return temporal.Run{Procedure: name, Operator: "operator", Heartbeat: beat, Input: input(t, s.input(dir))}
}

// of makes the function that makes a procedure from its input.
func of[I any](f func(p place, in I) runbook.Procedure) func(place, json.RawMessage) (runbook.Procedure, error) {
	return func(p place, raw json.RawMessage) (runbook.Procedure, error) {
		var in I
		if err := json.Unmarshal(raw, &in); err != nil {
			return nil, err
		}
		return f(p, in), nil
	}
}

func always(in any) func(string) any { return func(string) any { return in } }

// pace is that of procedures that phase images in.
func (p place) pace() procedure.Pace {
	return procedure.Pace{Stay: p.stay, Every: 100 * time.Millisecond, Stop: p.stopFile()}
}

func (p place) stopFile() *procedure.StopFile {
	s := p.Server()
	return &procedure.StopFile{Runner: s.Runner, Path: s.Root + "/phased-state/done"}
}

func (p place) config() *channelconfig.HostFile {
	s := p.Server()
	return &channelconfig.HostFile{Runner: s.Runner, Path: s.Root + "/etc/config"}
}

func (p place) ledger() string { return filepath.Join(p.dir, "ledger") }

// schedule is over in a second.
func schedule() phasing.Schedule {
	s, err := phasing.ParseSchedule("30% 300ms ask, 100%")
	if err != nil {
		panic(err) // it is written above
	}
	return s
}

func images(pattern string, version int, devices ...string) (list []procedure.NamedImage) {
	for _, d := range devices {
		list = append(list, procedure.NamedImage{Channel: pattern, Device: d, Version: version})
	}
	return list
}

// full is the folder of published builds of a project of the lab's image host.
func full(dir, project string) string {
	return filepath.Join(labOf(dir), "builder/www/full", project, "vivid/daily-preinstalled")
}

// scenes are all procedures of package procedure.
var scenes = map[string]scene{
	"copyrc": {
		world: systemimagetest.SampleWorld,
		input: always(procedure.CopyRCInput{Tag: "OTA-13-rc", From: "rc-proposed", To: "rc"}),
		make: of(func(p place, in procedure.CopyRCInput) runbook.Procedure {
			return (&procedure.CopyRC{Server: p.Server(), Importer: p.Importer(), Input: in}).Run
		}),
	},
	"release": {
		world: lab.Candidates,
		input: always(procedure.ReleaseInput{Tag: "OTA-5", From: "rc", To: "stable", Schedule: schedule()}),
		make: of(func(p place, in procedure.ReleaseInput) runbook.Procedure {
			return (&procedure.Release{Server: p.Server(), Importer: p.Importer(), Pace: p.pace(), Input: in}).Run
		}),
	},
	"rollout": {
		world: func() systemimagetest.World { return lab.Released(0) },
		input: always(procedure.RolloutInput{Images: images("ubuntu-touch/stable/bq-aquaris.en", 2, "krillin", "vegetahd"), Schedule: schedule()}),
		make: of(func(p place, in procedure.RolloutInput) runbook.Procedure {
			return (&procedure.Rollout{Server: p.Server(), Pace: p.pace(), Input: in}).Run
		}),
	},
	"backout": {
		world: func() systemimagetest.World { return lab.Released(50) },
		input: always(procedure.BackOutInput{Faulty: images("ubuntu-touch/stable/bq-aquaris.en", 2, "krillin", "vegetahd"), Percentage: 100}),
		make: of(func(p place, in procedure.BackOutInput) runbook.Procedure {
			return (&procedure.BackOut{Server: p.Server(), Importer: p.Importer(), Stop: p.stopFile(), Input: in}).Run
		}),
	},
	"hotfix": {
		world: lab.Importable,
		input: func(dir string) any {
			return procedure.HotfixInput{
				Problem: "the lock screen opens", Countermeasures: []string{"the store is read-only"}, Support: "the night shift", Grace: time.Second,
				Security: lab.EmbargoedPPA, Packages: []string{"unity8"}, Series: "vivid",
				Snapshot: lab.SnapshotPPA, Origin: lab.OverlayPPA, Create: true, Overlay: lab.OverlayPPA,
				Builds: []procedure.HotfixBuild{{Project: "ubuntu-touch", Type: "daily-preinstalled", Series: "vivid", File: "ubuntu",
					Folder: full(dir, "ubuntu-touch"), Channels: []string{"ubuntu-touch/rc/bq-aquaris.en"}}},
				From: "rc", To: "stable", Tag: "OTA-4.1", Schedule: schedule(),
			}
		},
		make: of(func(p place, in procedure.HotfixInput) runbook.Procedure {
			return (&procedure.Hotfix{Launchpad: p.launchpad, Ledger: p.ledger(), Builder: p.builder, Server: p.Server(), Importer: p.Importer(),
				Config: p.config(), Pace: p.pace(), Workday: func(after time.Time) time.Time { return after.Add(time.Second) }, Input: in}).Run
		}),
	},
	"snapshot": {
		world: systemimagetest.SampleWorld,
		input: always(procedure.SnapshotInput{From: lab.OverlayPPA, To: lab.SnapshotPPA, Series: "vivid", Create: true}),
		make: of(func(p place, in procedure.SnapshotInput) runbook.Procedure {
			return (&procedure.Snapshot{Launchpad: p.launchpad, Ledger: p.ledger(), Input: in}).Run
		}),
	},
	"respin": {
		world: systemimagetest.SampleWorld,
		input: func(dir string) any {
			return procedure.RespinInput{Origin: lab.OverlayPPA, PPA: lab.SnapshotPPA, Series: "vivid", Create: true, Pin: 1001,
				Extra:   []procedure.ExtraPackages{{From: lab.SecurityPPA, Names: []string{"unity8"}}},
				Project: "ubuntu-touch-custom", Type: "daily-preinstalled", Channel: "ubuntu-touch/rc-proposed/ubuntu", File: "ubuntu", Folder: full(dir, "ubuntu-touch-custom")}
		},
		make: of(func(p place, in procedure.RespinInput) runbook.Procedure {
			return (&procedure.Respin{Launchpad: p.launchpad, Ledger: p.ledger(), Builder: p.builder, Server: p.Server(), Importer: p.Importer(), Config: p.config(), Input: in}).Run
		}),
	},
	"republish": {
		world: systemimagetest.SampleWorld,
		input: always(procedure.RepublishInput{Build: cdimage.Build{ImageSet: lab.FailedBuild}}),
		make: of(func(p place, in procedure.RepublishInput) runbook.Procedure {
			return (&procedure.RepublishBuild{Builder: p.builder, Input: in}).Run
		}),
	},
	"rebuild": {
		world: systemimagetest.SampleWorld,
		input: always(procedure.RebuildInput{ImageSet: lab.FailedBuild}),
		make: of(func(p place, in procedure.RebuildInput) runbook.Procedure {
			return (&procedure.RebuildImage{Builder: p.builder, Input: in}).Run
		}),
	},
	"failedbuild": {
		world: systemimagetest.SampleWorld,
		input: always(procedure.InvestigateBuildInput{Build: cdimage.Build{ImageSet: lab.FailedBuild}}),
		make: func(p place, raw json.RawMessage) (runbook.Procedure, error) {
			logs, err := p.BuildLogs()
			if err != nil {
				return nil, err
			}
			livefs, err := p.LivefsLogs()
			if err != nil {
				return nil, err
			}
			return of(func(p place, in procedure.InvestigateBuildInput) runbook.Procedure {
				return (&procedure.InvestigateBuild{Logs: logs, Livefs: livefs, Builder: p.builder, Input: in}).Run
			})(p, raw)
		},
	},
	"failedimport": {
		world: systemimagetest.SampleWorld,
		input: always(procedure.InvestigateImportInput{RunImporter: true}),
		make: of(func(p place, in procedure.InvestigateImportInput) runbook.Procedure {
			return (&procedure.InvestigateImport{Server: p.Server(), Importer: p.Importer(), Input: in}).Run
		}),
	},
	"channelconfig": {
		world: systemimagetest.SampleWorld,
		input: always(procedure.EditConfigInput{Edits: []channelconfig.Edit{channelconfig.Set(channelconfig.Section("ubuntu-touch/rc-proposed/meizu.en"), "fullcount", "5")}}),
		make: of(func(p place, in procedure.EditConfigInput) runbook.Procedure {
			return (&procedure.EditConfig{File: p.config(), Input: in}).Run
		}),
	},
}

// Each procedure of the team runs on Temporal, and leaves the world that a journal in a
// file leaves.
func TestEveryProcedure(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for name, sc := range scenes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, queue, id := sc.home(t), once("queue"), once(name)
			local(t, s, queue, dir)
			r := sc.run(t, name, dir)
			r.Heartbeat = 30 * time.Second // nobody dies here
			h := start(t, s, queue, id, r)
			go approve(t, s, id)
			if r, err := ends(t, s, h); err != nil || r.Ending != "done" {
				t.Fatalf("%+v, %v", r, err)
			}
			if want, got := sc.undisturbed(t, name), snapshot(t, dir); want != got {
				t.Errorf("the world (-file +Temporal)\n%s", cmp.Diff(want, got))
			}
			done(t, s, id)
		})
	}
}
