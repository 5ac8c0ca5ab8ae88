package systemimage

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
)

// wanted is a signed file of the tree that is read whole.
type wanted struct {
	op              string
	channel, device string
	path            string
	keyring         *DeviceKeyring
	listed          bool   // channels.json promises it, so its absence is a torn publication
	signature       []byte // known from elsewhere; empty is none
}

func (d wanted) fail(u *url.URL, kind, err error) error {
	return &Error{Op: d.op, Channel: d.channel, Device: d.device, Place: u.Redacted(), Kind: kind, Err: err}
}

// read reads a document and its signature until they fit, hands them to use,
// and gives up after a number of attempts.
func (c *Client) read(ctx context.Context, d wanted, use func(PublishedFile) error) (PublishedFile, error) {
	base, err := c.base()
	if err != nil {
		return PublishedFile{}, err
	}
	if c.Trust == nil && !c.Unverified {
		return PublishedFile{}, &Error{Op: d.op, Channel: d.channel, Device: d.device, Place: "Client.Trust", Kind: ErrRefused,
			Err: errors.New("is nil: give the client a root of trust (keyring.Trust), or set Unverified to read what nobody vouches for")}
	}
	u, err := locate(base, d.path)
	if err != nil {
		return PublishedFile{}, err
	}
	tries := cmp.Or(c.Tries, defaultTries)
	for attempt := 0; ; attempt++ {
		src, err := c.readOnce(ctx, d, base, u, attempt)
		if err == nil {
			if err = use(src); err == nil {
				return src, nil
			}
			var e *Error
			if errors.As(err, &e) && e.Kind == ErrMalformed {
				e.Channel, e.Device, e.Place = d.channel, d.device, u.Redacted()
			}
		}
		if !again(err) || ctx.Err() != nil {
			return PublishedFile{}, err
		}
		if attempt+1 >= tries {
			var e *Error
			if errors.As(err, &e) && tries > 1 {
				e.Err = fmt.Errorf("%w (%d attempts)", e.Err, tries)
			}
			return PublishedFile{}, err
		}
		c.log().WarnContext(ctx, "read again", "url", u.Redacted(), "attempt", attempt+1, "error", err)
		if err := pause(ctx, cmp.Or(c.Pause, defaultPause)); err != nil {
			return PublishedFile{}, err
		}
	}
}

func (c *Client) readOnce(ctx context.Context, d wanted, base, u *url.URL, attempt int) (PublishedFile, error) {
	asc := *u
	asc.Path += ".asc"
	a, s, err, unsigned := c.document(ctx, d, u, &asc, attempt > 0)
	if err != nil {
		if d.listed && errors.Is(err, ErrNotFound) {
			err = d.fail(u, ErrTorn, errors.New("channels.json lists it but it is missing: a publication is going on, or was killed before its last step; "+
				"then move index.json.new into its place before anything else runs on the server"))
		}
		return PublishedFile{}, err
	}
	src := PublishedFile{URL: u.Redacted(), Raw: a.data}
	src.Modified, _ = http.ParseTime(a.modified)
	if c.Trust == nil || isPage(a.data) {
		return src, nil // a page is never signed: let the parser say what it is
	}
	switch {
	case errors.Is(unsigned, ErrNotFound):
		return PublishedFile{}, d.fail(&asc, ErrTorn, fmt.Errorf("%w: signature is missing", ErrSignature))
	case unsigned != nil:
		return PublishedFile{}, unsigned
	case len(s.data) == 0:
		return PublishedFile{}, d.fail(&asc, ErrTorn, fmt.Errorf("%w: signature is empty", ErrSignature))
	case isPage(s.data):
		return PublishedFile{}, d.fail(&asc, ErrSignature, errors.New("signature is a page (HTML or XML)"))
	}
	if err := c.vouch(ctx, d, base, u, bytes.NewReader(a.data), s.data, attempt); err != nil {
		return PublishedFile{}, err
	}
	src.Signature, src.Verified, src.known = s.data, true, attempt == 0 && len(d.signature) > 0
	return src, nil
}

// document fetches a document and its signature, if that is verified: in a session, which
// looks at much over one line, both together. A page needs none, and a signature that is
// known is fetched only when it was no help.
func (c *Client) document(ctx context.Context, d wanted, u, asc *url.URL, fresh bool) (doc, signature answer, err, unsigned error) {
	sign := func() { signature, unsigned = c.cached(ctx, asc, maxSignature, fresh) }
	if len(d.signature) > 0 && !fresh {
		sign = func() { signature.data = d.signature }
	}
	var both sync.WaitGroup
	if c.Trust != nil && c.session != nil {
		both.Go(sign)
	}
	doc, err = c.cached(ctx, u, c.limit(), fresh)
	both.Wait()
	if c.Trust != nil && c.session == nil && err == nil && !isPage(doc.data) {
		sign()
	}
	return doc, signature, err, unsigned
}

// vouch asks the Trust about a file and its signature.
func (c *Client) vouch(ctx context.Context, d wanted, base, u *url.URL, data io.Reader, signature []byte, attempt int) error {
	s := VerifyRequest{Path: d.path, Data: data, Signature: signature, Device: d.device, Attempt: attempt, Fetch: c.fetcher(base, attempt > 0)}
	if d.keyring != nil {
		s.Keyring, s.KeyringSignature = d.keyring.Path, d.keyring.Signature
	}
	err := c.Trust.Verify(ctx, s)
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) && e.Kind == nil { // the net, not the signature
		return &Error{Op: d.op, Channel: d.channel, Device: d.device, Place: u.Redacted(), temporary: e.temporary,
			Err: fmt.Errorf("keyring to verify it with: %w", err)}
	}
	if permanent(err) {
		return d.fail(u, ErrSignature, err)
	}
	return d.fail(u, ErrSignature, fmt.Errorf("%w: %w", mismatch{}, err))
}

// mismatch is ErrTorn as the other explanation of a signature that does not fit.
type mismatch struct{}

func (mismatch) Error() string { return "signature does not fit" }

func (mismatch) Is(target error) bool { return target == ErrTorn }

// permanent tells whether a Trust says that reading again cannot help.
func permanent(err error) bool {
	var p interface{ Permanent() bool }
	return errors.As(err, &p) && p.Permanent()
}

// again tells whether another attempt may give another result.
func again(err error) bool {
	var e *Error
	return errors.As(err, &e) && !permanent(err) && (e.temporary || e.Kind == ErrTorn || e.Kind == ErrSignature || e.Kind == ErrReplayed || e.Kind == ErrNotFound)
}

// fetcher is what a Trust reads keyrings with.
func (c *Client) fetcher(base *url.URL, fresh bool) func(context.Context, string) ([]byte, error) {
	return func(ctx context.Context, path string) ([]byte, error) {
		u, err := locate(base, path)
		if err != nil {
			return nil, err
		}
		a, err := c.cached(ctx, u, maxKeyring, fresh)
		return a.data, err
	}
}
