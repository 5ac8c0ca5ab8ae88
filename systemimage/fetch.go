package systemimage

import (
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	maxSignature = 1 << 20  // bytes of a detached signature
	maxKeyring   = 16 << 20 // bytes of a keyring tarball
	maxRedirects = 5
)

// validators of a stored answer, for a conditional request.
type validators struct{ etag, modified string }

// answer is the answer to one GET.
type answer struct {
	data []byte
	validators
	unchanged bool // 304: what was stored is still good
	recent    bool // changed so shortly before that its validators may not tell the next change
}

// http returns the client's HTTP client, with redirects kept on the server.
func (c *Client) http() *http.Client {
	h := http.Client{Transport: c.own().connections()}
	if c.HTTP != nil {
		h = *c.HTTP
	}
	own := h.CheckRedirect
	h.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		from := via[len(via)-1].URL
		switch {
		case len(via) > maxRedirects:
			return &Error{Op: "follow redirect", Place: r.URL.Redacted(), Kind: ErrRefused, Err: fmt.Errorf("more than %d redirects", maxRedirects)}
		case !strings.EqualFold(r.URL.Hostname(), from.Hostname()),
			r.URL.Scheme == from.Scheme && r.URL.Port() != from.Port():
			return &Error{Op: "follow redirect", Place: r.URL.Redacted(), Kind: ErrRefused, Err: errors.New("it leads to another server than " + from.Host)}
		case from.Scheme == "https" && r.URL.Scheme != "https":
			return &Error{Op: "follow redirect", Place: r.URL.Redacted(), Kind: ErrRefused, Err: errors.New("it leads from https to " + r.URL.Scheme)}
		case own != nil:
			return own(r, via)
		}
		return nil
	}
	return &h
}

// idleConnections are as many as a look needs that reads eight indexes at once, each with
// its signature, and their keyrings. Of more than two at a time the default transport would
// close each behind its answer, and every request would wait for another handshake.
const idleConnections = 32

// connections is the transport of a client that was given none.
func (c *Client) connections() http.RoundTripper {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.transport == nil {
		c.transport = http.DefaultTransport
		if t, ok := c.transport.(*http.Transport); ok {
			t = t.Clone()
			t.MaxIdleConnsPerHost = idleConnections
			c.transport = t
		}
	}
	return c.transport
}

// open sends one GET and checks the head of the answer. The caller closes the body.
func (c *Client) open(ctx context.Context, u *url.URL, header http.Header) (*http.Response, error) {
	fail := func(kind error, temporary bool, err error) error {
		return &Error{Op: "read", Place: u.Redacted(), Kind: kind, Err: err, temporary: temporary}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, fail(ErrRefused, false, errors.New("no address that could be asked"))
	}
	for k, v := range header {
		r.Header[k] = v
	}
	r.Header.Set("User-Agent", cmp.Or(c.UserAgent, "landing"))
	start := time.Now()
	resp, err := c.http().Do(r)
	if err != nil {
		var refused *Error
		if errors.As(err, &refused) {
			return nil, refused
		}
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err // its text repeats the address
		}
		return nil, fail(nil, ctx.Err() == nil, err)
	}
	c.log().DebugContext(ctx, "read", "url", u.Redacted(), "status", resp.StatusCode, "after", time.Since(start))
	switch s := resp.StatusCode; {
	case s == http.StatusOK, s == http.StatusPartialContent, s == http.StatusNotModified:
		return resp, nil
	case s == http.StatusNotFound, s == http.StatusGone:
		err = fail(ErrNotFound, false, fmt.Errorf("server answers %s", resp.Status))
	case s == http.StatusRequestedRangeNotSatisfiable:
		err = fail(nil, false, errRange)
	default:
		temporary := s >= 500 || s == http.StatusTooManyRequests || s == http.StatusRequestTimeout
		err = fail(nil, temporary, fmt.Errorf("server answers %s", resp.Status))
	}
	resp.Body.Close()
	return nil, err
}

// Stat asks for the size of a file of the tree, in bytes, -1 when the server
// does not say; there is false when it has none. It fails with ErrRefused for a
// path that leads out of the tree.
func (c *Client) Stat(ctx context.Context, place string) (size int64, there bool, err error) {
	base, err := c.base()
	if err != nil {
		return 0, false, err
	}
	u, err := locate(base, place)
	if err != nil {
		return 0, false, err
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.Timeout, defaultTimeout))
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodHead, u.String(), nil)
	if err != nil {
		return 0, false, err
	}
	r.Header.Set("User-Agent", cmp.Or(c.UserAgent, "landing"))
	r.Header.Set("Accept-Encoding", "identity") // the size of the file, not of its coding
	resp, err := c.http().Do(r)
	if err != nil {
		return 0, false, &Error{Op: "look at file", Place: u.Redacted(), Err: err}
	}
	resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusGone:
		return 0, false, nil
	case resp.StatusCode != http.StatusOK:
		return 0, false, &Error{Op: "look at file", Place: u.Redacted(), Err: fmt.Errorf("server answers %s", resp.Status)}
	}
	return resp.ContentLength, true, nil
}

// Open reads a file of the tree as it is stored: its size and signature are not
// checked, which [Client.Download] does. The caller closes it. Reading fails
// when the server sends nothing for a while. A path that leads out of the tree is
// ErrRefused, a missing file ErrNotFound.
func (c *Client) Open(ctx context.Context, place string) (io.ReadCloser, error) {
	base, err := c.base()
	if err != nil {
		return nil, err
	}
	u, err := locate(base, place)
	if err != nil {
		return nil, err
	}
	ctx, alive, stop := withPulse(ctx)
	resp, err := c.open(ctx, u, http.Header{"Accept-Encoding": {"identity"}})
	if err != nil {
		err = cause(ctx, err)
		stop()
		return nil, err
	}
	return &guarded{ctx: ctx, body: resp.Body, alive: alive, stop: stop}, nil
}

// guarded is a body that is read while its server sends something.
type guarded struct {
	ctx   context.Context
	body  io.ReadCloser
	alive io.Writer
	stop  func()
}

func (g *guarded) Read(b []byte) (int, error) {
	n, err := g.body.Read(b)
	_, _ = g.alive.Write(b[:n])
	if err != nil && err != io.EOF {
		err = cause(g.ctx, err)
	}
	return n, err
}

func (g *guarded) Close() error {
	g.stop()
	return g.body.Close()
}

// get reads one small file whole: at most limit bytes, counted after
// decompression, within the client's timeout.
func (c *Client) get(ctx context.Context, u *url.URL, limit int64, have validators, fresh bool) (answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, cmp.Or(c.Timeout, defaultTimeout), errSlow)
	defer cancel()
	header := http.Header{}
	if have.etag != "" {
		header.Set("If-None-Match", have.etag)
	}
	if have.modified != "" {
		header.Set("If-Modified-Since", have.modified)
	}
	if fresh { // a cache on the way may hold one half of a torn publication
		header.Set("Cache-Control", "no-cache")
	}
	resp, err := c.open(ctx, u, header)
	if err != nil {
		return answer{}, slow(ctx, err)
	}
	defer resp.Body.Close()
	a := answer{validators: validators{resp.Header.Get("ETag"), resp.Header.Get("Last-Modified")}}
	// Times have seconds, and the entity tags of common servers are made of times.
	if changed, err := http.ParseTime(a.modified); err == nil {
		now, err := http.ParseTime(resp.Header.Get("Date"))
		a.recent = err != nil || now.Sub(changed) < 2*time.Second
	}
	fail := func(kind error, temporary bool, err error) (answer, error) {
		return answer{}, slow(ctx, &Error{Op: "read", Place: u.Redacted(), Kind: kind, Err: err, temporary: temporary})
	}
	switch {
	case resp.StatusCode == http.StatusNotModified && have == validators{}:
		return fail(nil, true, errors.New("server answers 304 though nothing was stored"))
	case resp.StatusCode == http.StatusNotModified:
		a.unchanged = true
		return a, nil
	case resp.StatusCode != http.StatusOK:
		return fail(nil, true, fmt.Errorf("server answers %s to a request for the whole file", resp.Status))
	}
	body := io.Reader(resp.Body)
	switch enc := resp.Header.Get("Content-Encoding"); enc {
	case "", "identity":
	case "gzip": // the server insists on it, or the transport leaves it to us
		if body, err = gzip.NewReader(resp.Body); err != nil {
			return fail(ErrMalformed, true, fmt.Errorf("answer is no gzip: %w", err))
		}
	default:
		return fail(ErrMalformed, false, fmt.Errorf("answer is encoded as %.20q", enc))
	}
	a.data, err = io.ReadAll(io.LimitReader(body, limit+1))
	switch {
	case err != nil:
		return fail(nil, ctx.Err() == nil, fmt.Errorf("answer breaks off after %d bytes: %w", len(a.data), err))
	case int64(len(a.data)) > limit:
		return fail(ErrMalformed, false, fmt.Errorf("answer is larger than the limit of %d bytes", limit))
	}
	return a, nil
}

var (
	errSlow  = errors.New("server is too slow")
	errRange = errors.New("server has fewer bytes than were asked for")
)

// slow marks what failed for the client's own timeout as worth another try.
func slow(ctx context.Context, err error) error {
	var e *Error
	if context.Cause(ctx) == errSlow && errors.As(err, &e) {
		e.Err, e.temporary = errSlow, true
	}
	return err
}
