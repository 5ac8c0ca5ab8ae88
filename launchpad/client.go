package launchpad

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// defaultBaseURL is the web service this package is written for. Only devel
// has copyPackage and livefs; it may change without notice, which is why
// decoding is tolerant.
const defaultBaseURL = "https://api.launchpad.net/devel/"

// A Client talks to one Launchpad. The zero value reads the public parts of
// the production service. Set fields before first use; after that it is safe
// for use by many goroutines.
type Client struct {
	BaseURL string // root of the web service with its version; default https://api.launchpad.net/devel/
	WebURL  string // root of the web pages; default: BaseURL's host without "api."

	// HTTP is used for its Transport alone: a session cookie would be answered
	// from a database that lags behind, so cookies are never kept, and
	// redirects are followed here, where the credentials are known.
	HTTP *http.Client

	Credentials *Credentials // nil: anonymous
	Consumer    string       // name given when anonymous, and in User-Agent; default "landing"
	ReadOnly    bool         // every write fails with ErrReadOnly before it is sent

	Parallel  int           // most requests at a time within one call; default 4
	PageSize  int           // entries asked for at once; default and most 300
	Retries   int           // further attempts of a read; default 5, negative: none
	RetryWait time.Duration // pause before the first of them, doubling up to a minute; default 1 s
	Timeout   time.Duration // of one attempt, logs and files excepted; default 2 min

	Logger *slog.Logger // nil: silent

	Now   func() time.Time                                 // default time.Now
	Sleep func(ctx context.Context, d time.Duration) error // pause between two looks; default: a timer
}

const (
	maxBody      = 64 << 20 // of an answer in JSON
	maxRedirects = 5
)

// request is one call of the web service.
type request struct {
	method string
	url    string
	form   *params // body of a named operation
	body   any     // body in JSON, for PATCH
	etag   string  // If-None-Match of a read, If-Match of a write
	accept string
}

// reply is an answer read to its end.
type reply struct {
	url    string
	status int
	header http.Header
	body   []byte
}

func (r *reply) location() Link { return Link(r.header.Get("Location")) }

// get reads an entry or the result of a read operation into v. It reports
// false when the entry is still the one of etag.
func (c *Client) get(ctx context.Context, url, etag string, v any) (bool, error) {
	r, err := c.call(ctx, request{method: http.MethodGet, url: url, etag: etag})
	if err != nil {
		return false, err
	}
	if r.status == http.StatusNotModified {
		return false, nil
	}
	return true, r.decode(http.MethodGet, v)
}

// post runs a write operation on an entry.
func (c *Client) post(ctx context.Context, on Link, p *params) (*reply, error) {
	return c.call(ctx, request{method: http.MethodPost, url: string(on), form: p})
}

func (r *reply) decode(method string, v any) error {
	if err := json.Unmarshal(r.body, v); err != nil {
		at := ""
		var se *json.SyntaxError
		var te *json.UnmarshalTypeError
		switch {
		case bytes.HasPrefix(bytes.TrimSpace(r.body), []byte("<")):
			at = fmt.Sprintf("it is an HTML page %q: ", htmlTitle(string(r.body)))
		case errors.As(err, &se):
			at = fmt.Sprintf("byte %d of %d: ", se.Offset, len(r.body))
		case errors.As(err, &te) && te.Offset == 0:
			at = fmt.Sprintf("field %s: ", te.Field)
		case errors.As(err, &te):
			at = fmt.Sprintf("byte %d, field %s: ", te.Offset, te.Field)
		}
		u, _ := url.Parse(r.url)
		return &Error{Method: method, URL: safeURL(u), Status: r.status, Kind: ErrServer, Message: "cannot decode the answer: " + at + printable(err.Error())}
	}
	return nil
}

// call sends one request and reads the answer, following redirects of reads
// within the host.
func (c *Client) call(ctx context.Context, r request) (*reply, error) {
	if r.form != nil && r.form.err != nil {
		return nil, &Error{Method: r.method, URL: r.url, Kind: ErrRefused, Err: r.form.err}
	}
	for range maxRedirects {
		req, err := c.newRequest(ctx, r)
		if err != nil {
			return nil, err
		}
		rep, err := c.attempt(req)
		if err != nil {
			return nil, err
		}
		if rep.status < 300 || rep.status == http.StatusNotModified {
			return rep, nil
		}
		if r.method == http.MethodPatch && rep.status == http.StatusMovedPermanently {
			return rep, nil // the entry moved because of the write
		}
		next, err := req.URL.Parse(string(rep.location()))
		if err != nil || rep.location() == "" {
			return nil, &Error{Method: r.method, URL: safeURL(req.URL), Status: rep.status, Kind: ErrServer, Message: "redirect to nowhere"}
		}
		if isWrite(r.method) {
			e := &Error{Method: r.method, URL: safeURL(req.URL), Status: rep.status, Kind: ErrRefused, Message: "nothing was done: it belongs to " + safeURL(next)}
			if rep.status == http.StatusSeeOther { // what is said after a write
				e.Kind, e.Message, e.Ambiguous = ErrServer, "sent on to "+safeURL(next), true
			}
			return nil, e
		}
		r.url = next.String()
	}
	return nil, &Error{Method: r.method, URL: r.url, Kind: ErrServer, Message: "redirected too often"}
}

func (c *Client) newRequest(ctx context.Context, r request) (*retryablehttp.Request, error) {
	root, err := c.root()
	if err != nil {
		return nil, err
	}
	u, err := root.Parse(r.url)
	if err != nil {
		return nil, fmt.Errorf("cannot call %.200q: %w", r.url, err)
	}
	if c.ReadOnly && isWrite(r.method) {
		return nil, &Error{Method: r.method, URL: safeURL(u), Kind: ErrReadOnly}
	}
	if !sameHost(u, root) {
		return nil, &Error{Method: r.method, URL: safeURL(u), Kind: ErrRefused, Message: "not a URL of " + root.Scheme + "://" + root.Host}
	}
	var body []byte
	kind := ""
	switch {
	case r.form != nil:
		body, kind = []byte(r.form.values.Encode()), "application/x-www-form-urlencoded"
	case r.body != nil:
		if body, err = json.Marshal(r.body); err != nil {
			return nil, err
		}
		kind = "application/json"
	}
	var payload any
	if body != nil {
		payload = body
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, r.method, u.String(), payload)
	if err != nil {
		return nil, fmt.Errorf("cannot call %s: %w", safeURL(u), err)
	}
	req.Header.Set("Accept", orText(r.accept, "application/json"))
	req.Header.Set("User-Agent", c.consumer())
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if r.etag != "" {
		name := "If-None-Match"
		if isWrite(r.method) {
			name = "If-Match"
		}
		req.Header.Set(name, r.etag)
	}
	req.Header.Set("Authorization", c.Credentials.header(c.consumer(), c.now()))
	return req, nil
}

// attempt sends the request, reads again when that is allowed, and turns any
// answer that is no success or redirect into an error.
func (c *Client) attempt(req *retryablehttp.Request) (*reply, error) {
	hc := c.httpClient()
	hc.Timeout = c.Timeout
	if hc.Timeout == 0 {
		hc.Timeout = 2 * time.Minute
	}
	t := &tries{whole: !isWrite(req.Method)}
	resp, err := c.retrying(hc).Do(t.with(req))
	if err != nil {
		return nil, transportError(req.Request, err)
	}
	defer resp.Body.Close()
	body, err := t.body, t.err
	if !t.whole {
		body, err = readBody(resp, maxBody)
	}
	if err != nil {
		return nil, transportError(req.Request, err)
	}
	if resp.StatusCode >= 400 || resp.StatusCode < 200 {
		return nil, responseError(req.Request, resp, body, c.Credentials)
	}
	return &reply{url: req.URL.String(), status: resp.StatusCode, header: resp.Header, body: body}, nil
}

// httpClient is the caller's client without cookies and without redirects.
func (c *Client) httpClient() *http.Client {
	hc := &http.Client{}
	if c.HTTP != nil {
		hc.Transport = c.HTTP.Transport
	}
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return hc
}

var errTooLarge = errors.New("the answer is larger")

// readBody reads at most limit bytes, unpacked if the transport did not.
func readBody(resp *http.Response, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err == nil && resp.Header.Get("Content-Encoding") == "gzip" && bytes.HasPrefix(b, []byte{0x1f, 0x8b}) {
		var z *gzip.Reader
		if z, err = gzip.NewReader(bytes.NewReader(b)); err == nil {
			b, err = io.ReadAll(io.LimitReader(z, limit+1))
		}
	}
	if err != nil {
		return nil, fmt.Errorf("reading the answer after %d bytes: %w", len(b), err)
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%w than %d MiB", errTooLarge, limit>>20)
	}
	return b, nil
}

func (c *Client) root() (*url.URL, error) {
	u, err := url.Parse(orText(c.BaseURL, defaultBaseURL))
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return nil, errors.New("launchpad: BaseURL is not a URL like " + defaultBaseURL)
	}
	if u.Scheme == "http" && c.Credentials != nil && !isLoopback(u.Hostname()) {
		return nil, errors.New("launchpad: BaseURL is not https: credentials would be sent in the clear")
	}
	if !strings.HasSuffix(u.Path, "/") {
		u.Path += "/"
	}
	return u, nil
}

func (c *Client) webRoot() (*url.URL, error) {
	root, err := c.root()
	if err != nil {
		return nil, err
	}
	if c.WebURL == "" {
		return &url.URL{Scheme: root.Scheme, Host: strings.TrimPrefix(root.Host, "api."), Path: "/"}, nil
	}
	u, err := url.Parse(c.WebURL)
	if err != nil || u.Scheme != root.Scheme || u.Host == "" || u.User != nil {
		return nil, errors.New("launchpad: WebURL is not a URL like https://launchpad.net/")
	}
	u.Path = "/"
	return u, nil
}

func sameHost(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Host, b.Host) && a.User == nil
}

func isLoopback(host string) bool {
	return host == "localhost" || host == "::1" || strings.HasPrefix(host, "127.") || strings.HasSuffix(host, ".test")
}

func (c *Client) consumer() string { return orText(c.Consumer, "landing") }

func (c *Client) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

func (c *Client) sleep(ctx context.Context, d time.Duration) error {
	if c.Sleep != nil {
		return c.Sleep(ctx, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func (c *Client) log() *slog.Logger {
	if c.Logger != nil {
		return c.Logger
	}
	return slog.New(slog.DiscardHandler)
}

func orText(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
