package phasing

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
)

// How long a linear schedule usually takes: Canonical phased in over a day.
const (
	OrdinaryRamp  = 24 * time.Hour // of a release
	EmergencyRamp = 5 * time.Hour  // of a security fix
)

// maxRamp bounds linear schedules, so that their arithmetic cannot overflow.
const maxRamp = 366 * 24 * time.Hour

// Step is one stage of a schedule.
type Step struct {
	Percent Percent       // what is published during the step, more than in the step before
	At      time.Time     // the step begins at this time; zero: when the step before ends
	Hold    time.Duration // at least how long it lasts; 0 in the last step
	Ask     bool          // a person is asked at its end, before the next begins
}

// String writes the step as [ParseSchedule] reads it: "10% 6h ask".
func (s Step) String() string {
	words := []string{s.Percent.String()}
	if !s.At.IsZero() {
		words = append(words, "at", formatTime(s.At))
	}
	if s.Hold > 0 {
		words = append(words, formatDuration(s.Hold))
	}
	if s.Ask {
		words = append(words, "ask")
	}
	return strings.Join(words, " ")
}

// Schedule is a list of steps with rising percentages. It is written as text in JSON.
// The zero value has no steps and can be neither started nor parsed.
type Schedule struct {
	steps       []Step
	over, every time.Duration // a linear schedule is printed as it was asked for
}

// NewSchedule checks the steps and makes a schedule of them. Percentages rise from step
// to step (only the first may be 0); every step but the last ends in some way: after a
// Hold, by asking, or because the next has a time; times rise, and leave room for the
// holds between them; the last step has neither Hold nor Ask.
func NewSchedule(steps ...Step) (Schedule, error) {
	s := Schedule{steps: slices.Clone(steps)}
	if i, err := s.check(); err != nil {
		err.Text = fmt.Sprintf("step %d: %s", i+1, err.Text)
		return Schedule{}, err
	}
	return s, nil
}

// Linear makes a schedule that rises from 1 % to 100 % in the given time, by whole
// percents: after a tenth of the time it is at 10 %. With an interval the percentage
// changes only at multiples of it ("linear 24h every 2h"), else whenever it can. It
// begins with 1 % because nothing lies between that and nobody.
func Linear(over, every time.Duration) (Schedule, error) {
	if over <= 0 || over > maxRamp {
		return Schedule{}, errorf(ErrRange, "linear over %v: want more than 0 and at most %v", over, formatDuration(maxRamp))
	}
	if every < 0 || every > over {
		return Schedule{}, errorf(ErrRange, "linear over %v every %v: the interval must be positive and fit in", over, every)
	}
	s := Schedule{over: over, every: every}
	var begins []time.Duration
	for p := Percent(1); p <= 100; p++ {
		begin := (over*time.Duration(p) + 99) / 100
		if every > 0 {
			begin = min((begin+every-1)/every*every, over)
		}
		if p == 1 {
			begin = 0
		}
		if n := len(begins); n > 0 && begins[n-1] == begin {
			s.steps[n-1].Percent = p
			continue
		}
		s.steps = append(s.steps, Step{Percent: p})
		begins = append(begins, begin)
	}
	for i := range len(begins) - 1 {
		s.steps[i].Hold = begins[i+1] - begins[i]
	}
	return s, nil
}

// check returns the first step that does not fit.
func (s Schedule) check() (int, *Error) {
	if len(s.steps) == 0 {
		return 0, errorf(ErrSyntax, "a schedule needs at least one step, such as 100%%")
	}
	var last time.Time
	for i, step := range s.steps {
		if !step.Percent.Valid() {
			return i, errorf(ErrRange, "percentage %d is outside 0..100", int(step.Percent))
		}
		if step.Hold < 0 || step.Hold > maxRamp {
			return i, errorf(ErrRange, "%v is no time to hold a step", step.Hold)
		}
		if i > 0 {
			before := s.steps[i-1]
			if step.Percent <= before.Percent {
				return i, errorf(ErrLowers, "%v follows %v: percentages must rise", step.Percent, before.Percent)
			}
			if step.At.IsZero() && before.Hold == 0 && !before.Ask {
				return i - 1, errorf(ErrSyntax, "nothing ends %v: say how long it is held (2h), ask, or give %v a time", before.Percent, step.Percent)
			}
		}
		if !step.At.IsZero() {
			if !last.IsZero() && !step.At.After(last) {
				return i, errorf(ErrSyntax, "%s is not after what comes before it", formatTime(step.At))
			}
			last = step.At
		}
		if !last.IsZero() {
			last = last.Add(max(step.Hold-1, 0)) // a step may begin when the hold ends
		}
	}
	if end := s.steps[len(s.steps)-1]; end.Hold > 0 || end.Ask {
		return len(s.steps) - 1, errorf(ErrSyntax, "nothing follows %v: the last step takes neither a time to hold nor ask", end.Percent)
	}
	return 0, nil
}

// Steps returns a copy of the steps; those of a linear schedule too.
func (s Schedule) Steps() []Step { return slices.Clone(s.steps) }

// Timeline says when each step begins if the schedule is started at start, every
// question is answered at once and nobody halts it.
func (s Schedule) Timeline(start time.Time) iter.Seq2[time.Time, Step] {
	return func(yield func(time.Time, Step) bool) {
		at := start
		for _, step := range s.steps {
			if step.At.After(at) {
				at = step.At
			}
			if !yield(at, step) {
				return
			}
			at = at.Add(step.Hold)
		}
	}
}

// String writes the schedule as [ParseSchedule] reads it.
func (s Schedule) String() string {
	if s.over > 0 {
		text := "linear " + formatDuration(s.over)
		if s.every > 0 {
			text += " every " + formatDuration(s.every)
		}
		return text
	}
	parts := make([]string, len(s.steps))
	for i, step := range s.steps {
		parts[i] = step.String()
	}
	return strings.Join(parts, ", ")
}

// Equal reports whether both read the same.
func (s Schedule) Equal(t Schedule) bool { return s.String() == t.String() }

// MarshalText writes the schedule as String does.
func (s Schedule) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText wrote; the empty text is the zero Schedule.
func (s *Schedule) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*s = Schedule{}
		return nil
	}
	parsed, err := ParseSchedule(string(text))
	if err != nil {
		return err
	}
	*s = parsed
	return nil
}
