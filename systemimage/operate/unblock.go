package operate

import (
	"context"
	"errors"
	"fmt"

	"github.com/landingteam/landing/systemimage"
)

// Unblock brings the index of an image to where a commit can begin, as Mend does, and
// offers nothing to anybody: who sets a percentage next signs the index with it. Of an
// index that is not whole, or has no signature, devices take nothing, and somebody may
// have seen to that; an emergency stop must not publish what it comes to stop. So a
// commit that is finished loses its signature first, unless it is one to 0 %: the program
// would not write, nor sign, again what is so already. Nothing is touched when the image
// is not the newest of the index (ErrRefused): the stop would be refused then. An index
// at 0 % that has lost its signature stays without: devices take nothing from it. What
// is left at the aliases of the channel goes too: the program that sets the percentage
// brings them up to date, and dies of it.
func (s *Server) Unblock(ctx context.Context, channel, device string, version int) (done []string, err error) {
	m, err := s.mendable(ctx, channel, device)
	if err != nil {
		return nil, err
	}
	rules, err := s.beforeStop(ctx, m, version)
	if err != nil {
		return nil, err
	}
	if m, err = s.mendIndex(ctx, channel, device, rules); err != nil {
		return m.done, err
	}
	done = m.done
	left, err := s.leftOver(ctx, mendOp, aliasPlaces(m.listing, channel, device))
	for _, p := range left {
		var next *systemimage.Index
		if _, next, err = s.indexAndNext(ctx, p.dir); err != nil {
			break
		}
		var more []string // other devices have nothing to do with the stop
		more, err = s.mendLeft(ctx, []place{p}, mendRules{unsigned: p.device == device && !offersNobody(next)})
		if done = append(done, more...); err != nil {
			break
		}
	}
	return done, err
}

// beforeStop refuses a version that is the newest neither of the index nor of the one
// that a commit was about to put into its place, and says how that is finished. A text
// that cannot be read refuses none.
func (s *Server) beforeStop(ctx context.Context, m mending, version int) (mendRules, error) {
	now, next, err := s.indexAndNext(ctx, m.dir)
	rules := mendRules{unsigned: !offersNobody(next)}
	if err != nil || now == nil && next == nil {
		return rules, err
	}
	why := "nothing happened"
	for n, x := range []*systemimage.Index{now, next} {
		if x == nil {
			continue
		}
		text := refusePhase(x, version)
		if text == "" {
			return rules, nil
		}
		why += fmt.Sprintf("; %s/%s: %s", m.dir, []string{"index.json", "index.json.new"}[n], text)
	}
	return rules, m.fail(systemimage.ErrRefused, errors.New(why))
}

// indexAndNext reads an index on the host, and what a commit was about to put into its
// place; nil is one that is not there, or torn.
func (s *Server) indexAndNext(ctx context.Context, dir string) (now, next *systemimage.Index, err error) {
	files, texts := []string{dir + "/index.json", dir + "/index.json.new"}, map[string][]byte{}
	if err := s.readSome(ctx, mendOp, files, texts); err != nil {
		return nil, nil, err
	}
	read := func(file string) *systemimage.Index {
		x, err := systemimage.ParseIndex(texts[file])
		if err != nil {
			return nil
		}
		return x
	}
	return read(files[0]), read(files[1]), nil
}

// offersNobody reports whether no device is offered the newest image.
func offersNobody(x *systemimage.Index) bool {
	if x == nil {
		return false
	}
	newest, ok := x.Newest()
	_, more := percentages(x, PhaseRequest{Version: newest})
	return ok && len(more) == 0
}
