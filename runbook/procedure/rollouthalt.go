package procedure

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/landingteam/landing/phasing"
	"github.com/landingteam/landing/runbook"
)

// halt stops the offer everywhere and asks whether to go on.
func (c *Rollout) halt(ctx context.Context, r *runbook.Run, ro phasing.Rollout, d decision) (phasing.Rollout, error) {
	halted, err := ro.Halt(d.Time)
	if err != nil {
		return ro, err
	}
	if err := r.Note("halting: " + d.Why); err != nil {
		return ro, err
	}
	err = stopAll(ctx, r.Group("halt"), c.Server, c.Input.Images)
	if c.Stop != nil { // also when a target could not be stopped
		err = errors.Join(err, c.Stop.write(ctx, r, d.Why, false))
	}
	if err != nil {
		return ro, fmt.Errorf("halting (%s): not everything is stopped: %w", d.Why, err)
	}
	if takesBack(d.Stop, c.Input.Images) {
		return ro, fmt.Errorf("all targets are at 0 %%, and this rollout is over: %w (%s). Phase the images that replace them in with a new rollout", ErrBackedOut, d.Why)
	}
	question := fmt.Sprintf("All targets are at 0 %%. Resume the rollout where it was, at %v? (Only when the reason is gone.)", d.Next)
	if d.Next == 0 {
		question = "All targets are at 0 %. Begin the rollout all the same? (Only when the reason is gone.)"
	}
	err = r.Gate(ctx, runbook.Gate{
		Name:     "resume",
		Question: question,
		Evidence: c.evidence(d), Not: c.Input.Not,
	})
	if err != nil {
		return ro, err
	}
	if c.Stop != nil {
		said := d.Why // what this run wrote
		if d.Found {
			said = d.Stop
		}
		if err := c.Stop.remove(ctx, r, said); err != nil {
			return ro, err
		}
	}
	at, err := c.answered(ctx, r, d)
	if err != nil {
		return ro, err
	}
	return halted.Resume(at)
}

// answered pins when the answer to a decision came. It cannot have come before
// the question, whatever two clocks say.
func (c *Rollout) answered(ctx context.Context, r *runbook.Run, d decision) (time.Time, error) {
	return runbook.Read(ctx, r, "answered", func(context.Context) (time.Time, error) {
		if now := c.now(); now.After(d.Time) {
			return now, nil
		}
		return d.Time, nil
	})
}

// evidence is what a person sees at a gate.
func (c *Rollout) evidence(d decision) any {
	return struct {
		Targets []PublishedImage `json:"targets"`
		Percent string           `json:"percent"`
		Why     string           `json:"why,omitempty"`
	}{c.Input.Images, d.Percent.String(), d.Why}
}
