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

// stopAll sets images to 0 %, all with one command on the host, which sets one after
// the other: the program takes no lock, and two at once break each other's commits.
// Nothing is read before it but whether the host is that of the tree, which shows by
// one index. The command writes the stop file first, if there is one. What it has
// brought about is read while it goes on, and what it could not set is mended behind
// it, so that one broken index, or a tree that does not answer, does not keep the
// others waiting. A second round looks again, whether a program that is running, such
// as an import or a rollout, has written an old percentage back. Its errors count.
func stopAll(ctx context.Context, r *runbook.Run, s *operate.Server, images []NamedImage, patience time.Duration, f *StopFile) error {
	flag := stopTogether(ctx, r, hasty(s, images[0], patience), images, f)
	again := newSight(look(s), images[0])
	turn := make(chan struct{}, 1) // what is left to be set is set one by one
	return errors.Join(runbook.Each(ctx, r.Group("again"), keyed(images, self), readsAtOnce, func(ctx context.Context, r *runbook.Run, t, _ NamedImage) error {
		one := stoppingOf(again, t, false)
		_, err := runbook.Do(ctx, r, runbook.Step[string]{
			Name:   "stop",
			Intent: fmt.Sprintf("look again that image %d of %s for %s is offered to nobody", t.Version, t.Channel, t.Device),
			Probe:  one.stopped,
			Do: func(ctx context.Context) (string, error) {
				turn <- struct{}{}
				defer func() { <-turn }()
				return one.stop(ctx)
			},
			Predict: at0,
		})
		return err
	}), flag)
}

// stopTogether is the first round. Its error is about the stop file alone.
func stopTogether(ctx context.Context, r *runbook.Run, v *sight, images []NamedImage, f *StopFile) error {
	var parts []runbook.Part[any]
	var ones []*stopping
	for _, t := range images {
		one := stoppingOf(v, t, true)
		ones = append(ones, one)
		parts = append(parts, runbook.Part[any]{Run: r.Group(t.String()), Step: runbook.Step[any]{
			Name:   "stop",
			Intent: fmt.Sprintf("offer image %d of %s for %s to nobody any more", t.Version, t.Channel, t.Device),
			Probe: func(ctx context.Context) (any, bool, error) {
				text, done, err := one.stopped(ctx)
				return text, done, err
			},
			Predict: at0, Urgent: true,
		}})
	}
	if f != nil {
		parts = append(parts, runbook.Part[any]{Run: r, Step: f.takenBack(images)})
	}
	_, errs := runbook.Together(ctx, parts, func(ctx context.Context, open []int, ended func(int, any, error)) error {
		one := counted(r, "images stopped", len(open))
		return stopOpen(ctx, v, ones, open, f, func(n int, res any, err error) {
			ended(n, res, err)
			one()
		})
	})
	for n, one := range ones {
		if one.note != "" && errs[n] == nil {
			errs[n] = r.Group(images[n].String()).Note(one.note)
		}
	}
	if f != nil {
		return errs[len(images)]
	}
	return nil
}

func imagesOf(ones []*stopping) (images []NamedImage) {
	for _, one := range ones {
		images = append(images, one.image)
	}
	return images
}

// stopOpen stops the images that are open, and writes the stop file if that is open:
// its number is the one behind the last image.
func stopOpen(ctx context.Context, v *sight, ones []*stopping, open []int, f *StopFile, ended func(int, any, error)) error {
	m := operate.PhaseMany{Quick: true, Blind: true}
	var at []int // numbers of m.Images
	var unwritten error
	for _, n := range open {
		if n == len(ones) {
			m.Note = f.backOutNote(ones, func(err error) {
				if unwritten = err; err == nil {
					ended(n, true, nil)
				}
			})
			continue
		}
		at = append(at, n)
		m.Images = append(m.Images, ones[n].req)
	}
	if len(at) > 0 {
		if err := v.sameHost(ctx, ones[at[0]].image); err != nil {
			for _, n := range open {
				ended(n, nil, err)
			}
			return nil
		}
	}
	left := make(chan int, len(at))
	m.Ended = func(n int, _ operate.PhaseResult, err error) {
		switch {
		case err == nil:
			ended(at[n], at0, nil)
		case errors.Is(err, systemimage.ErrInDoubt), errors.Is(err, systemimage.ErrReadOnly):
			ended(at[n], nil, err)
		default:
			left <- at[n]
		}
	}
	if err := v.now().PhaseMany(ctx, m); err != nil {
		for _, n := range open {
			ended(n, nil, err)
		}
		return nil
	}
	if unwritten != nil { // or its end was not seen
		so, there, err := f.takenBack(imagesOf(ones)).Probe(ctx)
		if err != nil || !there {
			so, err = nil, errors.Join(unwritten, err)
		}
		ended(len(ones), so, err)
	}
	close(left)
	for n := range left {
		text, err := ones[n].mended(ctx)
		ended(n, text, err)
	}
	return nil
}

const at0 = "at 0 %"

// A stopping is one image that is being stopped.
type stopping struct {
	*sight
	image NamedImage
	quick bool
	req   operate.PhaseRequest
	newer systemimage.Image // is above it, with other content
	note  string            // for the journal
}

func stoppingOf(v *sight, t NamedImage, quick bool) *stopping {
	return &stopping{sight: v, image: t, quick: quick,
		req: operate.PhaseRequest{Channel: t.Channel, Device: t.Device, Version: t.Version, Percentage: 0, Quick: quick}}
}

// look finds out under which number the image is published, if that can be read.
func (s *stopping) look(ctx context.Context) (err error) {
	if err = s.see(ctx); err == nil {
		s.req.Version, s.newer, err = offeredAs(ctx, s.now().Client, s.image)
		if unreadable(ctx, err) && !untrusted(err) {
			s.close(err)
		}
	}
	s.req.Blind = s.otherServer() == nil && unreadable(ctx, err)
	return err
}

// stopped reports whether nothing is left to be done.
func (s *stopping) stopped(ctx context.Context) (string, bool, error) {
	err := s.look(ctx)
	if err == nil && s.newer.Version > 0 {
		if s.quick {
			s.note = fmt.Sprintf("%s: image %d lies above image %d, at %d %%. If that is the faulty one, start a back-out of it at once",
				s.image, s.newer.Version, s.image.Version, s.newer.Percentage)
		}
		return "superseded", true, err
	}
	done := false
	if err == nil {
		_, done, err = s.now().CheckPhase(ctx, s.req)
	}
	if s.req.Blind || errors.Is(err, systemimage.ErrBroken) || errors.Is(err, systemimage.ErrTorn) {
		return "", false, nil // what stop sees to
	}
	return at0, done, err
}

// mended sees to an image that the command could not set: it may have another number
// by now, or its index may be broken.
func (s *stopping) mended(ctx context.Context) (string, error) {
	so, done, err := s.stopped(ctx)
	if err != nil || done {
		return so, err
	}
	return s.stop(ctx)
}

// stop sets it to 0 %. Another program that commits the same index just now, such
// as the last step of a rollout, can make this one fail and leave the index broken.
func (s *stopping) stop(ctx context.Context) (string, error) {
	tries := 4
	if s.quick {
		tries = 2
	}
	var did []string
	torn := false // devices take nothing from the index, until a commit signs it
	for try := 1; ; try++ {
		_, err := s.now().Phase(ctx, s.req)
		if !s.req.Blind && unreadable(ctx, err) { // it fell silent since
			s.close(err)
			s.req.Blind = true
			_, err = s.now().Phase(ctx, s.req)
		}
		if err == nil || s.req.Blind && !torn || errors.Is(err, systemimage.ErrRefused) || errors.Is(err, systemimage.ErrReadOnly) || try == tries || ctx.Err() != nil {
			return strings.Join(append(did, at0), "; "), err
		}
		done, merr := s.now().Unblock(ctx, s.image.Channel, s.image.Device, s.req.Version)
		if merr != nil && !errors.Is(merr, systemimage.ErrLocked) {
			return "", errors.Join(err, merr)
		}
		did = append(did, done...)
		err = s.look(ctx)
		if torn = errors.Is(err, systemimage.ErrTorn); err != nil && !torn {
			return "", err
		}
		s.req.Blind = s.req.Blind || torn // 0 % and the signature are then published together
	}
}
