package systemimage

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"path"

	"golang.org/x/sync/errgroup"
)

// Survey reads the indexes of all channels and devices of a server, several at
// a time (8 when parallel is 0), and yields each as it comes, in no order. A
// device that fails yields its error, an [*Error] with Channel and Device, and
// does not stop the others. When channels.json cannot be read, that error is
// all there is. Pairs that share one index, as redirects do, share one read.
// Stopping early stops the reads. With [Client.Cache] a second survey costs
// little.
func (c *Client) Survey(ctx context.Context, parallel int) iter.Seq2[*PublishedIndex, error] {
	return c.survey(ctx, parallel, Selector{})
}

func (c *Client) survey(ctx context.Context, parallel int, only Selector) iter.Seq2[*PublishedIndex, error] {
	return func(yield func(*PublishedIndex, error) bool) {
		whole := ctx
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		l, err := c.Channels(ctx)
		if err == nil {
			err = only.check()
		}
		if err != nil {
			yield(nil, err)
			return
		}
		type result struct {
			p   *PublishedIndex
			err error
		}
		results := make(chan result)
		var reads errgroup.Group
		reads.SetLimit(cmp.Or(max(parallel, 0), 8))
		go func() {
			defer close(results)
			for _, pairs := range sharing(l, only.pair) {
				if ctx.Err() != nil {
					break
				}
				reads.Go(func() error {
					p, err := c.IndexOf(ctx, l, pairs[0].channel, pairs[0].device)
					for _, q := range pairs {
						r := result{err: in(err, q.channel, q.device)}
						if err == nil {
							r.p = p.as(q.channel, q.device, l.Channels[q.channel].Devices[q.device])
						}
						select {
						case results <- r:
						case <-ctx.Done():
							return nil
						}
					}
					return nil
				})
			}
			_ = reads.Wait() // what fails is yielded
		}()
		for r := range results {
			if !yield(r.p, r.err) {
				cancel()
				for range results { // until the reads are over
				}
				return
			}
		}
		if err := whole.Err(); err != nil {
			yield(nil, &Error{Op: "survey " + l.URL, Err: fmt.Errorf("stopped before its end: %w", context.Cause(whole))})
		}
	}
}

// A pair is a device in a channel.
type pair struct{ channel, device string }

// A sharedIndex is an index that several channels may list.
type sharedIndex struct{ path, device, keyring string }

func shared(d Device, device string) sharedIndex {
	i := sharedIndex{path: d.Index, device: device}
	if d.Keyring != nil {
		i.keyring = d.Keyring.Path + "\n" + d.Keyring.Signature
	}
	return i
}

// sharing groups the channels and devices that are meant by the index that they
// share, in the order of the listing.
func sharing(l *Listing, meant func(channel, device string) bool) (groups [][]pair) {
	at := map[sharedIndex]int{}
	for channel, device := range l.Pairs() {
		if !meant(channel, device) {
			continue
		}
		k := shared(l.Channels[channel].Devices[device], device)
		i, ok := at[k]
		if !ok {
			i = len(groups)
			at[k], groups = i, append(groups, nil)
		}
		groups[i] = append(groups[i], pair{channel, device})
	}
	return groups
}

// in returns err for a channel and a device.
func in(err error, channel, device string) error {
	if err == nil {
		return nil
	}
	if e, ok := err.(*Error); ok {
		own := *e
		own.Channel, own.Device = channel, device
		return &own
	}
	return &Error{Op: "read index", Channel: channel, Device: device, Err: err}
}

// A Selector says which images are meant. Empty fields mean any.
type Selector struct {
	Channel, Device string // patterns as of [path.Match], where * stops at a slash
	Type            string // Full or Delta
	Version         int    // 0 is any
	Tag             string // tag in version_detail
	Key, Value      string // an entry of version_detail; Key alone is any value
}

// Matches tells whether an image is meant, whatever its channel and device.
func (s Selector) Matches(m Image) bool {
	if s.Type != "" && m.Type != s.Type || s.Version != 0 && (m.NullVersion || m.Version != s.Version) {
		return false
	}
	if s.Tag == "" && s.Key == "" {
		return true
	}
	d := m.Detail()
	if s.Tag != "" && d.Tag() != s.Tag {
		return false
	}
	v, ok := d.Get(s.Key)
	return s.Key == "" || ok && (s.Value == "" || v == s.Value)
}

func (s Selector) check() error {
	for _, pattern := range []string{s.Channel, s.Device} {
		if _, err := path.Match(pattern, ""); err != nil {
			return &Error{Op: "select images", Place: fmt.Sprintf("%q", pattern), Kind: ErrRefused, Err: err}
		}
	}
	return nil
}

func (s Selector) pair(channel, device string) bool {
	match := func(pattern, name string) bool {
		ok, _ := path.Match(pattern, name)
		return pattern == "" || ok || pattern == name
	}
	return match(s.Channel, channel) && match(s.Device, device)
}

// A PublishedImage is an image that [Client.Find] found.
type PublishedImage struct {
	Image
	Index *PublishedIndex // the index that it stands in
}

// Find surveys a server and yields the images that a selector means, as they
// come. Errors are those of [Client.Survey]; indexes of channels and devices
// that are not meant are not read.
func (c *Client) Find(ctx context.Context, parallel int, s Selector) iter.Seq2[PublishedImage, error] {
	return func(yield func(PublishedImage, error) bool) {
		for p, err := range c.survey(ctx, parallel, s) {
			if err != nil {
				if !yield(PublishedImage{}, err) {
					return
				}
				continue
			}
			for _, m := range p.Images {
				if s.Matches(m) && !yield(PublishedImage{m, p}, nil) {
					return
				}
			}
		}
	}
}
