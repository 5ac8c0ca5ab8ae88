package procedure

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/operate"
	"github.com/landingteam/landing/systemimage/upgrade"
)

// stopAll sets images to 0 %, one after the other: the program takes no lock, and
// two at once break each other's commits. The first round waits for nothing, so
// that one broken index does not keep the others waiting; the second looks again,
// at what could not be stopped and whether a program that is running, such as an
// import or a rollout, has written an old percentage back. Its errors count.
func stopAll(ctx context.Context, r *runbook.Run, s *operate.Server, targets []Target) error {
	_ = runbook.Each(ctx, r, keyed(targets, self), 1, func(ctx context.Context, r *runbook.Run, t, _ Target) error {
		return stopOne(ctx, r, s, t, true)
	})
	return runbook.Each(ctx, r.Group("again"), keyed(targets, self), 1, func(ctx context.Context, r *runbook.Run, t, _ Target) error {
		return stopOne(ctx, r, s, t, false)
	})
}

func stopOne(ctx context.Context, r *runbook.Run, s *operate.Server, t Target, quick bool) error {
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

// offeredAs returns the number under which the content of a target is published
// as the newest: its own, or that of an image with the same files, such as
// tag-image makes. newer is the newest image when that has other files.
func offeredAs(ctx context.Context, client *systemimage.Client, t Target) (number int, newer systemimage.Image, err error) {
	x, err := client.Index(ctx, t.Channel, t.Device)
	if err != nil {
		return t.Version, newer, err
	}
	newest, _ := x.Newest()
	m, _ := x.Latest()
	switch {
	case newest < t.Version:
		return t.Version, newer, &systemimage.Error{Kind: systemimage.ErrNotFound,
			Err: fmt.Errorf("%s has no image %d: its newest is %d, at %d %%. If that is the faulty one, start a back-out of it at once", t, t.Version, m.Version, m.Percentage)}
	case sameContent(x.Index, t.Version, newest):
		return newest, newer, nil
	}
	if m.Version < newest { // a delta without a full image
		m = systemimage.Image{Version: newest, Percentage: 100}
	}
	return t.Version, m, nil
}

// sameContent reports whether two images have the same files, but for the one
// that says their number.
func sameContent(x *systemimage.Index, a, b int) bool {
	m, hasA := x.Full(a)
	n, hasB := x.Full(b)
	return a == b || hasA && hasB && slices.Equal(content(m), content(n))
}

func content(m systemimage.Image) (names []string) {
	for _, f := range m.Files {
		if name := path.Base(f.Path); !strings.HasPrefix(name, "version-") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// whoGets says which devices are offered the content of a target, as their own
// client would choose, on its channel and its aliases; "" is nobody. It tries every
// build that makes a difference, and a number below and above every percentage.
func whoGets(ctx context.Context, client *systemimage.Client, t Target) (string, error) {
	l, err := client.Channels(ctx)
	if err != nil {
		return "", err
	}
	var who []string
	for _, name := range l.Names() {
		if name != t.Channel && l.Channels[name].Alias != t.Channel {
			continue
		}
		x, err := client.Index(ctx, name, t.Device)
		if err != nil {
			return "", err
		}
		text, err := offers(x.Index, t.Version)
		if err != nil {
			return "", fmt.Errorf("%s: %w", Target{Channel: name, Device: t.Device}, err)
		}
		if text != "" {
			who = append(who, name+": "+text)
		}
	}
	return strings.Join(who, "; "), nil
}

func offers(x *systemimage.Index, version int) (string, error) {
	builds, numbers := []int{0}, []int{0, 100}
	for _, m := range x.Images {
		builds = append(builds, max(m.Version-1, 0), m.Version)
		numbers = append(numbers, min(m.Percentage, 100), min(m.Percentage+1, 100))
	}
	for _, build := range sorted(builds) {
		if build == version {
			continue
		}
		for _, n := range sorted(numbers) {
			o, err := upgrade.Choose(x, upgrade.Request{Build: build, Draw: func(int) int { return n }})
			if err != nil {
				return "", err
			}
			if k := len(o.Path); k > 0 && sameContent(x, version, o.Path[k-1].Version) {
				return fmt.Sprintf("a device at build %d with number %d gets image %d", build, n, o.Path[k-1].Version), nil
			}
		}
	}
	return "", nil
}

func sorted(list []int) []int { return slices.Compact(slices.Sorted(slices.Values(list))) }
