package systemimage

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"time"

	"golang.org/x/sync/errgroup"
)

// Session returns a client of the same server for one look at it, however many
// images that concerns: channels.json, with the keyrings and the blacklist that
// vouch for it, and each index are read once and kept for so long. What an effect
// may have changed is read anew after [Client.Forget]; what could not be read is
// not kept. Begin another session where the world has to be looked at anew.
//
// It shares with c what c has seen, so that an older index is refused, and what
// has validators: a document that has not changed since an earlier session is asked
// about, and not sent again. A document and its signature are asked for together.
func (c *Client) Session(keep time.Duration) *Client {
	return &Client{
		BaseURL: c.BaseURL, HTTP: c.HTTP, UserAgent: c.UserAgent, Logger: c.Logger, Trust: c.Trust, Unverified: c.Unverified,
		Tries: c.Tries, Pause: c.Pause, Timeout: c.Timeout, Limit: c.Limit, Cache: c.Cache,
		of: c.own(), session: &session{keep: keep, lock: make(chan struct{}, 1), looks: map[sharedIndex]*look{}},
	}
}

// Forget lets a session read the indexes of a device anew, in every channel, because
// aliases follow their target. Without a device it forgets everything, the listing
// too. A client that is no session keeps nothing that could be forgotten.
func (c *Client) Forget(device string) {
	if c.session == nil {
		return
	}
	defer c.session.locked()()
	maps.DeleteFunc(c.session.looks, func(i sharedIndex, _ *look) bool { return device == "" || i.device == device })
}

// ReadAhead reads the indexes that are meant, several at a time (8 when parallel is
// 0), for a session that asks for them one after the other. Only what keeps all of
// them from being read is an error: who asks for an index is told what is wrong with it.
//
// signatures are those that are known from elsewhere, such as from the host of the
// server, by the paths of their indexes in channels.json; nil is none. They are verified
// like those that are fetched, and spare a request each; one that does not fit is fetched
// with the next of the client's tries. That devices get the same is for [Client.Served].
func (c *Client) ReadAhead(ctx context.Context, parallel int, meant func(channel, device string) bool, signatures map[string][]byte) error {
	l, err := c.Channels(ctx)
	if err != nil {
		return err
	}
	var reads errgroup.Group
	reads.SetLimit(cmp.Or(max(parallel, 0), 8))
	for _, pairs := range sharing(l, meant) {
		reads.Go(func() error {
			_, _ = c.indexOf(ctx, l, pairs[0].channel, pairs[0].device, signatures) // kept, or asked for again
			return nil
		})
	}
	return reads.Wait()
}

// Served makes sure that devices get the signature of an index that was read with one
// that was known: see [Client.ReadAhead]. Of any other index that is known already. Its
// errors are those of [Client.Index].
func (c *Client) Served(ctx context.Context, p *PublishedIndex) error {
	if !p.known {
		return nil
	}
	base, err := c.base()
	if err != nil {
		return err
	}
	u, err := locate(base, p.Entry.Index+".asc")
	if err != nil {
		return err
	}
	a, err := c.cached(ctx, u, maxSignature, false)
	if err == nil && bytes.Equal(a.data, p.Signature) {
		return nil
	}
	_, err = c.readIndex(ctx, p.Channel, p.Device, p.Entry, nil) // it may have been published meanwhile
	return err
}

// own is the client that remembers: the one of which this is a session, if it is one.
func (c *Client) own() *Client {
	if c.of != nil {
		return c.of
	}
	return c
}

// A session is what a client keeps of one look at its server.
type session struct {
	keep time.Duration

	lock  chan struct{} // a mutex that testing/synctest can see through, for looks
	looks map[sharedIndex]*look
}

// theListing stands for channels.json among the indexes.
var theListing sharedIndex

// A look is a document that was read, or is being read.
type look struct {
	done  chan struct{} // closed when it was read
	at    time.Time     // when
	is    any
	err   error
	ended bool // whoever read it was stopped
}

func (s *session) locked() func() {
	s.lock <- struct{}{}
	return func() { <-s.lock }
}

// begin returns what is kept of a document, or a look that the caller has to make.
func (s *session) begin(i sharedIndex) (v *look, mine bool) {
	defer s.locked()()
	if v = s.looks[i]; v != nil {
		select {
		case <-v.done:
			if v.err == nil && time.Since(v.at) <= s.keep {
				return v, false
			}
		default: // it is being read
			return v, false
		}
	}
	v = &look{done: make(chan struct{})}
	s.looks[i] = v
	return v, true
}

// once returns what a session keeps of a document, and reads it when that is nothing
// or too old. Several that want it at the same moment share one read.
func once[T any](ctx context.Context, s *session, i sharedIndex, read func(context.Context) (T, error)) (T, error) {
	for {
		v, mine := s.begin(i)
		if mine {
			is, err := read(ctx)
			v.at, v.is, v.err, v.ended = time.Now(), is, err, ctx.Err() != nil
			close(v.done)
			return is, err
		}
		select {
		case <-v.done:
		case <-ctx.Done():
			var none T
			return none, &Error{Op: "read", Err: fmt.Errorf("given up while another waited for it: %w", context.Cause(ctx))}
		}
		if v.err == nil || !v.ended { // else it is for us to read it
			return v.is.(T), v.err
		}
	}
}
