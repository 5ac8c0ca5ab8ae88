package procedure

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/landingteam/landing/runbook"
)

// halt stops the offer everywhere and asks whether to go on.
func (c *Rollout) halt(ctx context.Context, r *runbook.Run, d decision, at *progress) error {
	halted, err := at.halt(d.Time)
	if err != nil {
		return err
	}
	if err := r.Note("halting: " + d.Why); err != nil {
		return err
	}
	err = stopAll(ctx, r.Group("halt"), c.Server, c.Input.Images, 0, nil)
	if c.Stop != nil { // also when an image could not be stopped
		err = errors.Join(err, c.Stop.write(ctx, r, d.Why))
	}
	switch {
	case err != nil:
		return fmt.Errorf("halting (%s): not everything is stopped: %w", d.Why, err)
	case takesBack(d.Stop, c.Input.Images):
		return fmt.Errorf("all images are at 0 %%, and this rollout is over: %w (%s). Phase the images that replace them in with a new rollout", ErrBackedOut, d.Why)
	case at.fresh && at.resumed:
		return &runbook.Error{Kind: runbook.ErrPending, Text: "halted again after it was resumed (" + d.Why + "); all images are at 0 %",
			Hint: "start again when the reason is gone: it asks then whether to resume"}
	}
	if err := c.resume(ctx, r, d); err != nil {
		return err
	}
	when, err := c.answered(ctx, r, d)
	if err == nil {
		at.last = when
		at.course, err = halted.Resume(when)
	}
	at.published, at.resumed = 0, at.resumed || at.fresh
	return err
}

// resume asks whether to go on, and takes the stop file away with a yes.
func (c *Rollout) resume(ctx context.Context, r *runbook.Run, d decision) error {
	question := fmt.Sprintf("All targets are at 0 %%. Resume the rollout where it was, at %v? (Only when the reason is gone.)", d.Next)
	if d.Next == 0 {
		question = "All targets are at 0 %. Begin the rollout all the same? (Only when the reason is gone.)"
	}
	err := r.Gate(ctx, runbook.Gate{
		Name:     "resume",
		Question: question,
		Evidence: c.evidence(d), Not: c.Input.Not, NeedReason: true,
	})
	if err != nil || c.Stop == nil {
		return err
	}
	said := d.Why // what this run wrote
	if d.Found {
		said = d.Stop
	}
	return c.Stop.remove(ctx, r, said)
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
	now := max(d.Percent, d.Lowest)
	lines := []string{"offered at " + share(now)}
	if d.Next > now {
		lines = append(lines, "next:      "+share(d.Next))
	}
	if d.Why != "" {
		lines = append(lines, "why:       "+d.Why)
	}
	return shown{struct {
		Targets []NamedImage `json:"targets"`
		Percent string       `json:"percent"`
		Why     string       `json:"why,omitempty"`
	}{c.Input.Images, now.String(), d.Why}, append(append(lines, ""), namedLines(c.Input.Images)...)}
}
