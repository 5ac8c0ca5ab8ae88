package procedure

import (
	"context"
	"fmt"
	"time"

	"github.com/landingteam/landing/phasing"
	"github.com/landingteam/landing/runbook"
)

// release brings the tested images to users.
func (c *Hotfix) release(ctx context.Context, r *runbook.Run, candidates []releaseImage, left *outlasting) error {
	in := c.Input
	stable := &Release{Server: c.Server, Importer: c.Importer, Input: ReleaseInput{Tag: in.Tag}}
	var targets []NamedImage
	var err error
	if len(candidates) > 0 && candidates[0].Version == 0 { // in a plan, when they are yet to be made
		for _, v := range candidates {
			targets = append(targets, NamedImage{Channel: v.To, Device: v.Device})
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
			Targets []NamedImage `json:"targets"`
			Health  string       `json:"health"`
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
		Server: c.Server, Pace: c.Pace,
		Input: RolloutInput{Images: targets, Schedule: schedule, Not: in.Not},
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

// exposed pins a moment and notes how long the fix had been public by then.
func (c *Hotfix) exposed(ctx context.Context, r *runbook.Run, name, what string, public time.Time) (time.Time, error) {
	at, err := runbook.Read(ctx, r, name, func(context.Context) (time.Time, error) { return c.now(), nil })
	if err != nil || r.Planning() {
		return at, err
	}
	return at, r.Note(fmt.Sprintf("%s: the fix had been public for %v", what, at.Sub(public).Round(time.Second)))
}
