package procedure

import (
	"context"
	"errors"
	"time"

	"github.com/landingteam/landing/cdimage/builder"
	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/systemimage/channelconfig"
	"github.com/landingteam/landing/systemimage/operate"
)

// Hotfix brings the fix of a security problem to users within a day, and keeps
// it out of public places until everything that can be done before is done:
//
//  1. a person assesses the problem, another one decides;
//  2. countermeasures are taken and announced;
//  3. the fix is built in a private PPA, which is checked to be private;
//  4. the snapshot PPA is prepared from the manifest of the last stable image,
//     or used as it is; what will be copied and configured later is approved;
//  5. a person says that the fix may be public from here on. Only then is it
//     copied, with its binaries, into the snapshot;
//  6. with the importer held all the while: the root file systems are built
//     with the snapshot pinned, the rc channels pointed at them, the importer
//     run once by hand, the new images looked up and the configuration put back;
//     the fix goes into the overlay, and the root file systems of rc-proposed
//     are built again, because an import of the ones before would take their
//     devices back in time. Tests of the rc images go on meanwhile;
//  7. QA approves the very images. One that is replaced is asked about anew;
//  8. they are copied to stable, with the tag, at 0 %;
//  9. the support team is named and on stand-by, before the first percent;
//  10. the images are phased in over five hours, see [Rollout];
//  11. an announcement;
//  12. after a period of grace the countermeasures are removed;
//  13. on the next working day the support team is stood down.
//
// How long the fix has been public is noted when the first devices are offered
// it, when all are, and when it is announced.
//
// No question is asked while the importer is held: an open one would give it
// back between the builds. Channels that import from the same builds are set to
// "manual" meanwhile, which lasts over failures and pending questions, until
// their own builds are done.
//
// When it ends at a no, a note says what outlasts it: countermeasures, a public
// fix, images in stable. The package comment maps the bullets of the team's
// procedure onto its steps, checks and gates.
type Hotfix struct {
	Launchpad *launchpad.Client
	Ledger    string // see Snapshot
	Builder   *builder.Builder
	Server    *operate.Server
	Importer  *operate.Importer
	Config    *channelconfig.HostFile
	Announce  func(context.Context, Announcement) error // nil: a person sends them

	Pace // of the rollout; Stay waits for days to come, too

	// Workday is when the support team can be stood down, after a moment; nil is
	// nine o'clock, UTC, on the next day from Monday to Friday.
	Workday func(after time.Time) time.Time

	Input HotfixInput
}

// Run is the procedure. See [runbook.Procedure].
func (c *Hotfix) Run(ctx context.Context, r *runbook.Run) error {
	if err := c.Input.check(); err != nil {
		return err
	}
	var left outlasting
	err := c.run(ctx, r, &left)
	if errors.Is(err, runbook.ErrRejected) {
		for _, text := range left.notes(c.Input) {
			err = errors.Join(err, r.Note(text))
		}
	}
	return err
}

func (c *Hotfix) run(ctx context.Context, r *runbook.Run, left *outlasting) error {
	if err := c.decide(ctx, r); err != nil {
		return err
	}
	if err := c.protect(ctx, r, left); err != nil {
		return err
	}
	if err := c.fixed(ctx, r); err != nil {
		return err
	}
	if err := c.snapshot(ctx, r); err != nil {
		return err
	}
	plan, err := c.prepare(ctx, r)
	if err != nil {
		return err
	}
	if left.public, err = c.goPublic(ctx, r, plan); err != nil {
		return err
	}
	var built []hotfixBuilt
	var p pointing
	err = r.Hold(ctx, p.around(holdImporter(r, c.Importer, plan.several)), func(ctx context.Context, r *runbook.Run) error {
		built, err = c.images(ctx, r, plan, &p)
		return err
	})
	if err != nil {
		return err
	}
	candidates, err := c.tested(ctx, r, built)
	if err != nil {
		return err
	}
	if err := c.release(ctx, r, candidates, left); err != nil {
		return err
	}
	return c.wrapUp(ctx, r, left)
}

func (c *Hotfix) ledger(of string) string {
	if c.Ledger == "" {
		return ""
	}
	return c.Ledger + "." + of
}
