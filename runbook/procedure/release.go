package procedure

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/landingteam/landing/phasing"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/operate"
)

// Release brings the images that were tested on rc to stable:
//
//  1. find the newest rc image of each pair, and ask whether these very images
//     are what is to be released;
//  2. hold the importer, copy each to stable with the tag, at 0 %. A newer image
//     ends the phasing of the one before, also where that was withdrawn: whether
//     anybody can have that one again is looked up;
//  3. when all are there, phase them in together along the schedule: see
//     [Rollout].
//
// Between copy-image's first commit and its last an image is offered to
// everybody for a moment, whatever percentage was asked for; the server knows
// no other way. The percentage is verified afterwards, on aliases too.
type Release struct {
	Server   *operate.Server
	Importer *operate.Importer
	Health   func(ctx context.Context) (Health, error) // see Rollout
	Stop     *StopFile
	Stay     bool
	Every    time.Duration
	Now      func() time.Time

	Input ReleaseInput
}

// ReleaseInput is what one run of [Release] is asked to do.
type ReleaseInput struct {
	Tag      string           `json:"tag"`             // such as "OTA-13"; required
	From     string           `json:"from"`            // path element of the source channels' names, such as "rc"
	To       string           `json:"to"`              // such as "stable"
	Pairs    []Pair           `json:"pairs,omitempty"` // empty: all pairs that exist in both
	Schedule phasing.Schedule `json:"schedule"`
	Not      []string         `json:"not,omitempty"` // who may not answer the gates, such as who prepared the images
}

// Candidate is one image that is to be released, as shown at the gate.
type Candidate struct {
	Pair
	Version int    `json:"version"`
	Detail  string `json:"detail"`

	// Ends says that the newest image there now is not at 100 %: a newer one ends
	// its phasing, also one at 0 %. Where no delta leads from it to the newer one
	// it can be had by everybody then.
	Ends string `json:"ends,omitempty"`
}

// Run is the procedure. See [runbook.Procedure].
func (c *Release) Run(ctx context.Context, r *runbook.Run) error {
	in := c.Input
	if in.Tag == "" {
		return errors.New("a release needs a tag, such as OTA-13: without one the tag of rc would reach stable")
	}
	if strings.Contains(in.Tag, ",") {
		return fmt.Errorf("tag %q: no comma can be in it", in.Tag)
	}
	candidates, err := findCandidates(ctx, r, c.Server.Client, in.From, in.To, in.Pairs)
	if err != nil {
		return err
	}
	err = r.Gate(ctx, runbook.Gate{
		Name:     "release",
		Question: fmt.Sprintf("Release these %d images as %s?", len(candidates), in.Tag),
		Evidence: candidates, Not: in.Not,
	})
	if err != nil {
		return err
	}
	targets, err := c.copyAll(ctx, r, candidates)
	if err != nil {
		return err // nothing is offered to anybody yet; mended, the run goes on
	}
	rollout := &Rollout{
		Server: c.Server, Health: c.Health, Stop: c.Stop, Stay: c.Stay, Every: c.Every, Now: c.Now,
		Input: RolloutInput{Targets: targets, Schedule: in.Schedule, Not: in.Not},
	}
	return rollout.Run(ctx, r.Group("rollout"))
}

// copyAll copies the candidates to stable, with the tag and at 0 %, while the
// importer is held.
func (c *Release) copyAll(ctx context.Context, r *runbook.Run, candidates []Candidate) (targets []Target, err error) {
	several, err := importerFree(ctx, r, c.Importer)
	if err != nil {
		return nil, err
	}
	err = r.Hold(ctx, holdImporter(r, c.Importer, several), func(ctx context.Context, r *runbook.Run) error {
		return runbook.Each(ctx, r, keyed(candidates, func(v Candidate) Pair { return v.Pair }), 1, func(ctx context.Context, r *runbook.Run, _ Pair, v Candidate) error {
			t, err := c.copyOne(ctx, r, v)
			targets = append(targets, t)
			return err
		})
	})
	return targets, err
}

func (c *Release) copyOne(ctx context.Context, r *runbook.Run, v Candidate) (Target, error) {
	before, err := runbook.Read(ctx, r, "newest there so far", func(ctx context.Context) (phased, error) {
		return newestThere(ctx, c.Server.Client, v.To, v.Device)
	})
	if err != nil {
		return Target{}, err
	}
	copied, err := copyImage(ctx, r, c.Server, operate.CopyRequest{
		From: v.From, To: v.To, Device: v.Device, Version: v.Version, Tag: c.Input.Tag, Percentage: 0,
	})
	t := Target{Channel: v.To, Device: v.Device, Version: copied.Version}
	if err != nil || before.Percentage > 0 || before.Version == copied.Version {
		return t, err
	}
	return t, r.Verify(ctx, "the image before stays withdrawn", func(ctx context.Context) error {
		old := Target{Channel: v.To, Device: v.Device, Version: before.Version}
		who, err := whoGets(ctx, c.Server.Client, old)
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

// newestThere reads the newest full image of a channel; one that has none is
// phased to everybody.
func newestThere(ctx context.Context, client *systemimage.Client, channel, device string) (phased, error) {
	x, err := client.Index(ctx, channel, device)
	if err != nil {
		return phased{}, err
	}
	if m, ok := x.Latest(); ok {
		return phased{m.Version, m.Percentage}, nil
	}
	return phased{Percentage: 100}, nil
}

// findCandidates pins the pairs and the newest image of each.
func findCandidates(ctx context.Context, r *runbook.Run, client *systemimage.Client, from, to string, wanted []Pair) ([]Candidate, error) {
	return runbook.Read(ctx, r, "find candidates", func(ctx context.Context) ([]Candidate, error) {
		list, err := newestOf(ctx, client, from, to, wanted)
		for n, v := range list {
			p, err := newestThere(ctx, client, v.To, v.Device)
			if err != nil {
				return nil, err
			}
			if p.Percentage < 100 {
				list[n].Ends = fmt.Sprintf("the phasing of image %d, which is at %d %%", p.Version, p.Percentage)
			}
		}
		return list, err
	})
}

// newestOf looks for the pairs and the newest image of each.
func newestOf(ctx context.Context, client *systemimage.Client, from, to string, wanted []Pair) ([]Candidate, error) {
	channels, err := client.Channels(ctx)
	if err != nil {
		return nil, err
	}
	pairs, _, err := FindPairs(channels.Channels, from, to, wanted)
	if err != nil {
		return nil, err
	}
	var list []Candidate
	for _, p := range pairs {
		m, err := client.Latest(ctx, p.From, p.Device)
		if err != nil {
			return nil, err
		}
		list = append(list, Candidate{Pair: p, Version: m.Version, Detail: m.VersionDetail})
	}
	return list, nil
}
