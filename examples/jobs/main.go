// Jobs shows what is left on the hosts of commands that outlive the link: those
// that run, and those whose result nobody has fetched. What is left of a run that
// is given up can be cleared away; a month after its end it goes by itself.
//
//	go run ./examples/jobs                              # the lab
//	go run ./examples/jobs -site site.conf
//	go run ./examples/jobs -site site.conf -clear NAME
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/landingteam/landing/examples/internal/cli"
	"github.com/landingteam/landing/runbook/command"
)

func main() { cli.Main(program()) }

// job is what -json prints for one.
type job struct {
	Host    string           `json:"host"` // the section of the site file
	Name    string           `json:"name"`
	State   command.JobState `json:"state"`
	Exit    *int             `json:"exit,omitempty"` // of a finished one
	Reason  string           `json:"reason,omitempty"`
	Started time.Time        `json:"started,omitzero"`
	Command string           `json:"command"`
}

func program() cli.Program {
	remove := ""
	return cli.Program{
		Name:  "jobs",
		About: "Shows what is left on the hosts of long commands",
		Needs: []string{}, // whatever hosts there are
		Flags: func(fs *flag.FlagSet) {
			fs.StringVar(&remove, "clear", "", "remove the job `NAME`, which has ended, and its result")
		},
		Look: func(ctx context.Context, w *cli.World, args []string, asJSON bool, out io.Writer) error {
			if len(args) > 0 {
				return cli.Usage(errors.New("no arguments"))
			}
			if remove != "" {
				return reap(ctx, w.JobHosts(), remove, out)
			}
			jobs, err := list(ctx, w.JobHosts())
			if asJSON {
				enc := json.NewEncoder(out)
				enc.SetIndent("", "  ")
				return errors.Join(err, enc.Encode(jobs))
			}
			for _, j := range jobs {
				fmt.Fprintf(out, "%-12s  %s: %s, since %s\n              %s\n", j.Host, j.Name, j.how(), j.Started.Format("2006-01-02 15:04:05 MST"), j.Command)
			}
			if len(jobs) == 0 && err == nil {
				fmt.Fprintln(out, "no jobs")
			}
			return err
		},
	}
}

func (j job) how() string {
	switch {
	case j.Exit != nil:
		return fmt.Sprintf("%s with exit status %d, and not fetched", j.State, *j.Exit)
	case j.Reason != "":
		return fmt.Sprintf("%s, %s", j.State, j.Reason)
	}
	return string(j.State)
}

// list asks each host; one that does not answer hides no other.
func list(ctx context.Context, hosts []cli.JobHost) ([]job, error) {
	jobs := []job{}
	var errs []error
	for _, h := range hosts {
		all, err := h.Jobs.Jobs(ctx)
		errs = append(errs, err)
		for _, j := range all {
			entry := job{Host: h.Section, Name: j.Name, State: j.State, Reason: j.Reason, Started: j.Started, Command: j.Command}
			if j.State == command.JobFinished {
				entry.Exit = &j.Exit
			}
			jobs = append(jobs, entry)
		}
	}
	return jobs, errors.Join(errs...)
}

// reap removes a job wherever it is.
func reap(ctx context.Context, hosts []cli.JobHost, name string, out io.Writer) error {
	var errs []error
	for _, h := range hosts {
		err := h.Jobs.Reap(ctx, name)
		if err == nil {
			_, err = fmt.Fprintf(out, "%s: %s is removed\n", h.Section, name)
			return err
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
