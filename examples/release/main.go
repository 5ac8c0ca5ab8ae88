// Release brings the images that were tested on rc to stable: copied at 0 %, with
// a tag, then phased in along a schedule.
//
//	go run ./examples/release -yes                           # on the lab, in seconds
//	go run ./examples/release -site site.conf -tag OTA-13 -schedule "1% 2h ask, 10% 6h, 100%" -plan
//	go run ./examples/release -site site.conf -tag OTA-13 -schedule "1% 2h ask, 10% 6h, 100%" -journal OTA-13.journal
package main

import (
	"cmp"
	"errors"
	"flag"

	"github.com/landingteam/landing/examples/internal/cli"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/procedure"
)

func main() { cli.Main(program()) }

func program() cli.Program {
	var p cli.Phasing
	var tag string
	return cli.Program{
		Name:  "release",
		About: "Copies the images of rc to stable at 0 % and phases them in",
		Args:  "[CHANNEL[:DEVICE] ...]",
		Keys:  append(p.Keys(), "tag", "from", "to"),
		Lab:   lab.Candidates,
		Flags: func(fs *flag.FlagSet) {
			fs.StringVar(&tag, "tag", "", "`TAG` of the release, such as OTA-13 (on the lab: OTA-5)")
			p.Register(fs)
		},
		Procedure: func(w *cli.World, args []string) (any, runbook.Procedure, error) {
			in := procedure.ReleaseInput{
				Tag:  cmp.Or(tag, w.Option("tag", "")),
				From: w.Option("from", "rc"), To: w.Option("to", "stable"),
			}
			if w.OnLab() {
				in.Tag = cmp.Or(in.Tag, "OTA-5")
			}
			if in.Tag == "" {
				return nil, nil, errors.New("a tag is needed: -tag OTA-13, or tag in section [release] of the site file")
			}
			var err error
			if in.Pairs, err = cli.Pairs(args, in.From, in.To); err != nil {
				return nil, nil, err
			}
			if err := p.Resolve(w); err != nil {
				return nil, nil, err
			}
			in.Schedule, in.Not = p.Schedule, p.Not
			c := &procedure.Release{Server: w.Server, Importer: w.Importer,
				Pace: p.Pace, Input: in}
			return in, c.Run, nil
		},
	}
}
