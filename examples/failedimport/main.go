// Failedimport says why an image did not appear on the image server: whether the
// importer is on, what is wrong with its configuration, what its log tells, what
// the sources answer, and the remedy. What it prints can be pasted into a bug.
//
//	go run ./examples/failedimport                     # on the lab
//	go run ./examples/failedimport -log import.log     # a saved log; needs no server
//	go run ./examples/failedimport -site site.conf -channel ubuntu-touch/rc-proposed/meizu.en -device arale
//	go run ./examples/failedimport -site site.conf -channel C -run -journal why.journal
//
// It only looks. With -journal it writes down what it saw; started again with the
// same file it says the same. With -run it asks to run the importer by hand with -vvv, with its
// line in the crontab commented out meanwhile: two runs at once would meet each
// other's lock.
//
// Exit status: 0 nothing is wrong, 1 a cause was found, or none and the image is
// not there, 2 wrong usage, 3 the question whether to run the importer is open, 4
// the importer could not be put back. With -status it is that of the run.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/landingteam/landing/examples/internal/cli"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/systemimage/importlog"
)

func main() { cli.Main(program()) }

func program() cli.Program {
	var (
		in    procedure.InvestigateImportInput
		saved string
		c     *procedure.InvestigateImport
		flags *flag.FlagSet
	)
	// With a journal the investigation is written down, also one that only looks.
	journal := func() string { return flags.Lookup("journal").Value.String() }
	investigation := func(w *cli.World) *procedure.InvestigateImport {
		log := ""
		if w.OnLab() {
			log = "state/import-images.log"
		}
		in.Log = w.Option("log", log)
		return &procedure.InvestigateImport{Server: w.Server, Importer: w.Importer, HTTP: w.Sources(), Input: in}
	}
	return cli.Program{
		Name:  "failedimport",
		About: "Says why an image did not appear on the image server, and what to do about it",
		Keys:  []string{"log"},
		Flags: func(fs *flag.FlagSet) {
			flags = fs
			fs.StringVar(&in.Channel, "channel", "", "the channel `NAME` that misses an image (default: all)")
			fs.StringVar(&in.Device, "device", "", "the device `NAME` that misses it (default: all)")
			fs.StringVar(&saved, "log", "", "read what import-images printed from `FILE`, - is the standard input; needs no server")
			fs.BoolVar(&in.RunImporter, "run", false, "ask to run the importer by hand, over all its channels, with its crontab line held")
		},
		Alone: func(ctx context.Context, args []string, asJSON bool, stdin io.Reader, out io.Writer) (bool, error) {
			switch {
			case len(args) > 0:
				return true, cli.Usage(fmt.Errorf("%q stands behind the flags: name a channel with -channel, a device with -device", args[0]))
			case saved == "":
				return false, nil
			case in.RunImporter:
				return true, cli.Usage(errors.New("-log and -run exclude each other: one reads a log, the other makes one"))
			case journal() != "":
				return true, cli.Usage(errors.New("-log and -journal exclude each other: a log that is read again says the same"))
			}
			return true, cli.Reading(ctx, func() error { return readLog(saved, in, asJSON, stdin, out) })
		},
		Looks: func([]string) bool { return !in.RunImporter && journal() == "" },
		Look: func(ctx context.Context, w *cli.World, _ []string, asJSON bool, out io.Writer) error {
			c := investigation(w)
			// Nothing is done, so that there is nothing to be written down.
			x := &runbook.Runner{Name: "failedimport", Input: in, Operator: w.Operator}
			if _, err := x.Plan(ctx, c.Run); err != nil {
				return err
			}
			return show(c.Report, asJSON, "  ", out)
		},
		Procedure: func(w *cli.World, _ []string) (any, runbook.Procedure, error) {
			c = investigation(w)
			return c.Input, c.Run, nil
		},
		Result: func(asJSON bool, out io.Writer) error { return show(c.Report, asJSON, "", out) },
		Status: func(s runbook.Status) error {
			report, _ := procedure.ImportReportOf(s)
			return wrong(report)
		},
	}
}

// readLog reports on a saved log.
func readLog(name string, in procedure.InvestigateImportInput, asJSON bool, stdin io.Reader, out io.Writer) error {
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return cli.Usage(err)
		}
		defer f.Close()
		stdin = f
	}
	report, err := importlog.Diagnose(stdin, importlog.Options{Channel: in.Channel, Device: in.Device})
	if err != nil {
		return err
	}
	return show(report, asJSON, "  ", out)
}

// show prints the report. Its error is the exit status.
func show(report importlog.Report, asJSON bool, indent string, out io.Writer) error {
	var err error
	if asJSON {
		enc := json.NewEncoder(out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", indent)
		err = enc.Encode(report)
	} else {
		err = report.WriteText(out)
	}
	return errors.Join(err, wrong(report))
}

// wrong is the error of a report that found something.
func wrong(report importlog.Report) error {
	if report.Verdict == "" || !report.Wrong() { // a run that did not come to a report
		return nil
	}
	return errors.New(string(report.Verdict))
}
