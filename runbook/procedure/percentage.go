package procedure

import (
	"context"
	"errors"
	"fmt"

	"github.com/landingteam/landing/phasing"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/operate"
)

// set publishes a percentage on all images that lie below it. One after the
// other: set-phased-percentage takes no lock, and two of them that synchronize
// the aliases of one channel break each other's commits. At a newer version it
// raises no others.
func (c *Rollout) set(ctx context.Context, r *runbook.Run, p phasing.Percent) error {
	superseded := false
	return runbook.Each(ctx, r, keyed(c.Input.Images, self), 1, func(ctx context.Context, r *runbook.Run, t, _ NamedImage) (err error) {
		if superseded {
			return nil
		}
		defer func() { superseded = errors.Is(err, ErrSuperseded) }()
		now, err := runbook.Read(ctx, r, "published", func(ctx context.Context) (phasing.Percent, error) {
			return percentage(ctx, c.Server, t)
		})
		if err != nil {
			return err
		}
		if now > p {
			return r.Note(fmt.Sprintf("%s is at %v already, above %v: not lowered", t, now, p))
		}
		err = setPercentage(ctx, r, c.Server, t, p, c.Stop)
		if errors.Is(err, systemimage.ErrRefused) { // a newer version since, or the stop file?
			if _, why := percentage(ctx, c.Server, t); errors.Is(why, ErrSuperseded) {
				err = why
			} else if why := c.stopped(ctx); why != nil {
				err = why
			}
		}
		return err
	})
}

// stopped says why nothing is raised: a back-out that begins while a round is
// under way comes first.
func (c *Rollout) stopped(ctx context.Context) error {
	if c.Stop == nil {
		return nil
	}
	text, there, err := c.Stop.read(ctx)
	if err == nil && there {
		err = fmt.Errorf("not raised: %s; start again to halt everywhere", c.Stop.says(text))
	}
	return err
}

// setPercentage is the one effect of this procedure. While the stop file is there,
// nothing is set; nil is none.
func setPercentage(ctx context.Context, r *runbook.Run, s *operate.Server, t NamedImage, p phasing.Percent, stop *StopFile) error {
	req := operate.PhaseRequest{Channel: t.Channel, Device: t.Device, Version: t.Version, Percentage: int(p)}
	if stop != nil {
		req.Unless = stop.Path
	}
	_, err := runbook.Do(ctx, r, runbook.Step[operate.PhaseResult]{
		Name:   "set " + p.String(),
		Intent: fmt.Sprintf("offer image %d of %s for %s to %v (%.2f %% of the devices)", t.Version, t.Channel, t.Device, p, 100*p.Share()),
		Probe: func(ctx context.Context) (operate.PhaseResult, bool, error) {
			return s.CheckPhase(ctx, req)
		},
		Do: func(ctx context.Context) (operate.PhaseResult, error) {
			for {
				got, err := s.Phase(ctx, req)
				if stop == nil || !errors.Is(err, systemimage.ErrRefused) {
					return got, err
				}
				// Another rollout may have come to its end just now.
				if ended, why := stop.removeEnd(ctx); why != nil || !ended {
					return got, errors.Join(err, why)
				}
			}
		},
		Predict: operate.PhaseResult{Channel: t.Channel, Device: t.Device, Version: t.Version, Percentage: int(p)},
	})
	return err
}

// percentages reads the published percentages of all images, in their order.
func (c *Rollout) percentages(ctx context.Context) (list []phasing.Percent, err error) {
	now := look(c.Server)
	if err := readAhead(ctx, now, c.Input.Images); err != nil {
		return nil, err
	}
	for _, t := range c.Input.Images {
		p, err := percentage(ctx, now, t)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

// percentage reads the published percentage of an image. It is [ErrSuperseded]
// when it is not the newest version any more.
func percentage(ctx context.Context, s *operate.Server, t NamedImage) (phasing.Percent, error) {
	x, err := s.Client.Index(ctx, t.Channel, t.Device)
	if err != nil {
		return 0, err
	}
	m, ok := x.Full(t.Version)
	newest, _ := x.Newest()
	switch {
	case newest > t.Version:
		return 0, fmt.Errorf("%s: image %d is %w, %d: the phasing of %[2]d ended at 100 %%, and this rollout with it. "+
			"What the others are at stays; phase the newest images in with a new rollout", t, t.Version, ErrSuperseded, newest)
	case !ok:
		return 0, fmt.Errorf("%s has no image %d; its newest is %d", t, t.Version, newest)
	}
	return phasing.Percent(m.Percentage), nil
}
