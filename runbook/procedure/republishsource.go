package procedure

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/builder"
	"github.com/landingteam/landing/cdimage/cause"
)

// source is the run whose live file systems are to be published.
type source struct {
	Build    cdimage.Build     `json:"build"`
	Newest   cdimage.BuildID   `json:"newest"`              // of the image set
	Labels   []string          `json:"labels"`              // the architectures that are to be published
	Arches   []string          `json:"arches,omitempty"`    // as the host calls them, where these are not all of the set's
	Sure     bool              `json:"sure,omitempty"`      // that Labels are what is wanted
	Links    map[string]string `json:"links,omitempty"`     // Launchpad's pages of its builds, by label
	Good     []string          `json:"good,omitempty"`      // as the host calls those that are good, where not all are
	MadeNone bool              `json:"made_none,omitempty"` // it was to make live file systems, and made none
	Complete cdimage.BuildID   `json:"complete,omitzero"`   // a run that has published it all
	Newer    cdimage.BuildID   `json:"newer,omitzero"`      // a run with live file systems of its own since
	Missing  string            `json:"missing,omitempty"`   // an architecture that is wanted and was not built
	Remedy   string            `json:"remedy"`
	Causes   []cause.Cause     `json:"causes"`
}

// find goes back from the newest run to the one that made the live file systems. id is
// the run that is meant, zero for the newest.
func (p *RepublishBuild) find(ctx context.Context, id cdimage.BuildID) (source, error) {
	set := p.Input.ImageSet
	ids, err := p.Builder.IDs(ctx, set)
	if err != nil {
		return source{}, err
	}
	if !id.IsZero() && !slices.Contains(ids, id) {
		return source{}, fmt.Errorf("%s: %w on the image host", cdimage.Build{ImageSet: set, ID: id}, cdimage.ErrNotFound)
	}
	if len(ids) == 0 {
		return source{}, fmt.Errorf("a build of %s: %w on the image host", setName(set), cdimage.ErrNotFound)
	}
	src := source{Newest: ids[len(ids)-1]}
	res, at, err := p.maker(ctx, &src, ids)
	if err != nil {
		return source{}, err
	}
	src.of(res)
	if !id.IsZero() && id.Compare(src.Build.ID) < 0 {
		src.Newer, src.Complete = src.Build.ID, cdimage.BuildID{}
		if res, err = p.Builder.Result(ctx, cdimage.Build{ImageSet: set, ID: id}); err != nil {
			return source{}, err
		}
		if madeNone(res) {
			src.of(res)
			src.Newer = cdimage.BuildID{}
		}
	}
	if src.MadeNone || !src.Newer.IsZero() || !src.Complete.IsZero() {
		return src, nil
	}
	return src, p.choose(ctx, &src, res, ids[:at])
}

// maker is the newest run that was to make live file systems, behind those that only
// published and those that were refused as pending; at is its place among the IDs. It
// notes the newest complete one on the way.
func (p *RepublishBuild) maker(ctx context.Context, src *source, ids []cdimage.BuildID) (res builder.Result, at int, err error) {
	for at = len(ids) - 1; ; at-- {
		res, err = p.Builder.Result(ctx, cdimage.Build{ImageSet: p.Input.ImageSet, ID: ids[at]})
		if err == nil && res.Running {
			err = fmt.Errorf("%s is still at work: %w; start again when it has ended", res.Build, builder.ErrLocked)
		}
		if err == nil && incomplete(res, nil) == "" && src.Complete.IsZero() {
			src.Complete = ids[at]
		}
		if err != nil || at == 0 || madeSome(res) || madeNone(res) {
			return res, at, err
		}
	}
}

// of takes over what a run has made.
func (s *source) of(res builder.Result) {
	s.Build, s.Labels, s.Remedy, s.Causes = res.Build, ownLabels(res), res.Remedy, res.Causes
	s.MadeNone = res.Anew && !madeSome(res)
	s.Links, s.Good = map[string]string{}, nil
	for _, a := range res.Arches {
		if a.Reused == "" && a.Link != "" {
			s.Links[a.Label] = a.Link
		}
		if a.Good() && a.Reused == "" {
			s.Good = append(s.Good, a.Name())
		}
	}
	if len(s.Good) == len(s.Labels) {
		s.Good = nil
	}
}

// madeNone reports whether a run was to make live file systems and made none, and not
// because Launchpad was at them already.
func madeNone(res builder.Result) bool { return res.Anew && !madeSome(res) && !pending(res) }

// madeSome reports whether a run has got Launchpad to build live file systems.
func madeSome(res builder.Result) bool {
	return slices.ContainsFunc(res.Arches, func(a cdimage.Arch) bool {
		return a.Reused == "" && (a.Link != "" || a.State != "unknown" && a.State != "in progress")
	})
}

// pending reports whether a run ended because Launchpad was still at the same live file
// system for an earlier one.
func pending(res builder.Result) bool {
	return slices.ContainsFunc(res.Causes, func(c cause.Cause) bool { return strings.Contains(c.Line, "already pending") })
}

// ownLabels are the architectures of which a run was to make live file systems.
func ownLabels(res builder.Result) (labels []string) {
	for _, a := range res.Arches {
		if a.Reused == "" {
			labels = append(labels, a.Label)
		}
	}
	return labels
}

func archesOf(labels []string) (arches cdimage.Arches) {
	for _, l := range labels {
		arches = append(arches, cdimage.Arch{Label: l})
	}
	return arches
}

// choose says which architectures are to be published: those that were asked for, or
// those of the run. Where these are not all that the image set has they are named, so
// that the host does not take older ones of the rest. before are the IDs of the runs
// before.
func (p *RepublishBuild) choose(ctx context.Context, src *source, res builder.Result, before []cdimage.BuildID) error {
	made := archesOf(src.Labels)
	if asked := p.Input.Arches; len(asked) > 0 {
		var labels []string
		for _, name := range asked {
			label := made.Label(name)
			if label == "" {
				src.Missing = name
				return nil
			}
			labels = append(labels, label)
		}
		src.Labels, src.Sure = labels, true
		return nil
	}
	all, err := p.Builder.DefaultArches(ctx, p.Input.ImageSet, p.Input.Subproject)
	if err != nil {
		return err
	}
	if len(all) == 0 { // the host does not say: what had the run before?
		if all, err = p.archesBefore(ctx, before); err != nil {
			return err
		}
	}
	i := slices.IndexFunc(all, func(name string) bool { return made.Label(name) == "" })
	switch {
	case len(all) > 0 && i < 0:
		src.Sure = true
	case len(all) > 0 && !res.AllAsked: // it ended before it came to this one
		src.Missing = all[i]
	case res.AllAsked:
		src.Sure = true
		for _, l := range src.Labels {
			src.Arches = append(src.Arches, cdimage.Arch{Label: l}.Name())
		}
	}
	return nil
}

// archesBefore are the architectures of the last run with live file systems of its own.
func (p *RepublishBuild) archesBefore(ctx context.Context, before []cdimage.BuildID) (names []string, err error) {
	for _, id := range slices.Backward(before) {
		res, err := p.Builder.Result(ctx, cdimage.Build{ImageSet: p.Input.ImageSet, ID: id})
		if err != nil {
			return nil, err
		}
		if !madeSome(res) || !res.AllAsked {
			continue
		}
		for _, l := range ownLabels(res) {
			names = append(names, cdimage.Arch{Label: l}.Name())
		}
		break
	}
	return names, nil
}
