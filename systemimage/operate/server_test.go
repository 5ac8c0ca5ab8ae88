package operate

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/internal/fixture"
)

// copyRC is the copy of most recordings.
var copyRC = CopyRequest{
	From: "ubuntu-touch/rc-proposed/bq-aquaris.en", Version: 3, To: "ubuntu-touch/rc/bq-aquaris.en",
	Device: "krillin", Tag: "OTA-13-rc", Percentage: 100,
}

func replayOf(t *testing.T, group, name string) *replay {
	return &replay{t: t, w: newWorld(t, false), r: named(fixture.Recordings(t, group), name), help: "usage: copy-image [-r VERSION]\n\n"}
}

func TestServerReadOnly(t *testing.T) {
	s := &Server{ReadOnly: true, Root: "/srv/si", Client: newWorld(t, false).client(),
		Runner: command.Func(func(_ context.Context, c command.Command) (command.Output, error) {
			t.Errorf("ran %q", c.Argv)
			return command.Output{}, nil
		})}
	_, copyErr := s.Copy(t.Context(), copyRC)
	_, tagErr := s.Tag(t.Context(), TagRequest{Channel: copyRC.To, Device: "krillin", Version: 1, Tag: "x"})
	_, phaseErr := s.Phase(t.Context(), PhaseRequest{Channel: copyRC.To, Device: "krillin", Version: 1})
	for _, err := range []error{copyErr, tagErr, phaseErr} {
		if !errors.Is(err, systemimage.ErrReadOnly) {
			t.Errorf("got %v, want ErrReadOnly", err)
		}
	}
	if c, done, err := s.CheckCopy(t.Context(), copyRC); err != nil || done || c.Version != 2 || !slices.Equal(c.Deltas, []int{1}) {
		t.Errorf("CheckCopy of a reader: %+v, %v, %v", c, done, err)
	}
}
