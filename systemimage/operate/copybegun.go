package operate

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
)

// A copy that was begun and whose program was killed leaves one of these: nothing; the
// image, at 100 % whatever was asked; the image, without its aliases; or, worse, an index
// whose next commit fails for everybody. Whoever began the copy may bring it to its end,
// nobody else: to others the image may be a release.

// begun is the state in which a copy of ours was left.
type begun struct {
	leftOver bool          // in the index of the destination, or of an alias: nothing can be committed there
	set      *PhaseRequest // of an image that is offered to more devices than was asked, or that aliases lack
}

func (b begun) finished() bool { return !b.leftOver && b.set == nil }

// lookAtBegun looks what a copy of r has left.
func (s *Server) lookAtBegun(ctx context.Context, r CopyRequest) (b begun, err error) {
	l, err := s.Client.Channels(ctx)
	if err != nil {
		return b, err
	}
	entry, err := l.Lookup(r.To, r.Device)
	if err != nil {
		return b, err
	}
	// on the host first: an index that is in pieces is read again and again
	findings, err := s.inspect(ctx, copyOp, inspection{dirs: []string{entry.Folder()}})
	if err != nil {
		return b, err
	}
	left, err := s.leftOver(ctx, copyOp, placesOf(l, r.To, r.Device))
	if err != nil {
		return b, err
	}
	b.leftOver = len(left) > 0 || slices.ContainsFunc(findings, func(f systemimage.Finding) bool {
		return f.Blocks && strings.HasPrefix(path.Base(f.Place), "index.json")
	})
	if b.leftOver {
		return b, nil
	}
	src, err := s.Client.IndexOf(ctx, l, r.From, r.Device)
	if err != nil {
		return b, err
	}
	source, ok := src.Full(r.Version)
	if !ok {
		return b, nil
	}
	x, err := s.Client.IndexOf(ctx, l, r.To, r.Device)
	if err != nil {
		return b, err
	}
	latest, published := x.Latest()
	tag := r.Tag
	if r.KeepTag {
		tag = source.Detail().Tag()
	}
	if !published || !sameFiles(source, latest) || latest.Detail().Tag() != tag {
		return b, nil
	}
	set := PhaseRequest{Channel: r.To, Device: r.Device, Version: latest.Version, Percentage: min(latest.Percentage, r.Percentage)}
	for _, m := range append([]systemimage.Image{latest}, x.Deltas(latest.Version)...) {
		if m.Percentage > r.Percentage {
			b.set = &set
		}
	}
	_, lag, err := s.checkAliases(ctx, x, latest, aliasesOf(l, r.To))
	if len(lag) > 0 { // with the percentage that it has they get the image, too
		b.set = &set
	}
	return b, err
}

// whole makes sure that a copy that was begun, and is there as asked, has whole files: its
// own look at them may have failed. It notes when the copy was killed before it had made
// its delta, or had expired deltas with their image.
func (s *Server) whole(ctx context.Context, r CopyRequest, p *copyPlan) error {
	if !r.Begun {
		return nil
	}
	if base, lacks := p.base.WithoutDelta(); lacks {
		p.want.Lacks = []int{base}
	}
	if kept := p.base.WithoutBase(); len(kept) > 0 {
		p.want.Kept = kept
	}
	damage, err := s.damage(ctx, copyOp, p.base.Index, p.want.Version, treeState{})
	if err == nil && len(damage) > 0 {
		err = &systemimage.Error{Op: copyOp, Channel: r.To, Device: r.Device, Kind: systemimage.ErrPartial,
			Err: fmt.Errorf("published as version %d at %d %%, but %s", p.want.Version, p.want.Percentage, strings.Join(damage, "; "))}
	}
	return err
}

// finish ends what a killed copy of r began: it waits for a program that is still at
// work, and takes its job from the host; mends the indexes, lowers the percentage to what
// was asked for, and brings the aliases up to date.
func (s *Server) finish(ctx context.Context, r CopyRequest) error {
	if r.Job != "" {
		form, err := s.copyForm(ctx, copyOp)
		if err != nil {
			return err
		}
		if err := s.waitForJob(ctx, copyOp, r.To, r.Device, s.command(r.Job, "copy-image", r.args(form)...)); err != nil {
			return err
		}
	}
	b, err := s.lookAtBegun(ctx, r)
	if err != nil {
		return err
	}
	if b.leftOver {
		if err := s.mendBegun(ctx, copyOp, r.To, r.Device); err != nil {
			return err
		}
		if b, err = s.lookAtBegun(ctx, r); err != nil {
			return err
		}
	}
	if b.set == nil {
		return nil
	}
	_, err = s.Phase(ctx, *b.set)
	return err
}

// jobLeft reports whether the host still has the job of a copy that was begun, running or
// not: Copy takes it away. It changes nothing.
func (s *Server) jobLeft(ctx context.Context, r CopyRequest) bool {
	if !r.Begun || r.Job == "" {
		return false
	}
	_, err := s.Runner.Run(ctx, command.Command{Argv: []string{s.root() + "/bin/copy-image"}, Job: r.Job, Attach: true, Keep: true})
	return !errors.Is(err, command.ErrNoJob)
}

// mendBegun mends the index that a copy or a tag was killed in, and those of its aliases
// first. What has no signature for another reason is not published by the way.
func (s *Server) mendBegun(ctx context.Context, op, channel, device string) error {
	l, err := s.Client.Channels(ctx)
	if err != nil {
		return err
	}
	left, err := s.leftOver(ctx, op, aliasPlaces(l, channel, device))
	if err == nil {
		_, err = s.mendLeft(ctx, append(left, place{channel: channel, device: device}), mendRules{explained: true}) // which may be broken in another way
	}
	return err
}

// waitForJob waits for the end of the job of a command, if the host still has it.
func (s *Server) waitForJob(ctx context.Context, op, channel, device string, c command.Command) error {
	c = s.withTempDir(ctx, c)
	c.Attach = true
	_, err := s.Runner.Run(ctx, c)
	s.Client.Forget(device)
	if err == nil || errors.Is(err, command.ErrNoJob) || errors.Is(err, command.ErrJobLost) {
		return nil
	}
	return &systemimage.Error{Op: op, Channel: channel, Device: device, Err: fmt.Errorf("waiting for what was begun: %w", err)}
}
