package operate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/internal/host"
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
		last = i.crontab().Replace(ctx, before, after)
		switch {
		case errors.Is(last, command.ErrFailed):
			return i.error(op, systemimage.ErrRefused, last)
		case last != nil && !errors.Is(last, command.ErrConflict) && !errors.Is(last, command.ErrCut):
			return i.error(op, crontabKind(last), fmt.Errorf("writing: %w", last))
		}
	}
	if last == nil {
		last = errors.New("the crontab does not keep the change, something writes it back")
	}
	return i.error(op, systemimage.ErrLocked, fmt.Errorf("again and again: %w", last))
}

// read returns the crontab. Its text goes into no message: other lines may
// carry secrets.
func (i *Importer) read(ctx context.Context, op string) (crontab, error) {
	if i.Runner == nil {
		return crontab{}, i.error(op, systemimage.ErrRefused, errors.New("Importer.Runner is not set"))
	}
	text, err := i.crontab().Read(ctx)
	if err != nil {
		return crontab{}, i.error(op, crontabKind(err), fmt.Errorf("reading: %w", err))
	}
	return parseCrontab(text, i.program()), nil
}

func (i *Importer) crontab() command.Crontab { return command.Crontab{Runner: i.Runner} }

// crontabKind is the sentinel that an error of the crontab has here.
func crontabKind(err error) error {
	for _, kind := range []struct{ theirs, ours error }{
		{command.ErrUnseen, systemimage.ErrAmbiguous},
		{command.ErrTooLong, systemimage.ErrMalformed},
		{command.ErrFailed, systemimage.ErrBroken},
	} {
		if errors.Is(err, kind.theirs) {
			return kind.ours
		}
	}
	return nil
}
