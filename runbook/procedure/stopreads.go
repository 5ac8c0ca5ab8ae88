package procedure

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/operate"
)

// A sight is the image server as it is seen in one round of an emergency stop. The
// first time that the tree does not answer, the rest of the round is blind: what is
// left to be stopped must not wait for it.
type sight struct {
	server *operate.Server
	looked bool
	other  error // the tree is another server's
	blind  error // why nothing is read any more; nil is sight
}

// defaultPatience is how long the first round waits for the tree.
const defaultPatience = 5 * time.Second

// hasty is a sight with one try of every read, within a limit.
func hasty(s *operate.Server, patience time.Duration) *sight {
	c := client(s)
	c.Tries, c.Timeout = 1, cmp.Or(patience, defaultPatience)
	own := http.Client{}
	if c.HTTP != nil {
		own = *c.HTTP
	}
	own.Transport = &inTurn{RoundTripper: cmp.Or[http.RoundTripper](own.Transport, http.DefaultTransport), turn: make(chan struct{}, 1)}
	c.HTTP = &own
	return &sight{server: s.Through(c)}
}

// see looks, once and before anything else is read, whether the tree answers, and
// whether it is that of the host on which images are to be stopped.
func (v *sight) see(ctx context.Context, t NamedImage) error {
	if !v.looked {
		v.looked = true
		if _, err := v.server.Client.Channels(ctx); unreadable(ctx, err) {
			v.close(err)
		} else if err := sameTree(ctx, v.server, t.Channel, t.Device, 1); errors.Is(err, errOtherServer) {
			v.other = err
		} else if unreadable(ctx, err) && !untrusted(err) {
			v.close(err)
		}
	}
	return cmp.Or(v.other, v.blind)
}

// close makes the rest of the round blind.
func (v *sight) close(why error) {
	c := client(v.server)
	c.HTTP, c.Tries = &http.Client{Transport: silent{why}}, 1
	v.server, v.blind = v.server.Through(c), why
}

// inTurn sends one request after the other, so that a tree that does not answer is
// waited for once; after that none is sent any more.
type inTurn struct {
	http.RoundTripper
	turn  chan struct{}
	blind error // guarded by turn
}

func (t *inTurn) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case t.turn <- struct{}{}:
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	defer func() { <-t.turn }()
	if t.blind != nil {
		return nil, t.blind
	}
	resp, err := t.RoundTripper.RoundTrip(r)
	if err != nil && !errors.Is(err, context.Canceled) {
		t.blind = err
	}
	return resp, err
}

// silent answers nothing.
type silent struct{ why error }

func (s silent) RoundTrip(*http.Request) (*http.Response, error) { return nil, s.why }

// unreadable reports whether what could not be read from here may be read by
// devices all the same.
func unreadable(ctx context.Context, err error) bool {
	return err != nil && ctx.Err() == nil && !slices.ContainsFunc([]error{
		systemimage.ErrTorn, systemimage.ErrBroken, systemimage.ErrNotFound, systemimage.ErrRefused,
		systemimage.ErrReadOnly, systemimage.ErrLocked, systemimage.ErrPartial, systemimage.ErrInDoubt,
	}, func(kind error) bool { return errors.Is(err, kind) })
}

// untrusted reports whether one document was read and cannot be believed, which says
// nothing about others.
func untrusted(err error) bool {
	return errors.Is(err, systemimage.ErrSignature) || errors.Is(err, systemimage.ErrMalformed) || errors.Is(err, systemimage.ErrReplayed)
}

// client is a new client of the same tree.
func client(s *operate.Server) *systemimage.Client {
	c := s.Client
	return &systemimage.Client{
		BaseURL: c.BaseURL, HTTP: c.HTTP, UserAgent: c.UserAgent, Logger: c.Logger, Trust: c.Trust, Unverified: c.Unverified,
		Tries: c.Tries, Pause: c.Pause, Timeout: c.Timeout, Limit: c.Limit, Cache: c.Cache,
	}
}
