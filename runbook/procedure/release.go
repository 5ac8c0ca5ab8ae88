package procedure

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/landingteam/landing/phasing"
	"github.com/landingteam/landing/runbook"
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
	Pace

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

// Run is the procedure. See [runbook.Procedure].
func (c *Release) Run(ctx context.Context, r *runbook.Run) error {
	in := c.Input
	if in.Tag == "" {
		return errors.New("a release needs a tag, such as OTA-13: without one the tag of rc would reach stable")
	}
	if strings.Contains(in.Tag, ",") {
		return fmt.Errorf("tag %q: no comma can be in it", in.Tag)
	}
	candidates, err := c.findCandidates(ctx, r)
	if err != nil {
		return err
	}
	if err := askAboutWithdrawn(ctx, r, withdrawnOf(candidates), in.Not); err != nil {
		return err
	}
	err = r.Gate(ctx, runbook.Gate{
		Name:     "release",
		Question: fmt.Sprintf("Release these %d images as %s?", len(candidates), in.Tag),
		Evidence: shown{candidates, releaseLines(candidates)}, Not: in.Not,
	})
	if err != nil {
		return err
	}
	targets, err := c.copyAll(ctx, r, candidates)
	if err != nil {
		return err // nothing is offered to anybody yet; mended, the run goes on
	}
	rollout := &Rollout{
		Server: c.Server, Pace: c.Pace,
		Input: RolloutInput{Images: targets, Schedule: in.Schedule, Not: in.Not},
	}
	return rollout.Run(ctx, r.Group("rollout"))
}
