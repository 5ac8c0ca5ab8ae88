// Respin builds an image again from the snapshot of a PPA: snapshot, extra
// packages on top, root file system, channel configuration, importer, and the new
// image of every device looked up.
//
//	go run ./examples/respin -yes                            # on the lab
//	go run ./examples/respin -site site.conf -plan
//	go run ./examples/respin -site site.conf -journal OTA-13.respin \
//		-extra ppa:team/security=unity8,mir ubuntu-touch/rc-proposed/bq-aquaris.en
//
// The channel is pointed at the build for one import and then back; -keep leaves
// it there. Before devices get an older root file system than they have, which the
// import after that may bring as well, the program asks.
package main

import (
	"errors"
	"flag"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/landingteam/landing/cdimage/builder"
	"github.com/landingteam/landing/examples/internal/cli"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/systemimage/channelconfig"
)

func main() { cli.Main(program()) }

func program() cli.Program {
	var origin, ppa, project, series, imageType, arches, file, images, not string
	var extra cli.List
	var keep, create, asIs bool
	pin := 1001
	return cli.Program{
		Name:  "respin",
		About: "Builds an image again from the snapshot of a PPA and imports it",
		Args:  "[CHANNEL]",
		Keys:  []string{"origin", "ppa", "project", "series", "type", "arches", "channel", "file", "images", "not"},
		Needs: []string{"image-server", "cdimage"},
		Flags: func(fs *flag.FlagSet) {
			fs.StringVar(&origin, "origin", "", "make the snapshot of the PPA `ORIGIN`, or compare it with that")
			fs.StringVar(&ppa, "ppa", "", "the snapshot: `ppa:OWNER/NAME`")
			fs.BoolVar(&asIs, "as-is", false, "take the snapshot as it is; ask if the origin is ahead of it")
			fs.Var(&extra, "extra", "`PPA=NAMES` of packages that go on top of it; may be repeated")
			fs.BoolVar(&create, "create", true, "make the snapshot PPA when there is none")
			fs.IntVar(&pin, "pin", 1001, "apt's `PRIORITY` of the snapshot")
			fs.StringVar(&project, "project", "", "`NAME` of the build's project (default ubuntu-touch-custom)")
			fs.StringVar(&series, "series", "", "`NAME` of the series, such as vivid")
			fs.StringVar(&imageType, "type", "", "`TYPE` of the image (default daily-preinstalled)")
			fs.StringVar(&arches, "arches", "", "`ARCHES`, with commas, that the devices of the channel need (default: all of the project)")
			fs.StringVar(&file, "file", "", "`ENTRY` of the channel's files that is the root file system (default ubuntu)")
			fs.StringVar(&images, "images", "", "`FOLDER` of the published builds on the image server's host")
			fs.BoolVar(&keep, "keep", false, "leave the channel pointed at the build")
			fs.StringVar(&not, "not", "", "`NAMES`, with commas, of people who may not answer the questions")
		},
		Procedure: func(w *cli.World, args []string) (any, runbook.Procedure, error) {
			or := func(flag, key, def string) string {
				if flag != "" {
					return flag
				}
				return w.Option(key, def)
			}
			in := procedure.RespinInput{
				Origin: or(origin, "origin", ""), AsIs: asIs, PPA: or(ppa, "ppa", ""), Series: or(series, "series", ""), Create: create, Pin: pin,
				Project: or(project, "project", "ubuntu-touch-custom"), Type: or(imageType, "type", "daily-preinstalled"),
				Channel: w.Option("channel", ""), File: or(file, "file", "ubuntu"), Folder: or(images, "images", ""), Keep: keep,
			}
			in.Not, in.Arches = cli.Names(or(not, "not", "")), cli.Names(or(arches, "arches", ""))
			for _, e := range extra {
				from, names, ok := strings.Cut(e, "=")
				if !ok || from == "" || names == "" {
					return nil, nil, fmt.Errorf("-extra %s: want PPA=NAME,NAME", e)
				}
				in.Extra = append(in.Extra, procedure.ExtraPackages{From: from, Names: strings.Split(names, ",")})
			}
			switch {
			case len(args) == 1:
				in.Channel = args[0]
			case len(args) > 1:
				return nil, nil, errors.New("one channel at a time")
			}
			if w.OnLab() && in.Channel == "" {
				onLab(&in, w.Builder)
			}
			if in.Folder == "" {
				in.Folder = path.Join(builder.HostRoot, "www/full", in.Project, in.Series, in.Type)
			}
			lp, err := w.Launchpad()
			if err != nil {
				return nil, nil, err
			}
			ledger := ""
			if w.Journal != "" {
				ledger = w.Journal + ".ledger"
			}
			c := &procedure.Respin{
				Launchpad: lp, Ledger: ledger, Builder: w.Builder, Server: w.Server, Importer: w.Importer,
				Config: &channelconfig.HostFile{Runner: w.Server.Runner, Path: path.Join(w.Root, "etc", "config"), ReadOnly: w.Server.ReadOnly},
				Input:  in,
			}
			return in, c.Run, nil
		},
	}
}

// onLab is what is re-spun on the lab.
func onLab(in *procedure.RespinInput, b *builder.Builder) {
	in.Origin, in.PPA, in.Series = lab.OverlayPPA, lab.SnapshotPPA, "vivid"
	in.Channel = "ubuntu-touch/rc-proposed/ubuntu"
	in.Folder = filepath.Join(b.Root, "www/full/ubuntu-touch-custom/vivid/daily-preinstalled")
	if len(in.Extra) == 0 {
		in.Extra = []procedure.ExtraPackages{{From: lab.SecurityPPA, Names: []string{"unity8"}}}
	}
}
