package procedure

import (
	"context"
	"fmt"
	"slices"

	"github.com/landingteam/landing/runbook"
)

// decide has the problem assessed by one person and decided by another.
func (c *Hotfix) decide(ctx context.Context, r *runbook.Run) error {
	in := c.Input
	evidence := struct {
		Problem  string   `json:"problem"`
		Packages []string `json:"packages"`
		Channels []string `json:"channels"`
	}{in.Problem, in.Packages, in.channels()}
	first, err := r.Approve(ctx, runbook.Gate{
		Name:     "assess",
		Question: "Is the problem assessed: how bad it is, who is affected, and that it cannot wait for the next release?",
		Evidence: evidence, Not: in.Not, NeedReason: true,
	})
	if err != nil {
		return err
	}
	not := append(slices.Clone(in.Not), first.Names()...)
	return r.Gate(ctx, runbook.Gate{
		Name:     "decide",
		Question: fmt.Sprintf("Release %s as an emergency?", in.Tag),
		Evidence: evidence, Not: not, NeedReason: true,
	})
}

// protect has countermeasures taken and announced.
func (c *Hotfix) protect(ctx context.Context, r *runbook.Run, left *outlasting) error {
	in, g := c.Input, r.Group("countermeasures")
	if len(in.Countermeasures) == 0 {
		return g.Gate(ctx, runbook.Gate{
			Name:     "in place",
			Question: "Is it agreed that there are no countermeasures to take until users have the fix?",
			Evidence: in.Problem, Not: in.Not,
		})
	}
	if err := g.Gate(ctx, runbook.Gate{
		Name:     "in place",
		Question: "Are these countermeasures in place?",
		Evidence: in.Countermeasures, Not: in.Not,
	}); err != nil {
		return err
	}
	left.protected = true
	a, err := fill(countermeasureText, in)
	if err != nil {
		return err
	}
	return announce(ctx, g, c.Announce, "announcement", a, in.Not)
}

// What the problem is stays unsaid as long as there is no fix.
const countermeasureText = `Restrictions until the next update

To protect users, these measures are in place until an update is on their devices:
{{range .Countermeasures}}
- {{.}}{{end}}`

// fixed checks where the fix is before anybody says that it is built.
func (c *Hotfix) fixed(ctx context.Context, r *runbook.Run) error {
	in := c.Input
	private, err := runbook.Read(ctx, r, "private PPA", func(ctx context.Context) (bool, error) {
		a, err := c.Launchpad.Archive(ctx, in.Security)
		if err != nil {
			return false, err
		}
		private := a.Private.Is(true)
		if !private && !in.AllowPublic {
			return false, fmt.Errorf("%s is not known to be private: a fix there is public already; say so in the input, or build it in a private one", in.Security)
		}
		return private, nil
	})
	if err != nil {
		return err
	}
	return r.Gate(ctx, runbook.Gate{
		Name:     "fix",
		Question: fmt.Sprintf("Is the fix reviewed in a private branch, built in %s, and tested?", in.Security),
		Evidence: struct {
			PPA      string   `json:"ppa"`
			Private  bool     `json:"private"`
			Packages []string `json:"packages"`
		}{in.Security, private, in.Packages}, Not: in.Not,
	})
}

// snapshot makes sure of what the images are built from.
func (c *Hotfix) snapshot(ctx context.Context, r *runbook.Run) error {
	in, g := c.Input, r.Group("snapshot")
	if in.Origin == "" {
		_, err := findPPA(ctx, g, c.Launchpad, in.Snapshot, false)
		return err
	}
	s := &Snapshot{Launchpad: c.Launchpad, Ledger: c.ledger("snapshot"), Input: SnapshotInput{
		From: in.Origin, To: in.Snapshot, Series: in.Series, Create: in.Create, Replay: in.Replay, Not: in.Not}}
	return s.Run(ctx, g)
}
