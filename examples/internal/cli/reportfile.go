package cli

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/web"
)

// A reportFile is where -report writes what the journal says, to hand on: a page or
// Markdown, by its name.
type reportFile string

// reportForms are the forms of a report, by the end of its file's name.
var reportForms = map[string]func(io.Writer, runbook.Status) error{
	".html": web.ReportHTML,
	".md":   web.ReportMarkdown,
	".svg":  web.ReportSVG,
}

func (f *reportFile) register(fs *flag.FlagSet) {
	fs.StringVar((*string)(f), "report", "", "write the report into `FILE` too, as a page (.html), Markdown (.md) or a picture (.svg); with -plan a picture of the plan")
}

// check finds out before the run what would keep the report from being written.
func (f reportFile) check(plan bool) error {
	if f == "" {
		return nil
	}
	switch info, err := os.Stat(filepath.Dir(string(f))); {
	case reportForms[f.form()] == nil:
		return fmt.Errorf("-report %s: its name must end in .html, .md or .svg, which says the form", f)
	case plan && f.form() != ".svg":
		return errors.New("-report is about a run, and -plan makes none: of a plan there is a picture, in a FILE.svg")
	case err != nil:
		return fmt.Errorf("-report: %w", err)
	case !info.IsDir():
		return fmt.Errorf("-report: %s is no folder", filepath.Dir(string(f)))
	}
	return nil
}

func (f reportFile) form() string { return strings.ToLower(filepath.Ext(string(f))) }

// write writes the report of a journal whole or not at all. Like the journal it is its
// owner's alone: it may tell of a fix that is not public yet.
func (f reportFile) write(s runbook.Status) error {
	return f.put(func(w io.Writer) error { return reportForms[f.form()](w, s) })
}

// writePlan writes a picture of a plan. What the plan fails with is said beside it.
func (f reportFile) writePlan(ctx context.Context, x *runbook.Runner, procedure runbook.Procedure) error {
	if f == "" {
		return nil
	}
	plan, _ := x.Plan(ctx, procedure)
	return f.put(func(w io.Writer) error { return web.PlanSVG(w, x.Name, plan) })
}

// put is write for what form writes.
func (f reportFile) put(form func(io.Writer) error) error {
	if f == "" {
		return nil
	}
	var b bytes.Buffer
	if err := form(&b); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(string(f)), ".report-*") // with mode 0600
	if err != nil {
		return err
	}
	_, err = b.WriteTo(file)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), string(f))
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// writeOf is write at the end of a run that has begun, which it does not change: that it
// failed is said, and -status -report writes it again.
func (f reportFile) writeOf(began bool, journal string, stderr io.Writer) {
	if f == "" || !began {
		return
	}
	s, err := runbook.ReadStatus(journal)
	if err == nil {
		err = f.write(s)
	}
	if err != nil {
		fmt.Fprintf(stderr, "the report is not written: %v; -status -report FILE writes it\n", err)
	}
}
