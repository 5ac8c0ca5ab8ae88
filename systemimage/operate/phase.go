package operate

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/internal/host"
)

// A PhaseRequest says which share of the devices may update to the newest
// version of a channel.
type PhaseRequest struct {
	Channel, Device string
	Version         int // the newest; stated, so that no other image is meant
	Percentage      int // 0..100. The zero value is 0 %: nobody, which stops a rollout

	// Quick does not watch whether a program that holds the global lock writes
	// the index over: for the first round of an emergency stop, where the other
	// channels must not wait. A second round without it looks again.
	Quick bool

	// Blind does not read the published index first: for an emergency stop while
	// it cannot be read from here, though devices may read it. The version is
	// taken as it is. ErrAmbiguous says what the program said, when the index
	// cannot be read afterwards either.
	Blind bool

	// Unless is a file on the host, by its absolute path: while it is there,
	// nothing is set, and the error is ErrRefused. It is looked for under the lock
	// that keeps SetPercentage apart from others of its kind, before each attempt, so
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

const (
	phaseScriptName = "landing-phase"

	// landing-phase LOCK UNLESS PROGRAM ARG...: runs the program while it holds LOCK,
	// where flock(1) is, and if there is no file UNLESS. set-phased-percentage takes no lock of its own, and two of them
	// that commit one index at once can leave none at all. The lock keeps our own
	// runs apart: a rollout and the back-out that comes in between.
	phaseScript = `
lock=$1 unless=$2; shift 2
if command -v flock >/dev/null 2>&1 && ( : >>"$lock" ) 2>/dev/null; then
	exec 9>>"$lock"
	flock -w 60 9 || { echo "another percentage is being set for a minute" >&2; exit 75; }
fi
if [ -n "$unless" ] && [ -e "$unless" ]; then
	echo "landing-phase: error: $unless is there" >&2; exit 2
fi
exec "$@"
`
)

// CheckPercentage says what SetPercentage would do, and reads only; done says
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
	text := refuseTarget(l.Channels, r.Channel, r.Device, "Invalid device for source channel")
	if outside := r.Percentage < 0 || r.Percentage > 100; outside && (text == "" || !strings.HasPrefix(text, "Invalid")) {
		text = fmt.Sprintf("Invalid value: %d is not in 0..100", r.Percentage)
	}
	if text != "" {
		return refuse(text)
	}
	x, err := s.Client.IndexOf(ctx, l, r.Channel, r.Device)
	if err != nil {
		return PhaseResult{}, false, err
	}
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

// SetPercentage sets the phased percentage of the newest version and of its
// deltas, and returns what is published. Nothing is run when that is so already.
//
// The program takes no lock: an import or a copy that is writing the same index
// may undo it. SetPercentage therefore reads back, tries again, and while the
// global lock is seen to be held looks again for up to half a minute. ErrPartial
// says that the percentage is set, but not on every alias.
func (s *Server) Phase(ctx context.Context, r PhaseRequest) (PhaseResult, error) {
	if err := s.usable(phaseOp, true); err != nil {
		return PhaseResult{}, err
	}
	if r.Blind {
		return s.setBlind(ctx, r)
	}
	p, done, err := s.checkPercentage(ctx, r)
	if err != nil {
		return PhaseResult{}, s.explain(ctx, phaseOp, err, r.Channel, r.Channel, r.Device)
	}
	if done {
		return p, nil
	}
	c := s.setting(r)
	var e ending
	for attempt := 1; ; attempt++ {
		l, err := s.Client.Channels(ctx)
		if err != nil {
			return PhaseResult{}, err
		}
		d, err := l.Lookup(r.Channel, r.Device)
		if err != nil {
			return PhaseResult{}, err
		}
		findings, err := s.inspect(ctx, phaseOp, inspection{dirs: []string{d.Folder()}})
		if err == nil {
			err = blocked(phaseOp, r.Channel, r.Device, findings)
		}
		if err != nil {
			return PhaseResult{}, err
		}
		if e, err = s.run(ctx, phaseOp, r.Channel, r.Device, c); err != nil {
			return PhaseResult{}, err
		}
		if e.refusal != "" {
			return PhaseResult{}, r.fail(systemimage.ErrRefused, fmt.Errorf("nothing happened: %s", e.refusal))
		}
		now, done, err := s.stays(ctx, r, e)
		if err != nil {
			return PhaseResult{}, r.fail(systemimage.ErrAmbiguous, fmt.Errorf("%v, and the outcome cannot be read: %w", e, err))
		}
		if done {
			now.Before = p.Before
			return now, nil
		}
		// A program that was committing at the same time makes this one fail, or
		// writes its own view of the index over it.
		raced := e.complete || strings.Contains(e.exception, "Destination already exists:")
		if e.err != nil || !raced || attempt == 3 {
			return s.phaseFailed(ctx, r, p, e, attempt)
		}
		s.log().WarnContext(ctx, "percentage is not published: again", "attempt", attempt, "how", e.String())
		if err := host.Sleep(ctx, time.Duration(attempt)*time.Second); err != nil {
			return PhaseResult{}, r.fail(systemimage.ErrAmbiguous, fmt.Errorf("%v, and it was not published so far: %w", e, err))
		}
	}
}

// setting is the command that sets a percentage, behind landing-phase. -vvv:
// without a -v the program dies. The version is a number and the percentage is not
// negative, so that nothing here can be taken for an option.
func (s *Server) setting(r PhaseRequest) command.Command {
	c := s.command("", "set-phased-percentage", "-vvv", r.Channel, r.Device, strconv.Itoa(r.Version), strconv.Itoa(r.Percentage))
	c.Argv = append(host.Script(phaseScript, phaseScriptName, s.root()+"/state/landing-phase.lock", r.Unless).Argv, c.Argv...)
	return c
}

// setBlind runs the program, and reads afterwards.
func (s *Server) setBlind(ctx context.Context, r PhaseRequest) (PhaseResult, error) {
	if text := refuseWords([2]string{"channel", r.Channel}, [2]string{"device", r.Device}); text != "" {
		return PhaseResult{}, r.fail(systemimage.ErrRefused, errors.New(text))
	}
	if r.Version < 1 || r.Version > systemimage.MaxVersion || r.Percentage < 0 || r.Percentage > 100 {
		return PhaseResult{}, r.fail(systemimage.ErrRefused, fmt.Errorf("version %d at %d %% cannot be asked for", r.Version, r.Percentage))
	}
	e, err := s.run(ctx, phaseOp, r.Channel, r.Device, s.setting(r))
	if err != nil {
		return PhaseResult{}, err
	}
	if e.refusal != "" {
		return PhaseResult{}, r.fail(systemimage.ErrRefused, fmt.Errorf("nothing happened: %s", e.refusal))
	}
	p, done, err := s.stays(ctx, r, e)
	switch {
	case err != nil && e.complete:
		return PhaseResult{}, r.fail(systemimage.ErrAmbiguous, fmt.Errorf("the server's program says that it is set to %d %%, but the published index cannot be read: %w", r.Percentage, err))
	case err != nil:
		return PhaseResult{}, r.fail(systemimage.ErrAmbiguous, fmt.Errorf("%v, and the published index cannot be read: %w", e, err))
	case !done:
		return s.phaseFailed(ctx, r, p, e, 1)
	}
	return p, nil
}

// stays reports whether the percentage is published, and stays so while
// something else that writes indexes is seen to run.
func (s *Server) stays(ctx context.Context, r PhaseRequest, e ending) (p PhaseResult, done bool, err error) {
	for look := range 15 {
		if p, done, err = s.checkPercentage(ctx, r); err != nil || !done || r.Quick || e.Exit != 0 || e.err != nil {
			return p, done, err
		}
		v := viewLock(ctx, s.Runner, s.root())
		if !v.held && look == 0 || !v.seen {
			return p, done, nil
		}
		if !v.held { // it ended since: what it wrote last counts
			return s.checkPercentage(ctx, r)
		}
		if err := host.Sleep(ctx, 2*time.Second); err != nil {
			return p, done, nil
		}
	}
	s.log().WarnContext(ctx, "something else holds the global lock and may still undo the percentage", "channel", r.Channel, "device", r.Device)
	return p, done, nil
}

// phaseFailed says what is published instead of what was asked.
func (s *Server) phaseFailed(ctx context.Context, r PhaseRequest, p PhaseResult, e ending, attempts int) (PhaseResult, error) {
	x, err := s.Client.Index(ctx, r.Channel, r.Device)
	if err != nil {
		return p, r.fail(systemimage.ErrAmbiguous, fmt.Errorf("%v, and the published index cannot be read: %w", e, err))
	}
	now, wrong := percentages(x.Index, r)
	p.Percentage = now
	if len(wrong) == 0 {
		full, _ := x.Full(r.Version)
		same, lag, err := s.checkAliases(ctx, x, full, p.Aliases)
		if err != nil {
			return p, r.fail(systemimage.ErrAmbiguous, err)
		}
		p.Aliases = same
		return p, r.fail(systemimage.ErrPartial, fmt.Errorf("set to %d %%, but %v: %s", r.Percentage, e, strings.Join(lag, "; ")))
	}
	p.Aliases = nil
	text := fmt.Sprintf("%v, and %s", e, strings.Join(wrong, ", "))
	if attempts > 1 {
		text += fmt.Sprintf(" after %d attempts", attempts)
	}
	if hint := e.hint(); hint != "" {
		text += ": " + hint
	}
	switch {
	case e.err != nil:
		return p, r.fail(systemimage.ErrAmbiguous, errors.Join(errors.New(text), e.err))
	case e.complete:
		return p, r.fail(systemimage.ErrAmbiguous, errors.New(text+": something else keeps writing the same index, or a mirror lags behind"))
	}
	return p, r.fail(systemimage.ErrBroken, errors.New(text))
}
