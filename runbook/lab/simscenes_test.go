package lab_test

import (
	"path/filepath"
	"slices"
	"time"

	"github.com/landingteam/landing/phasing"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// A scene is a procedure in its world.
type scene struct {
	name  string
	world func() systemimagetest.World
	make  func(w *simWorld) (*runbook.Runner, runbook.Procedure)

	waits  map[int]time.Duration // by percentage: how long after the begin it may be published at the earliest
	single bool                  // each device gets one new image at most
	taken  map[string][]int      // channel and device: versions that nobody may be offered in the end
}

// small is a world with one channel of each stage, so that a run takes little time.
func small(w systemimagetest.World) systemimagetest.World {
	keep := map[string]bool{"ubuntu-touch/rc-proposed/meizu.en": true, "ubuntu-touch/rc/meizu.en": true, "ubuntu-touch/stable/meizu.en": true,
		"ubuntu-touch/rc-proposed/bq-aquaris.en": true, "ubuntu-touch/rc/bq-aquaris.en": true, "ubuntu-touch/stable/bq-aquaris.en": true}
	var channels []systemimagetest.Channel
	for _, c := range w.Channels {
		if keep[c.Name] {
			c.Devices = slices.DeleteFunc(slices.Clone(c.Devices), func(d systemimagetest.Device) bool { return d.Redirect != "" })
			channels = append(channels, c)
		}
	}
	w.Channels = channels
	return w
}

func scenes() []scene {
	runner := func(w *simWorld, name string, input any) *runbook.Runner {
		return &runbook.Runner{Name: name, Input: input, Operator: "operator", Human: runbook.ApproveEverythingInALab{},
			World: map[string]string{"root": "the simulation's"}}
	}
	schedule, err := phasing.ParseSchedule("1% 1h, 30% 2h, 100%")
	if err != nil {
		panic(err)
	}
	pace := func(w *simWorld) procedure.Pace {
		return procedure.Pace{Stop: &procedure.StopFile{Runner: w, Path: filepath.Join(w.server.Root(), "phased-state", "done")}, Every: time.Minute}
	}
	waits := map[int]time.Duration{30: time.Hour, 100: 3 * time.Hour}
	faulty := []procedure.NamedImage{
		{Channel: "ubuntu-touch/stable/meizu.en", Device: "arale", Version: 2},
		{Channel: "ubuntu-touch/stable/bq-aquaris.en", Device: "krillin", Version: 2},
	}
	return []scene{
		{name: "copyrc", world: func() systemimagetest.World { return small(systemimagetest.SampleWorld()) }, single: true,
			make: func(w *simWorld) (*runbook.Runner, runbook.Procedure) {
				c := &procedure.CopyRC{Server: w.operator(), Importer: w.importer(),
					Input: procedure.CopyRCInput{Tag: "OTA-13-rc", From: "rc-proposed", To: "rc"}}
				return runner(w, "copyrc", c.Input), c.Run
			}},
		{name: "release", world: func() systemimagetest.World { return small(lab.Candidates()) }, single: true, waits: waits,
			make: func(w *simWorld) (*runbook.Runner, runbook.Procedure) {
				c := &procedure.Release{Server: w.operator(), Importer: w.importer(), Pace: pace(w),
					Input: procedure.ReleaseInput{Tag: "OTA-5", From: "rc", To: "stable", Schedule: schedule}}
				return runner(w, "release", c.Input), c.Run
			}},
		{name: "rollout", world: func() systemimagetest.World { return small(lab.Released(0)) }, waits: waits,
			make: func(w *simWorld) (*runbook.Runner, runbook.Procedure) {
				c := &procedure.Rollout{Server: w.operator(), Pace: pace(w), Input: procedure.RolloutInput{Images: faulty, Schedule: schedule}}
				return runner(w, "rollout", c.Input), c.Run
			}},
		{name: "backout", world: func() systemimagetest.World { return small(lab.Released(30)) }, single: true,
			taken: map[string][]int{"ubuntu-touch/stable/meizu.en arale": {2}, "ubuntu-touch/stable/bq-aquaris.en krillin": {2}},
			make: func(w *simWorld) (*runbook.Runner, runbook.Procedure) {
				c := &procedure.BackOut{Server: w.operator(), Importer: w.importer(),
					Stop:  &procedure.StopFile{Runner: w, Path: filepath.Join(w.server.Root(), "phased-state", "done")},
					Input: procedure.BackOutInput{Faulty: faulty, Tag: "OTA-4.1", Percentage: 100}}
				return runner(w, "backout", c.Input), c.Run
			}},
	}
}
