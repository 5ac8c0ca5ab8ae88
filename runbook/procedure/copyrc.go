package procedure

import (
	"context"
	"fmt"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/systemimage/operate"
)

// CopyRC copies the newest rc-proposed images to rc, for every channel and
// device, with the importer held back while it does:
//
//  1. find the newest image of each pair in the source channel;
//  2. comment the importer out of the crontab (lazily: when everything has been
//     copied already, the importer is not touched);
//  3. copy pair after pair with the tag, at 100 %, and go on with the next pair
//     when one fails;
//  4. look each copy up in the published index;
//  5. put the importer back, whatever happened.
//
// No copy begins before the one before is looked up, every index of the tree is looked
// at, and the importer is seen to be held: killed at any moment, one is in doubt at most.
//
// A copy counts as done already when the newest image of the destination has the
// same files, this tag and 100 %. The same content with another tag or percentage
// is an error that names the command to use instead. Content that was there before,
// and was replaced or taken back, is not copied without a question.
type CopyRC struct {
	Server   *operate.Server   // the image server; its Client reads the published tree
	Importer *operate.Importer // paused while images are copied
	Input    CopyRCInput
}

// CopyRCInput is what one run of [CopyRC] is asked to do. It is recorded in the
// journal: a run can be resumed with the same input only.
type CopyRCInput struct {
	Tag   string `json:"tag"`             // such as "OTA-13-rc"; required
	From  string `json:"from"`            // path element of the source channels' names, such as "rc-proposed"
	To    string `json:"to"`              // what stands there in the destinations' names, such as "rc"
	Pairs []Pair `json:"pairs,omitempty"` // what to copy; empty: all pairs that exist in both
}

// found is what the first look at the server is pinned to for the whole run.
type found struct {
	Pairs   []Pair    `json:"pairs"`
	Skipped []leftOut `json:"skipped,omitempty"`
}

// newest is the source image that a pair is pinned to. An image that is imported
// after the look is for the next run.
type newest struct {
	Version   int    `json:"version"`
	Detail    string `json:"detail"`
	Withdrawn string `json:"again,omitempty"` // its content was there before
}

// Run is the procedure. See [runbook.Procedure].
func (c *CopyRC) Run(ctx context.Context, r *runbook.Run) error {
	in := c.Input
	if in.Tag == "" {
		return fmt.Errorf("copyrc needs a tag, such as OTA-13-rc: without one the server would pass on the source's")
	}
	if in.From == in.To {
		return fmt.Errorf("copyrc copies from channels with %q in their names to the same with another word, not with %q again", in.From, in.To)
	}
	now := &lookAhead{Server: look(c.Server), onHost: true}
	all, err := runbook.Read(ctx, r, "find pairs", func(ctx context.Context) (found, error) {
		channels, err := now.Client.Channels(ctx)
		if err != nil {
			return found{}, err
		}
		pairs, skipped, err := findPairs(channels.Channels, in.From, in.To, in.Pairs)
		if err == nil {
			err = OneServer(ctx, now.Server, pairs[0].To, pairs[0].Device)
		}
		return found{pairs, skipped}, err
	})
	if err != nil {
		return err
	}
	for _, s := range all.Skipped {
		if err := r.Group(s.Pair.String()).Note(fmt.Sprintf("%s is left out: %s", s.Pair, s.Why)); err != nil {
			return err
		}
	}
	now.places = bothOf(all.Pairs)
	several, err := importerFree(ctx, r, c.Importer)
	if err != nil {
		return err
	}
	return r.Hold(ctx, holdImporter(r, c.Importer, several), func(ctx context.Context, r *runbook.Run) error {
		// One at a time: the server lets only one copy run anyway.
		one := counted(r, "pairs", len(all.Pairs))
		return runbook.Each(ctx, r, keyed(all.Pairs, self), 1, func(ctx context.Context, r *runbook.Run, p, _ Pair) error {
			defer one()
			return c.copyPair(ctx, r, now, p)
		})
	})
}

func (c *CopyRC) copyPair(ctx context.Context, r *runbook.Run, now *lookAhead, p Pair) error {
	src, err := runbook.Read(ctx, r, "newest image of "+p.From, func(ctx context.Context) (newest, error) {
		if err := now.ready(ctx); err != nil {
			return newest{}, err
		}
		m, err := now.Client.Latest(ctx, p.From, p.Device)
		if err != nil {
			return newest{}, err
		}
		dst, err := now.Client.Index(ctx, p.To, p.Device)
		if err != nil {
			return newest{}, err
		}
		_, withdrawn := outOrWithdrawn(dst, m)
		return newest{m.Version, m.VersionDetail, withdrawn}, nil
	})
	if err != nil {
		return err
	}
	if src.Withdrawn != "" {
		if err := askAboutWithdrawn(ctx, r, []string{src.Withdrawn}, nil); err != nil {
			return err
		}
	}
	_, err = copyImage(ctx, r, now.Server, operate.CopyRequest{
		From: p.From, To: p.To, Device: p.Device, Version: src.Version, Tag: c.Input.Tag, Percentage: 100,
	})
	return err
}
