package procedure

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/builder"
	"github.com/landingteam/landing/cdimage/cause"
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

// Run is the procedure. See [runbook.Procedure].
func (p *RepublishBuild) Run(ctx context.Context, r *runbook.Run) error {
	if err := (&RebuildImage{Input: RebuildInput{p.Input.ImageSet, p.Input.BuildOptions}}).request().Validate(); err != nil {
		return err
	}
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
		ImageSet: p.Input.ImageSet, Arches: p.arches(src), Subproject: p.Input.Subproject, Channel: p.Input.Channel,
		PublishOnly: true, Reuse: src.Build.ID.NeedsReuse(), After: after,
	}
}

// arches are the architectures that are named to the host: those that were asked for,
// or those of the run where these are not all.
func (p *RepublishBuild) arches(src source) []string {
	if len(p.Input.Arches) > 0 {
		return p.Input.Arches
	}
	return src.Arches
}

// publish is one attempt to publish, where that is safe. Of an attempt that failed
// before this start it returns the ID: the next one comes after it.
func (p *RepublishBuild) publish(ctx context.Context, r, g *runbook.Run, src source, req builder.Request) (failed cdimage.BuildID, done bool, err error) {
	safe, err := runbook.Read(ctx, g, "is it safe", func(ctx context.Context) (safety, error) { return p.safe(ctx, src) })
	if err != nil {
		return failed, true, err
	}
	if !safe.Safe {
		return failed, true, p.offer(ctx, r, src, safe)
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
	got, fresh, err := attempt(ctx, g, p.Builder, req, func(res builder.Result) built {
		got := built{res.ID, res.Publish, incomplete(res, src.Labels), src.foreign(res), src.remark(res)}
		if got.Foreign != "" {
			got.Why = strings.TrimPrefix(got.Why+"; "+got.Foreign, "; ")
		}
		return got
	}, ready)
	switch {
	case errors.Is(err, errOvertaken):
		return failed, false, err
	case err == nil && got.Foreign != "":
		return failed, true, p.offer(ctx, r, src, safety{Remedy: anew,
			Why: fmt.Sprintf("%s was published with a live file system of another run: %s", got.ID, got.Foreign)})
	}
	if err != nil || got.Why == "" || fresh {
		return failed, true, ended(r, got, req, err)
	}
	return got.ID, false, nil
}

// instead is what is shown with the question.
type instead struct {
	Build   string        `json:"build"`
	Why     string        `json:"not_safe"`
	Remedy  string        `json:"remedy"`
	Causes  []cause.Cause `json:"causes,omitempty"`
	Command string        `json:"command"`
	Alone   []string      `json:"good_ones_alone,omitempty"` // architectures that can be published when a new run names them
}

// offer says what to run instead of publishing again, and does it when a person
// agrees.
func (p *RepublishBuild) offer(ctx context.Context, r *runbook.Run, src source, not safety) error {
	full := &RebuildImage{Builder: p.Builder, Input: RebuildInput{p.Input.ImageSet, p.Input.BuildOptions}}
	full.Input.Arches = p.arches(src)
	argv, err := full.request().Argv()
	if err != nil {
		return err
	}
	show := instead{src.Build.String(), not.Why, cmp.Or(not.Remedy, src.Remedy), src.Causes, strings.Join(argv, " "), nil}
	if src.Sure && len(p.Input.Arches) == 0 {
		show.Alone = src.Good
	}
	err = r.Gate(ctx, runbook.Gate{
		Name:     "full rebuild",
		Question: fmt.Sprintf("%s cannot be published again: %s. Build it anew instead?", src.Build, not.Why),
		Evidence: show,
	})
	if err != nil {
		return err
	}
	return full.Run(ctx, r.Group("rebuild"))
}
