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

// set publishes a percentage on all images that lie below it, with one command on the
// host, which sets one after the other: set-phased-percentage takes no lock, and two
// of them that synchronize the aliases of one channel break each other's commits. At
// a newer version it raises none.
// What the decision was made from counts, seen; nil is that this start has not looked.
func (c *Rollout) set(ctx context.Context, r *runbook.Run, p phasing.Percent, seen *operate.Server) error {
	if seen == nil {
		seen = look(c.Server)
	}
	now := &lookAhead{Server: seen, places: c.Input.Images}
	var low []NamedImage
	err := runbook.Each(ctx, r, keyed(c.Input.Images, self), 1, func(ctx context.Context, r *runbook.Run, t, _ NamedImage) error {
		at, err := runbook.Read(ctx, r, "published", func(ctx context.Context) (phasing.Percent, error) {
			if err := now.ready(ctx); err != nil {
				return 0, err
			}
			return percentage(ctx, now.Server, t)
		})
		switch {
		case err != nil:
			return err
		case at > p:
			return r.Note(fmt.Sprintf("%s is at %v already, above %v: not lowered", t, at, p))
		}
		low = append(low, t)
		return nil
	})
	if errors.Is(err, ErrSuperseded) {
		return err
	}
	return errors.Join(err, c.setTogether(ctx, r, now.Server, low, p))
}

// setTogether sets images to a percentage.
func (c *Rollout) setTogether(ctx context.Context, r *runbook.Run, s *operate.Server, images []NamedImage, p phasing.Percent) error {
	var parts []runbook.Part[operate.PhaseResult]
	var reqs []operate.PhaseRequest
	for _, t := range images {
		group, req := r.Group(t.String()), phaseRequest(t, p, c.Stop)
		step := setStep(s, t, p, req)
		req.Begun = group.Last(step.Name) != "" // what lies about may be what its killed program left
		reqs = append(reqs, req)
		parts = append(parts, runbook.Part[operate.PhaseResult]{Run: group, Step: step})
	}
	_, errs := runbook.Together(ctx, parts, func(ctx context.Context, open []int, ended func(int, operate.PhaseResult, error)) error {
		return c.setOpen(ctx, s, reqs, open, counted(r, fmt.Sprintf("images at %v", p), len(open)), ended)
	})
	var stop error
	for n, err := range errs {
		if !errors.Is(err, systemimage.ErrRefused) {
			continue
		}
		if stop == nil { // a newer version since, or the stop file?
			stop = c.stopped(ctx)
		}
		if _, why := percentage(ctx, c.Server, images[n]); errors.Is(why, ErrSuperseded) {
			errs[n] = why
		} else if stop != nil {
			errs[n] = stop
		}
	}
	return errors.Join(errs...)
}

// setOpen sets those that are open, and once more those that were refused because
// another rollout had come to its end.
func (c *Rollout) setOpen(ctx context.Context, s *operate.Server, reqs []operate.PhaseRequest, open []int, one func(), ended func(int, operate.PhaseResult, error)) error {
	for {
		m := operate.PhaseMany{}
		if c.Stop != nil {
			m.Unless = c.Stop.Path
		}
		for _, n := range open {
			m.Images = append(m.Images, reqs[n])
		}
		// They are confirmed side by side. What is on record stands in the order in
		// which they were set.
		refused, set := make([]error, len(open)), make([]operate.PhaseResult, len(open))
		errs, told := make([]error, len(open)), make([]bool, len(open))
		m.Ended = func(n int, res operate.PhaseResult, err error) {
			if c.Stop != nil && errors.Is(err, systemimage.ErrRefused) {
				refused[n] = err
			} else {
				set[n], errs[n], told[n] = res, err, true
				one()
			}
		}
		if err := s.PhaseMany(ctx, m); err != nil {
			for _, n := range open {
				ended(n, operate.PhaseResult{}, err)
			}
			return nil
		}
		var again []int
		for n, err := range refused {
			if told[n] {
				ended(open[n], set[n], errs[n])
			}
			if err != nil {
				again = append(again, open[n])
			}
		}
		if len(again) == 0 {
			return nil
		}
		for _, n := range again {
			s.Client.Forget(reqs[n].Device)
		}
		if over, why := c.Stop.removeEnd(ctx); why != nil || !over {
			for n, err := range refused {
				if err != nil {
					ended(open[n], operate.PhaseResult{}, errors.Join(err, why))
				}
			}
			return nil
		}
		open = again
	}
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

func phaseRequest(t NamedImage, p phasing.Percent, stop *StopFile) operate.PhaseRequest {
	req := operate.PhaseRequest{Channel: t.Channel, Device: t.Device, Version: t.Version, Percentage: int(p)}
	if stop != nil {
		req.Unless = stop.Path
	}
	return req
}

// setStep is the step that sets one image to a percentage, without its Do.
func setStep(s *operate.Server, t NamedImage, p phasing.Percent, req operate.PhaseRequest) runbook.Step[operate.PhaseResult] {
	return runbook.Step[operate.PhaseResult]{
		Name:   "set " + p.String(),
		Intent: fmt.Sprintf("offer image %d of %s for %s to %v (%.2f %% of the devices)", t.Version, t.Channel, t.Device, p, 100*p.Share()),
		Probe: func(ctx context.Context) (operate.PhaseResult, bool, error) {
			return s.CheckPhase(ctx, req)
		},
		Predict: operate.PhaseResult{Channel: t.Channel, Device: t.Device, Version: t.Version, Percentage: int(p)},
	}
}

// setPercentage sets one image, whatever the stop file says.
func setPercentage(ctx context.Context, r *runbook.Run, s *operate.Server, t NamedImage, p phasing.Percent) error {
	req := phaseRequest(t, p, nil)
	step := setStep(s, t, p, req)
	req.Begun = r.Last(step.Name) != ""
	step.Do = func(ctx context.Context) (operate.PhaseResult, error) { return s.Phase(ctx, req) }
	_, err := runbook.Do(ctx, r, step)
	return err
}

// percentages reads the published percentages of all images, in their order.
func (c *Rollout) percentages(ctx context.Context, now *operate.Server) (list []phasing.Percent, err error) {
	if err := readAhead(ctx, now, c.Input.Images, false); err != nil {
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
