package procedure

import (
	"context"
	"errors"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/builder"
	"github.com/landingteam/landing/runbook"
)

// RebuildImage builds an image anew: new live file systems, a new ID, and
// publishing. The image builder runs as a job on its host, which a lost link or
// a killed program does not end; what came of it is judged by its log and by the
// published directory, never by an exit status.
//
// A build that fails is not repeated by itself. Started again after one that was
// reported, the procedure tries once more.
type RebuildImage struct {
	Builder *builder.Builder
	Input   RebuildInput

	// partial, if set, asks whether a build without all its architectures will do.
	partial func(context.Context, *runbook.Run, built) error
}

// RebuildInput is what one run of [RebuildImage] is asked to build.
type RebuildInput struct {
	cdimage.ImageSet
	BuildOptions
}

// BuildOptions are what an image is built with. No log tells them, so they have
// to be given again.
type BuildOptions struct {
	Arches     []string      `json:"arches,omitempty"`     // of the set's architectures; empty: all
	ExtraPPAs  []builder.PPA `json:"extra_ppas,omitempty"` // archives whose packages go into the image
	Proposed   bool          `json:"proposed,omitempty"`   // from the proposed pocket
	Subproject string        `json:"subproject,omitempty"`
	Channel    string        `json:"channel,omitempty"`
}

// Run is the procedure. See [runbook.Procedure].
func (b *RebuildImage) Run(ctx context.Context, r *runbook.Run) error {
	_, err := b.build(ctx, r)
	return err
}

// build returns the complete build, for procedures that go on with it.
func (b *RebuildImage) build(ctx context.Context, r *runbook.Run) (cdimage.Build, error) {
	req := b.request()
	none := cdimage.Build{ImageSet: req.ImageSet}
	if err := req.Validate(); err != nil {
		return none, err
	}
	after, err := runbook.Read(ctx, r, "newest build so far", func(ctx context.Context) (cdimage.BuildID, error) {
		return b.Builder.Newest(ctx, b.Input.ImageSet)
	})
	if err != nil {
		return none, err
	}
	for {
		req.After = after
		try := r.Group(afterName(after))
		newest, err := overtaken(ctx, try, b.Builder, req)
		if err != nil {
			return none, err
		}
		if newest != after {
			after = newest
			continue
		}
		got, fresh, err := attempt(ctx, try, b.Builder, req, nil, nil)
		if errors.Is(err, errOvertaken) {
			if after, err = since(ctx, try, b.Builder, req); err != nil {
				return none, err
			}
			continue
		}
		if err == nil && got.Why != "" {
			if will, err := b.mayBePartial(ctx, try, got); will || err != nil {
				return cdimage.Build{ImageSet: req.ImageSet, ID: got.ID}, err
			}
		}
		if err != nil || got.Why == "" || fresh {
			return cdimage.Build{ImageSet: req.ImageSet, ID: got.ID}, ended(r, got, req, err)
		}
		after = got.ID
	}
}

func (b *RebuildImage) request() builder.Request {
	in := b.Input
	return builder.Request{
		ImageSet: in.ImageSet, Arches: in.Arches, ExtraPPAs: in.ExtraPPAs,
		Proposed: in.Proposed, Subproject: in.Subproject, Channel: in.Channel,
	}
}
