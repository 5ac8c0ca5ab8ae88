package operate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/internal/host"
)

const (
	// landing-crontab OLD NEW <text: installs text as the crontab if the present
	// one has the SHA-256 OLD, and text has the SHA-256 NEW (a cut connection
	// must not install half of it). Exit 3: the crontab is another; 4: the text
	// is; else what crontab said. Where flock(1) is, two of these wait for each other.
	crontabScriptName = "landing-crontab"
	crontabScript     = `
umask 077
tmp=$(mktemp) || exit 5
trap 'rm -f "$tmp"' EXIT
trap 'exit 6' HUP INT TERM
cat >"$tmp" || exit 5
sum=$(sha256sum <"$tmp")
[ "${sum%% *}" = "$2" ] || exit 4
lock=${TMPDIR:-/tmp}/landing-crontab-$(id -u).lock
if command -v flock >/dev/null 2>&1 && ( : >>"$lock" ) 2>/dev/null; then
	exec 9>>"$lock"
	flock -w 20 9 || exit 3
fi
sum=$(crontab -l 2>/dev/null </dev/null | sha256sum)
[ "${sum%% *}" = "$1" ] || exit 3
crontab - <"$tmp" 9>&-
`
)

// change brings the crontab to where goal wants it: read, ask, swap, and read
// again until goal has nothing to change any more. That last reading is the
// proof that the change is there.
func (i *Importer) change(ctx context.Context, op string, goal func(crontab) (crontab, error)) error {
	switch {
	case i.ReadOnly:
		return i.error(op, systemimage.ErrReadOnly, nil)
	case i.Owner.Run == "":
		return i.error(op, systemimage.ErrRefused, errors.New("Owner.Run is not set: the pause could not be found again"))
	}
	var last error
	for attempt := range 6 {
		if attempt > 1 {
			if err := host.Sleep(ctx, time.Duration(attempt)*200*time.Millisecond); err != nil {
				return i.error(op, systemimage.ErrAmbiguous, err)
			}
		}
		tab, err := i.read(ctx, op)
		if err != nil {
			return err
		}
		want, err := goal(tab)
		if err != nil {
			return err
		}
		before, after := tab.text(), want.text()
		if string(before) == string(after) {
			return nil
		}
		if last, err = i.swap(ctx, op, before, after); err != nil {
			return err
		}
	}
	if last == nil {
		last = errors.New("the crontab does not keep the change: something writes it back")
	}
	return i.error(op, systemimage.ErrLocked, last)
}

// read returns the crontab. Its text goes into no message: other lines may
// carry secrets.
func (i *Importer) read(ctx context.Context, op string) (crontab, error) {
	if i.Runner == nil {
		return crontab{}, i.error(op, systemimage.ErrRefused, errors.New("Runner is not set"))
	}
	out, err := i.Runner.Run(ctx, command.Command{Argv: []string{"crontab", "-l"}})
	switch {
	case err != nil:
		return crontab{}, i.error(op, nil, fmt.Errorf("reading the crontab: %w", err))
	case out.Truncated:
		return crontab{}, i.error(op, systemimage.ErrMalformed, errors.New("the crontab is longer than the runner's limit: it would be cut when written back"))
	case out.Exit == 0:
		return parseCrontab(out.Stdout, i.program()), nil
	case strings.Contains(string(out.Stderr), "no crontab for"):
		return parseCrontab(nil, i.program()), nil
	}
	return crontab{}, i.error(op, systemimage.ErrBroken, fmt.Errorf("crontab -l exited with %d: %s", out.Exit, host.Shorten(strings.TrimSpace(string(out.Stderr)))))
}

var crontabComplaint = regexp.MustCompile(`:(\d+): ((?:bad|premature|invalid|missing) [a-z -]+)`)

// swap installs after if the crontab is still before. The first error says that
// somebody else was faster, and that looking again is worth it.
func (i *Importer) swap(ctx context.Context, op string, before, after []byte) (again, err error) {
	sum := func(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:]) }
	c := host.Script(crontabScript, crontabScriptName, sum(before), sum(after))
	c.Stdin = after
	out, err := i.Runner.Run(ctx, c)
	switch {
	case err != nil:
		return nil, i.error(op, systemimage.ErrAmbiguous, fmt.Errorf("writing the crontab: %w", err))
	case out.Exit == 0:
		return nil, nil
	case out.Exit == 3:
		return errors.New("the crontab was changed by somebody else at the same time, again and again"), nil
	case out.Exit == 4:
		return errors.New("the new crontab was cut on its way to the server"), nil
	}
	why := fmt.Errorf("installing the crontab failed with exit status %d", out.Exit)
	if m := crontabComplaint.FindSubmatch(out.Stderr); m != nil {
		why = fmt.Errorf("crontab refused the text: line %s: %s", m[1], m[2])
	} else if len(after) > 0 && after[len(after)-1] != '\n' {
		why = errors.New("the last line of the crontab has no end, which crontab refuses: open it with crontab -e, and save it")
	}
	return nil, i.error(op, systemimage.ErrRefused, why)
}
