package operate

import (
	"context"
	"fmt"
	"strings"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
)

// otherPercentage says what to do about an image that was there before a copy, at
// another percentage than the copy was to have. What that means is not known here:
// it may be taken back, or out by now. So no percentage is named that somebody
// could set without looking.
func otherPercentage(is, want int) string {
	if is < want {
		return fmt.Sprintf("its percentage is %d, not %d: a rollout that goes on raises it; if it was taken back it stays so, and a newer image is needed", is, want)
	}
	return fmt.Sprintf("its percentage is %d, not %d: if it was released meanwhile it goes on; if not, as when its copy was killed, "+
		"lower it with set-phased-percentage, and if it is faulty take it back with a back-out", is, want)
}

// commandLine is a command of the server as a person would type it.
func commandLine(words ...any) string {
	var argv []string
	for _, w := range words {
		argv = append(argv, fmt.Sprint(w))
	}
	line, err := command.Quote(argv)
	if err != nil {
		return fmt.Sprint(words[0])
	}
	return line
}

// alreadyThere tells "nothing to do" from "there, but not as asked".
func (s *Server) alreadyThere(ctx context.Context, l *systemimage.Listing, p *copyPlan, latest systemimage.Image) (*copyPlan, bool, error) {
	w := &p.want
	deltas := p.base.Deltas(latest.Version)
	var wrong []string
	if got := latest.Detail().Tag(); got != w.Tag {
		wrong = append(wrong, fmt.Sprintf("its tag is %q, not %q: use %s", got, w.Tag, commandLine("tag-image", w.Channel, w.Device, latest.Version, w.Tag)))
	}
	for _, m := range append([]systemimage.Image{latest}, deltas...) {
		if m.Percentage != w.Percentage {
			wrong = append(wrong, otherPercentage(m.Percentage, w.Percentage))
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
