package procedure

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/operate"
)

var (
	errOtherServer = errors.New("the host and the URL are two servers")
	errMirrorLags  = errors.New("the URL lags behind the host")
)

// OneServer makes sure, before the first effect of a run, that the host on which
// programs are run is the one whose tree is read: with the address of one server and
// the host of another, images would be published where nobody looks. One index of
// the channel is compared; without a device its first.
func OneServer(ctx context.Context, s *operate.Server, channel, device string) error {
	return sameTree(ctx, s, channel, device, 3)
}

// sameTree compares the index that is read over HTTP with the host's file. One that
// was published between the two looks is looked at again.
func sameTree(ctx context.Context, s *operate.Server, channel, device string, tries int) error {
	l, err := s.Client.Channels(ctx)
	if err != nil {
		return err
	}
	if device == "" {
		for c, d := range l.Pairs() {
			if c == channel && device == "" && l.Channels[c].Devices[d].Redirect == "" {
				device = d
			}
		}
	}
	for try := 1; ; try++ {
		x, err := s.Client.IndexOf(ctx, l, channel, device)
		if err != nil {
			return err
		}
		file := path.Join(s.Root, "www", x.Entry.Index)
		out, err := s.Runner.Run(ctx, command.Look("landing-index", `cat -- "$1"`, file))
		switch {
		case err != nil:
			return fmt.Errorf("reading %s on the host: %w", file, err)
		case out.Exit != 0:
			return fmt.Errorf("%w: %s is read at %s, and the host has no %s (%s)", errOtherServer, channel, x.URL, file, strings.TrimSpace(string(out.Stderr)))
		case bytes.Equal(out.Stdout, x.Raw):
			return nil
		}
		if err = differs(x, out.Stdout); !errors.Is(err, errMirrorLags) || try == tries {
			return fmt.Errorf("%s:%s: %w", channel, device, err)
		}
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
		s.Client.Forget(device)
	}
}

// differs tells a mirror that lags from another server: everything that it has, and
// the host has too, is the same there, and was published earlier.
func differs(x *systemimage.PublishedIndex, host []byte) error {
	y, err := systemimage.ParseIndex(host)
	if err != nil {
		return &systemimage.Error{Kind: systemimage.ErrBroken, Err: fmt.Errorf("the host's index cannot be read: %w", err)}
	}
	common := 0
	for _, m := range x.Fulls() {
		n, ok := y.Full(m.Version)
		if !ok {
			continue
		}
		if common++; !slices.Equal(content(m), content(n)) {
			return fmt.Errorf("%w: image %d of %s has other files on the host; one of the two belongs to another site", errOtherServer, m.Version, x.URL)
		}
	}
	read, err1 := x.Generated()
	written, err2 := y.Generated()
	newestRead, _ := x.Newest()
	newestWritten, _ := y.Newest()
	if common == 0 && len(x.Fulls()) > 0 || errors.Join(err1, err2) != nil || read.After(written) || newestRead > newestWritten {
		return fmt.Errorf("%w: the index at %s was made at %q and ends with image %d, that on the host at %q and with %d",
			errOtherServer, x.URL, x.GeneratedAt, newestRead, y.GeneratedAt, newestWritten)
	}
	return fmt.Errorf("%w: the index at %s was made at %q, that on the host at %q. Wait until the mirror has it, or give the address of the server itself; then start again",
		errMirrorLags, x.URL, x.GeneratedAt, y.GeneratedAt)
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
