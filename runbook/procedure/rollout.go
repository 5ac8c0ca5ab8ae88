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

// Rollout phases published images in: it raises the percentage of all of them
// together, step by step along a schedule, from where they are to everybody.
//
// Each percentage is set through set-phased-percentage and verified in the
// published index. An image that lies below the others is levelled; one that was
// set to 0 by somebody else halts the rollout; one that lies higher is left as
// it is until the schedule comes there, because lowering takes an offer away.
//
// A step that the schedule marks with "ask" is a gate. A bad health signal or
// the stop file halts: all images go to 0 % (never 1 %, which would still serve
// 1.98 % of the devices), and a gate asks whether to resume. A start resumes once:
// halted again it ends pending, and the next start asks. What the stop file does
// else is said at [StopFile]. A newer version in any of the channels ends the
// rollout at once with [ErrSuperseded]: the server keeps a percentage on the
// newest version only.
//
// Waiting for the next step, the run is pending: started again when it is due,
// or any number of times before, it goes on. With Stay it waits itself. A start that
// comes much later begins the step that was due, and holds it from then on: none is
// skipped, see [phasing.Course.Delay].
type Rollout struct {
	Server *operate.Server

	Pace

	Input RolloutInput

	// reached, if set, is told of each percentage that is published everywhere.
	reached func(ctx context.Context, round *runbook.Run, p phasing.Percent) error
}

// RolloutInput is what one run of [Rollout] is asked to do.
type RolloutInput struct {
	Images   []NamedImage     `json:"targets"`
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
		now := look(c.Server)
		err := c.reachable(ctx, now)
		if t := c.Input.Images[0]; err == nil && t.Version > 0 {
			err = OneServer(ctx, now, t.Channel, t.Device)
		}
		return c.now(), err
	})
	if err != nil {
		return err
	}
	if r.Planning() {
		return c.plan(ctx, r, start)
	}
	at := progress{course: phasing.Course{Schedule: c.Input.Schedule, Start: start}, last: start}
	for n := 1; ; n++ {
		round := r.Group(fmt.Sprintf("round %d", n))
		d, err := c.decide(ctx, round, &at)
		if err != nil {
			return err
		}
		before := at.published
		if err := c.act(ctx, round, d, &at); err != nil || d.Do == doEnd {
			return err
		}
		if d.Do == doSet && at.published > before {
			if err := c.heldFrom(ctx, r, n, d, &at); err != nil {
				return err
			}
		}
	}
}

// progress is how far a rollout has come.
type progress struct {
	course    phasing.Course
	published phasing.Percent
	last      time.Time       // when the step in force began, or a person let the next one begin
	begun     bool            // the first decision was made
	fresh     bool            // the last decision was made by this start
	seen      *operate.Server // the look from which it was made; nil without
	resumed   bool            // this start has halted, and was told to go on
}

// from lets a rollout begin where its images are: what comes before that in the
// schedule needs neither time nor questions any more.
func (at *progress) from(seen phasing.Percent) (err error) {
	steps := at.course.Schedule.Steps()
	n := 0
	for n < len(steps) && steps[n].Percent <= seen {
		n++
	}
	if n == 0 || seen == 0 {
		return nil
	}
	steps[n-1].At = time.Time{} // it is in force already
	at.published = steps[n-1].Percent
	at.course.Schedule, err = phasing.NewSchedule(steps[n-1:]...)
	return err
}

// act does what a round has decided.
func (c *Rollout) act(ctx context.Context, round *runbook.Run, d decision, at *progress) error {
	switch d.Do {
	case doEnd:
		if c.Stop != nil {
			if err := c.Stop.write(ctx, round, rolloutEnd); err != nil {
				return err
			}
		}
		return round.Note("all images are at 100 %: " + c.names())
	case doClear:
		return c.Stop.clear(ctx, round)
	case doSet:
		if !d.Behind.IsZero() {
			if err := round.Note(fmt.Sprintf("%v was due at %s: it is held from now on, and what follows is later", d.Percent, d.Behind.UTC().Format("2006-01-02 15:04 MST"))); err != nil {
				return err
			}
		}
		if err := c.set(ctx, round, d.Percent, at.seen); err != nil {
			return err
		}
		at.published, at.last = d.Percent, d.Time
		if c.reached != nil {
			return c.reached(ctx, round, d.Percent)
		}
	case doAsk:
		return c.ask(ctx, round, d, at)
	case doHalt:
		return c.halt(ctx, round, d, at)
	}
	return nil
}

// ask has a person decide whether the next step begins. Where the images are there
// already, nothing is to be decided.
func (c *Rollout) ask(ctx context.Context, round *runbook.Run, d decision, at *progress) error {
	if d.Lowest < d.Next {
		if err := round.Gate(ctx, runbook.Gate{
			Name:     "next step",
			Question: fmt.Sprintf("Raise the phased percentage from %v to %v?", max(d.Percent, d.Lowest), d.Next),
			Evidence: c.evidence(d), Not: c.Input.Not,
		}); err != nil {
			return err
		}
	}
	when, err := c.answered(ctx, round, d)
	if err == nil {
		at.last = when
		at.course, err = at.course.Approve(when)
	}
	return err
}

func (c *Rollout) check() error {
	if len(c.Input.Images) == 0 {
		return errors.New("a rollout needs at least one image")
	}
	if len(c.Input.Schedule.Steps()) == 0 {
		return errors.New("a rollout needs a schedule, such as \"1% 2h ask, 10% 6h, 100%\"")
	}
	return once(c.Input.Images)
}

// reachable fails when the percentage of an image cannot be set, such as that of an
// alias.
func (c *Rollout) reachable(ctx context.Context, now *operate.Server) error {
	there := slices.DeleteFunc(slices.Clone(c.Input.Images), func(t NamedImage) bool {
		return t.Version == 0 // in the plan of a procedure that is yet to publish it
	})
	if len(there) == 0 {
		return nil
	}
	if err := readAhead(ctx, now, there, false); err != nil {
		return err
	}
	for _, t := range there {
		if _, err := percentage(ctx, now, t); err != nil {
			return err
		}
		if _, _, err := now.CheckPhase(ctx, operate.PhaseRequest{Channel: t.Channel, Device: t.Device, Version: t.Version}); err != nil {
			return err
		}
	}
	return nil
}

// plan lists what the schedule would do if nothing comes in between.
func (c *Rollout) plan(ctx context.Context, r *runbook.Run, start time.Time) error {
	if err := c.Stop.note(ctx, r, c.Input.Images); err != nil {
		return err
	}
	at := progress{course: phasing.Course{Schedule: c.Input.Schedule}}
	if !slices.ContainsFunc(c.Input.Images, func(t NamedImage) bool { return t.Version == 0 }) {
		seen, err := c.percentages(ctx, look(c.Server))
		if err == nil {
			err = at.from(slices.Min(seen))
		}
		if err != nil {
			return err
		}
	}
	if at.published == 100 {
		return r.Note("all images are at 100 % already: there is nothing to do")
	}
	for when, step := range at.course.Schedule.Timeline(start) {
		ask := ""
		if step.Ask {
			ask = ", then ask"
		}
		if err := r.Note(fmt.Sprintf("%s after %v: %v (%.2f %% of the devices)%s",
			when.Format("2006-01-02 15:04 MST"), when.Sub(start).Round(time.Second), step.Percent, 100*step.Percent.Share(), ask)); err != nil {
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
