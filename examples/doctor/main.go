// Doctor looks over a site before it is needed, and changes nothing: the site file, who
// we are on its hosts and what we may do there, programs, tools, clocks, disks, the
// importer's crontab, whether host and URL are one server, keyrings and their expiry,
// Launchpad, and what killed runs left behind.
//
//	go run ./examples/doctor                       # the lab
//	go run ./examples/doctor -site site.conf
//	go run ./examples/doctor -site site.conf -json
//
// Each line is ok, warning, failed or skipped, with the sentence that mends it. It exits
// with 1 when something failed.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/landingteam/landing/examples/internal/cli"
	"github.com/landingteam/landing/examples/internal/doctor"
)

func main() { cli.Main(program()) }

func program() cli.Program {
	return cli.Program{
		Name:  "doctor",
		About: "Looks over a site before it is needed, and changes nothing",
		Needs: []string{"whatever"},
		Unopened: func(err error, asJSON bool, out io.Writer) error {
			l := list{out: out, json: asJSON}
			l.add(doctor.Result{Check: "site file", State: doctor.Failed, Text: err.Error(), Mend: "put the site file right; examples/site.conf shows every key"})
			return l.end()
		},
		Look: func(ctx context.Context, w *cli.World, args []string, asJSON bool, out io.Writer) error {
			if len(args) > 0 {
				return cli.Usage(errors.New("no arguments"))
			}
			s := w.Site()
			w.Around(&s)
			l := list{out: out, json: asJSON}
			if !asJSON {
				fmt.Fprintf(out, "%s\n\n", w.Title)
			}
			l.add(doctor.Result{Check: "site file", State: doctor.OK, Text: cmp.Or(w.SiteFile(), "none: this is the lab")})
			doctor.Examine(ctx, s, l.add)
			return l.end()
		},
	}
}

// A list prints results as they come, or all at the end as JSON.
type list struct {
	out  io.Writer
	json bool
	all  []doctor.Result
	err  error
}

func (l *list) add(r doctor.Result) {
	l.all = append(l.all, r)
	if l.json {
		return
	}
	_, err := io.WriteString(l.out, cli.Printable(text(r)))
	l.err = errors.Join(l.err, err)
}

// text is a result in at most 80 columns: what is wrong stands out by its first word.
func text(r doctor.Result) string {
	name := r.Check
	if r.Where != "" {
		name = r.Where + " " + name
	}
	s := cli.Wrap(fmt.Sprintf("%-8s %s: ", r.State, name)+r.Text, "         ", 80)
	if r.Mend != "" {
		s += cli.Wrap("         -> "+r.Mend, "            ", 80)
	}
	return s
}

func (l *list) end() error {
	counts := map[doctor.State]int{}
	for _, r := range l.all {
		counts[r.State]++
	}
	if l.json {
		enc := json.NewEncoder(l.out)
		enc.SetIndent("", "  ")
		l.err = enc.Encode(l.all)
	} else {
		fmt.Fprintf(l.out, "\n%d ok, %d warnings, %d failed, %d skipped\n", counts[doctor.OK], counts[doctor.Warning], counts[doctor.Failed], counts[doctor.Skipped])
	}
	if l.err == nil && counts[doctor.Failed] > 0 {
		return &cli.StatusError{Status: cli.ExitFailed}
	}
	return l.err
}
