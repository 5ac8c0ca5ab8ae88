package procedure_test

import (
	"context"
	"fmt"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/runbooktest"
)

// Say why the newest build of an image is not complete.
func ExampleInvestigateBuild_Investigate() {
	l, done := exampleLab()
	defer done()
	logs, err := l.BuildLogs()
	if err != nil {
		fmt.Println(err)
		return
	}
	i := &procedure.InvestigateBuild{Logs: logs}
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
	builder, err := l.Builds()
	if err != nil {
		fmt.Println(err)
		return
	}
	p := &procedure.RepublishBuild{Builder: builder}
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
