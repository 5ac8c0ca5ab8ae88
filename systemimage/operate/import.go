package operate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/importlog"
)

// An ImportRequest asks for one run of the importer over all its channels; the
// program knows no other.
type ImportRequest struct {
	Job string // see Command.Job

	// Begun says that this very import was begun before and that its end was not seen. Its
	// job is then waited for, if the host still has it; and where it was killed, what it
	// left is brought to an end before the importer runs again: an index whose commit was
	// cut short is mended, that of an alias too, and a payload without a signature is taken
	// away. Otherwise both keep the import back: they may be somebody else's.
	Begun bool

	// Observe, if set, is told how far the run is, in devices, where the runner tells
	// lines early: see Command.Line.
	Observe func(done, total int)
}

const importOp = "import images"

// Import looks at every index, runs import-images, reads its log and looks whether the indexes have
// what it says. Devices whose image was cancelled are no error: a source that
// fails is ordinary, and the entries of the run tell. ErrBroken says that the
// run died or had no configuration and published nothing, ErrPartial that it
// had published some images by then, or that an index lacks one. The returned
// run is then what happened; see also [importlog.Run.Expect].
func (s *Server) Import(ctx context.Context, r ImportRequest) (*importlog.Run, error) {
	if err := s.usable(importOp, true); err != nil {
		return nil, err
	}
	// -vvv has the records that count in both eras; today it is DEBUG, which
	// tells more about builds that do not fit.
	c := s.withTempDir(ctx, s.command(r.Job, "import-images", "-vvv"))
	if r.Begun && r.Job != "" {
		c.Attach = true
		e, err := s.run(ctx, importOp, "", "", c)
		switch c.Attach = false; {
		case err != nil:
			return nil, err
		case errors.Is(e.err, command.ErrNoJob):
		case e.complete || e.err != nil: // else it was cut short, and is run again
			return s.imported(ctx, e, nil)
		}
	}
	before, err := s.beforeImport(ctx, r.Begun)
	if err != nil {
		return nil, err
	}
	if r.Observe != nil {
		far := importlog.NewProgress(slices.Collect(maps.Keys(before)))
		c.Line = func(line string) {
			if far.Line(line) {
				r.Observe(far.Done, far.Total)
			}
		}
	}
	e, err := s.run(ctx, importOp, "", "", c)
	if err != nil {
		return nil, err
	}
	return s.imported(ctx, e, before)
}

// imported says what came of a run of the importer, by its log and the published tree,
// of which before has the newest versions until then; nil is that they are not known.
func (s *Server) imported(ctx context.Context, e ending, before map[string]int) (*importlog.Run, error) {
	run, err := importlog.Parse(io.MultiReader(bytes.NewReader(e.Stdout), bytes.NewReader(e.Stderr)))
	if err != nil {
		return nil, err // bytes do not fail
	}
	fail := func(kind error, format string, a ...any) (*importlog.Run, error) {
		return run, &systemimage.Error{Op: importOp, Kind: kind, Err: fmt.Errorf(format, a...)}
	}
	wrong, err := s.checkImported(ctx, run, before)
	switch {
	case err != nil:
		return fail(systemimage.ErrInDoubt, "%v, and the published indexes cannot be read: %w", e, err)
	case e.err != nil:
		return fail(systemimage.ErrInDoubt, "%v: %w", e, e.err)
	case len(wrong) > 0:
		return fail(systemimage.ErrPartial, "%v: %s", e, strings.Join(wrong, "; "))
	case run.Complete && e.Exit != 0 && e.Exit != exitReaderGone:
		return fail(systemimage.ErrPartial, "%v after a complete run", e)
	case run.Complete && run.Cause != nil && run.Cause.Class == importlog.EmptyConfig:
		return fail(systemimage.ErrBroken, "%s: %s", run.Cause.Problem, run.Cause.Remedy)
	case run.Complete:
		return run, nil
	}
	text := s.endedEarly(ctx, e, run)
	done := run.Published()
	if len(done) == 0 {
		return fail(systemimage.ErrBroken, "nothing was published: %s", text)
	}
	var names []string
	for _, p := range done {
		names = append(names, fmt.Sprintf("%s %s %d", p.Channel, p.Device, p.Version))
	}
	return fail(systemimage.ErrPartial, "%s; published before: %s", text, strings.Join(names, ", "))
}

// endedEarly says how a run ended that did not come to its end, and takes away what it
// left when it was killed.
func (s *Server) endedEarly(ctx context.Context, e ending, run *importlog.Run) string {
	text := e.String()
	if run.Cause != nil {
		text += ": " + run.Cause.Remedy
	}
	if e.Exit != killed {
		return text
	}
	mended, gone, err := s.finishImport(ctx)
	if len(mended) > 0 {
		text += "; what it left of a commit is mended: " + strings.Join(mended, ", ")
	}
	if err == nil && len(gone) > 0 {
		text += "; what it left without a signature is removed: " + strings.Join(gone, ", ")
	}
	return text
}

// checkImported compares what a run announced with the indexes, of which before has
// the newest versions until then.
func (s *Server) checkImported(ctx context.Context, run *importlog.Run, before map[string]int) (wrong []string, err error) {
	done := run.Published()
	if len(done) == 0 {
		return nil, nil
	}
	for _, f := range run.Damage {
		wrong = append(wrong, f.String())
	}
	l, err := s.Client.Channels(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range done {
		say := func(format string, a ...any) {
			wrong = append(wrong, fmt.Sprintf("%s %s: %s", p.Channel, p.Device, fmt.Sprintf(format, a...)))
		}
		x, err := s.Client.IndexOf(ctx, l, p.Channel, p.Device)
		if err != nil {
			if errors.Is(err, systemimage.ErrTorn) || errors.Is(err, systemimage.ErrSignature) || errors.Is(err, systemimage.ErrMalformed) {
				say("its index cannot be trusted (%v)", err)
				continue
			}
			return wrong, err
		}
		m, ok := x.Full(p.Version)
		if !ok {
			say("version %d was announced and is not published", p.Version)
			continue
		}
		if old := before[strings.TrimPrefix(x.Entry.Index, "/")]; p.Version <= old {
			say("version %d is not above %d, the newest before: its index was lost and its history begun again", p.Version, old)
		}
		if p.Damage != nil {
			say("%s; %s", p.Damage.Problem, p.Damage.Remedy)
		}
		if p.Files > 0 && len(m.Files) != p.Files {
			say("version %d has %d files, announced were %d", p.Version, len(m.Files), p.Files)
		}
		damage, err := s.damage(ctx, importOp, x.Index, p.Version, treeState{})
		if err != nil {
			return wrong, err
		}
		for _, d := range damage {
			say("version %d is damaged: %s", p.Version, d)
		}
		bases := basesOf(x.Deltas(p.Version))
		for _, d := range p.Deltas {
			if _, ok := x.Full(d.Base); ok && !slices.Contains(bases, d.Base) { // else it expired with its base
				say("version %d lacks its delta from %d", p.Version, d.Base)
			}
		}
	}
	return wrong, nil
}
