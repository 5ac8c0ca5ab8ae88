package procedure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/builder"
	"github.com/landingteam/landing/runbook"
)

// RebuildImage builds an image anew: new live file systems, a new ID, and
// publishing. The image builder runs as a job on its host, which a lost link or
// a killed program does not end; what came of it is judged by its log and by the
// published directory, never by an exit status.
//
// A build that fails is not repeated by itself. Started again after one that was
// reported, the procedure tries once more.
type RebuildImage struct {
	Builder *builder.Builder
	Input   RebuildInput

	// partial, if set, asks whether a build without all its architectures will do.
	partial func(context.Context, *runbook.Run, built) error
}

// RebuildInput is what one run of [RebuildImage] is asked to build.
type RebuildInput struct {
	cdimage.ImageSet
	BuildOptions
}

// BuildOptions are what an image is built with. No log tells them, so they have
// to be given again.
type BuildOptions struct {
	Arches     []string      `json:"arches,omitempty"`     // of the set's architectures; empty: all
	ExtraPPAs  []builder.PPA `json:"extra_ppas,omitempty"` // archives whose packages go into the image
	Proposed   bool          `json:"proposed,omitempty"`   // from the proposed pocket
	Subproject string        `json:"subproject,omitempty"`
	Channel    string        `json:"channel,omitempty"`
}

// Run is the procedure. See [runbook.Procedure].
func (b *RebuildImage) Run(ctx context.Context, r *runbook.Run) error {
	_, err := b.build(ctx, r)
	return err
}

// build returns the complete build, for procedures that go on with it.
func (b *RebuildImage) build(ctx context.Context, r *runbook.Run) (cdimage.Build, error) {
	req := b.request()
	none := cdimage.Build{ImageSet: req.ImageSet}
	if err := req.Validate(); err != nil {
		return none, err
	}
	after, err := runbook.Read(ctx, r, "newest build so far", func(ctx context.Context) (cdimage.BuildID, error) {
		ids, err := b.Builder.IDs(ctx, b.Input.ImageSet)
		if err != nil || len(ids) == 0 {
			return cdimage.BuildID{}, err
		}
		return ids[len(ids)-1], nil
	})
	if err != nil {
		return none, err
	}
	for {
		req.After = after
		try := r.Group(afterName(after))
		got, fresh, err := attempt(ctx, try, b.Builder, req, nil)
		if err == nil && got.Why != "" {
			if will, err := b.mayBePartial(ctx, try, got); will || err != nil {
				return cdimage.Build{ImageSet: req.ImageSet, ID: got.ID}, err
			}
		}
		if err != nil || got.Why == "" || fresh {
			return cdimage.Build{ImageSet: req.ImageSet, ID: got.ID}, ended(r, got, req, err)
		}
		after = got.ID
	}
}

func (b *RebuildImage) request() builder.Request {
	in := b.Input
	return builder.Request{
		ImageSet: in.ImageSet, Arches: in.Arches, ExtraPPAs: in.ExtraPPAs,
		Proposed: in.Proposed, Subproject: in.Subproject, Channel: in.Channel,
	}
}

// built is what became of one run of the image builder.
type built struct {
	ID      cdimage.BuildID `json:"build_id"`
	Publish cdimage.Outcome `json:"publish"`
	Why     string          `json:"why,omitempty"` // why the image is not complete; empty when it is
}

// attempt is one run of the image builder, the first after req.After. Its result
// is recorded whatever it is: a failed build has happened, and used up its ID.
// fresh says that this start has learnt of it. labels are the architectures that
// the image should have; nil: those that the run asks for.
func attempt(ctx context.Context, r *runbook.Run, b *builder.Builder, req builder.Request, labels []string) (got built, fresh bool, err error) {
	what, verb := "build "+setName(req.ImageSet)+" anew", "build"
	if req.PublishOnly {
		verb = "publish"
		what = "publish " + setName(req.ImageSet) + " again, without new live file systems"
	}
	argv, err := req.Argv()
	if err != nil {
		return built{}, false, err
	}
	req.Job = jobName(r, verb, req.Dir(), req.Type, afterName(req.After))
	mine := *b
	mine.Observe = func(p builder.Progress) {
		r.Progress(p.Build.String()+", "+p.Stage, int64(p.Done), int64(p.Total))
		if b.Observe != nil {
			b.Observe(p)
		}
	}
	got, err = runbook.Do(ctx, r, runbook.Step[built]{
		Name:   "build",
		Intent: fmt.Sprintf("%s: %s", what, strings.Join(argv, " ")),
		// Requested and at work is no yes: Do attaches to the job and watches.
		Probe: func(ctx context.Context) (built, bool, error) {
			res, ok, err := b.Find(ctx, req.ImageSet, req.After)
			if err != nil || !ok || res.Running {
				return built{}, false, err
			}
			fresh = true
			return built{res.ID, res.Publish, incomplete(res, labels)}, true, nil
		},
		Do: func(ctx context.Context) (built, error) {
			fresh = true
			res, err := mine.Build(ctx, req)
			if err == nil || errors.Is(err, builder.ErrNotBuilt) && !res.ID.IsZero() {
				return built{res.ID, res.Publish, incomplete(res, labels)}, nil
			}
			return built{}, err
		},
		Predict: built{Publish: cdimage.Complete},
	})
	return got, fresh, err
}

// incomplete says why a run did not give the image; "" when it did.
func incomplete(res builder.Result, labels []string) string {
	why := ""
	switch {
	case res.Publish != cdimage.Complete:
		why = "published: " + string(res.Publish)
	case len(res.Files) == 0:
		why = "the published directory is empty"
	}
	for _, label := range labels {
		i := slices.IndexFunc(res.Arches, func(a cdimage.Arch) bool { return a.Label == label })
		if i >= 0 && !res.Arches[i].Published || i < 0 && !hasImage(res, label, labels) {
			why += "; no image of " + label
		}
	}
	if why == "" {
		return ""
	}
	for _, c := range res.Causes {
		why += fmt.Sprintf("; %s %s: %s", c.Scope, c.Class, strings.TrimSpace(c.Line))
		for _, a := range res.Arches {
			if a.Label == c.Scope {
				why += strings.TrimRight(fmt.Sprintf(" (%s) %s", a.State, a.Link), " ")
			}
		}
	}
	return strings.TrimPrefix(why, "; ") + "; " + res.Remedy
}

// hasImage reports whether the published directory has a file of the architecture
// with one of the labels.
func hasImage(res builder.Result, label string, labels []string) bool {
	var arches cdimage.Arches
	for _, l := range labels {
		arches = append(arches, cdimage.Arch{Label: l})
	}
	return slices.ContainsFunc(res.Files, func(f string) bool { return arches.LabelOfFile(f) == label })
}

// ended notes what came of the last attempt, and makes a failure an error.
func ended(r *runbook.Run, got built, req builder.Request, err error) error {
	if err != nil || r.Planning() {
		return err
	}
	name := cdimage.Build{ImageSet: req.ImageSet, ID: got.ID}.String()
	if got.Why == "" {
		return r.Note(name + " is published, complete")
	}
	if err := r.Note(name + " is not complete: " + got.Why); err != nil {
		return err
	}
	return fmt.Errorf("%s: %w: %s; started again, the run tries once more", name, builder.ErrNotBuilt, got.Why)
}

func afterName(id cdimage.BuildID) string {
	if id.IsZero() {
		return "first build"
	}
	return "after " + id.String()
}

func setName(s cdimage.ImageSet) string {
	return s.Dir() + " " + s.Type
}
