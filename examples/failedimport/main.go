// Failedimport says why an image did not appear on the image server: from a saved
// log of the importer, which needs no server.
//
//	go run ./examples/failedimport -log import.log
//	go run ./examples/failedimport -log - -channel ubuntu-touch/rc-proposed/meizu.en -device arale < import.log
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
	"github.com/landingteam/landing/runbook/procedure"
)

func main() { cli.Main(program()) }

func program() cli.Program {
	var channel, device, log string
	return cli.Program{
		Name:  "failedimport",
		About: "Says why an image did not appear on the image server",
		Flags: func(fs *flag.FlagSet) {
			fs.StringVar(&channel, "channel", "", "the channel `NAME` that misses an image (default: all)")
			fs.StringVar(&device, "device", "", "the device `NAME` that misses it (default: all)")
			fs.StringVar(&log, "log", "", "read what import-images printed from `FILE`, or from standard input with -; needs no server")
		},
		Alone: func(_ context.Context, args []string, asJSON bool, stdin io.Reader, out io.Writer) (bool, error) {
			switch {
			case len(args) > 0:
				return false, cli.Usage(fmt.Errorf("%q stands behind the flags: name a channel with -channel, a device with -device", args[0]))
			case log == "":
				return false, cli.Usage(errors.New("-log FILE is needed"))
			}
			return true, readLog(log, channel, device, asJSON, stdin, out)
		},
	}
}

// readLog reports on a saved log.
func readLog(log, channel, device string, asJSON bool, stdin io.Reader, out io.Writer) error {
	in := stdin
	if log != "-" {
		f, err := os.Open(log)
		if err != nil {
			return cli.Usage(err)
		}
		defer f.Close()
		in = f
	}
	report, err := procedure.ReadImportLog(in, channel, device)
	if err != nil {
		return err
	}
	return show(report, asJSON, out)
}

// show prints the report. Its error is the exit status.
func show(report procedure.ImportReport, asJSON bool, out io.Writer) error {
	var err error
	if asJSON {
		enc := json.NewEncoder(out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		err = enc.Encode(report)
	} else {
		err = report.WriteText(out)
	}
	if err == nil && report.Found() {
		err = errors.New(string(report.Verdict))
	}
	return err
}
