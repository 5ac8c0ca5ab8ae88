package procedure

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/landingteam/landing/phasing"
	"github.com/landingteam/landing/runbook"
)

// What a round of a rollout decides.
const (
	doSet  = "set"  // publish Percent
	doAsk  = "ask"  // a person decides whether the next step begins
	doHalt = "halt" // 0 % everywhere
	doEnd  = "end"  // everybody may have it

	doClear = "clear the stop file" // that another rollout has left at its end
)

// decision is pinned in the journal: started again, a rollout does what was
// decided, and decides anew only what comes after.
type decision struct {
	Do      string          `json:"do"`
	Percent phasing.Percent `json:"percent"`
	Next    phasing.Percent `json:"next,omitempty"`   // that a person is asked about; of a halt what it was before
	Begin   phasing.Percent `json:"begin,omitempty"`  // of the first: what all images were at before this rollout
	Lowest  phasing.Percent `json:"lowest,omitempty"` // what all images are at, at least
	Time    time.Time       `json:"time"`
	Behind  time.Time       `json:"behind,omitzero"` // when it was due, if that is so long ago that what follows is later, too
	Why     string          `json:"why,omitempty"`
	Found   bool            `json:"found,omitempty"` // the stop file
	Stop    string          `json:"stop,omitempty"`  // what it said
}

// whatIsDue is the step in which a round waits for its decision.
const whatIsDue = "what is due"

// stopLook is how often the stop file is looked at while a rollout waits.
const stopLook = 5 * time.Second

// decide waits until something is to be done and pins what.
func (c *Rollout) decide(ctx context.Context, r *runbook.Run, at *progress) (decision, error) {
	at.fresh, at.seen = false, nil
	every := c.every()
	if c.Stop != nil {
		every = min(every, stopLook)
	}
	var looked time.Time
	var pending *runbook.Error // of the last look
	d, err := runbook.Wait(ctx, r, runbook.Poll[decision]{
		Name:     whatIsDue,
		Intent:   fmt.Sprintf("wait for the next step after %v", at.published),
		Every:    every,
		Stay:     c.Stay,
		Deadline: 30 * 24 * time.Hour,
		Check: func(ctx context.Context) (decision, bool, error) {
			at.fresh = true
			if c.Stop != nil && pending != nil && time.Since(looked) < c.every() && c.now().Before(pending.Due) && !c.touched(ctx) {
				return decision{}, false, pending
			}
			looked = time.Now()
			now := c.now()
			at.seen = look(c.Server)
			begun := *at
			d, err := c.look(ctx, &begun, now)
			if err != nil || d.Do != "" {
				return d, err == nil, err
			}
			st, err := begun.course.At(now)
			if err != nil {
				return d, false, err
			}
			pending = &runbook.Error{Kind: runbook.ErrPending,
				Text: fmt.Sprintf("at %v (%.2f %% of the devices) now; %v is due then", at.published, 100*at.published.Share(), st.Next), Due: st.NextAt.UTC()}
			return d, false, pending
		},
	})
	if err == nil {
		at.begun = true
		err = at.from(d.Begin)
	}
	if err == nil && !d.Behind.IsZero() {
		at.course, _, err = at.course.Delay(d.Behind, d.Time)
	}
	return d, err
}

// touched reports whether the stop file is there. When that cannot be seen, the
// next look at everything says so.
func (c *Rollout) touched(ctx context.Context) bool {
	_, there, err := c.Stop.read(ctx)
	return err == nil && there
}

// look decides what is to be done now; Do is empty when nothing is.
func (c *Rollout) look(ctx context.Context, at *progress, now time.Time) (decision, error) {
	d := decision{Percent: at.published, Time: now}
	why, err := c.alarm(ctx, &d)
	if err != nil || d.Do != "" {
		return d, err
	}
	var seen []phasing.Percent
	if why == "" { // else it halts, whatever can be read
		if seen, err = c.percentages(ctx, at.seen); err != nil {
			return d, err
		}
		if n := slices.Index(seen, 0); at.published > 0 && n >= 0 {
			why = c.Input.Images[n].String() + " was set to 0 % by somebody else"
		}
	}
	if why != "" {
		d.Do, d.Percent, d.Next, d.Why = doHalt, 0, at.published, why
		return d, nil
	}
	d.Lowest = slices.Min(seen)
	if !at.begun {
		d.Begin = d.Lowest
		if err := at.from(d.Begin); err != nil {
			return d, err
		}
		d.Percent = at.published
	}
	if d.Behind, err = at.overdue(now); err != nil {
		return d, err
	}
	st, err := at.course.At(now)
	if err != nil {
		return d, err
	}
	switch p, err := st.Publish(at.published); {
	case err != nil:
		return d, err
	case d.Lowest == 100:
		d.Do = doEnd
	case p > at.published:
		d.Do, d.Percent = doSet, p
	case st.Waiting:
		d.Do, d.Next = doAsk, st.Next
	default: // it has not come to its end while one lies lower
		if low := c.below(at.published, seen); len(low) > 0 {
			d.Do, d.Why = doSet, "uneven: "+strings.Join(low, ", ")
		} else if st.Done {
			d.Do = doEnd
		}
	}
	return d, nil
}

// alarm says why a person or the health signal wants it halted; "" when none does.
func (c *Rollout) alarm(ctx context.Context, d *decision) (string, error) {
	if c.Stop != nil {
		text, there, err := c.Stop.read(ctx)
		if err != nil {
			return "", err
		}
		if there && text == rolloutEnd {
			d.Do = doClear
			return "", nil
		}
		if there {
			d.Found, d.Stop = true, text
			return c.Stop.says(text), nil
		}
	}
	if c.Health != nil {
		h, err := c.Health(ctx)
		if err != nil {
			return "", fmt.Errorf("the health of the devices is not known: %w", err)
		}
		if h.Bad {
			return "health: " + h.Why, nil
		}
	}
	return "", nil
}

// below lists the images that are offered to fewer devices than they should.
func (c *Rollout) below(published phasing.Percent, seen []phasing.Percent) (low []string) {
	for n, p := range seen {
		if p < published {
			low = append(low, fmt.Sprintf("%s is at %v", c.Input.Images[n], p))
		}
	}
	return low
}
