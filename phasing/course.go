package phasing

import (
	"slices"
	"time"
)

// InterventionKind is what a person did to a rollout.
type InterventionKind string

// What a person can do; see [Course.Halt], [Course.Resume] and [Course.Approve].
const (
	Halt    InterventionKind = "halt"    // 0 % until Resume
	Resume  InterventionKind = "resume"  // go on where it was halted
	Approve InterventionKind = "approve" // answer the question before the next step
)

// Intervention is what a person did to a rollout, and when.
type Intervention struct {
	Kind InterventionKind `json:"kind"`
	Time time.Time        `json:"time"`
}

// Course is a schedule that was started, and what happened to it since. It is a value:
// Halt, Resume and Approve return a longer one. In JSON it survives a restart.
type Course struct {
	Schedule      Schedule       `json:"schedule"`
	Start         time.Time      `json:"start"`
	Interventions []Intervention `json:"events,omitempty"` // in order of time
}

// State is what a rollout says at one time.
type State struct {
	Percent Percent   // what should be published: 0 before the start and while halted
	Step    int       // index of the step in force, -1 before the first; kept while halted
	Since   time.Time // since when Percent is what should be published; zero before the start
	Halted  bool      // only Resume changes anything
	Waiting bool      // only Approve (or Halt) changes anything
	Done    bool      // the last step is in force
	Next    Percent   // what comes next: the next step, after a halt the same step again
	Ask     bool      // Next needs an approval, at NextAt or, when Waiting, now
	NextAt  time.Time // when Next, or the question, is due; zero if Halted, Waiting or Done
}

// Publish is what to set, given what the server publishes now: the state's percentage.
// If that is less than current it is [ErrLowers], unless the rollout is halted: a halt
// is the only thing that lowers, and it lowers to 0. A current 0 that no halt of this
// rollout explains was set by somebody else; ask before raising it.
func (s State) Publish(current Percent) (Percent, error) {
	if s.Halted {
		return 0, nil
	}
	return Raise(current, s.Percent)
}

// Halt stops the rollout: 0 % from then on (never 1, which still serves 1.98 % of the
// devices), and the schedule's clock stands still. A finished rollout can be halted
// too, as long as no newer version was published.
func (c Course) Halt(at time.Time) (Course, error) { return c.with(Intervention{Halt, at}) }

// Resume goes on where the halt was: at the same percentage, with as much of the hold
// left as there was then, so that everything after it is late by the length of the
// halt. Steps with a fixed time keep it; one whose time passed during the halt does not
// begin by itself but is asked for, and so is every one that was missed.
func (c Course) Resume(at time.Time) (Course, error) { return c.with(Intervention{Resume, at}) }

// Approve answers the question that the rollout is waiting with; the next step begins
// then. There must be a question: approvals are not given ahead.
func (c Course) Approve(at time.Time) (Course, error) { return c.with(Intervention{Approve, at}) }

// catchUp is how late a step may be begun without moving what follows it.
const catchUp = time.Hour

// Delay says that the step which was due at one time was begun only at another. A
// rollout that is looked at now and then makes up for what is less than an hour and
// less than the step is held. What comes later than that moves all that follows, as a
// halt from due to begun would, and delayed is true: nobody has looked at the devices
// in between, so no step is skipped and each is held for its time. Of a linear
// schedule, whose steps are shorter than anybody's looks, those of an hour may be
// passed over. due is not before the last intervention; nothing follows the last step.
func (c Course) Delay(due, begun time.Time) (later Course, delayed bool, err error) {
	st, err := c.At(due)
	if err != nil || st.Halted || st.Waiting || st.Done || st.Step < 0 {
		return c, false, err
	}
	late, hold := begun.Sub(due), c.Schedule.steps[st.Step].Hold
	skips := c.Schedule.over == 0 && hold > 0 && late >= hold
	if late < catchUp && !skips {
		return c, false, nil
	}
	halted, err := c.Halt(due)
	if err != nil {
		return c, false, err
	}
	later, err = halted.Resume(begun)
	return later, err == nil, err
}

func (c Course) with(e Intervention) (Course, error) {
	c.Interventions = append(slices.Clone(c.Interventions), e)
	if _, err := c.At(e.Time); err != nil {
		return Course{}, err
	}
	return c, nil
}

// At is the state at a time. Interventions later than that have no say yet, but are checked
// too: [ErrIntervention] names the first that does not fit.
func (c Course) At(now time.Time) (State, error) {
	if c.Start.IsZero() {
		return State{}, errorf(ErrIntervention, "the rollout was not started: set Start")
	}
	w := walk{steps: c.Schedule.steps, step: -1, since: c.Start}
	if len(w.steps) == 0 {
		return State{}, errorf(ErrSyntax, "the rollout has no schedule")
	}
	var state State
	seen := false
	before := c.Start
	for i, e := range c.Interventions {
		if e.Time.Before(before) {
			return State{}, errorf(ErrIntervention, "intervention %d (%s) is older than what comes before it; order them by time", i+1, e.Kind)
		}
		before = e.Time
		if !seen && now.Before(e.Time) {
			state, seen = w.at(now), true
		}
		if err := w.apply(e); err != nil {
			return State{}, err
		}
	}
	if !seen {
		state = w.at(now)
	}
	return state, nil
}

// walk goes through the steps of a rollout, forward in time.
type walk struct {
	steps   []Step
	step    int       // in force; -1 before the first
	since   time.Time // when it began, moved on by the halts within it
	shown   time.Time // when what is published began
	halted  time.Time // zero if not
	resumed time.Time // when a halt last ended
	asked   bool      // a person is being asked
}

func (w *walk) next() *Step { return &w.steps[w.step+1] }

// due says when the next step, or the question before it, is due.
func (w *walk) due() (at time.Time, ask bool) {
	at = w.since
	if w.step >= 0 {
		at = at.Add(w.steps[w.step].Hold)
		ask = w.steps[w.step].Ask
	}
	if fixed := w.next().At; !fixed.IsZero() {
		// A time that passed while the rollout was held up must not let the steps
		// behind it follow all at once.
		ask = ask || fixed.Before(w.since) || !fixed.After(w.resumed)
		if fixed.After(at) {
			at = fixed
		}
	}
	return at, ask
}

func (w *walk) advance(now time.Time) {
	for w.halted.IsZero() && !w.asked && w.step+1 < len(w.steps) {
		at, ask := w.due()
		if now.Before(at) {
			return
		}
		if ask {
			w.asked = true
			return
		}
		w.enter(at)
	}
}

func (w *walk) enter(at time.Time) {
	w.step++
	w.since, w.shown = at, at
}

func (w *walk) apply(e Intervention) error {
	w.advance(e.Time)
	switch e.Kind {
	case Halt:
		if !w.halted.IsZero() {
			return errorf(ErrIntervention, "halt at %s: the rollout is halted already", formatTime(e.Time))
		}
		w.halted = e.Time
	case Resume:
		if w.halted.IsZero() {
			return errorf(ErrIntervention, "resume at %s: the rollout is not halted", formatTime(e.Time))
		}
		w.since = w.since.Add(e.Time.Sub(w.halted))
		w.shown, w.resumed, w.halted = e.Time, e.Time, time.Time{}
	case Approve:
		if !w.asked || !w.halted.IsZero() {
			return errorf(ErrIntervention, "approval at %s: nothing is asked then; look at the state first", formatTime(e.Time))
		}
		w.asked = false
		w.enter(e.Time)
	default:
		return errorf(ErrIntervention, "unknown intervention %q at %s", clip(string(e.Kind)), formatTime(e.Time))
	}
	return nil
}

func (w *walk) at(now time.Time) State {
	w.advance(now)
	s := State{Step: w.step, Since: w.shown, Halted: !w.halted.IsZero(), Done: w.step+1 == len(w.steps)}
	if w.step >= 0 {
		s.Percent = w.steps[w.step].Percent
	}
	if s.Halted {
		s.Next, s.Percent, s.Since, s.Done = s.Percent, 0, w.halted, false
		return s
	}
	if s.Done {
		return s
	}
	s.Next = w.next().Percent
	if s.Waiting = w.asked; w.asked {
		s.Ask = true
		return s
	}
	s.NextAt, s.Ask = w.due()
	return s
}
