package procedure

import (
	"context"
	"fmt"
	"time"

	"github.com/landingteam/landing/phasing"
	"github.com/landingteam/landing/runbook"
)

// outlasting is what stays when a hotfix ends at a no.
type outlasting struct {
	protected bool      // countermeasures are in place
	public    time.Time // since when the fix is; zero is not
	targets   []Target  // in stable
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

// exposed pins a moment and notes how long the fix had been public by then.
func (c *Hotfix) exposed(ctx context.Context, r *runbook.Run, name, what string, public time.Time) (time.Time, error) {
	at, err := runbook.Read(ctx, r, name, func(context.Context) (time.Time, error) { return c.now(), nil })
	if err != nil || r.Planning() {
		return at, err
	}
	return at, r.Note(fmt.Sprintf("%s: the fix had been public for %v", what, at.Sub(public).Round(time.Second)))
}

// release brings the tested images to users.
func (c *Hotfix) release(ctx context.Context, r *runbook.Run, candidates []Candidate, left *outlasting) error {
	in := c.Input
	stable := &Release{Server: c.Server, Importer: c.Importer, Input: ReleaseInput{Tag: in.Tag}}
	var targets []Target
	var err error
	if len(candidates) > 0 && candidates[0].Version == 0 { // in a plan, when they are yet to be made
		for _, v := range candidates {
			targets = append(targets, Target{Channel: v.To, Device: v.Device})
			if err := r.Group("stable").Note(fmt.Sprintf("copy the new image of %s for %s to %s, tag %s, at 0 %%", v.From, v.Device, v.To, in.Tag)); err != nil {
				return err
			}
		}
	} else if targets, err = stable.copyAll(ctx, r.Group("stable"), candidates); err != nil {
		return err
	}
	left.targets = targets
	health := "asked before each step"
	if c.Health == nil {
		health = "no signal: people have to watch crash reports and support all the while"
		if c.Stop != nil {
			health += "; to stop it, touch " + c.Stop.Path + " on the image server's host"
		}
	}
	if err := r.Gate(ctx, runbook.Gate{
		Name:     "support",
		Question: fmt.Sprintf("Is %s on stand-by, with people named for the whole roll-out and the night after?", in.Support),
		Evidence: struct {
			Targets []Target `json:"targets"`
			Health  string   `json:"health"`
		}{targets, health}, Not: in.Not,
	}); err != nil {
		return err
	}
	schedule := in.Schedule
	if len(schedule.Steps()) == 0 {
		if schedule, err = phasing.Linear(phasing.EmergencyRamp, 5*time.Minute); err != nil {
			return err
		}
	}
	first := true
	rollout := &Rollout{
		Server: c.Server, Health: c.Health, Stop: c.Stop, Stay: c.Stay, Every: c.Every, Now: c.Now,
		Input: RolloutInput{Targets: targets, Schedule: schedule, Not: in.Not},
		reached: func(ctx context.Context, round *runbook.Run, p phasing.Percent) (err error) {
			if first || p == 100 {
				first = false
				_, err = c.exposed(ctx, round, "offered", fmt.Sprintf("offered to %v", p), left.public)
			}
			return err
		},
	}
	return rollout.Run(ctx, r.Group("rollout"))
}

// wrapUp is what comes after the last percent.
func (c *Hotfix) wrapUp(ctx context.Context, r *runbook.Run, left *outlasting) error {
	in, targets := c.Input, left.targets
	a, err := fill(hotfixText, struct {
		HotfixInput
		Targets []Target
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
		Evidence: targets, Not: in.Not,
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
	every := c.Every
	if every <= 0 {
		every = time.Minute
	}
	at := due.Format("2006-01-02 15:04:05 MST")
	_, err := runbook.Wait(ctx, r, runbook.Poll[bool]{
		Name: name, Intent: "wait until " + at, Every: every, Deadline: 30 * 24 * time.Hour, Predict: true,
		Check: func(context.Context) (bool, bool, error) {
			switch {
			case !c.now().Before(due):
				return true, true, nil
			case c.Stay:
				return false, false, nil
			}
			return false, false, &runbook.Error{Kind: runbook.ErrPending, Text: name + " is at " + at,
				Hint: "start again with the same journal then; earlier does no harm"}
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
