package builder

import (
	"context"
	"slices"

	"github.com/landingteam/landing/cdimage"
)

// A LivefsBuild is what Launchpad says about one build of a live file system.
type LivefsBuild struct {
	State     string   // Launchpad's word
	Known     bool     // ExtraPPAs is all that there is; false: Launchpad does not show it
	ExtraPPAs []string // that it was asked for with, in the form of [PPA.String]
}

// states asks Launchpad how those live file systems ended whose end is not in the log.
// What it does not say stays unknown.
func (b *Builder) states(ctx context.Context, log *cdimage.BuildLog) map[string]string {
	states := map[string]string{}
	for _, a := range log.Arches {
		if a.State != "" || a.Link == "" {
			continue
		}
		if l, ok := b.livefs(ctx, a.Link); ok {
			states[a.Label] = l.State
		}
	}
	return states
}

// otherPPAs reports whether Launchpad says that the live file systems of a log were
// made with other archives than those of a request.
func (b *Builder) otherPPAs(ctx context.Context, r Request, log *cdimage.BuildLog) bool {
	if r.PublishOnly {
		return false
	}
	for _, a := range log.Arches {
		if a.Link == "" {
			continue
		}
		l, ok := b.livefs(ctx, a.Link)
		return ok && l.Known && !slices.Equal(l.ExtraPPAs, r.ppas())
	}
	return false
}

func (b *Builder) livefs(ctx context.Context, link string) (LivefsBuild, bool) {
	if b.Livefs == nil {
		return LivefsBuild{}, false
	}
	l, err := b.Livefs(ctx, link)
	if err != nil && b.Logger != nil {
		b.Logger.WarnContext(ctx, "Launchpad does not tell about a live file system", "build", link, "error", err)
	}
	return l, err == nil
}
