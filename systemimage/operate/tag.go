package operate

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
)

// A TagRequest says how the newest image of a channel shall be called.
type TagRequest struct {
	Channel, Device string
	Version         int    // the newest; stated, so that no other image is meant
	Tag             string // empty takes the tag away
	Job             string // see Command.Job

	// Begun says that this very tag was begun before and that its end was not seen: what
	// its program left of a commit when it was killed is then mended, and the aliases get
	// the image. The percentage that the image had before is not known any more.
	Begun bool
}

const tagOp = "tag image"

// CheckTag says what Tag would do, and reads only; done says that the newest
// image has the tag already, be it Version itself or what Tag made of it.
func (s *Server) CheckTag(ctx context.Context, r TagRequest) (c CopyResult, done bool, err error) {
	p, done, err := s.planTag(ctx, r)
	if err != nil {
		return CopyResult{}, false, err
	}
	return p.want, done, nil
}

func (s *Server) planTag(ctx context.Context, r TagRequest) (*copyPlan, bool, error) {
	if err := s.usable(tagOp, false); err != nil {
		return nil, false, err
	}
	refuse := func(text string) (*copyPlan, bool, error) {
		return nil, false, &systemimage.Error{Op: tagOp, Channel: r.Channel, Device: r.Device, Kind: systemimage.ErrRefused, Err: errors.New(text)}
	}
	if text := refuseWords([2]string{"channel", r.Channel}, [2]string{"device", r.Device}); text != "" {
		return refuse(text)
	}
	if text := refuseTag(r.Tag); text != "" {
		return refuse(text)
	}
	l, err := s.Client.Channels(ctx)
	if err != nil {
		return nil, false, err
	}
	if text := refuseTarget(l.Channels, r.Channel, r.Device, noDeviceToTag); text != "" {
		return refuse(text)
	}
	if text := refuseComma(r.Tag); text != "" {
		return refuse(text)
	}
	x, err := s.Client.IndexOf(ctx, l, r.Channel, r.Device)
	if err != nil {
		return nil, false, err
	}
	if text := refuseNull(x.Index); text != "" {
		return nil, false, &systemimage.Error{Op: tagOp, Channel: r.Channel, Device: r.Device, Kind: systemimage.ErrBroken, Err: errors.New(text)}
	}
	latest, _ := x.Latest()
	p := &copyPlan{source: latest, base: x, want: CopyResult{
		Channel: r.Channel, Device: r.Device, Version: r.Version + 1, From: r.Channel, Source: r.Version, Tag: r.Tag,
		Percentage: latest.Percentage,
	}}
	if old, ok := x.Full(r.Version); ok && latest.Detail().Tag() == r.Tag &&
		(latest.Version == r.Version || latest.Version == r.Version+1 && sameFiles(old, latest)) {
		same, lag, err := s.checkAliases(ctx, x, latest, aliasesOf(l, r.Channel))
		if err != nil {
			return nil, false, err
		}
		if len(lag) > 0 {
			return refuse(fmt.Sprintf("image %d has this tag already, but %s", latest.Version, lag[0]))
		}
		p.want.Version, p.want.Detail = latest.Version, latest.VersionDetail
		p.want.Deltas, p.want.Aliases = basesOf(x.Deltas(latest.Version)), same
		return p, true, nil
	}
	if text := refuseTagOf(x.Index, r.Version); text != "" {
		return refuse(text)
	}
	if p.want.Version > systemimage.MaxVersion {
		return refuse(fmt.Sprintf("the tagged image would get the number %d, and devices know none above %d", p.want.Version, systemimage.MaxVersion))
	}
	p.want.Detail = copiedDetail(latest.VersionDetail, true, r.Tag, p.want.Version)
	p.expect(l, latest, true)
	p.lookAround(l, x, x)
	return p, false, nil
}

// Tag tags the newest image. tag-image does not change that image: it publishes
// another one with the next number, the same files, and a delta of a few
// kilobytes; devices update to it. Outcomes are those of Copy.
//
// tag-image looks for the percentage when the old image has lost it already,
// and publishes at 100 %. Tag sets the percentage of the old image again; for
// that moment everybody may update.
func (s *Server) Tag(ctx context.Context, r TagRequest) (CopyResult, error) {
	if err := s.usable(tagOp, true); err != nil {
		return CopyResult{}, err
	}
	c := s.command(r.Job, "tag-image", "-vvv", r.Channel, r.Device, strconv.Itoa(r.Version), r.Tag)
	if r.Begun {
		if err := s.finishTag(ctx, r, c); err != nil {
			return CopyResult{}, err
		}
	}
	p, done, err := s.planTag(ctx, r)
	if err != nil {
		return CopyResult{}, s.explain(ctx, tagOp, err, r.Channel, r.Channel, r.Device)
	}
	if done {
		return p.want, nil
	}
	if err := s.clear(ctx, tagOp, p); err != nil {
		return CopyResult{}, err
	}
	c = s.withTempDir(ctx, c)
	e, err := s.run(ctx, tagOp, r.Channel, r.Device, c)
	if err != nil {
		return CopyResult{}, err
	}
	got, err := s.settle(ctx, tagOp, p, e)
	if got.Version == 0 || got.Percentage == p.want.Percentage {
		return got, err
	}
	_, phaseErr := s.Phase(ctx, PhaseRequest{Channel: r.Channel, Device: r.Device, Version: got.Version, Percentage: p.want.Percentage})
	got, err = s.settle(ctx, tagOp, p, e)
	return got, errors.Join(err, phaseErr)
}

// finishTag ends what a killed tag of r began, as far as it was published.
func (s *Server) finishTag(ctx context.Context, r TagRequest, c command.Command) error {
	if r.Job != "" {
		if err := s.waitForJob(ctx, tagOp, r.Channel, r.Device, c); err != nil {
			return err
		}
	}
	if err := s.mendBegun(ctx, tagOp, r.Channel, r.Device); err != nil {
		return err
	}
	x, err := s.Client.Index(ctx, r.Channel, r.Device)
	if err != nil {
		return err
	}
	m, ok := x.Latest()
	if !ok || m.Version != r.Version+1 || m.Detail().Tag() != r.Tag {
		return nil
	}
	_, err = s.Phase(ctx, PhaseRequest{Channel: r.Channel, Device: r.Device, Version: m.Version, Percentage: m.Percentage})
	return err
}
