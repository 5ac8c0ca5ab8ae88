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

const (
	// noIndex is true where a device has a folder and no index. A commit takes the index
	// away for a moment, so that only the second look counts.
	noIndex = `[ -d "${index%/*}" ] && [ ! -s "$index" ] && sleep 1 && [ ! -s "$index" ]`

	// holdPhaseLock holds the file $lock, where flock(1) is. set-phased-percentage takes
	// no lock of its own, and two of them that commit one index at once can leave none at
	// all. The lock keeps our own runs apart: a rollout and the back-out that comes in
	// between.
	holdPhaseLock = `if command -v flock >/dev/null 2>&1 && ( : >>"$lock" ) 2>/dev/null; then
	exec 9>>"$lock"
	flock -w 60 9 9<&9 || { echo "another percentage is being set for a minute" >&2; exit 75; }
fi`

	phaseScriptName = "landing-phase"

	// landing-phase LOCK UNLESS INDEX PROGRAM ARG...: runs the program while it holds LOCK,
	// if there is no file UNLESS, and if INDEX is not missing from its folder (else exit
	// 74): the program would begin its history again.
	phaseScript = `
lock=$1 unless=$2 index=$3; shift 3
` + holdPhaseLock + `
if [ -n "$unless" ] && [ -e "$unless" ]; then
	echo "landing-phase: error: $unless is there" >&2; exit 2
fi
if ` + noIndex + `; then
	echo "landing-phase: $index is missing or empty" >&2; exit 74
fi
exec "$@"
`
)

// setting is the command that sets a percentage, behind landing-phase. -vvv:
// without a -v the program dies. The version is a number and the percentage is not
// negative, so that nothing here can be taken for an option.
func (s *Server) setting(r PhaseRequest) command.Command {
	c := s.command("", "set-phased-percentage", "-vvv", r.Channel, r.Device, strconv.Itoa(r.Version), strconv.Itoa(r.Percentage))
	index := s.root() + "/www/" + r.Channel + "/" + r.Device + "/index.json"
	c.Argv = append(command.Script(phaseScriptName, phaseScript, s.root()+"/state/landing-phase.lock", r.Unless, index).Argv, c.Argv...)
	return c
}

// setOnce looks at the tree and runs the program. Where no more devices than before
// are offered the image, only its own index counts.
func (s *Server) setOnce(ctx context.Context, r PhaseRequest, before int) (ending, error) {
	l, err := s.Client.Channels(ctx)
	if err != nil {
		return ending{}, err
	}
	d, err := l.Lookup(r.Channel, r.Device)
	if err != nil {
		return ending{}, err
	}
	look := inspection{dirs: []string{d.Folder()}}
	if r.Percentage > before {
		look.indexes = allIndexes(l)
	}
	findings, err := s.inspect(ctx, phaseOp, look)
	if err == nil {
		err = blocked(phaseOp, r.Channel, r.Device, findings)
	}
	if err != nil {
		return ending{}, err
	}
	return s.set(ctx, r)
}

// set runs the program; that it refuses is an error.
func (s *Server) set(ctx context.Context, r PhaseRequest) (ending, error) {
	e, err := s.run(ctx, phaseOp, r.Channel, r.Device, s.setting(r))
	switch {
	case err != nil:
	case e.refusal != "":
		err = r.fail(systemimage.ErrRefused, fmt.Errorf("nothing happened: %s", e.refusal))
	case e.Exit == exitNoIndex:
		err = r.fail(systemimage.ErrBroken, errNoIndex)
	}
	return e, err
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
			s.Client.Forget(r.Device)
			return s.checkPercentage(ctx, r)
		}
		if err := host.Sleep(ctx, 2*time.Second); err != nil {
			return p, done, nil
		}
		s.Client.Forget(r.Device)
	}
	s.log().WarnContext(ctx, "something else holds the global lock and may still undo the percentage", "channel", r.Channel, "device", r.Device)
	return p, done, nil
}

// phaseFailed says what is published instead of what was asked.
func (s *Server) phaseFailed(ctx context.Context, r PhaseRequest, p PhaseResult, e ending, attempts int) (PhaseResult, error) {
	x, err := s.Client.Index(ctx, r.Channel, r.Device)
	if err != nil {
		return p, r.fail(systemimage.ErrInDoubt, fmt.Errorf("%v, and the published index cannot be read: %w", e, err))
	}
	now, wrong := percentages(x.Index, r)
	p.Percentage = now
	if len(wrong) == 0 {
		full, _ := x.Full(r.Version)
		same, lag, err := s.checkAliases(ctx, x, full, p.Aliases)
		if err != nil {
			return p, r.fail(systemimage.ErrInDoubt, err)
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
		return p, r.fail(systemimage.ErrInDoubt, errors.Join(errors.New(text), e.err))
	case e.complete:
		return p, r.fail(systemimage.ErrInDoubt, errors.New(text+": something else keeps writing the same index, or a mirror lags behind"))
	}
	return p, r.fail(systemimage.ErrBroken, errors.New(text))
}
