package procedure_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// Say from a saved log why a device got no image.
func ExampleReadImportLog() {
	log := `2026-11-22 09:58:01,577 INFO Processing channel: ubuntu-touch/rc-proposed/bq-aquaris.en
2026-11-22 09:58:01,577 INFO Processing device: krillin
2026-11-22 09:58:02,000 INFO Calling 'http' generator for a new file
2026-11-22 09:58:02,117 ERROR HTTP Error 404: File not found
2026-11-22 09:58:02,122 ERROR Failed to retrieve url http://jenkins.example.net/krillin/device_krillin.tar.xz
2026-11-22 09:58:02,122 INFO No image will be produced because the 'http' generator returned None
2026-11-22 09:58:02,300 INFO Triggering a mirror sync
`
	report, err := procedure.ReadImportLog(strings.NewReader(log), "ubuntu-touch/rc-proposed/bq-aquaris.en", "krillin")
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := report.WriteText(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// The import of ubuntu-touch/rc-proposed/bq-aquaris.en for krillin: the generator http gave no file, so that no image was made, with exit status 0: HTTP Error 404: File not found; Failed to retrieve url http://jenkins.example.net/krillin/device_krillin.tar.xz
	//
	// Looked at:
	//   * the log of one run (2026-11-22 09:58:01,577 to 2026-11-22 09:58:02,300, the server's time, level INFO)
	//
	// What happened:
	//   * ubuntu-touch/rc-proposed/bq-aquaris.en for krillin: cancelled at the generator http
	//
	// Cause 1 of 1 (source), ubuntu-touch/rc-proposed/bq-aquaris.en for krillin:
	//   the generator http gave no file, so that no image was made, with exit status 0: HTTP Error 404: File not found; Failed to retrieve url http://jenkins.example.net/krillin/device_krillin.tar.xz
	//     > line 4: 2026-11-22 09:58:02,117 ERROR HTTP Error 404: File not found
	//     > line 5: 2026-11-22 09:58:02,122 ERROR Failed to retrieve url http://jenkins.example.net/krillin/device_krillin.tar.xz
	//     > line 6: 2026-11-22 09:58:02,122 INFO No image will be produced because the 'http' generator returned None
	//   Remedy: the file is not at this address: upload it, or correct the address in etc/config
	//     $ curl -sSIL --max-time 20 http://jenkins.example.net/krillin/device_krillin.tar.xz
}

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
		fmt.Println(f.Cause)
		fmt.Println(f.Remedy)
	}
	// Output:
	// cause found
	// the payload http://jenkins.example.net/krillin/device_krillin.tar.xz does not give what is needed (asked from here, which the server may not be): 404 Not Found
	// upload it, or correct the address in etc/config; the next import tries again
}
