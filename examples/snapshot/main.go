// Snapshot prepares the snapshot of a PPA: it makes or re-uses a PPA, shows how it
// differs from the origin, copies sources with their binaries, follows every
// package until each binary is published, and records what was copied.
//
//	go run ./examples/snapshot -yes                          # on the lab
//	go run ./examples/snapshot -site site.conf -journal OTA-13.snapshot -manifest OTA-13.manifest \
//		ppa:team/overlay ppa:team/OTA-13 vivid
//
// A manifest of an earlier snapshot is replayed with -replay FILE; two of them are
// compared with
//
//	go run ./examples/snapshot -compare OTA-12.manifest OTA-13.manifest
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/landingteam/landing/examples/internal/cli"
	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/procedure"
)

func main() { cli.Main(program()) }

func program() cli.Program {
	var names, exclude, not, manifest, replay, ledger string
	var compare bool
	create := true
	return cli.Program{
		Name:  "snapshot",
		About: "Copies what a PPA has published into a snapshot PPA, and proves it",
		Args:  "[ORIGIN TARGET SERIES]",
		Keys:  []string{"origin", "target", "series", "not"},
		Flags: func(fs *flag.FlagSet) {
			fs.StringVar(&names, "names", "", "copy only these sources: `NAMES` or patterns, with commas")
			fs.StringVar(&exclude, "exclude", "", "leave these sources out: `NAMES` or patterns, with commas")
			fs.StringVar(&manifest, "manifest", "", "write what was copied to `FILE`")
			fs.StringVar(&replay, "replay", "", "copy the versions that the manifest `FILE` records")
			fs.StringVar(&ledger, "ledger", "", "note requests in `FILE` before they are sent (default: the journal's name with .ledger)")
			fs.StringVar(&not, "not", "", "`NAMES`, with commas, of people who may not approve the difference")
			fs.BoolVar(&compare, "compare", false, "show what changed from one manifest to another: the arguments are two files")
			fs.BoolVar(&create, "create", true, "make the target PPA when there is none")
		},
		Alone: func(_ context.Context, args []string, asJSON bool, _ io.Reader, out io.Writer) (bool, error) {
			if !compare {
				return false, nil
			}
			if len(args) != 2 {
				return true, cli.Usage(errors.New("-compare wants two manifests"))
			}
			return true, compareManifests(args[0], args[1], asJSON, out)
		},
		Procedure: func(w *cli.World, args []string) (any, runbook.Procedure, error) {
			in := procedure.SnapshotInput{
				From: w.Option("origin", ""), To: w.Option("target", ""), Series: w.Option("series", ""),
				Names: cli.Names(names), Exclude: cli.Names(exclude), Create: create, Not: cli.Names(not),
			}
			switch {
			case len(args) == 3:
				in.From, in.To, in.Series = args[0], args[1], args[2]
			case len(args) != 0:
				return nil, nil, errors.New("three arguments are wanted: origin, target and series")
			case w.OnLab():
				in.From, in.To, in.Series = lab.OverlayPPA, lab.SnapshotPPA, "vivid"
			case in.From == "" || in.To == "" || in.Series == "":
				return nil, nil, errors.New("origin, target and series are needed, as arguments or in section [snapshot] of the site file")
			}
			if len(in.Not) == 0 {
				in.Not = cli.Names(w.Option("not", ""))
			}
			if replay != "" {
				var err error
				if in.Replay, err = readManifest(replay); err != nil {
					return nil, nil, err
				}
			}
			lp, err := w.Launchpad()
			if err != nil {
				return nil, nil, err
			}
			if ledger == "" && w.Journal != "" {
				ledger = w.Journal + ".ledger"
			}
			if manifest != "" {
				if manifest, err = filepath.Abs(manifest); err != nil {
					return nil, nil, err
				}
			}
			c := &procedure.Snapshot{Launchpad: lp, Ledger: ledger, Manifest: manifest, Input: in}
			return in, c.Run, nil
		},
	}
}

func readManifest(path string) (*launchpad.Manifest, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	m := new(launchpad.Manifest)
	if err = json.Unmarshal(b, m); err == nil {
		err = m.Check()
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return m, err
}

// compareManifests prints what changed, a line for each package.
func compareManifests(before, after string, asJSON bool, out io.Writer) error {
	m, err := readManifest(before)
	if err != nil {
		return cli.Usage(err)
	}
	n, err := readManifest(after)
	if err != nil {
		return cli.Usage(err)
	}
	changes := m.Compare(n)
	for _, c := range changes {
		if asJSON {
			if err := json.NewEncoder(out).Encode(c); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintln(out, cli.Printable(c.String()))
	}
	if len(changes) == 0 && !asJSON {
		fmt.Fprintf(out, "no change: both hold the same %d packages\n", len(m.Packages))
	}
	return nil
}
