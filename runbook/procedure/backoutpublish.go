package procedure

import (
	"context"
	"fmt"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/systemimage/operate"
)

// revert publishes the good images again, and returns what is offered then.
func (c *BackOut) revert(ctx context.Context, r *runbook.Run, plan []replacement) ([]NamedImage, error) {
	dead, several, err := c.takeOver(ctx, r)
	if err != nil {
		return nil, err
	}
	var offered []NamedImage
	err = r.Hold(ctx, holdImporter(r, c.Importer, several, dead...), func(ctx context.Context, r *runbook.Run) error {
		one := counted(r, "images to be published again", len(plan))
		return runbook.Each(ctx, r.Group("revert"), keyed(plan, func(v replacement) NamedImage { return v.NamedImage }), 1, func(ctx context.Context, r *runbook.Run, t NamedImage, v replacement) error {
			defer one()
			version, err := c.revertOne(ctx, r, t, v)
			offered = append(offered, NamedImage{t.Channel, t.Device, version})
			return err
		})
	})
	return offered, err
}

func (c *BackOut) revertOne(ctx context.Context, r *runbook.Run, t NamedImage, v replacement) (version int, err error) {
	if v.AlreadyHigher > 0 || v.NoGood != "" {
		version, err = runbook.Read(ctx, r, "image above it", func(ctx context.Context) (int, error) {
			_, newer, err := offeredAs(ctx, c.Server.Client, t)
			if err == nil && newer.Version == 0 {
				err = fmt.Errorf("%s; import or copy a good image there by hand, then start again with the same journal", v.NoGood)
			}
			return newer.Version, err
		})
		if err != nil || r.Planning() {
			return version, err
		}
		return version, r.Note(fmt.Sprintf("%s: image %d is above the faulty one already; nothing is published", t, version))
	}
	copied, err := copyImage(ctx, r, c.Server, operate.CopyRequest{
		From: t.Channel, To: t.Channel, Device: t.Device, Version: v.Good,
		Tag: c.Input.Tag, KeepTag: c.Input.Tag == "", Percentage: c.Input.Percentage,
	})
	if err == nil && !r.Planning() {
		err = c.closeGap(ctx, r, t, copied.Version)
	}
	if err != nil {
		return copied.Version, err
	}
	return copied.Version, r.Verify(ctx, "nobody gets the faulty image", func(ctx context.Context) error {
		who, err := whoGets(ctx, c.Server.Client, t)
		if err == nil && who != "" {
			err = fmt.Errorf("%s: offer image %d, which is the good one, to everybody with a rollout, then start again with the same journal", who, copied.Version)
		}
		return err
	})
}

// closeGap raises the good image to everybody where devices could have the faulty
// one otherwise: nothing is worse than that.
func (c *BackOut) closeGap(ctx context.Context, r *runbook.Run, t NamedImage, good int) error {
	who, err := runbook.Read(ctx, r, "who gets the faulty image", func(ctx context.Context) (string, error) {
		return whoGets(ctx, c.Server.Client, t)
	})
	if err != nil || who == "" {
		return err
	}
	if err := r.Note(fmt.Sprintf("at %d %% of image %d the faulty one can be had (%s): image %[2]d is offered to everybody", c.Input.Percentage, good, who)); err != nil {
		return err
	}
	return setPercentage(ctx, r, c.Server, NamedImage{t.Channel, t.Device, good}, 100)
}
