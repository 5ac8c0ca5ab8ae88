// Hotfix releases a security fix as an emergency: assessed and decided by two
// people, built in a private PPA, made public as late as possible, tested on rc,
// phased in over five hours, with support on stand-by.
//
//	go run ./examples/hotfix -yes                            # on the lab, in seconds
//	go run ./examples/hotfix -sample >hotfix.json            # what is to be done, to be filled in
//	go run ./examples/hotfix -input hotfix.json -manifest OTA-13.manifest -site site.conf -plan
//	go run ./examples/hotfix -input hotfix.json -manifest OTA-13.manifest -site site.conf -journal OTA-13.1.hotfix
//
// The input is written as JSON: the fields of procedure.HotfixInput, times as text
// such as "48h". All that is wrong with it is said at once, by line and field. It and the
// journal say what the problem is: keep both as private as the fix.
package main

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"flag"
	"io"
	"path"
	"time"

	"github.com/landingteam/landing/cdimage/builder"
	"github.com/landingteam/landing/examples/internal/cli"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/systemimage/channelconfig"
)

//go:embed sample.json
var sample []byte

func main() { cli.Main(program()) }

func program() cli.Program {
	var p cli.Phasing
	var input, manifest string
	var grace time.Duration
	var showSample bool
	var flags *flag.FlagSet
	return cli.Program{
		Name:  "hotfix",
		About: "Releases a security fix, private until the last moment",
		Keys:  append(p.Keys(), "announce"),
		Needs: []string{"image-server", "cdimage"},
		Lab:   lab.Importable,
		Flags: func(fs *flag.FlagSet) {
			flags = fs
			fs.StringVar(&input, "input", "", "`FILE` with what is to be done, as JSON (on the lab: a fix for the lock screen)")
			fs.StringVar(&manifest, "manifest", "", "`FILE` with the manifest of the last stable image, that the snapshot is prepared from")
			fs.DurationVar(&grace, "grace", 0, "`TIME` from the announcement to the end of the countermeasures, such as 48h")
			fs.BoolVar(&showSample, "sample", false, "print a file for -input to begin with")
			p.Register(fs)
			p.RegisterAnnounce(fs)
		},
		Alone: func(_ context.Context, _ []string, _ bool, _ io.Reader, out io.Writer) (bool, error) {
			if !showSample {
				return false, nil
			}
			_, err := out.Write(sample)
			return true, err
		},
		Procedure: func(w *cli.World, args []string) (any, runbook.Procedure, error) {
			if len(args) > 0 {
				return nil, nil, errors.New("no arguments are wanted: what is to be done stands in the file of -input")
			}
			in, err := order(w, input, manifest, grace)
			if err != nil {
				return nil, nil, err
			}
			if !w.OnLab() && flags.Lookup("schedule").Value.String() == "" && w.Option("schedule", "") == "" {
				if err := flags.Set("schedule", "linear 5h every 5m"); err != nil {
					return nil, nil, err
				}
			}
			if err := p.Resolve(w); err != nil {
				return nil, nil, err
			}
			if len(in.Schedule.Steps()) == 0 {
				in.Schedule = p.Schedule
			}
			in.Not = append(in.Not, p.Not...)
			lp, err := w.Launchpad()
			if err != nil {
				return nil, nil, err
			}
			c := &procedure.Hotfix{
				Launchpad: lp, Builder: w.Builder, Server: w.Server, Importer: w.Importer,
				Config: &channelconfig.HostFile{Runner: w.Server.Runner, Path: path.Join(w.Root, "etc", "config"), ReadOnly: w.Server.ReadOnly},
				Pace:   p.Pace, Announce: p.Announce, Input: in,
			}
			if w.Journal != "" {
				c.Ledger = w.Journal + ".ledger"
			}
			if w.OnLab() { // where a night is over in a second
				c.Workday = func(after time.Time) time.Time { return after.Add(time.Second) }
			}
			return in, c.Run, nil
		},
	}
}

// order is what is to be done, from the file and the flags.
func order(w *cli.World, input, manifest string, grace time.Duration) (in procedure.HotfixInput, err error) {
	var at lines
	switch {
	case input != "":
		if in, at, err = readInput(input); err != nil {
			return in, err
		}
	case w.OnLab():
		in = onLab()
	default:
		return in, errors.New("what is to be done? -input FILE; -sample prints one to begin with")
	}
	if manifest != "" {
		if in.Replay, err = readManifest(manifest); err != nil {
			return in, err
		}
	}
	for i, b := range in.Builds {
		if b.Folder == "" { // the image builder's own folder
			in.Builds[i].Folder = path.Join(cmp.Or(w.Builder.Root, builder.HostRoot), "www/full", b.Project, b.Series, b.Type)
		}
	}
	if grace > 0 {
		in.Grace = grace
	}
	if input != "" {
		err = at.faults(in)
	}
	return in, err
}

// onLab is the hotfix that is practised on the lab.
func onLab() procedure.HotfixInput {
	build := func(project string, channels ...string) procedure.HotfixBuild {
		return procedure.HotfixBuild{Project: project, Type: "daily-preinstalled", Series: "vivid", File: "ubuntu",
			Channels: channels}
	}
	return procedure.HotfixInput{
		Problem: "the lock screen opens when it is asked for the time", Countermeasures: []string{"the store is read-only"},
		Support: "the night shift", Grace: time.Second,
		Security: lab.EmbargoedPPA, Packages: []string{"unity8"}, Series: "vivid",
		Snapshot: lab.SnapshotPPA, Origin: lab.OverlayPPA, Create: true, Overlay: lab.OverlayPPA,
		Builds: []procedure.HotfixBuild{build("ubuntu-touch", "ubuntu-touch/rc/bq-aquaris.en"), build("ubuntu-pd", "ubuntu-touch/rc/meizu.en")},
		From:   "rc", To: "stable", Tag: "OTA-4.1",
	}
}
