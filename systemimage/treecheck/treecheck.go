package treecheck

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/internal/host"
)

// A Options says how closely [Client.CheckTree] looks. The zero value looks at
// everything that costs no download.
type Options struct {
	// Checksums downloads every payload and compares its SHA-256.
	Checksums bool
	// NoFiles leaves the payloads out: only documents and what they say.
	NoFiles bool
	// Parallel is how many requests are under way at once; 8 when 0.
	Parallel int

	// Expiry reads the time at which a keyring tarball expires, zero for never; it
	// also fails for one that cannot be read. (Package keyring does that.) With nil
	// keyrings are not looked at.
	Expiry func(tarXZ []byte) (time.Time, error)
	// Within is how long before its expiry a keyring is worth a warning; 30 days
	// when 0. Now is the time to count from; the clock's when zero.
	Within time.Duration
	Now    time.Time
}

// Check looks over a whole published tree: what the documents say of each
// other, whether every file that they name is there, and what killed programs
// left. Findings come sorted, the worst first. The error says that the tree could
// not be looked at; a device whose index cannot be read is a finding.
//
// Keyrings, aliases, redirects, percentages and paths are judged by the rules of
// server and client; see [Index.Check] and [Index.Upgrade].
func Check(ctx context.Context, c *systemimage.Client, o Options) ([]systemimage.Finding, error) {
	l, err := c.Channels(ctx)
	if err != nil {
		return nil, err
	}
	t := &treeCheck{c: c, o: o, l: l, indexes: map[[2]string]*systemimage.PublishedIndex{}}
	t.parallel = cmp.Or(o.Parallel, 8)
	for p, err := range c.Survey(ctx, t.parallel) {
		if err != nil {
			t.unreadable(err)
			continue
		}
		t.indexes[[2]string{p.Channel, p.Device}] = p
	}
	if err := ctx.Err(); err != nil {
		return nil, &systemimage.Error{Op: "check tree", Err: context.Cause(ctx)}
	}
	for name := range l.Pairs() {
		if len(t.done) == 0 || t.done[len(t.done)-1] != name {
			t.done = append(t.done, name)
			t.checkChannel(name)
		}
	}
	for _, key := range t.sorted() {
		t.checkIndex(t.indexes[key])
	}
	if err := t.probe(ctx); err != nil {
		return nil, err
	}
	slices.SortStableFunc(t.findings, func(a, b systemimage.Finding) int {
		rank := map[systemimage.Severity]int{systemimage.Harmful: 0, systemimage.Risky: 1, systemimage.Worth: 2}
		return cmp.Or(rank[a.Severity]-rank[b.Severity], cmp.Compare(a.Channel, b.Channel),
			cmp.Compare(a.Device, b.Device), cmp.Compare(a.Place, b.Place), cmp.Compare(a.Class, b.Class))
	})
	return slices.Compact(t.findings), nil
}

// treeCheck is one look over a tree.
type treeCheck struct {
	c        *systemimage.Client
	o        Options
	l        *systemimage.Listing
	parallel int
	indexes  map[[2]string]*systemimage.PublishedIndex
	done     []string

	mu       sync.Mutex // for what probes find
	findings []systemimage.Finding
}

func (t *treeCheck) add(f systemimage.Finding) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.findings = append(t.findings, f)
}

func (t *treeCheck) sorted() [][2]string {
	var keys [][2]string
	for k := range t.indexes {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b [2]string) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	return keys
}

// unreadable turns the error of one index into a finding.
func (t *treeCheck) unreadable(err error) {
	var e *systemimage.Error
	if !errors.As(err, &e) {
		t.add(systemimage.Finding{Severity: systemimage.Harmful, Class: "unreadable-index", Problem: err.Error(), Remedy: "look at the server"})
		return
	}
	f := systemimage.Finding{Severity: systemimage.Harmful, Class: "unreadable-index", Channel: e.Channel, Device: e.Device, Place: t.l.Channels[e.Channel].Devices[e.Device].Index}
	f.Problem, f.Remedy = "the index cannot be read: "+e.Err.Error(), "restore it from a mirror or a backup"
	switch {
	case errors.Is(err, systemimage.ErrSignature):
		f.Class, f.Remedy = "index-signature", "run re-sign-indexes on the server; when the index was not changed by the team, find out by whom first"
		f.Problem = "devices refuse the index: " + e.Err.Error()
	case errors.Is(err, systemimage.ErrTorn), errors.Is(err, systemimage.ErrNotFound):
		f.Class, f.Problem = "missing-index", "channels.json lists an index that is missing: devices get no update, and the next program begins its history again"
		f.Remedy = "move index.json.new into its place if it is there, else restore it, before anything else runs on the server"
	}
	t.add(f)
}

// probe asks about each file that documents name or that a killed program may
// have left, each once.
func (t *treeCheck) probe(ctx context.Context) error {
	var jobs []func(context.Context) error
	seen := map[string]bool{}
	for _, key := range t.sorted() {
		p := t.indexes[key]
		if dir := p.Entry.Folder(); !seen[dir] {
			seen[dir] = true
			for _, name := range []string{"index.json.new", "index.json.new.asc"} {
				jobs = append(jobs, t.leftOver(p.Channel, p.Device, "/"+dir+"/"+name))
			}
		}
		if t.o.NoFiles {
			continue
		}
		for _, m := range p.Images {
			for _, f := range m.Files {
				if !seen[f.Path] {
					seen[f.Path] = true
					jobs = append(jobs, t.file(p.Channel, p.Device, f))
				}
			}
		}
	}
	for _, name := range []string{"/channels.json.new", "/channels.json.new.asc", "/channels.json.asc.new"} {
		jobs = append(jobs, t.leftOver("", "", name))
	}
	if t.o.Expiry != nil {
		jobs = append(jobs, t.keyrings()...)
	}
	return t.run(ctx, jobs)
}

// run does the jobs, several at a time. The first that fails for another reason
// than the tree's own state ends the rest.
func (t *treeCheck) run(ctx context.Context, jobs []func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan func(context.Context) error)
	var workers sync.WaitGroup
	for range min(t.parallel, len(jobs)) {
		workers.Go(func() {
			for job := range work {
				if err := job(ctx); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, job := range jobs {
		select {
		case work <- job:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(work)
	workers.Wait()
	if err := context.Cause(ctx); err != nil {
		return &systemimage.Error{Op: "check tree", Err: err}
	}
	return nil
}

// leftOver looks for a file that only a killed program, or one that is running
// just now, has there.
func (t *treeCheck) leftOver(channel, device, place string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, there, err := t.c.Stat(ctx, place)
		if err != nil || !there {
			return err
		}
		if err := host.Sleep(ctx, 2*time.Second); err != nil {
			return err
		}
		if _, there, err = t.c.Stat(ctx, place); err != nil || !there {
			return err // a commit that was going on
		}
		t.add(systemimage.Finding{Severity: systemimage.Harmful, Class: "left-over", Channel: channel, Device: device, Place: place,
			Problem: "left by a killed program: every further commit there fails, also one that stops a rollout",
			Remedy:  "run cleanup-tree, then re-sign-indexes"})
		return nil
	}
}
