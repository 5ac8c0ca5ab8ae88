package procedure

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/builder"
	"github.com/landingteam/landing/cdimage/cause"
)

// safety is whether an attempt may be made.
type safety struct {
	Safe   bool   `json:"safe"`
	Why    string `json:"why"`
	Remedy string `json:"remedy,omitempty"` // what to do where it may not be made, as it was at that moment
}

// anew is the remedy where nothing of a run can be published.
const anew = "full rebuild"

// safe looks at the run again, by the host's clock of now. The remedy is of the same
// look: it is never to publish again where that is not safe.
func (p *RepublishBuild) safe(ctx context.Context, src source) (safety, error) {
	not := func(format string, a ...any) (safety, error) {
		return safety{Why: fmt.Sprintf(format, a...), Remedy: anew}, nil
	}
	switch {
	case src.MadeNone:
		return safety{Why: fmt.Sprintf("%s made no live file systems", src.Build.ID), Remedy: src.Remedy}, nil
	case !src.Newer.IsZero():
		return not("%s made newer live file systems, which would be published instead", src.Newer)
	case src.Missing != "" && len(p.Input.Arches) > 0:
		return not("%s was not built in %s, an older one would be published; it built %s", src.Missing, src.Build.ID, names(src.Labels))
	case src.Missing != "":
		return not("%s was not built in %s, an older one would be mixed in; name the architectures that are wanted if it is not among them", src.Missing, src.Build.ID)
	}
	var wanted []string
	if src.Sure {
		wanted = src.Labels
	}
	res, err := p.Builder.Result(ctx, src.Build, wanted...)
	s := safety{Safe: res.Republish.Safe, Why: res.Republish.Why}
	switch {
	case s.Safe:
	case slices.Contains(res.Actions, cause.PublishOnly) && res.Republish.First != "":
		s.Remedy = anew + "; to publish by hand, first " + res.Republish.First
	case slices.Contains(res.Actions, cause.PublishOnly):
		s.Remedy = anew
	default:
		s.Remedy = res.Remedy
	}
	return s, err
}

// remark says what the log of a run that published does not: whose live file systems
// it took, and that it got another day's ID than theirs.
func (s source) remark(res builder.Result) string {
	var words []string
	if !slices.ContainsFunc(res.Arches, func(a cdimage.Arch) bool { return a.Reused != "" }) {
		words = append(words, "its log does not name the live file systems that it took: those of "+s.Build.ID.String()+" were the newest when it was begun")
	}
	if res.ID.Day != s.Build.ID.Day {
		words = append(words, "midnight UTC has passed: it has the ID of another day than "+s.Build.ID.String())
	}
	return strings.Join(words, "; ")
}

// foreign says which live file systems of a run that publishes are not those of the
// source; "" when all are, as far as the log says.
func (s source) foreign(res builder.Result) string {
	var list []string
	for _, a := range res.Arches {
		if want, got := path.Base(s.Links[a.Label]), path.Base(a.Reused); a.Reused != "" && s.Links[a.Label] != "" && got != want {
			list = append(list, fmt.Sprintf("%s is of build %s, and not of %s", a.Label, got, want))
		}
	}
	return strings.Join(list, ", ")
}
