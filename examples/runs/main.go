// Runs lists the runs of a folder: their state, who started them last and when they
// began, what is owed, and what they wait for. The one that moved last stands first.
//
//	go run ./examples/runs ~/runs
//
// The folder is that of the flag -runs of the other programs. It exits with 4 when
// something is owed by a run that nobody is at.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/landingteam/landing/examples/internal/cli"
)

func main() { cli.Main(program()) }

func program() cli.Program {
	return cli.Program{
		Name:  "runs",
		About: "Lists the runs whose journals stand in a folder",
		Args:  "DIR",
		Alone: func(ctx context.Context, args []string, asJSON bool, _ io.Reader, out io.Writer) (bool, error) {
			if len(args) != 1 {
				return true, cli.Usage(errors.New("which folder? The one of -runs"))
			}
			runs, err := cli.FindRuns(ctx, args[0])
			if err != nil {
				return true, err
			}
			return true, list(runs, asJSON, out)
		},
	}
}

// list prints the runs, a few lines about each.
func list(runs []cli.FoundRun, asJSON bool, out io.Writer) error {
	var owed error
	for _, r := range runs {
		if len(r.Owed()) > 0 && r.Running == "" {
			owed = &cli.StatusError{Status: cli.ExitOwed}
		}
		if asJSON {
			if err := json.NewEncoder(out).Encode(r); err != nil {
				return err
			}
			continue
		}
		if _, err := fmt.Fprint(out, cli.Printable(describe(r))); err != nil {
			return err
		}
	}
	if len(runs) == 0 && !asJSON {
		fmt.Fprintln(out, "no runs here")
	}
	return owed
}

// describe is what is known of a run.
func describe(r cli.FoundRun) string {
	var b strings.Builder
	row := func(label, text string) {
		b.WriteString(cli.Wrap(fmt.Sprintf("  %-6s %s", label, text), "         ", 79))
	}
	fmt.Fprintln(&b, filepath.Base(r.Path))
	if r.Bad != "" {
		row("BAD", r.Bad)
	}
	row("state", r.State())
	if r.Starts > 0 {
		row("who", fmt.Sprintf("%s, begun %s, last moved %s", cmp.Or(r.Operator, "somebody"), clock(r.Began), clock(r.Last)))
	}
	row("owed", r.Held())
	for _, q := range r.Waiting() {
		row("asked", fmt.Sprintf("%s: %s since %s", q.Step, q.Intent, clock(q.Asked)))
	}
	row("next", r.Next())
	return b.String()
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
