// Republish runs a build of an image again of which only publishing failed,
// without new live file systems, on the day of the build (UTC, by the image
// host's clock). Where that would not give the image that was meant it says why,
// says what to run instead, and asks whether to do it: a full rebuild.
//
//	go run ./examples/republish                              # on the lab
//	go run ./examples/republish -site site.conf -plan
//	go run ./examples/republish -site site.conf -journal 20160906.republish -project ubuntu-touch -series vivid
//	go run ./examples/republish -site site.conf -journal F -full -ppa ci-train-ppa-service/stable-snapshot:1001
//
// The image builder runs as a job on its host: when the link is lost or the
// program is killed it goes on, and the program started again finds it. A build
// that fails is tried again when the program is started again with its journal.
package main

import (
	"flag"
	"fmt"
	"strconv"
	"strings"

	"github.com/landingteam/landing/cdimage/builder"
	"github.com/landingteam/landing/examples/internal/cli"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/procedure"
)

func main() { cli.Main(program()) }

func program() cli.Program {
	var (
		build   cli.Build
		options procedure.BuildOptions
		full    bool
	)
	return cli.Program{
		Name:  "republish",
		About: "Publishes a failed build again, or builds it anew",
		Needs: []string{"cdimage"},
		Flags: func(fs *flag.FlagSet) {
			build.Register(fs)
			fs.BoolVar(&full, "full", false, "build anew at once: new live file systems, a new ID")
			fs.Func("arches", "`NAMES`, with commas, of the architectures that are wanted (default: all)", func(s string) error {
				options.Arches = append(options.Arches, strings.Split(s, ",")...)
				return nil
			})
			fs.Func("ppa", "`OWNER/NAME[:PIN]` of an archive to build with; may be given several times. The log does not tell which were used", func(s string) error {
				p, err := parsePPA(s)
				options.ExtraPPAs = append(options.ExtraPPAs, p)
				return err
			})
			fs.BoolVar(&options.Proposed, "proposed", false, "build from the proposed pocket")
			fs.StringVar(&options.Subproject, "subproject", "", "`NAME` of the subproject")
			fs.StringVar(&options.Channel, "channel", "", "`NAME` of the channel that the live file systems are for")
		},
		Procedure: func(w *cli.World, args []string) (any, runbook.Procedure, error) {
			if len(args) > 0 {
				return nil, nil, fmt.Errorf("%q: no arguments are taken", args[0])
			}
			if w.Builder == nil {
				return nil, nil, fmt.Errorf("the image host is needed: ssh in section [cdimage] of the site file")
			}
			b, err := build.Resolve(w)
			if err != nil {
				return nil, nil, err
			}
			if full {
				if !b.ID.IsZero() {
					return nil, nil, fmt.Errorf("-full makes a new ID: leave -id out")
				}
				p := &procedure.RebuildImage{Builder: w.Builder, Input: procedure.RebuildInput{ImageSet: b.ImageSet, BuildOptions: options}}
				return p.Input, p.Run, nil
			}
			p := &procedure.RepublishBuild{Builder: w.Builder, Input: procedure.RepublishInput{Build: b, BuildOptions: options}}
			return p.Input, p.Run, nil
		},
	}
}

func parsePPA(s string) (p builder.PPA, err error) {
	name, pin, pinned := strings.Cut(s, ":")
	var ok bool
	if p.Owner, p.Name, ok = strings.Cut(name, "/"); !ok {
		return p, fmt.Errorf("want OWNER/NAME or OWNER/NAME:PIN")
	}
	if pinned {
		if p.Pin, err = strconv.Atoi(pin); err != nil {
			return p, fmt.Errorf("the pin is a number, such as 1001")
		}
	}
	return p, nil
}
