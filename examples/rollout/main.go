// Rollout phases published images in along a schedule, from where they are to
// everybody, with questions, a health signal and a stop file.
//
//	go run ./examples/rollout -yes                           # on the lab, in seconds
//	go run ./examples/rollout -site site.conf -schedule "1% 2h ask, 10% 6h, 100%" \
//		-journal OTA-13.rollout ubuntu-touch/stable/meizu.en:arale:7
//
// On a site it is pending between the steps (exit status 3): start it again, from
// cron for instance, or let it wait with -stay. A step that begins an hour late, or so
// late that it would be skipped, is held from then on, and what follows is later.
package main

import (
	"flag"

	"github.com/landingteam/landing/examples/internal/cli"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/procedure"
)

func main() { cli.Main(program()) }

func program() cli.Program {
	var p cli.Phasing
	return cli.Program{
		Name:  "rollout",
		About: "Phases published images in along a schedule",
		Args:  "[CHANNEL:DEVICE:VERSION ...]",
		Keys:  p.Keys(),
		Flags: func(fs *flag.FlagSet) { p.Register(fs) },
		Procedure: func(w *cli.World, args []string) (any, runbook.Procedure, error) {
			if len(args) == 0 && w.OnLab() {
				args = []string{"ubuntu-touch/stable/meizu.en:arale:1"}
			}
			targets, err := cli.Targets(args)
			if err != nil {
				return nil, nil, err
			}
			if err := p.Resolve(w); err != nil {
				return nil, nil, err
			}
			c := &procedure.Rollout{
				Server: w.Server, Pace: p.Pace,
				Input: procedure.RolloutInput{Images: targets, Schedule: p.Schedule, Not: p.Not},
			}
			return c.Input, c.Run, nil
		},
	}
}
