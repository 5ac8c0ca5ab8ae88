package procedure

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"time"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/operate"
)

// A sight is the image server as it is seen in one round of an emergency stop. The
// first time that the tree does not answer, the rest of the round is blind: what is
// left to be stopped must not wait for it.
type sight struct {
	lock   chan struct{} // a mutex that testing/synctest can see through
	first  NamedImage    // by whose index the host and the tree are held against each other
	server *operate.Server
	looked bool
	other  error // the tree is another server's
	blind  error // why nothing is read any more; nil is sight
}

func newSight(s *operate.Server, first NamedImage) *sight {
	return &sight{lock: make(chan struct{}, 1), first: first, server: s}
}

// defaultPatience is how long the first round waits for the tree.
const defaultPatience = 5 * time.Second

// hasty is a sight with one try of every read, within a limit.
func hasty(s *operate.Server, first NamedImage, patience time.Duration) *sight {
	c := client(s)
	c.Tries, c.Timeout = 1, cmp.Or(patience, defaultPatience)
	return newSight(look(s.Through(c)), first)
}

func (v *sight) locked() func() {
	v.lock <- struct{}{}
	return func() { <-v.lock }
}

// now is the server as it is seen now.
func (v *sight) now() *operate.Server {
	defer v.locked()()
	return v.server
}

func (v *sight) otherServer() error {
	defer v.locked()()
	return v.other
}

// sameHost makes sure, with one request and one command at the same time, that the
// host is that of the tree: two servers are an error. What cannot be read is none, and
// closes the eyes; what is odd is looked at as by see.
func (v *sight) sameHost(ctx context.Context, t NamedImage) error {
	s := v.now()
	place := path.Join(t.Channel, t.Device, "index.json")
	file := path.Join(s.Root, "www", place)
	var out command.Output
	ran := make(chan error, 1)
	go func() {
		var err error
		out, err = s.Runner.Run(ctx, command.Look("landing-index", `cat -- "$1"`, file))
		ran <- err
	}()
	raw, unread := readRaw(ctx, s.Client, "/"+place)
	if err := <-ran; err != nil {
		return fmt.Errorf("reading %s on the host: %w", file, err)
	}
	if unreadable(ctx, unread) {
		v.close(unread)
		return nil
	}
	if unread == nil && out.Exit == 0 && bytes.Equal(raw, out.Stdout) {
		return nil
	}
	if x, err := systemimage.ParseIndex(raw); unread == nil && out.Exit == 0 && err == nil {
		read := &systemimage.PublishedIndex{Index: x, PublishedFile: systemimage.PublishedFile{URL: s.Client.BaseURL + "/" + place}}
		err := differs(read, out.Stdout)
		if errors.Is(err, errOtherServer) { // or published after the command had read the host's
			if again, failed := s.Runner.Run(ctx, command.Script("landing-index", `cat -- "$1"`, file)); failed == nil && again.Exit == 0 {
				if bytes.Equal(raw, again.Stdout) {
					return nil
				}
				err = differs(read, again.Stdout)
			}
		}
		if errors.Is(err, errOtherServer) {
			return fmt.Errorf("%s: %w", t, err)
		}
		return nil
	}
	if err := v.see(ctx); errors.Is(err, errOtherServer) {
		return err
	}
	return nil
}

// readRaw reads a document as it is, within the client's time and size.
func readRaw(ctx context.Context, c *systemimage.Client, place string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	body, err := c.Open(ctx, place)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	const most = 64 << 20
	return io.ReadAll(io.LimitReader(body, most))
}

// see looks, once and before anything else is read, whether the tree answers, and
// whether it is that of the host on which images are to be stopped.
func (v *sight) see(ctx context.Context) error {
	defer v.locked()()
	if !v.looked {
		v.looked = true
		if _, err := v.server.Client.Channels(ctx); unreadable(ctx, err) {
			v.blinded(err)
		} else if err := sameTree(ctx, v.server, v.first.Channel, v.first.Device, 1); errors.Is(err, errOtherServer) {
			v.other = err
		} else if unreadable(ctx, err) && !untrusted(err) {
			v.blinded(err)
		}
	}
	return cmp.Or(v.other, v.blind)
}

// close makes the rest of the round blind.
func (v *sight) close(why error) {
	defer v.locked()()
	v.blinded(why)
}

func (v *sight) blinded(why error) {
	c := client(v.server)
	c.HTTP, c.Tries = &http.Client{Transport: silent{why}}, 1
	v.looked, v.server, v.blind = true, v.server.Through(c), why
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
