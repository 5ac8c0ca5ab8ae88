package procedure_test

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/systemimage/channelconfig"
)

// Say why the newest build of an image is not complete.
func ExampleInvestigateBuild_Investigate() {
	l, done := exampleLab()
	defer done()
	i := &procedure.InvestigateBuild{Logs: must(l.BuildLogs())}
	i.Input.ImageSet = lab.FailedBuild
	report, err := i.Investigate(context.Background())
	fmt.Println(report.Publish, report.Causes[0].Scope, report.Causes[0].Class, err)
	for _, im := range report.Imports {
		fmt.Println(im.Label, "can be imported:", im.Can)
	}
	// Output:
	// partial ubuntu-touch-custom-i386 network <nil>
	// ubuntu-touch-custom-armhf can be imported: true
	// ubuntu-touch-custom-i386 can be imported: false
}

// Publish it again, with the live file systems that it made.
func ExampleRepublishBuild() {
	l, done := exampleLab()
	defer done()
	p := &procedure.RepublishBuild{Builder: must(l.Builds())}
	p.Input.ImageSet = lab.FailedBuild
	x := &runbook.Runner{Name: "republish", Input: p.Input, Journal: &runbooktest.Memory{},
		Observe: func(rec runbook.Record) {
			if rec.Verb == runbook.VerbDo && rec.Kind != runbook.Progress {
				fmt.Println(rec.Kind, rec.Intent)
			}
		}}
	fmt.Println("error:", x.Execute(context.Background(), p.Run))
	// Output:
	// started publish ubuntu-touch-custom/vivid daily-preinstalled again, without new live file systems: env DIST=vivid CDIMAGE_REUSE_BUILD=1 for-project ubuntu-touch-custom cron.daily-preinstalled --live
	// done publish ubuntu-touch-custom/vivid daily-preinstalled again, without new live file systems: env DIST=vivid CDIMAGE_REUSE_BUILD=1 for-project ubuntu-touch-custom cron.daily-preinstalled --live
	// error: <nil>
}

// Build it anew.
func ExampleRebuildImage() {
	l, done := exampleLab()
	defer done()
	p := &procedure.RebuildImage{Builder: must(l.Builds())}
	p.Input.ImageSet = cdimage.ImageSet{Project: "ubuntu-touch", Series: "vivid", Type: "daily-preinstalled"}
	p.Input.Arches = []string{"armhf"}
	printPlan(l, p.Run)
	// Output:
	// do         build ubuntu-touch/vivid daily-preinstalled anew: env DIST=vivid ARCHES=armhf for-project ubuntu-touch cron.daily-preinstalled --live
}

// Make a snapshot of the overlay.
func ExampleSnapshot() {
	l, done := exampleLab()
	defer done()
	c := &procedure.Snapshot{
		Launchpad: must(l.Launchpad()),
		Input:     procedure.SnapshotInput{From: lab.OverlayPPA, To: lab.SnapshotPPA, Series: "vivid", Create: true},
	}
	x := &runbook.Runner{Name: "snapshot", Input: c.Input, Journal: &runbooktest.Memory{}, Human: runbooktest.ApproveEverything{},
		Observe: func(rec runbook.Record) {
			if rec.Kind == runbook.Done && rec.Verb == runbook.VerbDo || rec.Kind == runbook.Approved {
				fmt.Println(rec)
			}
		}}
	fmt.Println("error:", x.Execute(context.Background(), c.Run))
	// Output:
	// done       have the PPA ppa:landing-team/snapshot
	// approved   Copy these 3 packages from ppa:landing-team/overlay to ppa:landing-team/snapshot? (lab: everything is approved in a lab)
	// done       copy 3 packages from ppa:landing-team/overlay to ppa:landing-team/snapshot, until each binary is published
	// error: <nil>
}

// See how an image would be built again, with one package more than the
// snapshot has.
func ExampleRespin() {
	l, done := exampleLab()
	defer done()
	server := l.Server()
	c := &procedure.Respin{
		Launchpad: must(l.Launchpad()), Builder: must(l.Builds()), Server: server, Importer: l.Importer(),
		Config: &channelconfig.HostFile{Runner: server.Runner, Path: filepath.Join(server.Root, "etc/config")},
		Input: procedure.RespinInput{
			Origin: lab.OverlayPPA, PPA: lab.SnapshotPPA, Series: "vivid", Create: true, Pin: 1001,
			Extra:   []procedure.ExtraPackages{{From: lab.SecurityPPA, Names: []string{"unity8"}}},
			Project: "ubuntu-touch-custom", Type: "daily-preinstalled",
			Channel: "ubuntu-touch/rc-proposed/ubuntu", File: "ubuntu", Keep: true,
			Folder: "/srv/cdimage.ubuntu.com/www/full/ubuntu-touch-custom/vivid/daily-preinstalled",
		},
	}
	printPlan(l, c.Run)
	// Output:
	// do         have the PPA ppa:landing-team/snapshot
	// note       the rest depends on what the new PPA turns out to hold: all that ppa:landing-team/overlay has published is copied
	// note       the extra packages are copied once the PPA is there
	// do         build ubuntu-touch-custom/vivid daily-preinstalled anew: env DIST=vivid EXTRA_PPAS=landing-team/snapshot:1001 for-project ubuntu-touch-custom cron.daily-preinstalled --live
	// ask        Write this change to /srv/si/etc/config?
	// hold       the importer (its line in the crontab)
	// hold       /srv/si/etc/config: ubuntu-touch/rc-proposed/ubuntu takes the build, unless the import fails
	// do         write /srv/si/etc/config: channel ubuntu-touch/rc-proposed/ubuntu: file_ubuntu is cdimage-ubuntu;/srv/cdimage.ubuntu.com/www/full/ubuntu-touch-custom/vivid/daily-preinstalled;vivid;import=any, was cdimage-ubuntu;/srv/si/cdimage/full/ubuntu-touch/daily-preinstalled;vivid;import=any
	// check      point the channel at the build/read back
	// do         run import-images by hand, for ubuntu-touch-custom/vivid/daily-preinstalled
	// note       ubuntu-touch/rc-proposed/ubuntu stays pointed at cdimage-ubuntu;/srv/cdimage.ubuntu.com/www/full/ubuntu-touch-custom/vivid/daily-preinstalled;vivid;import=any, as was asked for
	// give back  /srv/si/etc/config: ubuntu-touch/rc-proposed/ubuntu takes the build, unless the import fails
	// give back  the importer (its line in the crontab)
}
