package procedure

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/builder"
	"github.com/landingteam/landing/runbook"
)

// ErrUnsafe says that publishing a build again would not give the image that was
// meant: it would get another day's ID, or an older live file system would be
// mixed in.
var ErrUnsafe = errors.New("publishing again is not safe")

// RepublishBuild runs a build again of which only publishing failed, without new
// live file systems:
//
//  1. find the run that made the live file systems, behind any attempts to
//     publish them since;
//  2. look whether publishing them again is safe: each architecture has a good
//     live file system of that run, none is newer, and on the host it is still
//     the same day, UTC;
//  3. if so, run the image builder as a job on its host, and judge it by its log
//     and by the published directory;
//  4. if not, say why and what to run instead, and ask whether to do it: a full
//     rebuild, as [RebuildImage].
//
// A build that is complete is left alone. One that is at work is waited for by
// starting again later.
type RepublishBuild struct {
	Builder *builder.Builder
	Input   RepublishInput
}

// RepublishInput is what one run of [RepublishBuild] is asked to do.
type RepublishInput struct {
	cdimage.Build // without an ID the newest of its image set
	BuildOptions  // of the full rebuild, if it comes to that; Arches count for publishing too
}

// source is the run whose live file systems are to be published.
type source struct {
	Build    cdimage.Build   `json:"build"`
	Newest   cdimage.BuildID `json:"newest"`            // of the image set
	Labels   []string        `json:"labels"`            // its architectures
	Complete cdimage.BuildID `json:"complete,omitzero"` // a run that has published it all
	Newer    cdimage.BuildID `json:"newer,omitzero"`    // a run with live file systems of its own since
	Missing  string          `json:"missing,omitempty"` // an architecture that is wanted and was not built
	Remedy   string          `json:"remedy"`
	Causes   []cdimage.Cause `json:"causes"`
}

// safety is whether an attempt may be made.
type safety struct {
	Safe bool   `json:"safe"`
	Why  string `json:"why"`
}

// Run is the procedure. See [runbook.Procedure].
func (p *RepublishBuild) Run(ctx context.Context, r *runbook.Run) error {
	const find = "live file systems to publish"
	src, err := runbook.Read(ctx, r, find, func(ctx context.Context) (source, error) { return p.find(ctx, p.Input.ID) })
	if err != nil {
		return err
	}
	for after := src.Newest; ; {
		if !src.Complete.IsZero() {
			return r.Note(cdimage.Build{ImageSet: p.Input.ImageSet, ID: src.Complete}.String() + " is complete: there is nothing to publish again")
		}
		req := p.request(src, after)
		g := r.Group(afterName(after))
		newest, err := overtaken(ctx, g, p.Builder, req)
		if err != nil {
			return err
		}
		if newest == after {
			var done bool
			if after, done, err = p.publish(ctx, r, g, src, req); done || err != nil && !errors.Is(err, errOvertaken) {
				return err
			}
			if err == nil {
				continue
			}
			if newest, err = since(ctx, g, p.Builder, req); err != nil {
				return err
			}
		}
		after = newest // others have built: are these still the live file systems to publish?
		of := cmp.Or(p.Input.ID, src.Build.ID)
		src, err = runbook.Read(ctx, r.Group(afterName(after)), find, func(ctx context.Context) (source, error) { return p.find(ctx, of) })
		if err != nil {
			return err
		}
	}
}

// request is the run that publishes.
func (p *RepublishBuild) request(src source, after cdimage.BuildID) builder.Request {
	return builder.Request{
		ImageSet: p.Input.ImageSet, Arches: p.Input.Arches, Subproject: p.Input.Subproject, Channel: p.Input.Channel,
		PublishOnly: true, Reuse: src.Build.ID.NeedsReuse(), After: after,
	}
}

// publish is one attempt to publish, where that is safe. Of an attempt that failed
// before this start it returns the ID: the next one comes after it.
func (p *RepublishBuild) publish(ctx context.Context, r, g *runbook.Run, src source, req builder.Request) (failed cdimage.BuildID, done bool, err error) {
	safe, err := runbook.Read(ctx, g, "is it safe", func(ctx context.Context) (safety, error) { return p.safe(ctx, src) })
	if err != nil {
		return failed, true, err
	}
	if !safe.Safe {
		return failed, true, p.offer(ctx, r, src, safe.Why)
	}
	ready := func(ctx context.Context) error {
		now, err := p.safe(ctx, src)
		if err == nil && !now.Safe {
			err = fmt.Errorf("%w any more: %s; begin anew, with another journal, to be offered a full rebuild", ErrUnsafe, now.Why)
		}
		return err
	}
	if !begun(g) {
		if err := g.Require(ctx, "still safe", ready); err != nil {
			return failed, true, err
		}
	}
	got, fresh, err := attempt(ctx, g, p.Builder, req, src.Labels, ready)
	if errors.Is(err, errOvertaken) {
		return failed, false, err
	}
	if err != nil || got.Why == "" || fresh {
		return failed, true, ended(r, got, req, err)
	}
	return got.ID, false, nil
}

// find goes back from the newest run to the one that made the live file systems. id is
// the run that is meant, zero for the newest.
func (p *RepublishBuild) find(ctx context.Context, id cdimage.BuildID) (source, error) {
	in := p.Input
	in.ID = id
	ids, err := p.Builder.IDs(ctx, in.ImageSet)
	if err != nil {
		return source{}, err
	}
	at := len(ids) - 1
	if !in.ID.IsZero() && !slices.Contains(ids, in.ID) {
		return source{}, fmt.Errorf("%s: %w on the image host", in.Build, cdimage.ErrNotFound)
	}
	if at < 0 {
		return source{}, fmt.Errorf("a build of %s: %w on the image host", setName(in.ImageSet), cdimage.ErrNotFound)
	}
	src := source{Newest: ids[at]}
	for ; at >= 0; at-- {
		res, err := p.Builder.Result(ctx, cdimage.Build{ImageSet: in.ImageSet, ID: ids[at]})
		if err != nil {
			return source{}, err
		}
		if res.Running {
			return source{}, fmt.Errorf("%s is still at work: %w; start again when it has ended", res.Build, builder.ErrLocked)
		}
		if incomplete(res, nil) == "" && src.Complete.IsZero() {
			src.Complete = ids[at]
		}
		own := ownLabels(res)
		if len(own) == 0 && at > 0 {
			continue
		}
		src.Build, src.Labels = res.Build, own
		src.Remedy, src.Causes = res.Remedy, res.Causes
		break
	}
	if !in.ID.IsZero() && in.ID.Compare(src.Build.ID) < 0 {
		src.Newer, src.Complete = src.Build.ID, cdimage.BuildID{}
	}
	src.Missing, err = p.missing(ctx, src, ids[:max(at, 0)])
	return src, err
}

// ownLabels are the architectures of which a run made live file systems.
func ownLabels(res builder.Result) (labels []string) {
	for _, a := range res.Arches {
		if a.Reused == "" {
			labels = append(labels, a.Label)
		}
	}
	return labels
}

// missing is an architecture that should be in the image and is not among those
// of the run: one that was asked for, or that the run before it had.
func (p *RepublishBuild) missing(ctx context.Context, src source, before []cdimage.BuildID) (string, error) {
	if arches := p.Input.Arches; len(arches) > 0 {
		for _, a := range arches {
			if !slices.ContainsFunc(src.Labels, func(l string) bool { return strings.HasSuffix(l, "-"+strings.ReplaceAll(a, "+", "-")) }) {
				return a, nil
			}
		}
		return "", nil
	}
	for _, id := range slices.Backward(before) {
		res, err := p.Builder.Result(ctx, cdimage.Build{ImageSet: p.Input.ImageSet, ID: id})
		if err != nil {
			return "", err
		}
		if own := ownLabels(res); len(own) > 0 {
			for _, l := range own {
				if !slices.Contains(src.Labels, l) {
					return l, nil
				}
			}
			break
		}
	}
	return "", nil
}

// safe looks at the run again, by the host's clock of now.
func (p *RepublishBuild) safe(ctx context.Context, src source) (safety, error) {
	switch {
	case !src.Newer.IsZero():
		return safety{Why: fmt.Sprintf("%s made newer live file systems, which would be published instead", src.Newer)}, nil
	case src.Missing != "":
		return safety{Why: fmt.Sprintf("%s was not built in %s, an older one would be mixed in; name the architectures that are wanted if it is not among them", src.Missing, src.Build.ID)}, nil
	}
	res, err := p.Builder.Result(ctx, src.Build)
	return safety{res.Republish.Safe, res.Republish.Why}, err
}

// instead is what is shown with the question.
type instead struct {
	Build   string          `json:"build"`
	Why     string          `json:"not_safe"`
	Remedy  string          `json:"remedy"`
	Causes  []cdimage.Cause `json:"causes,omitempty"`
	Command string          `json:"command"`
}

// offer says what to run instead of publishing again, and does it when a person
// agrees.
func (p *RepublishBuild) offer(ctx context.Context, r *runbook.Run, src source, why string) error {
	full := &RebuildImage{Builder: p.Builder, Input: RebuildInput{p.Input.ImageSet, p.Input.BuildOptions}}
	argv, err := full.request().Argv()
	if err != nil {
		return err
	}
	err = r.Gate(ctx, runbook.Gate{
		Name:     "full rebuild",
		Question: fmt.Sprintf("%s cannot be published again: %s. Build it anew instead?", src.Build, why),
		Evidence: instead{src.Build.String(), why, src.Remedy, src.Causes, strings.Join(argv, " ")},
	})
	if err != nil {
		return err
	}
	return full.Run(ctx, r.Group("rebuild"))
}
