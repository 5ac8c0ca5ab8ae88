package procedure

import (
	"context"
	"fmt"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/operate"
)

// releaseImage is one image that is to be released, as shown at the gate.
type releaseImage struct {
	Pair
	Version int    `json:"version"`
	Detail  string `json:"detail"`

	// Ends says that the newest image there now is not at 100 %: a newer one ends
	// its phasing, also one at 0 %. Where no delta leads from it to the newer one
	// it can be had by everybody then.
	Ends string `json:"ends,omitempty"`

	Withdrawn string `json:"again,omitempty"` // its content was there before

	// Tag says what is odd about the release's tag: an image there has it, or a
	// higher one.
	Tag string `json:"tag,omitempty"`
}

// same reports whether it is the same image, whatever has happened around it.
func (v releaseImage) same(o releaseImage) bool {
	return v.Pair == o.Pair && v.Version == o.Version && v.Detail == o.Detail
}

// withdrawnOf says of which images the content was there before, and why it is not now.
func withdrawnOf(list []releaseImage) (withdrawn []string) {
	for _, v := range list {
		if v.Withdrawn != "" {
			withdrawn = append(withdrawn, v.Withdrawn)
		}
	}
	return withdrawn
}

// findCandidates pins the pairs and the newest image of each. What is out already is
// an error: copied at 0 % it would be taken from those who are offered it.
func (c *Release) findCandidates(ctx context.Context, r *runbook.Run) ([]releaseImage, error) {
	return runbook.Read(ctx, r, "find candidates", func(ctx context.Context) ([]releaseImage, error) {
		in, now := c.Input, look(c.Server)
		list, err := newestOf(ctx, now, in.From, in.To, in.Pairs)
		if err == nil {
			err = OneServer(ctx, now, list[0].To, list[0].Device)
		}
		if err != nil {
			return nil, err
		}
		for n := range list {
			if err := list[n].compare(ctx, now.Client, in.Tag); err != nil {
				return nil, err
			}
		}
		return list, nil
	})
}

// compare fills in what stable knows about the image.
func (v *releaseImage) compare(ctx context.Context, client *systemimage.Client, tag string) error {
	m, err := client.Full(ctx, v.From, v.Device, v.Version)
	if err != nil {
		return err
	}
	dst, err := client.Index(ctx, v.To, v.Device)
	if err != nil {
		return err
	}
	out := ""
	if out, v.Withdrawn = outOrWithdrawn(dst, m); out != "" {
		return &systemimage.Error{Kind: systemimage.ErrRefused, Err: fmt.Errorf("%s: there is nothing to copy. Bring it to everybody with a rollout, if it is not there yet, "+
			"and name the pairs that are to be released without this one", out)}
	}
	v.Tag = doubtsOfTag(dst.Index, tag)
	if p := newestPhased(dst); p.Percentage < 100 {
		v.Ends = fmt.Sprintf("the phasing of image %d, which is at %d %%", p.Version, p.Percentage)
	}
	return nil
}

// newestOf looks for the pairs, and at both channels of each for its newest image.
func newestOf(ctx context.Context, now *operate.Server, from, to string, wanted []Pair) ([]releaseImage, error) {
	channels, err := now.Client.Channels(ctx)
	if err != nil {
		return nil, err
	}
	pairs, _, err := findPairs(channels.Channels, from, to, wanted)
	if err != nil {
		return nil, err
	}
	if err := readAhead(ctx, now, bothOf(pairs), false); err != nil {
		return nil, err
	}
	var list []releaseImage
	for _, p := range pairs {
		m, err := now.Client.Latest(ctx, p.From, p.Device)
		if err != nil {
			return nil, err
		}
		list = append(list, releaseImage{Pair: p, Version: m.Version, Detail: m.VersionDetail})
	}
	return list, nil
}
