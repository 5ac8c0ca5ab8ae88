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

// built is what became of one run of the image builder.
type built struct {
	ID      cdimage.BuildID `json:"build_id"`
	Publish cdimage.Outcome `json:"publish"`
	Why     string          `json:"why,omitempty"`     // why the image is not complete; empty when it is
	Foreign string          `json:"foreign,omitempty"` // live file systems in it that are not those that were meant
	Remark  string          `json:"remark,omitempty"`  // what a person should know of it all the same
}

// errOvertaken says that nothing was started, because others have built meanwhile.
var errOvertaken = errors.New("others have built an image since: nothing was started")

// buildStep is the step of one run of the image builder, in a group of its own.
const buildStep = "build"

// begun reports whether the journal has a start of the step whose end is not known, or
// its result.
func begun(r *runbook.Run) bool {
	last := r.Last(buildStep)
	return last != "" && last != runbook.Failed
}

// overtaken returns the newest build of the image set, by which a run that is started
// now is told from those of others. It is req.After as long as nobody has built since,
// and always for a run that was begun, which was started after req.After.
func overtaken(ctx context.Context, r *runbook.Run, b *builder.Builder, req builder.Request) (cdimage.BuildID, error) {
	if r.Last(newestSince) == "" {
		if begun(r) {
			return req.After, nil
		}
		newest := req.After
		err := r.Require(ctx, "who has built since", func(ctx context.Context) (err error) {
			newest, err = b.Newest(ctx, req.ImageSet)
			return err
		})
		if err != nil || newest.Compare(req.After) <= 0 {
			return req.After, err
		}
	}
	return since(ctx, r, b, req)
}

const newestSince = "newest build since"

// since pins the newest build, where others have built since req.After.
func since(ctx context.Context, r *runbook.Run, b *builder.Builder, req builder.Request) (cdimage.BuildID, error) {
	return runbook.Read(ctx, r, newestSince, func(ctx context.Context) (cdimage.BuildID, error) {
		return b.Newest(ctx, req.ImageSet)
	})
}

// attempt is one run of the image builder, after req.After. Its result is recorded
// whatever it is: a failed build has happened, and used up its ID. fresh says that
// this start has learnt of it. judge says what a result is worth; nil: by what the run
// asks for. ready, if set, is asked before a run is started that an earlier start was
// to begin.
//
// A run that ended is taken for ours only when this journal has begun it as a job and
// the host has that job. The job stays there until its result is on record.
func attempt(ctx context.Context, r *runbook.Run, b *builder.Builder, req builder.Request, judge func(builder.Result) built, ready func(context.Context) error) (got built, fresh bool, err error) {
	what, verb := "build "+setName(req.ImageSet)+" anew", "build"
	if req.PublishOnly {
		verb = "publish"
		what = "publish " + setName(req.ImageSet) + " again, without new live file systems"
	}
	if judge == nil {
		judge = func(res builder.Result) built {
			return built{ID: res.ID, Publish: res.Publish, Why: incomplete(res, nil)}
		}
	}
	argv, err := req.Argv()
	if err != nil {
		return built{}, false, err
	}
	req.Job, req.Keep = jobName(r, verb, req.Dir(), req.Type, afterName(req.After)), true
	mine := *b
	mine.Observe = func(p builder.Progress) {
		r.Progress(p.Build.String()+", "+p.Stage, int64(p.Done), int64(p.Total))
		if b.Observe != nil {
			b.Observe(p)
		}
	}
	again := begun(r)
	req.Begun = again
	got, err = runbook.Do(ctx, r, runbook.Step[built]{
		Name:   buildStep,
		Intent: fmt.Sprintf("%s: %s", what, strings.Join(argv, " ")),
		// What others have built is no yes, and what was begun here Do attaches to.
		Probe: func(ctx context.Context) (built, bool, error) { return built{}, false, nil },
		Do: func(ctx context.Context) (built, error) {
			fresh = true
			res, found, err := builder.Result{}, false, error(nil)
			if again {
				first := stillFirst(ctx, b, req) // before: what comes late is then no stranger
				if res, found, err = mine.Attach(ctx, req); err == nil && !found {
					if err = first; err == nil && ready != nil {
						err = ready(ctx)
					}
				}
			}
			if err == nil && !found {
				res, err = mine.Build(ctx, req)
			}
			if err == nil || errors.Is(err, builder.ErrNotBuilt) && !res.ID.IsZero() {
				return judge(res), nil
			}
			return built{}, err
		},
		Predict: built{Publish: cdimage.Complete},
	})
	if fresh && !errors.Is(err, runbook.ErrInDoubt) && !errors.Is(err, runbook.ErrJournal) { // its end is on record
		b.Forget(ctx, req.Job)
	}
	return got, fresh, err
}

// stillFirst looks whether a run may be started that an earlier start had begun and
// that did not come to be.
func stillFirst(ctx context.Context, b *builder.Builder, req builder.Request) error {
	newest, err := b.Newest(ctx, req.ImageSet)
	if err == nil && newest.Compare(req.After) > 0 {
		return errOvertaken
	}
	return err
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
	arches := archesOf(labels)
	return slices.ContainsFunc(res.Files, func(f string) bool { return arches.LabelOfFile(f) == label })
}

// ended notes what came of the last attempt, and makes a failure an error.
func ended(r *runbook.Run, got built, req builder.Request, err error) error {
	if err != nil || r.Planning() {
		return err
	}
	name := cdimage.Build{ImageSet: req.ImageSet, ID: got.ID}.String()
	if got.Why == "" {
		return r.Note(strings.TrimSuffix(name+" is published, complete; "+got.Remark, "; "))
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
