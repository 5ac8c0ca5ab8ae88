package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/mailbox"
	"github.com/landingteam/landing/runbook/notice"
)

// begin asks for the procedure, names its journal, and starts.
func (p Program) begin(ctx context.Context, o options, w *World, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if o.mailbox == "" && o.runs != "" {
		o.mailbox = filepath.Join(o.runs, mailbox.Folder)
	}
	input, procedure, err := p.Procedure(w, args)
	if err != nil {
		return p.usage(stderr, err)
	}
	if o.runs != "" {
		if o.journal, err = journalIn(ctx, o.runs, p.Name, input, w.where); err != nil {
			return p.end(stderr, err)
		}
		w.Journal = o.journal // known only now, and the procedure may keep files beside it
		if input, procedure, err = p.Procedure(w, args); err != nil {
			return p.usage(stderr, err)
		}
	}
	return p.start(ctx, o, w, input, procedure, stdin, stdout, stderr)
}

func (p Program) start(ctx context.Context, o options, w *World, input any, procedure runbook.Procedure, stdin io.Reader, stdout, stderr io.Writer) int {
	x := &runbook.Runner{Name: p.Name, Input: input, World: w.where, Operator: w.Operator, Logger: logger(o, stderr)}
	j, err := p.openJournal(o)
	if err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", p.Name, err)
		return ExitFailed
	}
	x.Journal = j
	defer j.close()
	screen := newScreen(stdout)
	defer screen.close()
	stdout = screen
	out := &printer{w: screen, json: o.json}
	if !o.json {
		fmt.Fprintf(stdout, "%s\n%s.\n", w.Title, p.About)
		if o.runs != "" {
			fmt.Fprintf(stdout, "Journal %s.\n", j.Path())
		}
		fmt.Fprintln(stdout)
	}
	if o.plan || !o.settle && !p.Urgent && !o.json {
		err := out.plan(ctx, x, w.planned(o, procedure))
		if o.plan {
			err = errors.Join(err, o.report.writePlan(ctx, x, procedure))
			return p.end(stderr, p.result(err, o.json, stdout))
		}
		// What fails in the plan is shown there and fails again. It keeps nobody
		// from the rest: other pairs, and what an earlier start holds.
	}
	tell := func(runbook.Record) {}
	if o.notify != "" && !o.plan {
		n := &notifier{line: o.notify, stderr: stderr}
		defer n.wg.Wait()
		tell = notice.Observer(n.send)
	}
	began := false // or refused: then what the journal says is about another start
	x.Observe = func(rec runbook.Record) {
		if !began && !o.settle {
			out.title("Steps")
		}
		began = true
		out.step(rec)
		tell(rec)
	}
	x.Human = human(o, w, stdin, stdout)
	if o.json { // standard output is for programs
		x.Human = human(o, w, stdin, newScreen(stderr).still())
	}
	err = p.execute(ctx, o, x, procedure, j.Path(), out)
	if began && !o.json {
		err = errors.Join(err, p.report(j.Path(), out, stderr))
	}
	o.report.writeOf(began, j.Path(), stderr)
	if !o.settle {
		err = p.result(err, o.json, stdout)
	}
	return p.end(stderr, err)
}

// execute runs the procedure, with -until-done to its end, or only settles.
func (p Program) execute(ctx context.Context, o options, x *runbook.Runner, procedure runbook.Procedure, journal string, out *printer) error {
	if o.settle {
		if _, err := runbook.ReadStatus(journal); err != nil { // a mistyped name owes nothing
			return err
		}
		return x.Settle(ctx, procedure)
	}
	if !o.untilDone {
		return x.Execute(ctx, procedure)
	}
	return untilDone(ctx, journal, func() error { return x.Execute(ctx, procedure) }, func(s runbook.Status) {
		if !o.json {
			out.waits(s)
		}
	})
}

// report prints what the journal says. Whether anybody reads it changes nothing
// about the run.
func (p Program) report(journal string, out *printer, stderr io.Writer) error {
	s, err := runbook.ReadStatus(journal)
	if err != nil {
		return err
	}
	out.title("Report")
	if err := s.WriteReport(out.w); err != nil {
		fmt.Fprintf(stderr, "%s: the report is not printed in full: %v; -status shows it\n", p.Name, err)
	}
	return nil
}

// result prints what a procedure that ended well came to.
func (p Program) result(err error, asJSON bool, out io.Writer) error {
	if p.Result == nil || err != nil {
		return err
	}
	if !asJSON {
		fmt.Fprintln(out)
	}
	return p.Result(asJSON, out)
}
