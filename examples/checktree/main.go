// Checktree looks over a whole published tree, before and after publishing:
// indexes, files, signatures, keyrings, aliases, redirects, percentages and the
// ways that devices take.
//
//	go run ./examples/checktree                              # the lab
//	go run ./examples/checktree -site site.conf -checksums
//
// Exit status 1 says that something is harmful.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/landingteam/landing/examples/internal/cli"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/keyring"
	"github.com/landingteam/landing/systemimage/treecheck"
)

func main() { cli.Main(program()) }

func program() cli.Program {
	var o treecheck.Options
	days := 30
	return cli.Program{
		Name:  "checktree",
		About: "Looks over a whole published tree",
		Needs: []string{"tree"},
		Flags: func(fs *flag.FlagSet) {
			fs.BoolVar(&o.Checksums, "checksums", false, "download every file and compare its SHA-256")
			fs.BoolVar(&o.NoFiles, "no-files", false, "look at indexes only, not at the files that they name")
			fs.IntVar(&days, "days", 30, "warn of keyrings that expire within so many `DAYS`")
		},
		Look: func(ctx context.Context, w *cli.World, args []string, asJSON bool, out io.Writer) error {
			if len(args) > 0 {
				return cli.Usage(fmt.Errorf("%q: no arguments are taken", args[0]))
			}
			o.Expiry, o.Within = expiry, time.Duration(days)*24*time.Hour
			findings, err := treecheck.Check(ctx, w.Images, o)
			if err != nil {
				return err
			}
			harmful := 0
			for _, f := range findings {
				if f.Severity == systemimage.Harmful {
					harmful++
				}
				if !asJSON {
					fmt.Fprintln(out, cli.Printable(f.String()))
				}
			}
			if asJSON {
				enc := json.NewEncoder(out)
				enc.SetIndent("", "  ")
				if findings == nil {
					findings = []systemimage.Finding{}
				}
				if err := enc.Encode(findings); err != nil {
					return err
				}
			} else if len(findings) == 0 {
				fmt.Fprintln(out, "nothing to say: the tree is as it should be")
			}
			if harmful > 0 {
				return fmt.Errorf("%d of %d findings are harmful", harmful, len(findings))
			}
			return nil
		},
	}
}

func expiry(tarXZ []byte) (time.Time, error) {
	k, err := keyring.Parse(tarXZ)
	if err != nil {
		return time.Time{}, err
	}
	return k.Expiry, nil
}
