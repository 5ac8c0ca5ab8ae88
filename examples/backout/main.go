// Backout takes a faulty update back: it stops the phasing of every target at
// once, asks for an assessment, publishes the last good images again under a
// higher number or leads through recovery, and announces it.
//
//	go run ./examples/backout -yes                           # on the lab
//	go run ./examples/backout -site site.conf -journal bad.backout \
//		-announce 'mail -s "$SUBJECT" users@lists.example.net' \
//		ubuntu-touch/stable/meizu.en:arale:8 ubuntu-touch/stable/bq-aquaris.en:krillin:31
package main

import (
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/landingteam/landing/examples/internal/cli"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

func main() { cli.Main(program()) }

func program() cli.Program {
	var p cli.Phasing
	var tag string
	var good cli.List
	var patience time.Duration
	percentage := 100
	return cli.Program{
		Name:  "backout",
		About: "Stops a faulty update and publishes the last good image again",
		Args:  "CHANNEL:DEVICE:VERSION ...",
		Keys:  []string{"stop_file", "not", "announce", "patience"},
		// Every minute counts.
		Urgent: true,
		Lab:    func() systemimagetest.World { return lab.Released(50) },
		Flags: func(fs *flag.FlagSet) {
			fs.StringVar(&tag, "tag", "", "`TAG` of what is published again; default: the good image's own")
			fs.IntVar(&percentage, "percentage", 100, "`P` of the devices that are offered it")
			fs.Var(&good, "good", "`CHANNEL:DEVICE:VERSION` of the last good image, when it is not the one before; may be repeated")
			fs.DurationVar(&patience, "patience", 0, "`TIME` that the first round of stops waits for the published tree (default 5s)")
			p.RegisterStop(fs)
			p.RegisterAnnounce(fs)
		},
		Procedure: func(w *cli.World, args []string) (any, runbook.Procedure, error) {
			if len(args) == 0 && w.OnLab() {
				args = []string{"ubuntu-touch/stable/bq-aquaris.en:krillin:2", "ubuntu-touch/stable/bq-aquaris.en:vegetahd:2", "ubuntu-touch/stable/meizu.en:arale:2"}
			}
			if percentage < 0 || percentage > 100 {
				return nil, nil, errors.New("-percentage is 0 to 100")
			}
			in := procedure.BackOutInput{Tag: tag, Percentage: percentage}
			var err error
			if in.Faulty, err = cli.Targets(args); err != nil {
				return nil, nil, err
			}
			if len(good) > 0 {
				if in.Good, err = cli.Targets(good); err != nil {
					return nil, nil, err
				}
			}
			p.ResolveStop(w)
			if patience == 0 {
				if patience, err = time.ParseDuration(w.Option("patience", "5s")); err != nil || patience <= 0 {
					return nil, nil, fmt.Errorf("patience = %s: want a time such as 5s", w.Option("patience", ""))
				}
			}
			in.Not = p.Not
			c := &procedure.BackOut{Server: w.Server, Importer: w.Importer, Stop: p.Stop, Announce: p.Announce, Patience: patience, Input: in}
			return in, c.Run, nil
		},
	}
}
