package procedure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/operate"
)

// stopAll sets images to 0 %, one after the other: the program takes no lock, and
// two at once break each other's commits. The first round waits for nothing, so
// that one broken index does not keep the others waiting; the second looks again,
// at what could not be stopped and whether a program that is running, such as an
// import or a rollout, has written an old percentage back. Its errors count.
func stopAll(ctx context.Context, r *runbook.Run, s *operate.Server, targets []PublishedImage) error {
	_ = runbook.Each(ctx, r, keyed(targets, self), 1, func(ctx context.Context, r *runbook.Run, t, _ PublishedImage) error {
		return stopOne(ctx, r, s, t, true)
	})
	return runbook.Each(ctx, r.Group("again"), keyed(targets, self), 1, func(ctx context.Context, r *runbook.Run, t, _ PublishedImage) error {
		return stopOne(ctx, r, s, t, false)
	})
}

func stopOne(ctx context.Context, r *runbook.Run, s *operate.Server, t PublishedImage, quick bool) error {
	const at0 = "at 0 %"
	what, tries := "offer image %d of %s for %s to nobody any more", 2
	if !quick {
		what, tries = "look again that image %d of %s for %s is offered to nobody", 4
	}
	req := operate.PhaseRequest{Channel: t.Channel, Device: t.Device, Version: t.Version, Percentage: 0, Quick: quick}
	var newer systemimage.Image
	look := func(ctx context.Context) (err error) {
		req.Version, newer, err = offeredAs(ctx, s.Client, t)
		// What cannot be read from here may be read by devices all the same.
		req.Blind = err != nil && ctx.Err() == nil && !slices.ContainsFunc([]error{systemimage.ErrTorn, systemimage.ErrBroken, systemimage.ErrNotFound, systemimage.ErrRefused},
			func(kind error) bool { return errors.Is(err, kind) })
		return err
	}
	_, err := runbook.Do(ctx, r, runbook.Step[string]{
		Name:   "stop",
		Intent: fmt.Sprintf(what, t.Version, t.Channel, t.Device),
		Probe: func(ctx context.Context) (string, bool, error) {
			err := look(ctx)
			if err == nil && newer.Version > 0 {
				if quick {
					err = r.Note(fmt.Sprintf("%s: image %d lies above image %d, at %d %%. If that is the faulty one, start a back-out of it at once",
						t, newer.Version, t.Version, newer.Percentage))
				}
				return "superseded", true, err
			}
			done := false
			if err == nil {
				_, done, err = s.CheckPhase(ctx, req)
			}
			if req.Blind || errors.Is(err, systemimage.ErrBroken) || errors.Is(err, systemimage.ErrTorn) {
				return "", false, nil // what Do sees to
			}
			return at0, done, err
		},
		Do: func(ctx context.Context) (string, error) {
			// Another program that commits the same index just now, such as the last
			// step of a rollout, can make this one fail and leave the index broken.
			var did []string
			for try := 1; ; try++ {
				_, err := s.Phase(ctx, req)
				if err == nil || req.Blind || errors.Is(err, systemimage.ErrRefused) || errors.Is(err, systemimage.ErrReadOnly) || try == tries || ctx.Err() != nil {
					return strings.Join(append(did, at0), "; "), err
				}
				done, merr := s.Mend(ctx, t.Channel, t.Device)
				if merr != nil && !errors.Is(merr, systemimage.ErrLocked) {
					return "", errors.Join(err, merr)
				}
				did = append(did, done...)
				if err := look(ctx); err != nil && !errors.Is(err, systemimage.ErrTorn) {
					return "", err
				}
			}
		},
		Predict: at0,
	})
	return err
}
