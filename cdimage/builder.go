package cdimage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/landingteam/landing/runbook/command"
)

// HostRoot is where the image builder lives on its host.
const HostRoot = "/srv/cdimage.ubuntu.com"

// A Builder starts runs of the image builder on its host and judges them by
// their logs and by what is published, never by an exit status: a run that
// published nothing may end with 0. Fields are set before first use.
type Builder struct {
	Runner command.Runner
	Root   string // empty: HostRoot

	// ReadOnly makes Build refuse with ErrReadOnly before anything is run.
	ReadOnly bool

	// Poll is how often the log is looked at while a run is at work; 0 is 30
	// seconds.
	Poll time.Duration

	// Observe, if set, is told how far a run is, from the log, whenever that
	// has changed. It is called from one goroutine at a time.
	Observe func(Progress)

	Logger *slog.Logger // nil is silent
}

// Progress is how far a run is.
type Progress struct {
	Build Build
	Stage string // the last marker, "" before the first
	Done  int    // live file systems that have ended
	Total int    // live file systems asked for
	Bytes int64  // of the log
}

// A Result is what became of a run.
type Result struct {
	Diagnosis          // with the run's ID in Build
	Files     []string // in the published directory, among them those carried over from before
	Dir       string   // the published directory on the host, empty when there is none
	Output    string   // what the command printed on the terminal, at most 4 kB
	Exit      int
}

// Build runs the image builder and waits for its end. It returns the result
// with ErrNotBuilt when the image is not complete. ErrLocked means that another
// run is at work, ErrUsage that the host refused the command; then nothing was
// started and no ID was used. ErrInDoubt means that the end of the run was not
// seen: call Find, or Build again with the same Job.
func (b *Builder) Build(ctx context.Context, r Request) (Result, error) {
	argv, err := r.Argv()
	if err != nil {
		return Result{}, err
	}
	if b.ReadOnly {
		return Result{}, &Error{Op: "build", What: r.Dir() + " " + r.Type, Kind: ErrReadOnly}
	}
	if r.After.IsZero() {
		ids, err := b.IDs(ctx, r.ImageSet)
		if err != nil {
			return Result{}, err
		}
		if len(ids) > 0 {
			r.After = ids[len(ids)-1]
		}
	}
	if b.Logger != nil {
		b.Logger.InfoContext(ctx, "build", "argv", argv, "job", r.Job, "after", r.After)
	}
	watching, stop := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		b.watch(watching, r.ImageSet, r.After)
	}()
	out, runErr := b.Runner.Run(ctx, command.Command{Argv: argv, Job: r.Job})
	stop()
	<-watched

	// A link that was lost has not ended a job: say what is known, and that
	// the end is not.
	res := Result{Exit: out.Exit, Output: excerpt(out)}
	res.ImageSet = r.ImageSet
	if runErr != nil {
		return res, &Error{Op: "build", What: r.Dir() + " " + r.Type, Kind: ErrInDoubt, Err: runErr, Hint: "find the run before starting another"}
	}
	if err := refusal(r, out); err != nil {
		return res, err // a log that is newer now is another run's
	}
	found, ok, err := b.find(ctx, r.ImageSet, r.After, true)
	if err != nil {
		return res, &Error{Op: "build", What: r.Dir() + " " + r.Type, Kind: ErrInDoubt, Err: err, Hint: "the command has ended, its log could not be read"}
	}
	if !ok {
		return res, &Error{Op: "build", What: r.Dir() + " " + r.Type, Kind: ErrNotBuilt,
			Err: fmt.Errorf("exit status %d, no log: %s", out.Exit, lastLine(res.Output))}
	}
	found.Exit, found.Output = res.Exit, res.Output
	return found, found.verdict(r)
}

// verdict is nil when the run gave what was asked for.
func (res Result) verdict(r Request) error {
	if res.Publish == Complete || r.NoPublish && res.Publish == Skipped {
		return nil
	}
	e := &Error{Op: "build", What: res.Build.String(), Kind: ErrNotBuilt, Hint: res.Remedy}
	if len(res.Causes) > 0 {
		c := res.Causes[0]
		e.Err = fmt.Errorf("published: %s; %s: %s", res.Publish, c.sentence(), strings.TrimSpace(c.Line))
	} else {
		e.Err = fmt.Errorf("published: %s", res.Publish)
	}
	return e
}

// refusal explains a command that started nothing.
func refusal(r Request, out command.Output) error {
	text := string(out.Stdout) + string(out.Stderr)
	e := &Error{Op: "build", What: r.Dir() + " " + r.Type}
	switch {
	case strings.Contains(text, "Another image set is already building!"):
		e.Kind = ErrLocked
		e.Hint = "wait for the running build, then repeat; a lock is broken by itself two hours after it was made"
	case out.Exit == 2:
		e.Kind, e.Err = ErrUsage, errors.New(lastLine(text))
	default:
		return nil
	}
	return e
}

// Find looks for the run of an image set that began after an ID, and reads its
// log and its published directory. It is false when there is none. Running in
// the result says that the run has no end yet. When several began, the first
// is taken.
func (b *Builder) Find(ctx context.Context, set ImageSet, after BuildID) (Result, bool, error) {
	return b.find(ctx, set, after, false)
}

func (b *Builder) find(ctx context.Context, set ImageSet, after BuildID, ended bool) (Result, bool, error) {
	ids, err := b.IDs(ctx, set)
	if err != nil {
		return Result{}, false, err
	}
	i := slices.IndexFunc(ids, func(id BuildID) bool { return id.Compare(after) > 0 })
	if i < 0 {
		return Result{}, false, nil
	}
	res, err := b.result(ctx, Build{set, ids[i]}, ended)
	return res, err == nil, err
}

// Result reads the log and the published directory of a run.
func (b *Builder) Result(ctx context.Context, build Build) (Result, error) {
	return b.result(ctx, build, false)
}

func (b *Builder) result(ctx context.Context, build Build, ended bool) (Result, error) {
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
	e := Evidence{Build: build, Log: log, Now: now, Ended: ended}
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
	distrust(log, res.Files)
	res.Diagnosis = Diagnose(e)
	return res, nil
}

// distrust takes back what the log says was published and is not in the
// directory.
func distrust(log *BuildLog, files []string) {
	for i := range log.Arches {
		a := &log.Arches[i]
		if !a.Published {
			continue
		}
		there := slices.ContainsFunc(files, func(f string) bool {
			for _, p := range log.Published {
				if log.labelOf(p) == a.Label && strings.Contains(f, "-"+p) {
					return true
				}
			}
			return false
		})
		if !there {
			a.Published = false
			log.Causes = append(log.Causes, Cause{Scope: a.Label, Class: Unknown, Line: "the log says published, the directory has no file for it"})
			log.Publish = log.published()
			if !slices.ContainsFunc(log.Arches, func(a Arch) bool { return a.Published }) {
				log.Publish = None
			}
		}
	}
	if len(log.Arches) == 0 && log.Publish == Complete && len(files) == 0 {
		log.Publish = None
	}
}

// IDs lists the IDs of an image set that have logs on the host, oldest first.
func (b *Builder) IDs(ctx context.Context, set ImageSet) ([]BuildID, error) {
	names, err := b.list(ctx, path.Join(b.root(), "log", set.Dir()))
	if err != nil {
		return nil, err
	}
	var ids []BuildID
	for _, n := range names {
		if typ, id, ok := ParseLogName(n); ok && typ == set.Type {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, BuildID.Compare)
	return ids, nil
}

// Now asks the host for its clock: the day of an ID is the host's, not ours.
func (b *Builder) Now(ctx context.Context) (time.Time, error) {
	out, err := b.run(ctx, "date", "-u", "+%s")
	if err != nil {
		return time.Time{}, err
	}
	s, err := strconv.ParseInt(strings.TrimSpace(string(out.Stdout)), 10, 64)
	if err != nil {
		return time.Time{}, &Error{Op: "ask the host's clock", Kind: ErrFormat, Err: err}
	}
	return time.Unix(s, 0).UTC(), nil
}

// watch follows the log of the run until ctx ends.
func (b *Builder) watch(ctx context.Context, set ImageSet, after BuildID) {
	if b.Observe == nil {
		return
	}
	poll := b.Poll
	if poll <= 0 {
		poll = 30 * time.Second
	}
	tick := time.NewTicker(poll)
	defer tick.Stop()
	var last Progress
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		ids, err := b.IDs(ctx, set)
		i := slices.IndexFunc(ids, func(id BuildID) bool { return id.Compare(after) > 0 })
		if err != nil || i < 0 {
			continue // not begun, or not to be seen just now
		}
		log, err := b.readLog(ctx, Build{set, ids[i]})
		if err != nil {
			continue
		}
		p := Progress{Build: Build{set, ids[i]}, Total: len(log.Arches), Bytes: log.Bytes}
		if n := len(log.Stages); n > 0 {
			p.Stage = log.Stages[n-1].Name
		}
		for _, a := range log.Arches {
			if a.State != "" {
				p.Done++
			}
		}
		if p != last {
			last = p
			b.Observe(p)
		}
	}
}

func excerpt(out command.Output) string {
	const limit = 4 << 10
	text := strings.TrimSpace(string(out.Stdout) + string(out.Stderr))
	if len(text) > limit {
		text = "… " + text[len(text)-limit:]
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return quote([]byte(text[strings.LastIndexByte(text, '\n')+1:]))
}
