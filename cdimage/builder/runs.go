package builder

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/landingteam/landing/cdimage"
)

// A Result is what became of a run.
type Result struct {
	cdimage.Diagnosis          // with the run's ID in Build
	Files             []string // in the published directory, among them those carried over from before
	Dir               string   // the published directory on the host, empty when there is none
	Output            string   // what the command printed on the terminal, at most 4 kB
	Exit              int
}

// Find looks for the run of an image set that began after an ID, and reads its
// log and its published directory. It is false when there is none. Running in
// the result says that the run has no end yet. When several began, the first
// is taken.
func (b *Builder) Find(ctx context.Context, set cdimage.ImageSet, after cdimage.BuildID) (Result, bool, error) {
	return b.find(ctx, set, after, cdimage.Evidence{})
}

// find is Find with what is known already of the end of the run.
func (b *Builder) find(ctx context.Context, set cdimage.ImageSet, after cdimage.BuildID, e cdimage.Evidence) (Result, bool, error) {
	ids, err := b.IDs(ctx, set)
	if err != nil {
		return Result{}, false, err
	}
	i := slices.IndexFunc(ids, func(id cdimage.BuildID) bool { return id.Compare(after) > 0 })
	if i < 0 {
		return Result{}, false, nil
	}
	res, err := b.result(ctx, cdimage.Build{ImageSet: set, ID: ids[i]}, e)
	return res, err == nil, err
}

// Result reads the log and the published directory of a run.
func (b *Builder) Result(ctx context.Context, build cdimage.Build) (Result, error) {
	return b.result(ctx, build, cdimage.Evidence{})
}

func (b *Builder) result(ctx context.Context, build cdimage.Build, e cdimage.Evidence) (Result, error) {
	var res Result
	res.Build = build
	now, err := b.Now(ctx)
	if err != nil {
		return res, err
	}
	log, err := b.readLog(ctx, build)
	if err != nil {
		return res, err
	}
	e.Build, e.Log, e.Now = build, log, now
	for _, dir := range build.ImageDirs() {
		full := path.Join(b.root(), "www/full", dir)
		files, err := b.list(ctx, full)
		if err != nil {
			return res, err
		}
		if len(files) > 0 {
			res.Dir, res.Files = full, files
			break
		}
	}
	if e.Files = res.Files; e.Files == nil {
		e.Files = []string{} // looked at, and nothing is there
	}
	res.Diagnosis = cdimage.Diagnose(e)
	return res, nil
}

// IDs lists the IDs of an image set that have logs on the host, oldest first.
func (b *Builder) IDs(ctx context.Context, set cdimage.ImageSet) ([]cdimage.BuildID, error) {
	names, err := b.list(ctx, path.Join(b.root(), "log", set.Dir()))
	if err != nil {
		return nil, err
	}
	var ids []cdimage.BuildID
	for _, n := range names {
		if typ, id, ok := cdimage.ParseLogName(n); ok && typ == set.Type {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, cdimage.BuildID.Compare)
	return ids, nil
}

// verdict is nil when the run gave what was asked for.
func (res Result) verdict(r Request) error {
	if res.Publish == cdimage.Complete || r.NoPublish && res.Publish == cdimage.Skipped {
		return nil
	}
	e := &Error{Op: "build", What: res.Build.String(), Kind: ErrNotBuilt, Hint: res.Remedy}
	if len(res.Causes) > 0 {
		c := res.Causes[0]
		e.Err = fmt.Errorf("published: %s; %s: %s", res.Publish, c, strings.TrimSpace(c.Line))
	} else {
		e.Err = fmt.Errorf("published: %s", res.Publish)
	}
	return e
}
