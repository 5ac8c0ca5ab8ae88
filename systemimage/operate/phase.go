package operate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/internal/host"
)

// A PhaseRequest says which share of the devices may update to the newest
// version of a channel.
type PhaseRequest struct {
	Channel, Device string
	Version         int // the newest; stated, so that no other image is meant
	Percentage      int // 0..100. The zero value is 0 %: nobody, which stops a rollout

	// Begun says that this very percentage was begun before and that its end was not seen.
	// What its program left when it was killed, in the index or in that of an alias, is
	// then mended first. Otherwise it is refused: it may be somebody else's at work.
	Begun bool

	// Quick does not watch whether a program that holds the global lock writes
	// the index over: for the first round of an emergency stop, where the other
	// channels must not wait. A second round without it looks again.
	Quick bool

	// Blind does not read the published index first: for an emergency stop while
	// it cannot be read from here, though devices may read it. The version is
	// taken as it is. ErrInDoubt says what the program said, when the index
	// cannot be read afterwards either.
	Blind bool

	// Unless is a file on the host, by its absolute path: while it is there,
	// nothing is set, and the error is ErrRefused. It is looked for under the lock
	// that keeps Phase apart from others of its kind, before each attempt, so
	// that who writes the file and then sets 0 % has the last word. "" is none.
	Unless string
}

// A PhaseResult is the percentage of a version, confirmed in the published index.
type PhaseResult struct {
	Channel    string   `json:"channel"`
	Device     string   `json:"device"`
	Version    int      `json:"version"`
	Percentage int      `json:"percentage"`
	Before     int      `json:"before"`            // the percentage until then
	Aliases    []string `json:"aliases,omitempty"` // alias channels that have it too; nil without
}

const phaseOp = "set phased percentage"

func (r PhaseRequest) fail(kind, err error) error {
	return &systemimage.Error{Op: phaseOp, Channel: r.Channel, Device: r.Device, Kind: kind, Err: err}
}

// CheckPhase says what Phase would do, and reads only; done says
// that the version, its deltas and its aliases have the percentage already.
func (s *Server) CheckPhase(ctx context.Context, r PhaseRequest) (p PhaseResult, done bool, err error) {
	if err := s.usable(phaseOp, false); err != nil {
		return PhaseResult{}, false, err
	}
	return s.checkPercentage(ctx, r)
}

func (s *Server) checkPercentage(ctx context.Context, r PhaseRequest) (PhaseResult, bool, error) {
	refuse := func(text string) (PhaseResult, bool, error) {
		return PhaseResult{}, false, r.fail(systemimage.ErrRefused, errors.New(text))
	}
	if text := refuseWords([2]string{"channel", r.Channel}, [2]string{"device", r.Device}); text != "" {
		return refuse(text)
	}
	l, err := s.Client.Channels(ctx)
	if err != nil {
		return PhaseResult{}, false, err
	}
	text := refuseTarget(l.Channels, r.Channel, r.Device, noDeviceToPhase)
	if outside := r.Percentage < 0 || r.Percentage > 100; outside && !noChannel.in(text) && !noDeviceToPhase.in(text) {
		text = percentageOutside.of(r.Percentage) + " is not in 0..100"
	}
	if text != "" {
		return refuse(text)
	}
	x, err := s.Client.IndexOf(ctx, l, r.Channel, r.Device)
	if err != nil {
		return PhaseResult{}, false, err
	}
	s.noteRead(x)
	if text := refuseNull(x.Index); text != "" {
		return PhaseResult{}, false, r.fail(systemimage.ErrBroken, errors.New(text))
	}
	if text := refusePhase(x.Index, r.Version); text != "" {
		return refuse(text)
	}
	p := PhaseResult{Channel: r.Channel, Device: r.Device, Version: r.Version, Percentage: r.Percentage}
	before, lag := percentages(x.Index, r)
	p.Before = before
	full, ok := x.Full(r.Version)
	if !ok {
		return p, len(lag) == 0, nil // deltas alone: aliases are compared by full images
	}
	p.Aliases = aliasesOf(l, r.Channel)
	_, aliasLag, err := s.checkAliases(ctx, x, full, p.Aliases)
	return p, len(lag)+len(aliasLag) == 0, err
}

// percentages returns the percentage of the version, and what of it is not as
// asked.
func percentages(x *systemimage.Index, r PhaseRequest) (before int, wrong []string) {
	before = -1
	for _, m := range x.Images {
		if m.NullVersion || m.Version != r.Version {
			continue
		}
		if before < 0 || m.Type == systemimage.Full {
			before = m.Percentage
		}
		if m.Percentage != r.Percentage {
			wrong = append(wrong, fmt.Sprintf("%v is at %d %%", m, m.Percentage))
		}
	}
	return before, wrong
}

// Phase sets the phased percentage of the newest version and of its
// deltas, and returns what is published. Nothing is run when that is so already.
//
// The program takes no lock: an import or a copy that is writing the same index
// may undo it. Phase therefore reads back, tries again, and while the
// global lock is seen to be held looks again for up to half a minute. ErrPartial
// says that the percentage is set, but not on every alias.
func (s *Server) Phase(ctx context.Context, r PhaseRequest) (PhaseResult, error) {
	if err := s.usable(phaseOp, true); err != nil {
		return PhaseResult{}, err
	}
	if r.Blind {
		return s.setBlind(ctx, r)
	}
	if r.Begun {
		if err := s.mendPercentages(ctx, r.Unless, r); err != nil {
			return PhaseResult{}, err
		}
	}
	s.Client.Forget(r.Device) // somebody else may have set it since it was looked at
	p, done, err := s.checkPercentage(ctx, r)
	if err != nil {
		return PhaseResult{}, s.explain(ctx, phaseOp, err, r.Channel, r.Channel, r.Device)
	}
	if done {
		return p, nil
	}
	for attempt := 1; ; attempt++ {
		e, err := s.setOnce(ctx, r, p.Before)
		if err != nil {
			return PhaseResult{}, err
		}
		now, done, err := s.stays(ctx, r, e)
		if err != nil {
			return PhaseResult{}, r.fail(systemimage.ErrInDoubt, fmt.Errorf("%v, and the outcome cannot be read: %w", e, err))
		}
		if done {
			now.Before = p.Before
			return now, nil
		}
		// A program that was committing at the same time makes this one fail, or
		// writes its own view of the index over it; and the clean-up at the end of an
		// import takes away the index that this one is about to put in place.
		raced := e.complete || leftOverThere.in(e.exception) || strings.Contains(e.exception, "/index.json.new")
		if e.err != nil || !raced || attempt == 3 {
			return s.phaseFailed(ctx, r, p, e, attempt)
		}
		s.log().WarnContext(ctx, "percentage is not published: again", "attempt", attempt, "how", e.String())
		if err := host.Sleep(ctx, time.Duration(attempt)*time.Second); err != nil {
			return PhaseResult{}, r.fail(systemimage.ErrInDoubt, fmt.Errorf("%v, and it was not published so far: %w", e, err))
		}
	}
}

// setBlind runs the program, and reads afterwards.
func (s *Server) setBlind(ctx context.Context, r PhaseRequest) (PhaseResult, error) {
	if err := r.refuseBlind(); err != nil {
		return PhaseResult{}, err
	}
	e, err := s.set(ctx, r)
	if err != nil {
		return PhaseResult{}, err
	}
	p, done, err := s.stays(ctx, r, e)
	switch {
	case err != nil && e.complete:
		return PhaseResult{}, r.fail(systemimage.ErrInDoubt, fmt.Errorf("the server's program says that it is set to %d %%, but the published index cannot be read: %w", r.Percentage, err))
	case err != nil:
		return PhaseResult{}, r.fail(systemimage.ErrInDoubt, fmt.Errorf("%v, and the published index cannot be read: %w", e, err))
	case !done:
		return s.phaseFailed(ctx, r, p, e, 1)
	}
	return p, nil
}

// refuseBlind says what is wrong with a request that is not held against the index.
func (r PhaseRequest) refuseBlind() error {
	if text := refuseWords([2]string{"channel", r.Channel}, [2]string{"device", r.Device}); text != "" {
		return r.fail(systemimage.ErrRefused, errors.New(text))
	}
	if r.Version < 1 || r.Version > systemimage.MaxVersion || r.Percentage < 0 || r.Percentage > 100 {
		return r.fail(systemimage.ErrRefused, fmt.Errorf("version %d at %d %% cannot be asked for", r.Version, r.Percentage))
	}
	return nil
}
