package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/landingteam/landing/runbook"
)

// A printer shows records: a line each.
type printer struct {
	w    *screen
	json bool
	far  map[string]shown // how far each long effect was when last shown
}

// A shown is a line about how far something is.
type shown struct {
	line string
	at   time.Time
}

// farEvery is how often lines say how far something is, where no last line moves.
const farEvery = 10 * time.Second

func (p *printer) title(text string) {
	if !p.json {
		fmt.Fprintf(p.w, "\n%s\n%s\n", text, strings.Repeat("-", len(text)))
	}
}

// plan shows what a procedure would do.
func (p *printer) plan(ctx context.Context, x *runbook.Runner, procedure runbook.Procedure) error {
	if p.json {
		records, err := x.Plan(ctx, procedure)
		for _, rec := range records {
			p.step(rec)
		}
		return err
	}
	var b strings.Builder
	err := x.WritePlan(ctx, &b, procedure)
	if b.Len() > 0 {
		fmt.Fprintf(p.w, "Plan\n----\n%s", &b)
	}
	return err
}

// step prints one record of a run as it happens.
func (p *printer) step(rec runbook.Record) {
	if p.json {
		if line, err := json.Marshal(rec); err == nil {
			fmt.Fprintf(p.w, "%s\n", line)
		}
		return
	}
	line := rec.String()
	if lasting := p.w.follow(rec); p.w.live() && !lasting {
		return
	}
	switch rec.Kind {
	case runbook.Ended, runbook.Asked, runbook.Armed:
		return // the report, the question and what follows say it
	case runbook.Progress:
		// Launchpad is asked many times before the next package is published, and an
		// import of many devices says each.
		last, known := p.far[rec.Label]
		if known && (last.line == line || rec.Time.Sub(last.at) < farEvery && rec.Done != rec.Total) {
			return
		}
		if p.far == nil {
			p.far = map[string]shown{}
		}
		p.far[rec.Label] = shown{line, rec.Time}
	}
	p.w.line(rec, rec.Time.Format("15:04:05")+"  "+line)
}

// waits says what a run waits for here, with -until-done: on a terminal in the last line
// too.
func (p *printer) waits(s runbook.Status) {
	fmt.Fprintf(p.w, "%s  %s; it goes on then by itself\n", s.Read.Format("15:04:05"), s.WaitsUntil())
	p.w.follow(runbook.Record{Kind: runbook.Progress, Time: s.Read, Label: "it goes on then by itself", Due: &s.Due})
}

// Printable keeps what others wrote from steering the terminal. Lines stay lines.
func Printable(s string) string {
	return strings.Map(func(c rune) rune {
		if c != '\n' && (unicode.IsControl(c) || unicode.Is(unicode.Cf, c)) {
			return unicode.ReplacementChar
		}
		return c
	}, s)
}
