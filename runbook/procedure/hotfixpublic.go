package procedure

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/runbook"
)

// A hotfixPlan is all that is settled before the fix is public.
type hotfixPlan struct {
	config            hotfixConfig
	snapshot, overlay *launchpad.Plan // nil only in a plan of the run, when a PPA is yet to be made
	several           bool            // lines of the crontab run the importer
}

// prepare asks all that can be asked while the fix is private.
func (c *Hotfix) prepare(ctx context.Context, r *runbook.Run) (plan hotfixPlan, err error) {
	in := c.Input
	if plan.several, err = importerFree(ctx, r, c.Importer); err != nil {
		return plan, err
	}
	g := r.Group("configuration")
	if plan.config, err = runbook.Read(ctx, g, "make the edits", func(ctx context.Context) (hotfixConfig, error) {
		if err := OneServer(ctx, c.Server, in.channels()[0], ""); err != nil {
			return hotfixConfig{}, err
		}
		return c.edits(ctx)
	}); err != nil {
		return plan, err
	}
	if err := g.Gate(ctx, runbook.Gate{
		Name:     "approve",
		Question: "Change " + c.Config.Path + " like this while the images are built, and put it back afterwards?",
		Evidence: plan.config.Shown.shown(), Not: in.Not,
	}); err != nil {
		return plan, err
	}
	if plan.snapshot, err = c.planFix(ctx, r.Group("fix to the snapshot"), in.Snapshot); err != nil {
		return plan, err
	}
	plan.overlay, err = c.planFix(ctx, r.Group("fix to the overlay"), in.Overlay)
	return plan, err
}

func (c *Hotfix) request(to string) launchpad.PlanRequest {
	return launchpad.PlanRequest{From: c.Input.Security, To: to, Series: c.Input.Series, Names: c.Input.Packages, Unembargo: true}
}

func (c *Hotfix) planFix(ctx context.Context, r *runbook.Run, to string) (*launchpad.Plan, error) {
	if r.Planning() {
		if _, err := c.Launchpad.Archive(ctx, to); errors.Is(err, launchpad.ErrNotFound) {
			return nil, r.Note("the fix is copied once " + to + " is there")
		}
	}
	return planArchive(ctx, r, c.Launchpad, c.request(to), c.Input.Not)
}

func (c *Hotfix) copyFix(ctx context.Context, r *runbook.Run, to string, plan *launchpad.Plan, ledger string) error {
	if plan == nil {
		return nil
	}
	_, err := copyPlanned(ctx, r, c.Launchpad, c.request(to), plan, c.ledger(ledger))
	return err
}

// goPublic is the line that nothing crosses before a person says so.
func (c *Hotfix) goPublic(ctx context.Context, r *runbook.Run, plan hotfixPlan) (time.Time, error) {
	in := c.Input
	if err := r.Gate(ctx, runbook.Gate{
		Name:     "public",
		Question: fmt.Sprintf("From here on the fix is public, and cannot be taken back. Copy %s to %s now?", names(in.Packages), in.Snapshot),
		Evidence: struct {
			From    string        `json:"from"`
			To      []string      `json:"to"`
			Builds  []HotfixBuild `json:"builds"`
			Support string        `json:"support"`
		}{in.Security, []string{in.Snapshot, in.Overlay}, in.Builds, in.Support}, Not: in.Not,
	}); err != nil {
		return time.Time{}, err
	}
	public, err := runbook.Read(ctx, r, "public since", func(context.Context) (time.Time, error) { return c.now(), nil })
	if err != nil {
		return public, err
	}
	return public, c.copyFix(ctx, r.Group("fix to the snapshot"), in.Snapshot, plan.snapshot, "fix-snapshot")
}
