package procedure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/landingteam/landing/phasing"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/systemimage/operate"
)

// Rollout phases published images in: it raises the percentage of all targets
// together, step by step along a schedule, until everybody may have them.
//
// Each percentage is set through set-phased-percentage and verified in the
// published index. A target that lies below the others is levelled; one that was
// set to 0 by somebody else halts the rollout; one that lies higher is left as
// it is until the schedule comes there, because lowering takes an offer away.
//
// A step that the schedule marks with "ask" is a gate. A bad health signal or
// the stop file halts: all targets go to 0 % (never 1 %, which would still serve
// 1.98 % of the devices), and a gate asks whether to resume. When a back-out wrote
// the file about one of its targets it ends instead: [ErrBackedOut]. A newer version in
// any of the channels ends the rollout at once with [ErrSuperseded]: the server
// keeps a percentage on the newest version only.
//
// Waiting for the next step, the run is pending: started again when it is due,
// or any number of times before, it goes on. With Stay it waits itself.
type Rollout struct {
	Server *operate.Server

	Pace

	Input RolloutInput

	// reached, if set, is told of each percentage that is published everywhere.
	reached func(ctx context.Context, round *runbook.Run, p phasing.Percent) error
}

// RolloutInput is what one run of [Rollout] is asked to do.
type RolloutInput struct {
	Images   []PublishedImage `json:"targets"`
	Schedule phasing.Schedule `json:"schedule"`
	Not      []string         `json:"not,omitempty"` // who may not answer its gates
}

// ErrSuperseded says that a newer version was published in a channel while an
// older one was phased in: this rollout has nothing left to set.
var ErrSuperseded = errors.New("superseded by a newer version")

// ErrBackedOut says that a back-out takes images of this rollout back: it has set
// them to 0 %, and does not raise them any more.
var ErrBackedOut = errors.New("backed out")

// Run is the procedure. See [runbook.Procedure].
func (c *Rollout) Run(ctx context.Context, r *runbook.Run) error {
	if err := c.check(); err != nil {
		return err
	}
	start, err := runbook.Read(ctx, r, "start", func(ctx context.Context) (time.Time, error) {
		return c.now(), c.reachable(ctx)
	})
	if err != nil {
		return err
	}
	if r.Planning() {
		return c.plan(r, start)
	}
	ro := phasing.Rollout{Schedule: c.Input.Schedule, Start: start}
	published := phasing.Percent(0)
	for n := 1; ; n++ {
		round := r.Group(fmt.Sprintf("round %d", n))
		d, err := c.decide(ctx, round, ro, published)
		if err != nil {
			return err
		}
		switch d.Do {
		case doEnd:
			if c.Stop != nil {
				if err := c.Stop.write(ctx, round, "phased in to everybody", false); err != nil {
					return err
				}
			}
			return round.Note("all targets are at 100 %: " + c.names())
		case doSet:
			if err := c.set(ctx, round, d.Percent); err != nil {
				return err
			}
			published = d.Percent
			if c.reached != nil {
				if err := c.reached(ctx, round, published); err != nil {
					return err
				}
			}
		case doAsk:
			err := round.Gate(ctx, runbook.Gate{
				Name:     "next step",
				Question: fmt.Sprintf("Raise the phased percentage from %v to %v?", d.Percent, d.Next),
				Evidence: c.evidence(d), Not: c.Input.Not,
			})
			if err != nil {
				return err
			}
			at, err := c.answered(ctx, round, d)
			if err != nil {
				return err
			}
			if ro, err = ro.Approve(at); err != nil {
				return err
			}
		case doHalt:
			if ro, err = c.halt(ctx, round, ro, d); err != nil {
				return err
			}
			published = 0
		}
	}
}

func (c *Rollout) check() error {
	if len(c.Input.Images) == 0 {
		return errors.New("a rollout needs at least one target")
	}
	if len(c.Input.Schedule.Steps()) == 0 {
		return errors.New("a rollout needs a schedule, such as \"1% 2h ask, 10% 6h, 100%\"")
	}
	return once(c.Input.Images)
}

// reachable fails when a target is none whose percentage can be set, such as an
// image of an alias.
func (c *Rollout) reachable(ctx context.Context) error {
	for _, t := range c.Input.Images {
		if t.Version == 0 {
			continue // in the plan of a procedure that is yet to publish it
		}
		if _, err := c.percentage(ctx, t); err != nil {
			return err
		}
		if _, _, err := c.Server.CheckPhase(ctx, operate.PhaseRequest{Channel: t.Channel, Device: t.Device, Version: t.Version}); err != nil {
			return err
		}
	}
	return nil
}

// plan lists what the schedule would do if nothing comes in between.
func (c *Rollout) plan(r *runbook.Run, start time.Time) error {
	for at, step := range c.Input.Schedule.Timeline(start) {
		ask := ""
		if step.Ask {
			ask = ", then ask"
		}
		if err := r.Note(fmt.Sprintf("%s after %v: %v (%.2f %% of the devices)%s",
			at.Format("2006-01-02 15:04 MST"), at.Sub(start).Round(time.Second), step.Percent, 100*step.Percent.Share(), ask)); err != nil {
			return err
		}
	}
	return nil
}

func (c *Rollout) names() string {
	var names []string
	for _, t := range c.Input.Images {
		names = append(names, t.String())
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
