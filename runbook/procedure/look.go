package procedure

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/operate"
)

// lookFor is how long what was seen in one look at the image server counts as seen
// just now.
const lookFor = time.Minute

// look begins a look at an image server: what it publishes is read once, and what an
// effect may have changed once more.
func look(s *operate.Server) *operate.Server { return s.Session(lookFor) }

// readsAtOnce is how many indexes are read side by side.
const readsAtOnce = 8

// readAhead reads the indexes of images and of the aliases of their channels, several
// at a time, for a look that asks for one after the other. Only what keeps all of
// them from being read is an error: who asks for an index says what is wrong with it.
func readAhead(ctx context.Context, s *operate.Server, images []NamedImage) error {
	l, err := s.Client.Channels(ctx)
	if err != nil {
		return err
	}
	aliases := map[string][]string{}
	for name, c := range l.Channels {
		if l.Channels.Kind(name) == systemimage.KindAlias {
			aliases[c.Alias] = append(aliases[c.Alias], name)
		}
	}
	var g errgroup.Group
	g.SetLimit(readsAtOnce)
	for _, t := range images {
		for _, channel := range append([]string{t.Channel}, aliases[t.Channel]...) {
			g.Go(func() error {
				_, _ = s.Client.IndexOf(ctx, l, channel, t.Device) // kept, or asked for again
				return nil
			})
		}
	}
	return g.Wait()
}

// A lookAhead is a look at an image server in which all places are read when the
// first of them is asked for.
type lookAhead struct {
	*operate.Server
	places []NamedImage
	begun  atomic.Bool
}

// ready reads ahead, once.
func (a *lookAhead) ready(ctx context.Context) error {
	if a.begun.Swap(true) {
		return nil // others share the reads that are under way
	}
	return readAhead(ctx, a.Server, a.places)
}
