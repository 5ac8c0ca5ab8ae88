package procedure_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// Find out on the server why a device got no image. Nothing is done without
// RunImporter, so that a plan is enough.
func ExampleInvestigateImport() {
	l, done := exampleLab()
	defer done()
	err := l.Images.AddBuild(systemimagetest.Build{URL: krillinURL, Monitor: krillinMonitor, Version: "20150619-6c0ffee", Fault: "404 File not found"})
	if err != nil {
		fmt.Println(err)
		return
	}
	i := &procedure.InvestigateImport{
		Server: l.Server(), Importer: l.Importer(), HTTP: &http.Client{Transport: l.Images.Sources()},
		Input: procedure.InvestigateImportInput{Channel: "ubuntu-touch/rc-proposed/bq-aquaris.en", Device: "krillin"},
	}
	x := &runbook.Runner{Name: "failedimport", Input: i.Input}
	if _, err := x.Plan(context.Background(), i.Run); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(i.Report.Verdict)
	for _, f := range i.Report.Findings {
		fmt.Println(f.Problem)
		fmt.Println(f.Remedy)
	}
	// Output:
	// cause found
	// the payload http://jenkins.example.net/krillin/device_krillin.tar.xz does not give what is needed (asked from here, which the server may not be): 404 Not Found
	// upload it, or correct the address in etc/config; the next import tries again
}
