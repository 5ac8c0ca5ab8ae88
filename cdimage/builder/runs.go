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

	Anew     bool // the run was to make new live file systems
	AllAsked bool // Launchpad was asked for every one of them
}

// find looks for the run of a request, the first after r.After that can be it, with
// what is known already of its end.
func (b *Builder) find(ctx context.Context, r Request, e cdimage.Evidence) (Result, bool, error) {
	ids, err := b.since(ctx, r.ImageSet, r.After)
	if err != nil {
		return Result{}, false, err
	}
	for _, id := range ids {
		e.Build = cdimage.Build{ImageSet: r.ImageSet, ID: id}
		if e.Log, err = b.readLog(ctx, e.Build); err != nil {
			return Result{}, false, err
		}
		if r.canBe(e.Log) && !b.otherPPAs(ctx, r, e.Log) {
			res, err := b.weigh(ctx, e)
			return res, err == nil, err
		}
	}
	return Result{}, false, nil
}

// since lists the IDs after one, oldest first.
func (b *Builder) since(ctx context.Context, set cdimage.ImageSet, after cdimage.BuildID) ([]cdimage.BuildID, error) {
	ids, err := b.IDs(ctx, set)
	return slices.DeleteFunc(ids, func(id cdimage.BuildID) bool { return id.Compare(after) <= 0 }), err
}

// Newest is the newest ID of an image set that has a log on the host; zero when none
// has.
func (b *Builder) Newest(ctx context.Context, set cdimage.ImageSet) (cdimage.BuildID, error) {
	ids, err := b.IDs(ctx, set)
	if err != nil || len(ids) == 0 {
		return cdimage.BuildID{}, err
	}
	return ids[len(ids)-1], nil
}

// Result reads the log and the published directory of a run. wanted are the labels of
// the architectures that count for what is said about publishing again; none: all that
// the run asked for.
func (b *Builder) Result(ctx context.Context, build cdimage.Build, wanted ...string) (Result, error) {
	log, err := b.readLog(ctx, build)
	if err != nil {
		res := Result{}
		res.Build = build
		return res, err
	}
	return b.weigh(ctx, cdimage.Evidence{Build: build, Log: log, Wanted: wanted})
}

// weigh looks at the clock and at the published directory, and judges the run.
func (b *Builder) weigh(ctx context.Context, e cdimage.Evidence) (res Result, err error) {
	res.Build = e.Build
	if e.Now, err = b.Now(ctx); err != nil {
		return res, err
	}
	if !e.Ended && !e.Log.Finished && e.Log.Fatal == "" {
		e.Booted = b.booted(ctx)
	}
	for _, dir := range e.Build.ImageDirs() {
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
	res.Anew, res.AllAsked = e.Log.Anew(), e.Log.AllAsked()
	if res.Diagnosis = cdimage.Diagnose(e); !res.Running {
		if e.States = b.states(ctx, e.Log); len(e.States) > 0 {
			res.Diagnosis = cdimage.Diagnose(e)
		}
	}
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
		b, _ := cdimage.ParseBuild(n) // all but the set, which the folder says
		if b.ImageSet = set; n == path.Base(b.LogPath()) {
			ids = append(ids, b.ID)
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
