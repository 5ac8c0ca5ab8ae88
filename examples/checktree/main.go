// Checktree looks over a whole published tree, before and after publishing:
// indexes, files, signatures, keyrings, aliases, redirects, percentages and the
// ways that devices take.
//
//	go run ./examples/checktree                              # the lab
//	go run ./examples/checktree -site site.conf -checksums
//	go run ./examples/checktree -site site.conf -rotate      # after, or before, a change of keys
//
// Exit status 1 says that something is harmful.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/landingteam/landing/examples/internal/cli"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/treecheck"
)

func main() { cli.Main(program()) }

func program() cli.Program {
	var o treecheck.Options
	days, rotate := 30, false
	return cli.Program{
		Name:  "checktree",
		About: "Looks over a whole published tree",
		Needs: []string{"tree"},
		Flags: func(fs *flag.FlagSet) {
			fs.BoolVar(&o.Checksums, "checksums", false, "download every file and compare its SHA-256")
			fs.BoolVar(&o.Unpack, "unpack", false, "also unpack every file: one that was cut before it was signed has a good checksum")
			fs.BoolVar(&rotate, "rotate", false, "say what is signed by which key, what has to be signed again, and which devices are cut off until then")
			fs.Func("retire", "with -rotate, take the key `FINGERPRINT` for gone already; may be given more than once", func(key string) error {
				if key = strings.ToUpper(strings.ReplaceAll(key, " ", "")); len(key) < 16 || strings.Trim(key, "0123456789ABCDEF") != "" {
					return errors.New("want a fingerprint, or its last 16 digits or more")
				}
				o.Retired = append(o.Retired, key)
				return nil
			})
			fs.BoolVar(&o.NoFiles, "no-files", false, "look at indexes only, not at the files that they name")
			fs.IntVar(&days, "days", 30, "warn of keyrings that expire within so many `DAYS`")
		},
		Look: func(ctx context.Context, w *cli.World, args []string, asJSON bool, out io.Writer) error {
			if len(args) > 0 {
				return cli.Usage(fmt.Errorf("%q: no arguments are taken", args[0]))
			}
			o.Within = time.Duration(days) * 24 * time.Hour
			if len(o.Retired) > 0 && !rotate {
				return cli.Usage(errors.New("-retire belongs to -rotate"))
			}
			if rotate {
				return report(ctx, w, o, asJSON, out)
			}
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

// report says what a change of keys leaves to do.
func report(ctx context.Context, w *cli.World, o treecheck.Options, asJSON bool, out io.Writer) error {
	r, err := treecheck.Rotate(ctx, w.Images, o)
	if err != nil {
		return err
	}
	if asJSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		err = enc.Encode(r)
	} else {
		_, err = fmt.Fprint(out, cli.Printable(r.String()))
	}
	if err == nil && len(r.SignAgain) > 0 {
		err = fmt.Errorf("%d files have to be signed again; %d devices are cut off until then", len(r.SignAgain), len(r.CutOff))
	}
	return err
}
