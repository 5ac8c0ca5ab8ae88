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
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/operate"
)

// A Target is one published image that a rollout is about.
type Target struct {
	Channel string `json:"channel"`
	Device  string `json:"device"`
	Version int    `json:"version"` // the newest of the channel; the server phases no other
}

// String names the target "CHANNEL:DEVICE".
func (t Target) String() string { return t.Channel + ":" + t.Device }

// A Health is what a [Rollout] is told about the devices that have the update.
type Health struct {
	Bad bool   `json:"bad"` // halt
	Why string `json:"why"` // one line for the journal and the gate
}

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

	// Health is asked before each step and, with Stay, every Every. Nil means
	// that nothing is known. An error is no signal: it ends this start.
	Health func(ctx context.Context) (Health, error)

	// Stop is the stop file on the host; nil is none.
	Stop *StopFile

	Stay  bool          // wait for the steps instead of being pending between them
	Every time.Duration // how often to look while waiting; a minute when zero

	Now func() time.Time // the clock; time.Now when nil

	Input RolloutInput

	// reached, if set, is told of each percentage that is published everywhere.
	reached func(ctx context.Context, round *runbook.Run, p phasing.Percent) error
}

// RolloutInput is what one run of [Rollout] is asked to do.
type RolloutInput struct {
	Targets  []Target         `json:"targets"`
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

func (c *Rollout) now() time.Time {
	if c.Now == nil {
		return time.Now().UTC()
	}
	return c.Now().UTC()
}

func (c *Rollout) check() error {
	if len(c.Input.Targets) == 0 {
		return errors.New("a rollout needs at least one target")
	}
	if len(c.Input.Schedule.Steps()) == 0 {
		return errors.New("a rollout needs a schedule, such as \"1% 2h ask, 10% 6h, 100%\"")
	}
	return once(c.Input.Targets)
}

// reachable fails when a target is none whose percentage can be set, such as an
// image of an alias.
func (c *Rollout) reachable(ctx context.Context) error {
	for _, t := range c.Input.Targets {
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

// set publishes a percentage on all targets that lie below it. One after the
// other: set-phased-percentage takes no lock, and two of them that synchronize
// the aliases of one channel break each other's commits. At a newer version it
// raises no others.
func (c *Rollout) set(ctx context.Context, r *runbook.Run, p phasing.Percent) error {
	superseded := false
	return runbook.Each(ctx, r, keyed(c.Input.Targets, self), 1, func(ctx context.Context, r *runbook.Run, t, _ Target) (err error) {
		if superseded {
			return nil
		}
		defer func() { superseded = errors.Is(err, ErrSuperseded) }()
		now, err := runbook.Read(ctx, r, "published", func(ctx context.Context) (phasing.Percent, error) {
			return c.percentage(ctx, t)
		})
		if err != nil {
			return err
		}
		if now > p {
			return r.Note(fmt.Sprintf("%s is at %v already, above %v: not lowered", t, now, p))
		}
		err = setPercentage(ctx, r, c.Server, t, p, c.Stop)
		if errors.Is(err, systemimage.ErrRefused) { // a newer version since, or the stop file?
			if _, why := c.percentage(ctx, t); errors.Is(why, ErrSuperseded) {
				err = why
			} else if why := c.stopped(ctx); why != nil {
				err = why
			}
		}
		return err
	})
}

// stopped says why nothing is raised: a back-out that begins while a round is
// under way comes first.
func (c *Rollout) stopped(ctx context.Context) error {
	if c.Stop == nil {
		return nil
	}
	text, there, err := c.Stop.read(ctx)
	if err == nil && there {
		err = fmt.Errorf("not raised: %s; start again to halt everywhere", c.Stop.says(text))
	}
	return err
}

// setPercentage is the one effect of this procedure. While the stop file is there,
// nothing is set; nil is none.
func setPercentage(ctx context.Context, r *runbook.Run, s *operate.Server, t Target, p phasing.Percent, stop *StopFile) error {
	req := operate.PhaseRequest{Channel: t.Channel, Device: t.Device, Version: t.Version, Percentage: int(p)}
	if stop != nil {
		req.Unless = stop.Path
	}
	_, err := runbook.Do(ctx, r, runbook.Step[operate.PhaseResult]{
		Name:   "set " + p.String(),
		Intent: fmt.Sprintf("offer image %d of %s for %s to %v (%.2f %% of the devices)", t.Version, t.Channel, t.Device, p, 100*p.Share()),
		Probe: func(ctx context.Context) (operate.PhaseResult, bool, error) {
			return s.CheckPhase(ctx, req)
		},
		Do: func(ctx context.Context) (operate.PhaseResult, error) {
			return s.Phase(ctx, req)
		},
		Predict: operate.PhaseResult{Channel: t.Channel, Device: t.Device, Version: t.Version, Percentage: int(p)},
	})
	return err
}

// halt stops the offer everywhere and asks whether to go on.
func (c *Rollout) halt(ctx context.Context, r *runbook.Run, ro phasing.Rollout, d decision) (phasing.Rollout, error) {
	halted, err := ro.Halt(d.Time)
	if err != nil {
		return ro, err
	}
	if err := r.Note("halting: " + d.Why); err != nil {
		return ro, err
	}
	err = stopAll(ctx, r.Group("halt"), c.Server, c.Input.Targets)
	if c.Stop != nil { // also when a target could not be stopped
		err = errors.Join(err, c.Stop.write(ctx, r, d.Why, false))
	}
	if err != nil {
		return ro, fmt.Errorf("halting (%s): not everything is stopped: %w", d.Why, err)
	}
	if takesBack(d.Stop, c.Input.Targets) {
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
		Targets []Target `json:"targets"`
		Percent string   `json:"percent"`
		Why     string   `json:"why,omitempty"`
	}{c.Input.Targets, d.Percent.String(), d.Why}
}

func (c *Rollout) names() string {
	var names []string
	for _, t := range c.Input.Targets {
		names = append(names, t.String())
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
