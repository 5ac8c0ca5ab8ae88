package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/landingteam/landing/runbook"
)

// A printer shows records: a line each.
type printer struct {
	w    io.Writer
	json bool
	far  map[string]string // how far each long effect was when last shown
}

func (p *printer) title(text string) {
	if !p.json {
		fmt.Fprintf(p.w, "\n%s\n%s\n", text, strings.Repeat("-", len(text)))
	}
}

func (p *printer) plan(records []runbook.Record) {
	if p.json {
		for _, rec := range records {
			p.step(rec)
		}
		return
	}
	fmt.Fprint(p.w, "Plan\n----\n")
	for _, rec := range records {
		if line := planLine(rec); line != "" {
			fmt.Fprintln(p.w, printable(line))
		}
	}
}

// planLine says what a record of a plan means for the run to come; "" is not
// worth a line.
func planLine(rec runbook.Record) string {
	what := rec.Intent
	if what == "" {
		what = rec.Step
	}
	switch rec.Kind {
	case runbook.Planned:
		switch rec.Verb {
		case runbook.VerbGate:
			return "  ask        " + what
		case runbook.VerbVerify:
			return "  check      " + what
		case runbook.VerbHold:
			return "  hold       " + what
		}
		return "  do         " + what
	case runbook.Released:
		return "  give back  " + what
	case runbook.Adopted, runbook.Done:
		if rec.Verb == runbook.VerbDo || rec.Verb == runbook.VerbWait {
			return "  is so      " + what
		}
		return ""
	case runbook.Approved:
		return "  approved   " + what + " (" + rec.By + ")"
	case runbook.Noted:
		return "  note       " + rec.Reason
	case runbook.Failed:
		return "  FAILS      " + what + ": " + rec.Error
	case runbook.Doubt:
		return "  in doubt   " + what
	}
	return "  " + string(rec.Kind) + "  " + what
}

// step prints one record of a run as it happens.
func (p *printer) step(rec runbook.Record) {
	if p.json {
		line, err := json.Marshal(rec)
		if err == nil {
			fmt.Fprintf(p.w, "%s\n", line)
		}
		return
	}
	line := stepLine(rec)
	if rec.Kind == runbook.Progress {
		// Launchpad is asked many times before the next package is published.
		if p.far[rec.Label] == line {
			return
		}
		if p.far == nil {
			p.far = map[string]string{}
		}
		p.far[rec.Label] = line
	}
	if line != "" {
		fmt.Fprintf(p.w, "%s  %s\n", rec.Time.Format("15:04:05"), printable(line))
	}
}

// printable keeps what servers wrote on its line, and from steering the terminal.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '\n' || c == '\t':
			return ' '
		case unicode.IsControl(c) || unicode.Is(unicode.Cf, c):
			return unicode.ReplacementChar
		}
		return c
	}, s)
}

func stepLine(rec runbook.Record) string {
	what := rec.Intent
	if what == "" {
		what = rec.Step
	}
	switch rec.Kind {
	case runbook.Opened:
		return "begin      run " + rec.Run
	case runbook.Resumed:
		return "go on      run " + rec.Run
	case runbook.Settling:
		return "settle     run " + rec.Run
	case runbook.Ended, runbook.Asked, runbook.Armed:
		return "" // the report, the question and what follows say it
	case runbook.Acquired:
		return "hold       " + what
	case runbook.Released:
		return "give back  " + what
	case runbook.Progress:
		if rec.Total > 0 {
			return fmt.Sprintf("...        %s: %d of %d", rec.Label, rec.Done, rec.Total)
		}
		return fmt.Sprintf("...        %s: %d", rec.Label, rec.Done)
	case runbook.Noted:
		return "note       " + rec.Reason
	case runbook.Failed:
		return "FAILED     " + what + ": " + rec.Error
	case runbook.Doubt:
		return "IN DOUBT   " + what + ": " + rec.Error
	case runbook.Owed:
		return "OWED       " + what + ": " + rec.Error
	case runbook.Adopted:
		return "is so      " + what
	case runbook.Approved, runbook.Rejected:
		return fmt.Sprintf("%-9s  %s (%s: %s)", rec.Kind, what, rec.By, rec.Reason)
	}
	verb := map[runbook.Verb]string{runbook.VerbRead: "look", runbook.VerbVerify: "checked", runbook.VerbRequire: "given"}[rec.Verb]
	if rec.Kind == runbook.Done && verb != "" {
		return fmt.Sprintf("%-9s  %s", verb, what)
	}
	return fmt.Sprintf("%-9s  %s", rec.Kind, what)
}
