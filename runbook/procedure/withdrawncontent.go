package procedure

import (
	"context"
	"fmt"
	"slices"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/systemimage"
)

// outOrWithdrawn says what the destination of a copy knows about the content of an image:
// that it is out already, or that it was there before and is not offered any more,
// as after a back-out. Both are "" for content that is new there.
func outOrWithdrawn(dst *systemimage.PublishedIndex, m systemimage.Image) (out, withdrawn string) {
	files := content(m)
	fulls := dst.Fulls()
	if len(files) == 0 || len(fulls) == 0 {
		return "", ""
	}
	newest, _ := dst.Latest()
	for _, n := range slices.Backward(fulls) {
		if !slices.Equal(content(n), files) {
			continue
		}
		text := fmt.Sprintf("image %d of %s for %s has the content of image %d that would be copied", n.Version, dst.Channel, dst.Device, m.Version)
		switch {
		case n.Version < newest.Version && n.Percentage == 0:
			return "", fmt.Sprintf("%s: it was set to 0 %%, and image %d has replaced it", text, newest.Version)
		case n.Version < newest.Version:
			return "", fmt.Sprintf("%s: image %d has replaced it", text, newest.Version)
		case n.Percentage == 0:
			return "", text + ", and is at 0 %: it was taken back, or was never phased in"
		}
		return fmt.Sprintf("%s, and is at %d %%", text, n.Percentage), ""
	}
	return "", ""
}

// askAboutWithdrawn asks before content is published that was there before and was replaced or
// taken back.
func askAboutWithdrawn(ctx context.Context, r *runbook.Run, withdrawn []string, not []string) error {
	if len(withdrawn) == 0 {
		return nil
	}
	return r.Gate(ctx, runbook.Gate{
		Name:     "publish again",
		Question: "This content was there before, and was replaced or taken back. Is it certain that it may be published again?",
		Evidence: withdrawn, Not: not, NeedReason: true,
	})
}
