package procedure

import (
	"context"
	"fmt"
	"time"

	"github.com/landingteam/landing/runbook"
)

// outlasting is what stays when a hotfix ends at a no.
type outlasting struct {
	protected bool         // countermeasures are in place
	public    time.Time    // since when the fix is; zero is not
	targets   []NamedImage // in stable
}

func (l outlasting) notes(in HotfixInput) (list []string) {
	if l.protected {
		list = append(list, fmt.Sprintf("still in place: %s; take them away and tell users, or keep them for the next attempt", names(in.Countermeasures)))
	}
	if !l.public.IsZero() {
		list = append(list, fmt.Sprintf("the fix has been public since %s (%s): users need it soon, by a new run or by the next release",
			l.public.Format("2006-01-02 15:04 MST"), names([]string{in.Snapshot, in.Overlay})))
	}
	for _, t := range l.targets {
		list = append(list, fmt.Sprintf("%s has image %d of this run, at 0 %% unless it was phased in: phase it in with a rollout, or take it back with a back-out", t, t.Version))
	}
	return list
}

// wrapUp is what comes after the last percent.
func (c *Hotfix) wrapUp(ctx context.Context, r *runbook.Run, left *outlasting) error {
	in, targets := c.Input, left.targets
	a, err := fill(hotfixText, struct {
		HotfixInput
		Targets []NamedImage
	}{in, targets})
	if err != nil {
		return err
	}
	if err := announce(ctx, r, c.Announce, "announcement", a, in.Not); err != nil {
		return err
	}
	announced, err := c.exposed(ctx, r, "announced", "announced", left.public)
	if err != nil {
		return err
	}
	if err := c.until(ctx, r, "grace period", announced.Add(in.Grace)); err != nil {
		return err
	}
	if err := r.Gate(ctx, runbook.Gate{
		Name:     "countermeasures removed",
		Question: "Are the countermeasures removed, and is everything as it was before?",
		Evidence: in.Countermeasures, Not: in.Not,
	}); err != nil {
		return err
	}
	left.protected = false
	removed, err := runbook.Read(ctx, r, "removed", func(context.Context) (time.Time, error) { return c.now(), nil })
	if err != nil {
		return err
	}
	// Pinned: holidays may be entered meanwhile.
	due, err := runbook.Read(ctx, r, "working day", func(context.Context) (time.Time, error) {
		if c.Workday != nil {
			return c.Workday(removed).UTC(), nil
		}
		return workday(removed), nil
	})
	if err != nil {
		return err
	}
	if err := c.until(ctx, r, "next working day", due); err != nil {
		return err
	}
	return r.Gate(ctx, runbook.Gate{
		Name:     "stand down",
		Question: fmt.Sprintf("Is nothing open any more, so that %s can stand down?", in.Support),
		Evidence: shown{targets, namedLines(targets)}, Not: in.Not,
	})
}

const hotfixText = `Security update {{.Tag}}

An update that fixes a security problem is available:
{{range .Targets}}
- {{.Channel}} for {{.Device}}: image {{.Version}}{{end}}

Packages with the fix:{{range .Packages}} {{.}}{{end}}

Please install it soon: System Settings, Updates.{{if .Countermeasures}}
The restrictions that were announced are lifted after {{.Grace}}.{{end}}`

// until is pending, or waits, until a moment has come.
func (c *Hotfix) until(ctx context.Context, r *runbook.Run, name string, due time.Time) error {
	at := due.Format("2006-01-02 15:04:05 MST")
	_, err := runbook.Wait(ctx, r, runbook.Poll[bool]{
		Name: name, Intent: "wait until " + at, Stay: c.Stay, Every: c.every(), Deadline: 30 * 24 * time.Hour, Predict: true,
		Check: func(context.Context) (bool, bool, error) {
			switch {
			case !c.now().Before(due):
				return true, true, nil
			}
			return false, false, &runbook.Error{Kind: runbook.ErrPending, Text: name, Due: due}
		},
	})
	return err
}

// workday is nine o'clock, UTC, on the working day after a moment. Holidays are
// for the person at the gate.
func workday(t time.Time) time.Time {
	day := time.Date(t.Year(), t.Month(), t.Day()+1, 9, 0, 0, 0, time.UTC)
	for day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
		day = day.AddDate(0, 0, 1)
	}
	return day
}
