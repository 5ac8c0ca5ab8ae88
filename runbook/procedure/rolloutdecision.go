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
)

// decision is pinned in the journal: started again, a rollout does what was
// decided, and decides anew only what comes after.
type decision struct {
	Do      string          `json:"do"`
	Percent phasing.Percent `json:"percent"`
	Next    phasing.Percent `json:"next,omitempty"` // that a person is asked about; of a halt what it was before
	Time    time.Time       `json:"time"`
	Why     string          `json:"why,omitempty"`
	Found   bool            `json:"found,omitempty"` // the stop file
	Stop    string          `json:"stop,omitempty"`  // what it said
}

// decide waits until something is to be done and pins what.
func (c *Rollout) decide(ctx context.Context, r *runbook.Run, ro phasing.Rollout, published phasing.Percent) (decision, error) {
	return runbook.Wait(ctx, r, runbook.Poll[decision]{
		Name:     "what is due",
		Intent:   fmt.Sprintf("wait for the next step after %v", published),
		Every:    c.every(),
		Deadline: 30 * 24 * time.Hour,
		Check: func(ctx context.Context) (decision, bool, error) {
			now := c.now()
			d, err := c.look(ctx, ro, published, now)
			if err != nil || d.Do != "" {
				return d, err == nil, err
			}
			if c.Stay {
				return d, false, nil
			}
			st, err := ro.At(now)
			if err != nil {
				return d, false, err
			}
			return d, false, &runbook.Error{Kind: runbook.ErrPending,
				Text: fmt.Sprintf("%v is due at %s", st.Next, st.NextAt.UTC().Format("2006-01-02 15:04:05 MST")),
				Hint: "start again with the same journal then; earlier does no harm"}
		},
	})
}

// look decides what is to be done now; Do is empty when nothing is.
func (c *Rollout) look(ctx context.Context, ro phasing.Rollout, published phasing.Percent, now time.Time) (decision, error) {
	d := decision{Percent: published, Time: now}
	why, err := c.alarm(ctx, &d)
	if err != nil {
		return d, err
	}
	var seen []phasing.Percent
	if why == "" { // else it halts, whatever can be read
		if seen, err = c.percentages(ctx); err != nil {
			return d, err
		}
		if n := slices.Index(seen, 0); published > 0 && n >= 0 {
			why = c.Input.Images[n].String() + " was set to 0 % by somebody else"
		}
	}
	if why != "" {
		d.Do, d.Percent, d.Next, d.Why = doHalt, 0, published, why
		return d, nil
	}
	st, err := ro.At(now)
	if err != nil {
		return d, err
	}
	switch p, err := st.Publish(published); {
	case err != nil:
		return d, err
	case p > published:
		d.Do, d.Percent = doSet, p
	case st.Waiting:
		d.Do, d.Next = doAsk, st.Next
	case st.Done:
		d.Do = doEnd
	default:
		if low := c.below(published, seen); len(low) > 0 {
			d.Do, d.Why = doSet, "uneven: "+strings.Join(low, ", ")
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

// below lists the targets that are offered to fewer devices than they should.
func (c *Rollout) below(published phasing.Percent, seen []phasing.Percent) (low []string) {
	for n, p := range seen {
		if p < published {
			low = append(low, fmt.Sprintf("%s is at %v", c.Input.Images[n], p))
		}
	}
	return low
}
