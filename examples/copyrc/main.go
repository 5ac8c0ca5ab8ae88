// Copyrc copies the newest rc-proposed images to rc: for each channel and device
// it finds the newest image, holds the importer, copies with a tag, verifies the
// copy in the published index, and puts the importer back.
//
//	go run ./examples/copyrc                                 # on the lab
//	go run ./examples/copyrc -site site.conf -tag OTA-13-rc -plan
//	go run ./examples/copyrc -site site.conf -tag OTA-13-rc -journal OTA-13-rc.journal
//	go run ./examples/copyrc -site site.conf -tag OTA-13-rc -journal F ubuntu-touch/rc-proposed/meizu.en:arale
package main

import (
	"cmp"
	"errors"
	"flag"
	"strings"

	"github.com/landingteam/landing/examples/internal/cli"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/procedure"
)

func main() { cli.Main(program()) }

func program() cli.Program {
	var tag, from, to string
	return cli.Program{
		Name:  "copyrc",
		About: "Copies the newest rc-proposed images to rc, for every channel and device",
		Args:  "[CHANNEL[:DEVICE] ...]",
		Keys:  []string{"tag", "from", "to", "pairs"},
		Flags: func(fs *flag.FlagSet) {
			fs.StringVar(&tag, "tag", "", "`TAG` of the copies, such as OTA-13-rc (on the lab: OTA-13-rc)")
			fs.StringVar(&from, "from", "", "`WORD` in the names of the source channels (default rc-proposed)")
			fs.StringVar(&to, "to", "", "`WORD` that stands there in the names of the destinations (default rc)")
		},
		Procedure: func(w *cli.World, args []string) (any, runbook.Procedure, error) {
			in := procedure.CopyRCInput{
				Tag:  cmp.Or(tag, w.Option("tag", "")),
				From: cmp.Or(from, w.Option("from", "rc-proposed")),
				To:   cmp.Or(to, w.Option("to", "rc")),
			}
			if w.OnLab() {
				in.Tag = cmp.Or(in.Tag, "OTA-13-rc")
			}
			if in.Tag == "" {
				return nil, nil, errors.New("a tag is needed: -tag OTA-13-rc, or tag in section [copyrc] of the site file")
			}
			if len(args) == 0 {
				args = strings.Fields(w.Option("pairs", ""))
			}
			var err error
			if in.Pairs, err = cli.Pairs(args, in.From, in.To); err != nil {
				return nil, nil, err
			}
			c := &procedure.CopyRC{Server: w.Server, Importer: w.Importer, Input: in}
			return in, c.Run, nil
		},
	}
}
