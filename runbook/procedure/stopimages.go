package procedure

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/operate"
)

// stopAll sets images to 0 %, one after the other: the program takes no lock, and
// two at once break each other's commits. The first round waits for nothing, so
// that one broken index, or a tree that does not answer, does not keep the others
// waiting; the second looks again, at what could not be stopped and whether a
// program that is running, such as an import or a rollout, has written an old
// percentage back. Its errors count.
func stopAll(ctx context.Context, r *runbook.Run, s *operate.Server, images []NamedImage, patience time.Duration) error {
	round := func(r *runbook.Run, v *sight, quick bool) error {
		return runbook.Each(ctx, r, keyed(images, self), 1, func(ctx context.Context, r *runbook.Run, t, _ NamedImage) error {
			return stopOne(ctx, r, v, t, quick)
		})
	}
	_ = round(r, hasty(s, patience), true)
	return round(r.Group("again"), &sight{server: s}, false)
}

func stopOne(ctx context.Context, r *runbook.Run, v *sight, t NamedImage, quick bool) error {
	what := "look again that image %d of %s for %s is offered to nobody"
	if quick {
		what = "offer image %d of %s for %s to nobody any more"
	}
	one := &stopping{sight: v, image: t, quick: quick,
		req: operate.PhaseRequest{Channel: t.Channel, Device: t.Device, Version: t.Version, Percentage: 0, Quick: quick}}
	_, err := runbook.Do(ctx, r, runbook.Step[string]{
		Name:    "stop",
		Intent:  fmt.Sprintf(what, t.Version, t.Channel, t.Device),
		Probe:   func(ctx context.Context) (string, bool, error) { return one.stopped(ctx, r) },
		Do:      one.stop,
		Predict: at0,
	})
	return err
}

const at0 = "at 0 %"

// A stopping is one image that is being stopped.
type stopping struct {
	*sight
	image NamedImage
	quick bool
	req   operate.PhaseRequest
	newer systemimage.Image // is above it, with other content
}

// look finds out under which number the image is published, if that can be read.
func (s *stopping) look(ctx context.Context) (err error) {
	if err = s.see(ctx, s.image); err == nil {
		s.req.Version, s.newer, err = offeredAs(ctx, s.server.Client, s.image)
		if unreadable(ctx, err) && !untrusted(err) {
			s.close(err)
		}
	}
	s.req.Blind = s.other == nil && unreadable(ctx, err)
	return err
}

// stopped reports whether nothing is left to be done.
func (s *stopping) stopped(ctx context.Context, r *runbook.Run) (string, bool, error) {
	err := s.look(ctx)
	if err == nil && s.newer.Version > 0 {
		if s.quick {
			err = r.Note(fmt.Sprintf("%s: image %d lies above image %d, at %d %%. If that is the faulty one, start a back-out of it at once",
				s.image, s.newer.Version, s.image.Version, s.newer.Percentage))
		}
		return "superseded", true, err
	}
	done := false
	if err == nil {
		_, done, err = s.server.CheckPhase(ctx, s.req)
	}
	if s.req.Blind || errors.Is(err, systemimage.ErrBroken) || errors.Is(err, systemimage.ErrTorn) {
		return "", false, nil // what stop sees to
	}
	return at0, done, err
}

// stop sets it to 0 %. Another program that commits the same index just now, such
// as the last step of a rollout, can make this one fail and leave the index broken.
func (s *stopping) stop(ctx context.Context) (string, error) {
	tries := 4
	if s.quick {
		tries = 2
	}
	var did []string
	for try := 1; ; try++ {
		_, err := s.server.Phase(ctx, s.req)
		if !s.req.Blind && unreadable(ctx, err) { // it fell silent since
			s.close(err)
			s.req.Blind = true
			_, err = s.server.Phase(ctx, s.req)
		}
		if err == nil || s.req.Blind || errors.Is(err, systemimage.ErrRefused) || errors.Is(err, systemimage.ErrReadOnly) || try == tries || ctx.Err() != nil {
			return strings.Join(append(did, at0), "; "), err
		}
		done, merr := s.server.Mend(ctx, s.image.Channel, s.image.Device)
		if merr != nil && !errors.Is(merr, systemimage.ErrLocked) {
			return "", errors.Join(err, merr)
		}
		did = append(did, done...)
		if err := s.look(ctx); err != nil && !errors.Is(err, systemimage.ErrTorn) {
			return "", err
		}
	}
}
