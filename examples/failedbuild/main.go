// Failedbuild says why a build of an image is missing or incomplete, what to do
// about it, and what the image server can import nevertheless. What it prints
// can be pasted into a bug. It only reads.
//
//	go run ./examples/failedbuild                            # on the lab
//	go run ./examples/failedbuild -site site.conf -project ubuntu-touch -series vivid -id 20150421.1
//	go run ./examples/failedbuild https://ubuntu-archive-team.ubuntu.com/cd-build-logs/ubuntu-touch/…/….log
//	go run ./examples/failedbuild -log daily-preinstalled-20160906.1.log -livefs buildlog.txt.gz
//	zcat buildlog.txt.gz | go run ./examples/failedbuild -livefs - -json
//
// An address of a log is read where it is; one of an image, or the flags, name a
// build whose log is looked for in the log tree of the site, or of the lab. With
// -log and -livefs nothing but the files is read.
//
// Exit status: 0 nothing is wrong, 1 a cause was found or the image is not
// complete, 2 wrong usage, or there is no log to judge by.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/examples/internal/cli"
	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/runbook/procedure"
)

func main() { cli.Main(program()) }

func program() cli.Program {
	var (
		build cli.Build
		files offline
	)
	return cli.Program{
		Name:  "failedbuild",
		About: "Says why a build of an image is missing or incomplete, and what to do about it",
		Args:  "[ADDRESS of a log or an image]",
		Needs: []string{"cdimage"},
		Flags: func(fs *flag.FlagSet) {
			build.Register(fs)
			fs.StringVar(&files.log, "log", "", "read the log of a build from `FILE`, - is the standard input")
			fs.Func("livefs", "read a livefs log from `[LABEL=]FILE`; with -log it is that of an architecture of the build", func(s string) error {
				files.livefs = append(files.livefs, s)
				return nil
			})
			fs.StringVar(&files.now, "now", "", "with -log: the `TIME` on the image host, such as 2016-09-06T23:10:00Z")
			fs.BoolVar(&files.ended, "ended", false, "with -log: the run is known to have ended")
		},
		Alone: func(ctx context.Context, args []string, asJSON bool, stdin io.Reader, out io.Writer) (bool, error) {
			if files.used() {
				if err := files.check(args); err != nil {
					return true, cli.Usage(err)
				}
				files.stdin = stdin
				return true, cli.Reading(ctx, func() error { return fromFiles(files, build, asJSON, out) })
			}
			if len(args) != 1 || !isLog(args[0]) {
				return false, nil
			}
			i, err := atAddress(args[0], build)
			if err != nil {
				return true, cli.Usage(err)
			}
			return true, investigate(ctx, i, asJSON, out)
		},
		Look: func(ctx context.Context, w *cli.World, args []string, asJSON bool, out io.Writer) error {
			i, err := investigation(w, build, args)
			if err != nil {
				return cli.Usage(err)
			}
			return investigate(ctx, i, asJSON, out)
		},
	}
}

// isLog reports whether an argument is the address of a log.
func isLog(arg string) bool {
	return strings.Contains(arg, "://") && strings.HasSuffix(strings.TrimSuffix(arg, ".gz"), ".log")
}

var errTwice = errors.New("an address names the build: leave -project, -series, -type and -id out")

// atAddress reads the log at an address, and Launchpad.
func atAddress(address string, flags cli.Build) (*procedure.InvestigateBuild, error) {
	if flags.Given() {
		return nil, errTwice
	}
	address = strings.TrimSuffix(address, ".gz")
	b, err := cdimage.ParseBuild(address)
	if err != nil {
		return nil, err
	}
	return &procedure.InvestigateBuild{
		Logs:   &cdimage.Client{BaseURL: strings.TrimSuffix(address, b.LogPath())},
		Livefs: &launchpad.Client{},
		Input:  procedure.InvestigateBuildInput{Build: b},
	}, nil
}

// investigation looks for the log in the log tree of the world.
func investigation(w *cli.World, flags cli.Build, args []string) (*procedure.InvestigateBuild, error) {
	i := &procedure.InvestigateBuild{Logs: w.BuildLogs, Livefs: w.LivefsLogs, Builder: w.Builder}
	var err error
	switch {
	case len(args) > 1:
		err = errors.New("one address at a time")
	case len(args) == 1 && flags.Given():
		err = errTwice
	case len(args) == 1:
		i.Input.Build, err = cdimage.ParseBuild(args[0])
	default:
		i.Input.Build, err = flags.Resolve(w)
	}
	return i, err
}

func investigate(ctx context.Context, i *procedure.InvestigateBuild, asJSON bool, out io.Writer) error {
	report, err := i.Investigate(ctx)
	if err != nil {
		return noVerdict(err)
	}
	return say(out, asJSON, report, report.Wrong())
}

func fromFiles(files offline, flags cli.Build, asJSON bool, out io.Writer) error {
	if files.log == "" {
		_, file := labelled(files.livefs[0])
		l, err := files.readLivefs(file)
		if err != nil {
			return noVerdict(err)
		}
		r := newLivefsReport(l)
		return say(out, asJSON, r, r.wrong())
	}
	b, err := flags.Named()
	if err != nil {
		return cli.Usage(err)
	}
	report, err := files.report(b)
	if err != nil {
		return noVerdict(err)
	}
	return say(out, asJSON, report, report.Wrong())
}

// noVerdict keeps what could not be read apart from what was found.
func noVerdict(err error) error { return &cli.StatusError{Status: cli.ExitUsage, Err: err} }

func say(out io.Writer, asJSON bool, report fmt.Stringer, wrong bool) error {
	var err error
	if asJSON {
		enc := json.NewEncoder(out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		err = enc.Encode(report)
	} else {
		_, err = io.WriteString(out, report.String())
	}
	if err == nil && wrong {
		err = &cli.StatusError{Status: cli.ExitFailed} // the report says it all
	}
	return err
}
