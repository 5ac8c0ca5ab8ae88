package lab_test

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/phasing"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/systemimage/channelconfig"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// A scene is a procedure in its world.
type scene struct {
	name  string
	world func() systemimagetest.World
	make  func(h *hand) (*runbook.Runner, runbook.Procedure)
	other func(h *hand) (*runbook.Runner, runbook.Procedure) // what another operator may do at the same time; nil is nothing

	edits     bool     // the configuration is what it changes; another one only borrows it
	builds    bool     // there is an image builder
	launchpad bool     // there is a Launchpad
	alone     bool     // two of it at once are not what it is for
	stays     []string // faults that it need not get over

	waits  map[int]time.Duration // by percentage: how long after the begin it may be published at the earliest
	single bool                  // each device gets one new image at most
	again  bool                  // what it publishes was there before, and was taken back
	taken  map[string][]int      // channel and device: versions that nobody may be offered in the end
}

// somebodyWrites is a fault after which a change of the configuration that was
// approved before is another one.
const somebodyWrites = "somebody writes a line into the configuration"

const (
	krillin = "ubuntu-touch/stable/bq-aquaris.en"
	arale   = "ubuntu-touch/stable/meizu.en"
	generic = "ubuntu-touch/rc-proposed/ubuntu"
)

// kept is a world with a few channels, so that a run takes little time.
func kept(w systemimagetest.World, channels ...string) systemimagetest.World {
	var list []systemimagetest.Channel
	for _, c := range w.Channels {
		if slices.Contains(channels, c.Name) {
			c.Devices = slices.DeleteFunc(slices.Clone(c.Devices), func(d systemimagetest.Device) bool { return d.Redirect != "" || d.Name == "vegetahd" })
			list = append(list, c)
		}
	}
	w.Channels = list
	return w
}

// small is a world with one channel of each stage for two vendors.
func small(w systemimagetest.World) systemimagetest.World {
	return kept(w, "ubuntu-touch/rc-proposed/meizu.en", "ubuntu-touch/rc/meizu.en", arale,
		"ubuntu-touch/rc-proposed/bq-aquaris.en", "ubuntu-touch/rc/bq-aquaris.en", krillin)
}

// takenBack is a world in which rc has had what rc-proposed has now, and went back to
// what it had before that.
func takenBack() systemimagetest.World {
	w := small(systemimagetest.SampleWorld())
	newest := map[string]string{} // details in rc-proposed, by device
	for _, c := range w.Channels {
		for _, d := range c.Devices {
			if strings.Contains(c.Name, "/rc-proposed/") {
				newest[d.Name] = d.Images[len(d.Images)-1].Details
			}
		}
	}
	for _, c := range w.Channels {
		for n, d := range c.Devices {
			if strings.Contains(c.Name, "/rc/") {
				first := d.Images[0]
				c.Devices[n].Images = append(slices.Clone(d.Images), systemimagetest.Image{Version: 2, Details: newest[d.Name] + ",tag=OTA-12-rc"},
					systemimagetest.Image{Version: 3, Details: first.Details})
			}
		}
	}
	return w
}

func (h *hand) runner(name string, input any) *runbook.Runner {
	return &runbook.Runner{Name: name, Input: input, Operator: fmt.Sprint("operator ", h.who), Human: runbooktest.ApproveEverything{},
		World: map[string]string{"root": "the simulation's"}}
}

func (h *hand) stop() *procedure.StopFile {
	return &procedure.StopFile{Runner: h.on(h.w.images), Path: h.w.stopFile()}
}

func (h *hand) pace() procedure.Pace {
	return procedure.Pace{Stop: h.stop(), Every: time.Minute, Health: func(context.Context) (procedure.Health, error) {
		return procedure.Health{Bad: h.w.bad, Why: "they are never well"}, nil
	}}
}

func (h *hand) ledger() string { return filepath.Join(h.w.dir, fmt.Sprint("ledger", h.who)) }

func mustSchedule(text string) phasing.Schedule {
	s, err := phasing.ParseSchedule(text)
	if err != nil {
		panic(err)
	}
	return s
}

var faultyImages = []procedure.NamedImage{{Channel: arale, Device: "arale", Version: 2}, {Channel: krillin, Device: "krillin", Version: 2}}

func scenes() []scene {
	return slices.Concat(imageScenes(), buildScenes())
}

// imageScenes are of the image server alone.
func imageScenes() []scene {
	waits := map[int]time.Duration{30: time.Hour, 100: 3 * time.Hour}
	schedule := mustSchedule("1% 1h, 30% 2h, 100%")
	copyRC := func(h *hand) (*runbook.Runner, runbook.Procedure) {
		c := &procedure.CopyRC{Server: h.operator(), Importer: h.importer(),
			Input: procedure.CopyRCInput{Tag: "OTA-13-rc", From: "rc-proposed", To: "rc"}}
		return h.runner("copyrc", c.Input), c.Run
	}
	rollout := func(h *hand) (*runbook.Runner, runbook.Procedure) {
		c := &procedure.Rollout{Server: h.operator(), Pace: h.pace(), Input: procedure.RolloutInput{Images: faultyImages, Schedule: schedule}}
		return h.runner("rollout", c.Input), c.Run
	}
	backOut := func(h *hand) (*runbook.Runner, runbook.Procedure) {
		faulty := slices.Clone(faultyImages)
		for n := range faulty {
			faulty[n].Version += h.w.mistyped
		}
		c := &procedure.BackOut{Server: h.operator(), Importer: h.importer(), Stop: h.stop(),
			Input: procedure.BackOutInput{Faulty: faulty, Tag: "OTA-4.1", Percentage: 100}}
		return h.runner("backout", c.Input), c.Run
	}
	editConfig := func(h *hand) (*runbook.Runner, runbook.Procedure) {
		section := channelconfig.Section("ubuntu-touch/rc-proposed/meizu.en")
		c := &procedure.EditConfig{File: h.configuration(), Input: procedure.EditConfigInput{Edits: []channelconfig.Edit{
			channelconfig.Set(section, "fullcount", "5"), channelconfig.RemoveFile(section, "custom")}}}
		return h.runner("channelconfig", c.Input), c.Run
	}
	return []scene{
		{name: "copyrc", world: func() systemimagetest.World { return small(systemimagetest.SampleWorld()) }, single: true,
			make: copyRC, other: editConfig},
		{name: "copyagain", world: takenBack, again: true, make: copyRC},
		{name: "release", world: func() systemimagetest.World { return small(lab.Candidates()) }, single: true, waits: waits, alone: true, other: copyRC,
			make: func(h *hand) (*runbook.Runner, runbook.Procedure) {
				c := &procedure.Release{Server: h.operator(), Importer: h.importer(), Pace: h.pace(),
					Input: procedure.ReleaseInput{Tag: "OTA-5", From: "rc", To: "stable", Schedule: schedule}}
				return h.runner("release", c.Input), c.Run
			}},
		{name: "rollout", world: func() systemimagetest.World { return small(lab.Released(0)) }, waits: waits, make: rollout, other: backOut, alone: true},
		{name: "backout", world: func() systemimagetest.World { return small(lab.Released(30)) }, single: true, alone: true, make: backOut, other: rollout,
			taken: map[string][]int{arale + " arale": {2}, krillin + " krillin": {2}}},
		{name: "editconfig", world: func() systemimagetest.World { return kept(systemimagetest.SampleWorld(), arale) }, make: editConfig, edits: true, stays: []string{somebodyWrites}},
		{name: "import", world: func() systemimagetest.World {
			return kept(systemimagetest.SampleWorld(), generic, "ubuntu-touch/rc-proposed/bq-aquaris.en", "ubuntu-touch/rc-proposed/meizu.en")
		}, single: true, other: editConfig,
			make: func(h *hand) (*runbook.Runner, runbook.Procedure) {
				c := &procedure.InvestigateImport{Server: h.operator(), Importer: h.importer(), HTTP: &http.Client{Transport: h.w.server.Sources()},
					Input: procedure.InvestigateImportInput{Channel: generic, RunImporter: true}}
				return h.runner("failedimport", c.Input), c.Run
			}},
	}
}

var touchImages = cdimage.ImageSet{Project: "ubuntu-touch-custom", Series: "vivid", Type: "daily-preinstalled"}

// buildScenes have an image builder or a Launchpad.
func buildScenes() []scene {
	nothing := func() systemimagetest.World { return kept(systemimagetest.SampleWorld(), arale) }
	importable := func(channels ...string) func() systemimagetest.World {
		return func() systemimagetest.World { return kept(lab.Importable(), channels...) }
	}
	builder := func(h *hand) string { return h.w.at("builder") }
	return []scene{
		{name: "snapshot", world: nothing, launchpad: true,
			make: func(h *hand) (*runbook.Runner, runbook.Procedure) {
				c := &procedure.Snapshot{Launchpad: h.archives(), Ledger: h.ledger(), Manifest: filepath.Join(h.w.dir, "manifest.json"),
					Input: procedure.SnapshotInput{From: lab.OverlayPPA, To: lab.SnapshotPPA, Series: "vivid", Create: true}}
				return h.runner("snapshot", c.Input), c.Run
			}},
		{name: "republish", world: nothing, builds: true, stays: []string{"midnight passes"}, // a day's builds are of that day
			make: func(h *hand) (*runbook.Runner, runbook.Procedure) {
				c := &procedure.RepublishBuild{Builder: h.builder()}
				c.Input.ImageSet = touchImages
				return h.runner("republish", c.Input), c.Run
			}},
		{name: "rebuild", world: nothing, builds: true, alone: true,
			make: func(h *hand) (*runbook.Runner, runbook.Procedure) {
				c := &procedure.RebuildImage{Builder: h.builder(), Input: procedure.RebuildInput{ImageSet: touchImages}}
				return h.runner("rebuild", c.Input), c.Run
			}},
		{name: "respin", world: importable(generic), builds: true, launchpad: true, single: true, alone: true, stays: []string{somebodyWrites, "midnight passes"},
			make: func(h *hand) (*runbook.Runner, runbook.Procedure) {
				c := &procedure.Respin{Launchpad: h.archives(), Ledger: h.ledger(), Builder: h.builder(),
					Server: h.operator(), Importer: h.importer(), Config: h.configuration(),
					Input: procedure.RespinInput{
						Origin: lab.OverlayPPA, PPA: lab.SnapshotPPA, Series: "vivid", Create: true, Pin: 1001,
						Extra:   []procedure.ExtraPackages{{From: lab.SecurityPPA, Names: []string{"unity8"}}},
						Project: "ubuntu-touch-custom", Type: "daily-preinstalled", Channel: generic, File: "ubuntu",
						Folder: filepath.Join(builder(h), "www/full/ubuntu-touch-custom/vivid/daily-preinstalled"),
					}}
				return h.runner("respin", c.Input), c.Run
			}},
		{name: "hotfix", world: importable(generic, "ubuntu-touch/rc/bq-aquaris.en", krillin), builds: true, launchpad: true, single: true, alone: true, stays: []string{somebodyWrites, "midnight passes"},
			make: func(h *hand) (*runbook.Runner, runbook.Procedure) {
				pace := h.pace()
				c := &procedure.Hotfix{Launchpad: h.archives(), Ledger: h.ledger(), Builder: h.builder(),
					Server: h.operator(), Importer: h.importer(), Config: h.configuration(), Pace: pace,
					Input: procedure.HotfixInput{
						Problem: "the lock screen opens", Countermeasures: []string{"the store is read-only"}, Support: "the night shift", Grace: 48 * time.Hour,
						Security: lab.EmbargoedPPA, Packages: []string{"unity8"}, Series: "vivid",
						Snapshot: lab.SnapshotPPA, Origin: lab.OverlayPPA, Create: true, Overlay: lab.OverlayPPA,
						Builds: []procedure.HotfixBuild{{Project: "ubuntu-touch", Type: "daily-preinstalled", Series: "vivid", File: "ubuntu",
							Folder:   filepath.Join(builder(h), "www/full/ubuntu-touch/vivid/daily-preinstalled"),
							Channels: []string{"ubuntu-touch/rc/bq-aquaris.en"}}},
						From: "rc", To: "stable", Tag: "OTA-4.1", Schedule: mustSchedule("1% 2h, 100%"), Not: []string{strings.Clone("nobody")},
					}}
				return h.runner("hotfix", c.Input), c.Run
			}},
	}
}
