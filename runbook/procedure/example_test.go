package procedure_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/landingteam/landing/phasing"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/systemimage/channelconfig"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// A lab for examples: what lab.New gives a test.
func exampleLab() (*lab.Lab, func()) { return exampleLabOf(systemimagetest.SampleWorld()) }

func exampleLabOf(w systemimagetest.World) (*lab.Lab, func()) {
	dir := must(os.MkdirTemp("", "landing-example-"))
	l := must(lab.InProcess(filepath.Join(dir, "lab"), w))
	return l, func() { l.Close(); os.RemoveAll(dir) }
}

// must is the value of a call that cannot fail in a lab.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// printPlan prints what a procedure would do on the lab.
func printPlan(l *lab.Lab, p runbook.Procedure) {
	var b strings.Builder
	if err := (&runbook.Runner{Name: "example"}).WritePlan(context.Background(), &b, p); err != nil {
		fmt.Println(err)
	}
	fmt.Print(strings.ReplaceAll(b.String(), l.Images.Root(), "/srv/si"))
}

// Copy the newest rc-proposed image of one device to rc.
func ExampleCopyRC() {
	l, done := exampleLab()
	defer done()
	c := &procedure.CopyRC{
		Server: l.Server(), Importer: l.Importer(),
		Input: procedure.CopyRCInput{Tag: "OTA-13-rc", From: "rc-proposed", To: "rc",
			Pairs: []procedure.Pair{{From: "ubuntu-touch/rc-proposed/meizu.en", To: "ubuntu-touch/rc/meizu.en", Device: "arale"}}},
	}
	x := &runbook.Runner{Name: "copyrc", Input: c.Input, Journal: &runbooktest.Memory{},
		Observe: func(rec runbook.Record) {
			if rec.Intent != "" && rec.Verb != runbook.VerbRun {
				fmt.Println(rec.Kind, rec.Intent)
			}
		}}
	fmt.Println("error:", x.Execute(context.Background(), c.Run))
	// Output:
	// armed the importer (its line in the crontab)
	// acquired the importer (its line in the crontab)
	// started copy image 101 of ubuntu-touch/rc-proposed/meizu.en for arale to ubuntu-touch/rc/meizu.en, tag OTA-13-rc, at 100 %
	// done copy image 101 of ubuntu-touch/rc-proposed/meizu.en for arale to ubuntu-touch/rc/meizu.en, tag OTA-13-rc, at 100 %
	// released the importer (its line in the crontab)
	// error: <nil>
}

// Stop a faulty update. Nobody is there to answer the questions that follow, but
// it is stopped already.
func ExampleBackOut() {
	l, done := exampleLab()
	defer done()
	b := &procedure.BackOut{
		Server: l.Server(), Importer: l.Importer(),
		Input: procedure.BackOutInput{
			Faulty:     []procedure.NamedImage{{Channel: "ubuntu-touch/stable/meizu.en", Device: "arale", Version: 1}},
			Percentage: 100,
		},
	}
	x := &runbook.Runner{Name: "backout", Input: b.Input, Journal: &runbooktest.Memory{}}
	fmt.Println(x.Execute(context.Background(), b.Run))
	m, err := l.Client().Latest(context.Background(), "ubuntu-touch/stable/meizu.en", "arale")
	fmt.Println(m.Version, m.Percentage, err)
	// Output:
	// assess: waiting for an answer: The faulty images are offered to nobody any more. Is the fault understood well enough to go on: which devices have it, and what does it do to them?; start again when it is answered
	// 1 0 <nil>
}

// See what would be released to stable, and how it would be phased in.
func ExampleRelease() {
	l, done := exampleLabOf(lab.Candidates())
	defer done()
	schedule := must(phasing.ParseSchedule("1% 2h ask, 100%"))
	c := &procedure.Release{
		Server: l.Server(), Importer: l.Importer(),
		Pace: procedure.Pace{Now: func() time.Time { return time.Date(2016, 9, 7, 9, 0, 0, 0, time.UTC) }},
		Input: procedure.ReleaseInput{Tag: "OTA-13", From: "rc", To: "stable", Schedule: schedule,
			Pairs: []procedure.Pair{
				{From: "ubuntu-touch/rc/bq-aquaris.en", To: "ubuntu-touch/stable/bq-aquaris.en", Device: "krillin"},
				{From: "ubuntu-touch/rc/meizu.en", To: "ubuntu-touch/stable/meizu.en", Device: "arale"},
			}},
	}
	printPlan(l, c.Run)
	// Output:
	// ask        Release these 2 images as OTA-13?
	// hold       the importer (its line in the crontab)
	// do         copy image 2 of ubuntu-touch/rc/bq-aquaris.en for krillin to ubuntu-touch/stable/bq-aquaris.en, tag OTA-13, at 0 %
	// check      ubuntu-touch/stable/bq-aquaris.en:krillin/published
	// do         copy image 2 of ubuntu-touch/rc/meizu.en for arale to ubuntu-touch/stable/meizu.en, tag OTA-13, at 0 %
	// check      ubuntu-touch/stable/meizu.en:arale/published
	// give back  the importer (its line in the crontab)
	// note       2016-09-07 09:00 UTC after 0s: 1% (1.98 % of the devices), then ask
	// note       2016-09-07 11:00 UTC after 2h0m0s: 100% (100.00 % of the devices)
}

// Phase an image in that is on stable at 0 %. It halts itself when the devices
// that have the image are not well.
func ExampleRollout() {
	l, done := exampleLabOf(lab.Released(0))
	defer done()
	schedule := must(phasing.ParseSchedule("1% 2h, 100%"))
	c := &procedure.Rollout{
		Server: l.Server(),
		Pace: procedure.Pace{
			Now:    func() time.Time { return time.Date(2016, 9, 7, 9, 0, 0, 0, time.UTC) },
			Health: func(context.Context) (procedure.Health, error) { return procedure.Health{}, nil },
		},
		Input: procedure.RolloutInput{Schedule: schedule,
			Images: []procedure.NamedImage{{Channel: "ubuntu-touch/stable/meizu.en", Device: "arale", Version: 2}}},
	}
	x := &runbook.Runner{Name: "rollout", Input: c.Input, Journal: &runbooktest.Memory{}}
	fmt.Println(x.Execute(context.Background(), c.Run))
	m, err := l.Client().Latest(context.Background(), "ubuntu-touch/stable/meizu.en", "arale")
	fmt.Println(m.Version, m.Percentage, err)
	// Output:
	// round 2/what is due: waits until 2016-09-07 11:00 UTC: at 1% (1.98 % of the devices) now; 100% is due then; start it again then; earlier does no harm
	// 2 1 <nil>
}

// Change one key of a channel, and see what would be asked.
func ExampleEditConfig() {
	l, done := exampleLab()
	defer done()
	server := l.Server()
	c := &procedure.EditConfig{
		File: &channelconfig.HostFile{Runner: server.Runner, Path: filepath.Join(server.Root, "etc/config")},
		Input: procedure.EditConfigInput{Edits: []channelconfig.Edit{
			channelconfig.Set(channelconfig.Section("ubuntu-touch/rc-proposed/meizu.en"), "fullcount", "5"),
		}},
	}
	printPlan(l, c.Run)
	// Output:
	// ask        Write this change to /srv/si/etc/config?
	// do         write /srv/si/etc/config: channel ubuntu-touch/rc-proposed/meizu.en: fullcount is 5, was 3
	// check      read back
}

func ExampleParsePair() {
	p, err := procedure.ParsePair("ubuntu-touch/rc-proposed/meizu.en:arale", "rc-proposed", "rc")
	fmt.Println(p.From, "->", p, err)
	_, err = procedure.ParsePair("ubuntu-touch/stable/meizu.en", "rc-proposed", "rc")
	fmt.Println(err)
	// Output:
	// ubuntu-touch/rc-proposed/meizu.en -> ubuntu-touch/rc/meizu.en:arale <nil>
	// channel "ubuntu-touch/stable/meizu.en" has no path element "rc-proposed" to replace by "rc"
}
