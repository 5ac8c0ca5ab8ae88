package procedure

import (
	"context"
	"errors"
	"fmt"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/runbook"
)

// askPartial asks whether a build that was published without some of its
// architectures will do. The devices of a channel need one of them, and a failure on
// another does not keep the importer from taking it; whether they all got the build
// is looked up after the import. A no builds it again.
func askPartial(not []string, channels ...string) func(context.Context, *runbook.Run, built) error {
	return func(ctx context.Context, r *runbook.Run, got built) error {
		return r.Gate(ctx, runbook.Gate{
			Name:     "partial",
			Question: "The build is published without some of its architectures. Do the devices of the channels do without those, so that it may be imported as it is?",
			Evidence: struct {
				Build    string   `json:"build"`
				Why      string   `json:"why"`
				Channels []string `json:"channels"`
			}{got.ID.String(), got.Why, channels}, Not: not, NeedReason: true, OnNo: "build it again",
		})
	}
}

// mayBePartial asks about a build that is not complete, where the procedure can go on
// without the rest. It is false when it cannot, and after a no.
func (b *RebuildImage) mayBePartial(ctx context.Context, r *runbook.Run, got built) (bool, error) {
	if b.partial == nil || got.Publish != cdimage.Partial {
		return false, nil
	}
	err := b.partial(ctx, r, got)
	if errors.Is(err, runbook.ErrRejected) && !errors.Is(err, runbook.ErrTimeout) {
		return false, nil
	}
	if err == nil {
		err = r.Note(fmt.Sprintf("build %s is taken without the rest: %s", got.ID, got.Why))
	}
	return err == nil, err
}
