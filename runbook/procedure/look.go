package procedure

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/operate"
)

// lookFor is how long what was seen in one look at the image server counts as seen
// just now.
const lookFor = time.Minute

// look begins a look at an image server: what it publishes is read once, and what an
// effect may have changed once more.
func look(s *operate.Server) *operate.Server { return s.Session(lookFor) }

// readsAtOnce is how many images are looked at side by side.
const readsAtOnce = 8

// readAhead reads the indexes of images and of the aliases of their channels, for a
// look that asks for one after the other.
func readAhead(ctx context.Context, s *operate.Server, images []NamedImage) error {
	l, err := s.Client.Channels(ctx)
	if err != nil {
		return err
	}
	return s.Client.ReadAhead(ctx, readsAtOnce, with(l, images), nil)
}

// with tells which indexes are those of images, and of the aliases of their channels.
func with(l *systemimage.Listing, images []NamedImage) func(channel, device string) bool {
	type place struct{ channel, device string }
	meant := map[place]bool{}
	for _, t := range images {
		meant[place{t.Channel, t.Device}] = true
	}
	return func(channel, device string) bool {
		target := channel
		if l.Kind(channel) == systemimage.KindAlias {
			target = l.Channels[channel].Alias
		}
		return meant[place{channel, device}] || meant[place{target, device}]
	}
}

// A lookAhead is a look at an image server in which all places are read when the
// first of them is asked for.
type lookAhead struct {
	*operate.Server
	places []NamedImage
	onHost bool // their signatures are read there, with one command in place of a request each
	begun  atomic.Bool
}

// ready reads ahead, once.
func (a *lookAhead) ready(ctx context.Context) error {
	if a.begun.Swap(true) {
		return nil // others share the reads that are under way
	}
	if !a.onHost {
		return readAhead(ctx, a.Server, a.places)
	}
	l, err := a.Client.Channels(ctx)
	if err != nil {
		return err
	}
	meant := with(l, a.places)
	var indexes []string
	for channel, device := range l.Pairs() {
		if meant(channel, device) {
			indexes = append(indexes, l.Channels[channel].Devices[device].Index)
		}
	}
	slices.Sort(indexes)
	signatures, err := a.Signatures(ctx, slices.Compact(indexes))
	if err != nil && ctx.Err() != nil {
		return err
	} // else they are asked for as well: it spares requests, and decides nothing
	return a.Client.ReadAhead(ctx, readsAtOnce, meant, signatures)
}
