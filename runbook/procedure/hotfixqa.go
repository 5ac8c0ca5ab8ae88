package procedure

import (
	"context"
	"fmt"
	"slices"

	"github.com/landingteam/landing/runbook"
)

// tested has QA approve the images. When one is not the newest any more after
// the answer, the question is asked anew about those that are.
func (c *Hotfix) tested(ctx context.Context, r *runbook.Run, built []hotfixBuilt) ([]releaseImage, error) {
	for n := 1; ; n++ {
		round := r.Group(fmt.Sprintf("QA %d", n))
		candidates, err := runbook.Read(ctx, round, "find candidates", func(ctx context.Context) ([]releaseImage, error) { return c.candidates(ctx, r.Planning()) })
		if err != nil {
			return nil, err
		}
		if r.Planning() {
			if missing, err := c.missing(ctx, built); err != nil || len(missing) > 0 {
				for i := range candidates { // the images are yet to be made
					candidates[i].Version, candidates[i].Detail = 0, ""
				}
			}
		} else {
			if err := round.Verify(ctx, "they have the fix", func(ctx context.Context) error {
				missing, err := c.missing(ctx, built)
				if err == nil && len(missing) > 0 {
					err = fmt.Errorf("an image without the fix is above it on rc: %s; publish one with it there, then start again", names(missing))
				}
				return err
			}); err != nil {
				return nil, err
			}
		}
		if err := askAboutWithdrawn(ctx, round, withdrawnOf(candidates), c.Input.Not); err != nil {
			return nil, err
		}
		if err := round.Gate(ctx, runbook.Gate{
			Name:     "approve",
			Question: fmt.Sprintf("Has QA tested these very %d images, and may they be released as %s?", len(candidates), c.Input.Tag),
			Evidence: shown{candidates, releaseLines(candidates)}, Not: c.Input.Not,
		}); err != nil {
			return nil, err
		}
		if r.Planning() {
			return candidates, nil
		}
		same, err := runbook.Read(ctx, round, "still the newest", func(ctx context.Context) (bool, error) {
			now, err := c.newest(ctx)
			return slices.EqualFunc(now, candidates, releaseImage.same), err
		})
		if err != nil || same {
			return candidates, err
		}
		if err := round.Note("an image was replaced while it was tested: QA is asked again"); err != nil {
			return nil, err
		}
	}
}

// candidates are the newest images, with what stable knows about each. Those of a
// plan are yet to be made.
func (c *Hotfix) candidates(ctx context.Context, planning bool) ([]releaseImage, error) {
	list, err := c.newest(ctx)
	for n := range list {
		if err == nil && !planning {
			err = list[n].compare(ctx, c.Server.Client, c.Input.Tag)
		}
	}
	return list, err
}

// newest lists the newest images of the rc channels, where stable has the device.
func (c *Hotfix) newest(ctx context.Context) ([]releaseImage, error) {
	var wanted []Pair
	for _, channel := range c.Input.channels() {
		to, _ := replaceElement(channel, c.Input.From, c.Input.To)
		wanted = append(wanted, Pair{From: channel, To: to})
	}
	return newestOf(ctx, look(c.Server), c.Input.From, c.Input.To, wanted)
}
