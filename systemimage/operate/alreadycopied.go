package operate

import (
	"context"
	"fmt"
	"strings"

	"github.com/landingteam/landing/systemimage"
)

// alreadyThere tells "nothing to do" from "there, but not as asked".
func (s *Server) alreadyThere(ctx context.Context, l *systemimage.Listing, p *copyPlan, latest systemimage.Image) (*copyPlan, bool, error) {
	w := &p.want
	deltas := p.base.Deltas(latest.Version)
	var wrong []string
	if got := latest.Detail().Tag(); got != w.Tag {
		wrong = append(wrong, fmt.Sprintf("its tag is %q, not %q: use tag-image %s %s %d %q", got, w.Tag, w.Channel, w.Device, latest.Version, w.Tag))
	}
	for _, m := range append([]systemimage.Image{latest}, deltas...) {
		if m.Percentage != w.Percentage {
			wrong = append(wrong, fmt.Sprintf("its percentage is %d, not %d: use set-phased-percentage -v %s %s %d %d",
				m.Percentage, w.Percentage, w.Channel, w.Device, latest.Version, w.Percentage))
			break
		}
	}
	if newest, _ := p.base.Newest(); newest > latest.Version {
		wrong = append(wrong, fmt.Sprintf("a delta to version %d lies above it, without a full image", newest))
	}
	same, lag, err := s.checkAliases(ctx, p.base, latest, aliasesOf(l, w.Channel))
	if err != nil {
		return nil, false, err
	}
	if wrong = append(wrong, lag...); len(wrong) > 0 {
		if len(deltas) == 0 && len(p.base.Fulls()) > 1 {
			wrong = append(wrong, "no delta leads to it: it may be what a killed copy left")
		}
		return nil, false, &systemimage.Error{Op: copyOp, Channel: w.Channel, Device: w.Device, Kind: systemimage.ErrRefused,
			Err: halfway{fmt.Errorf("%s It is version %d, but %s", alreadyLatest.of(), latest.Version, strings.Join(wrong, "; "))}}
	}
	w.Version, w.Detail = latest.Version, latest.VersionDetail
	w.Deltas, w.Aliases = basesOf(deltas), same
	return p, true, nil
}
