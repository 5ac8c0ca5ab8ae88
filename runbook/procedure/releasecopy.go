package procedure

import (
	"context"
	"fmt"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/operate"
)

// copyAll copies the candidates to stable, with the tag and at 0 %, while the
// importer is held.
func (c *Release) copyAll(ctx context.Context, r *runbook.Run, candidates []releaseImage) (targets []NamedImage, err error) {
	several, err := importerFree(ctx, r, c.Importer)
	if err != nil {
		return nil, err
	}
	now := &lookAhead{Server: look(c.Server), onHost: true}
	for _, v := range candidates {
		now.places = append(now.places, bothOf([]Pair{v.Pair})...)
	}
	err = r.Hold(ctx, holdImporter(r, c.Importer, several), func(ctx context.Context, r *runbook.Run) error {
		one := counted(r, "images to be copied", len(candidates))
		return runbook.Each(ctx, r, keyed(candidates, func(v releaseImage) Pair { return v.Pair }), 1, func(ctx context.Context, r *runbook.Run, _ Pair, v releaseImage) error {
			defer one()
			t, err := c.copyOne(ctx, r, now, v)
			targets = append(targets, t)
			return err
		})
	})
	return targets, err
}

func (c *Release) copyOne(ctx context.Context, r *runbook.Run, now *lookAhead, v releaseImage) (NamedImage, error) {
	before, err := runbook.Read(ctx, r, "newest there so far", func(ctx context.Context) (phased, error) {
		if err := now.ready(ctx); err != nil {
			return phased{}, err
		}
		x, err := now.Client.Index(ctx, v.To, v.Device)
		if err != nil {
			return phased{}, err
		}
		return newestPhased(x), nil
	})
	if err != nil {
		return NamedImage{}, err
	}
	copied, err := copyImage(ctx, r, now.Server, operate.CopyRequest{
		From: v.From, To: v.To, Device: v.Device, Version: v.Version, Tag: c.Input.Tag, Percentage: 0,
	})
	t := NamedImage{Channel: v.To, Device: v.Device, Version: copied.Version}
	if err != nil || before.Percentage > 0 || before.Version == copied.Version {
		return t, err
	}
	return t, r.Verify(ctx, "the image before stays withdrawn", func(ctx context.Context) error {
		old := NamedImage{Channel: v.To, Device: v.Device, Version: before.Version}
		who, err := whoGets(ctx, now.Client, old)
		if err == nil && who != "" {
			err = fmt.Errorf("image %d was at 0 %%, and can be had by everybody now: %s. No delta leads from it to image %d: "+
				"if it is faulty, set image %[3]d to 100 %% at once, when that is fit for it, or back both out; then start again with the same journal", before.Version, who, copied.Version)
		}
		return err
	})
}

// phased is an image and its percentage.
type phased struct {
	Version    int `json:"version"`
	Percentage int `json:"percentage"`
}

// newestPhased is the newest full image of a channel; one that has none is phased to
// everybody.
func newestPhased(x *systemimage.PublishedIndex) phased {
	if m, ok := x.Latest(); ok {
		return phased{m.Version, m.Percentage}
	}
	return phased{Percentage: 100}
}
