package procedure

import (
	"context"
	"fmt"
	"time"

	"github.com/landingteam/landing/phasing"
	"github.com/landingteam/landing/runbook"
)

// due is when the step that comes next was or is due: one that a person has let begin
// at once. It is zero when a person is asked first, or none comes.
func (at *progress) due() (time.Time, error) {
	st, err := at.course.At(at.last)
	switch {
	case err != nil || st.Halted:
		return time.Time{}, err
	case st.Percent > at.published:
		return at.last, nil
	case st.Waiting || st.Done || st.Ask:
		return time.Time{}, nil
	}
	return st.NextAt, nil
}

// overdue lets the schedule's clock stand still when the next step was due long ago:
// it begins now, and what follows is later. It says when it was due then.
func (at *progress) overdue(now time.Time) (time.Time, error) {
	due, err := at.due()
	if err != nil || due.IsZero() || !now.After(due) {
		return time.Time{}, err
	}
	later, delayed, err := at.course.Delay(due, now)
	if err != nil || !delayed {
		return time.Time{}, err
	}
	at.course = later
	return due, nil
}

// halt halts the course. A step that was due and not begun does not begin by that: what
// is in force was held for longer than its time, and is held anew after the halt.
func (at *progress) halt(when time.Time) (phasing.Course, error) {
	due, err := at.due()
	if err != nil {
		return phasing.Course{}, err
	}
	if when.Before(at.last) || !due.IsZero() && !due.After(when) {
		when = at.last
	}
	return at.course.Halt(when)
}

// heldFrom pins when the step of a round was published everywhere. Where that took long,
// it is held from then on.
func (c *Rollout) heldFrom(ctx context.Context, r *runbook.Run, n int, d decision, at *progress) error {
	round, next := r.Group(fmt.Sprintf("round %d", n)), r.Group(fmt.Sprintf("round %d", n+1))
	const step = "published everywhere"
	if round.Last(step) == "" && next.Last(whatIsDue) != "" {
		return nil // it was decided on without that: a journal of an earlier version
	}
	when, err := runbook.Read(ctx, round, step, func(context.Context) (time.Time, error) { return c.now(), nil })
	if err != nil {
		return err
	}
	st, err := at.course.At(d.Time)
	if err != nil {
		return err
	}
	later, delayed, err := at.course.Delay(st.Since, when)
	if delayed {
		at.course, at.last = later, when
	}
	return err
}
