package operate

import (
	"context"
	"errors"
	"fmt"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
)

// change brings the crontab to where goal wants it; see [command.Crontab.Change].
func (i *Importer) change(ctx context.Context, op string, goal func(crontab) (crontab, error)) error {
	switch {
	case i.ReadOnly:
		return i.error(op, systemimage.ErrReadOnly, nil)
	case i.Owner.Run == "":
		return i.error(op, systemimage.ErrRefused, errors.New("Owner.Run is not set: the pause could not be found again"))
	}
	if err := i.usable(op); err != nil {
		return err
	}
	var refused error // by goal, in words of its own
	read := false
	err := i.crontab().Change(ctx, func(text []byte) ([]byte, error) {
		want, err := goal(parseCrontab(text, i.program()))
		read, refused = true, err
		return want.text(), err
	})
	switch {
	case refused != nil:
		return refused
	case read && errors.Is(err, command.ErrFailed):
		return i.error(op, systemimage.ErrRefused, err)
	case err != nil:
		return i.error(op, crontabKind(err), err)
	}
	return nil
}

func (i *Importer) usable(op string) error {
	if i.Runner == nil {
		return i.error(op, systemimage.ErrRefused, errors.New("Importer.Runner is not set"))
	}
	return nil
}

// read returns the crontab. Its text goes into no message: other lines may
// carry secrets.
func (i *Importer) read(ctx context.Context, op string) (crontab, error) {
	if err := i.usable(op); err != nil {
		return crontab{}, err
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
		{command.ErrUnseen, systemimage.ErrInDoubt},
		{command.ErrTooLong, systemimage.ErrMalformed},
		{command.ErrConflict, systemimage.ErrLocked},
		{command.ErrFailed, systemimage.ErrBroken},
	} {
		if errors.Is(err, kind.theirs) {
			return kind.ours
		}
	}
	return nil
}
