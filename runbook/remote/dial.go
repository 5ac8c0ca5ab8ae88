package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

// maxSessions bounds the commands at work at once on one connection. OpenSSH
// refuses more than ten (MaxSessions); further calls wait here instead.
const maxSessions = 8

// A link is one authenticated connection.
type link struct {
	client *ssh.Client
	conn   *wire
	slots  chan struct{} // one per session
	gone   chan struct{} // closed when the connection ended
}

// A wire notices the loss of the connection before anything else can, so that
// the end of a session is told from the end of the link.
type wire struct {
	net.Conn
	broken   atomic.Bool
	received atomic.Int64
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	w.received.Add(int64(n))
	if err != nil {
		w.broken.Store(true)
	}
	return n, err
}

// An attempt is one dial that several callers may wait for.
type attempt struct {
	done chan struct{}
	link *link
	err  error
}

// connect returns the current link, dialling it if there is none. One caller
// dials, the others wait for the outcome; when the dialler gave up because its
// own context ended, the next one tries.
func (h *Host) connect(ctx context.Context) (*link, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, h.fail("dial", nil, "given up before the connection stood", context.Cause(ctx))
		}
		h.mu.Lock()
		if h.link != nil {
			l := h.link
			h.mu.Unlock()
			return l, nil
		}
		if a := h.dialing; a != nil {
			h.mu.Unlock()
			select {
			case <-a.done:
			case <-ctx.Done():
				continue
			}
			if a.err != nil && !ended(a.err) {
				return nil, a.err
			}
			continue
		}
		a := &attempt{done: make(chan struct{})}
		h.dialing = a
		h.mu.Unlock()

		a.link, a.err = h.dial(ctx)
		h.mu.Lock()
		h.dialing = nil
		h.link = a.link
		h.mu.Unlock()
		close(a.done)
		if a.err == nil {
			go h.watch(a.link)
		}
		return a.link, a.err
	}
}

// dial connects, checks the host key and logs in, all within Timeout.
func (h *Host) dial(ctx context.Context) (*link, error) {
	addr, err := h.addr()
	if err != nil {
		return nil, err
	}
	name, err := h.user()
	if err != nil {
		return nil, err
	}
	keys, err := h.loadHostKeys(ctx, addr)
	if err != nil {
		return nil, err
	}
	signers, done, err := h.signers(ctx)
	if err != nil {
		return nil, err
	}
	defer done()

	start := time.Now()
	dctx, cancel := context.WithTimeoutCause(ctx, h.timeout(), errTimeout)
	defer cancel()
	raw, err := h.dialNet(dctx, addr)
	if err != nil {
		return nil, h.dialFailed(ctx, dctx, err)
	}
	nc := &wire{Conn: raw}
	// Closing is what stops a handshake: connections through a jump host know
	// no deadlines.
	stop := context.AfterFunc(dctx, func() { nc.Close() })
	var refused error
	conn, chans, reqs, err := ssh.NewClientConn(nc, addr, &ssh.ClientConfig{
		User:              name,
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(signers...)},
		HostKeyAlgorithms: keys.algorithms(),
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			refused = keys.check(key)
			return refused
		},
	})
	if !stop() && err == nil {
		conn.Close()
		err = context.Cause(dctx)
	}
	switch {
	case refused != nil:
		return nil, refused
	case err != nil:
		return nil, h.dialFailed(ctx, dctx, err)
	}
	h.log(ctx, "connected", "user", name, "took", time.Since(start))
	return &link{
		client: ssh.NewClient(conn, chans, reqs),
		conn:   nc,
		slots:  make(chan struct{}, maxSessions),
		gone:   make(chan struct{}),
	}, nil
}

var errTimeout = errors.New("timeout")

// dialNet opens the byte stream to addr.
func (h *Host) dialNet(ctx context.Context, addr string) (net.Conn, error) {
	if h.Jump == nil {
		return new(net.Dialer).DialContext(ctx, "tcp", addr)
	}
	for stale := false; ; stale = true {
		l, err := h.Jump.connect(ctx)
		if err != nil {
			return nil, err
		}
		// As with sessions, a link lost at the wrong moment must be noticed by us.
		lctx, cancel := context.WithCancelCause(ctx)
		go func() {
			select {
			case <-l.gone:
				cancel(errStale)
			case <-lctx.Done():
			}
		}()
		c, err := l.client.DialContext(lctx, "tcp", addr)
		lost := context.Cause(lctx) == errStale || err != nil && l.conn.broken.Load()
		cancel(nil)
		switch {
		case err == nil:
			return c, nil
		case lost && !stale:
			h.Jump.drop(l)
		default:
			return nil, fmt.Errorf("through jump host %s: %w", h.Jump.Addr, err)
		}
	}
}

// dialFailed names the reason of a failed dial. x/crypto/ssh gives no types for
// it, so a failed login is told by its text.
func (h *Host) dialFailed(ctx, dctx context.Context, err error) error {
	if e := (*Error)(nil); errors.As(err, &e) {
		return err // of the jump host, which has said it all
	}
	switch {
	case ctx.Err() != nil:
		return h.fail("dial", nil, "given up before the connection stood", context.Cause(ctx))
	case dctx.Err() != nil:
		return h.fail("dial", ErrUnreachable, fmt.Sprintf("no connection within %v; check address, network and firewall, or raise Host.Timeout", h.timeout()), nil)
	case strings.Contains(err.Error(), "Too many authentication failures"):
		return h.fail("log in", ErrAuth, "the host gave up before all keys of the agent were tried; name the right one in Host.KeyFile, its public half will do", err)
	case strings.Contains(err.Error(), "unable to authenticate"):
		name, _ := h.user()
		return h.fail("log in", ErrAuth, fmt.Sprintf("the host accepts none of our keys for user %s; check Host.User and Host.KeyFile or the agent, and authorized_keys over there", name), err)
	}
	negotiation := (*ssh.AlgorithmNegotiationError)(nil)
	if errors.As(err, &negotiation) {
		return h.fail("dial", ErrUnreachable, "the host and this program share no algorithm; the host's SSH server is too old or too strict", err)
	}
	return h.fail("dial", ErrUnreachable, "cannot connect; check that the host is up and that its SSH server listens there", err)
}

// watch forgets a link when it ends, and ends it when the host is silent. TCP
// alone notices a vanished peer only after minutes, if anything is sent at all.
func (h *Host) watch(l *link) {
	go func() {
		l.client.Wait()
		h.drop(l)
		close(l.gone)
	}()
	every := cmp.Or(h.KeepAlive, defaultKeepAlive)
	if every < 0 {
		return
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-l.gone:
			return
		case <-tick.C:
		}
		if !l.answers(tick.C) {
			h.log(context.Background(), "link is dead")
			l.client.Close()
			return
		}
	}
}

// answers asks the host for a sign of life and waits until it comes. Anything
// received between two ticks is one too: behind a large upload over a slow line
// the answer itself may take long.
func (l *link) answers(tick <-chan time.Time) bool {
	answer := make(chan error, 1)
	go func() {
		_, _, err := l.client.SendRequest("keepalive@openssh.com", true, nil)
		answer <- err
	}()
	seen := l.conn.received.Load()
	for {
		select {
		case <-l.gone:
			return true // nothing is left to find out
		case err := <-answer:
			return err == nil
		case <-tick:
			now := l.conn.received.Load()
			if now == seen {
				return false
			}
			seen = now
		}
	}
}

// drop makes the next call dial again.
func (h *Host) drop(l *link) {
	h.mu.Lock()
	if h.link == l {
		h.link = nil
	}
	h.mu.Unlock()
}
