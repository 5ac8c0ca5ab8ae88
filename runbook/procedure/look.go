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
// look that asks for one after the other. With onHost their signatures are read there,
// with one command in place of a request each.
func readAhead(ctx context.Context, s *operate.Server, images []NamedImage, onHost bool) error {
	l, err := s.Client.Channels(ctx)
	if err != nil {
		return err
	}
	meant := with(l, images)
	var signatures map[string][]byte
	if onHost {
		var indexes []string
		for channel, device := range l.Pairs() {
			if meant(channel, device) {
				indexes = append(indexes, l.Channels[channel].Devices[device].Index)
			}
		}
		slices.Sort(indexes)
		signatures, err = s.Signatures(ctx, slices.Compact(indexes))
		if err != nil && ctx.Err() != nil {
			return err
		} // else they are asked for as well: it spares requests, and decides nothing
	}
	return s.Client.ReadAhead(ctx, readsAtOnce, meant, signatures)
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
	onHost bool // see readAhead
	begun  atomic.Bool
}

// ready reads ahead, once.
func (a *lookAhead) ready(ctx context.Context) error {
	if a.begun.Swap(true) {
		return nil // others share the reads that are under way
	}
	return readAhead(ctx, a.Server, a.places, a.onHost)
}
