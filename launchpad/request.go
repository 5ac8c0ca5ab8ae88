package launchpad

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/landingteam/landing/launchpad/value"
)

const (
	maxBody      = 64 << 20 // of an answer in JSON
	maxRedirects = 5
)

// request is one call of the web service.
type request struct {
	method string
	url    string
	form   *params // body of a named operation
	etag   string  // If-None-Match of a read
	accept string
}

// reply is an answer read to its end.
type reply struct {
	url    string
	status int
	header http.Header
	body   []byte
}

func (r *reply) location() value.Link { return value.Link(r.header.Get("Location")) }

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

// write runs a write operation on an entry. Launchpad answers it with 200 and null;
// anything else with a status of success comes from somewhere on the way, such as the
// login page of a network, and says nothing about the write.
func (c *Client) write(ctx context.Context, on value.Link, p *params) error {
	r, err := c.call(ctx, request{method: http.MethodPost, url: string(on), form: p})
	if err == nil && (r.status != http.StatusOK || string(bytes.TrimSpace(r.body)) != "null") {
		err = r.unclear("the answer is not Launchpad's")
	}
	return err
}

// create runs an operation that makes something, and returns its link. Launchpad
// answers it with 201 and that link.
func (c *Client) create(ctx context.Context, on value.Link, p *params) (value.Link, error) {
	r, err := c.call(ctx, request{method: http.MethodPost, url: string(on), form: p})
	if err != nil {
		return "", err
	}
	made, err := url.Parse(string(r.location()))
	switch at, _ := url.Parse(r.url); {
	case r.status != http.StatusCreated:
		return "", r.unclear("the answer is not Launchpad's")
	case err != nil || made.Host == "":
		return "", r.unclear("created, but not said where")
	case !sameHost(made, at):
		return "", r.unclear("created at " + safeURL(made) + ", which is not of this Launchpad")
	}
	return r.location(), nil
}

// unclear is the error of an answer that does not tell what became of a write.
func (r *reply) unclear(why string) *Error {
	u, _ := url.Parse(r.url)
	e := &Error{Method: http.MethodPost, URL: safeURL(u), Status: r.status, Kind: ErrServer, Doubt: true, Message: why}
	if text := bytes.TrimSpace(r.body); bytes.HasPrefix(text, []byte("<")) {
		e.Message += printable(fmt.Sprintf(": it is an HTML page %q", htmlTitle(string(text))))
	}
	return e
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
		rep, err := c.inTurn(req)
		if err != nil {
			return nil, err
		}
		if rep.status < 300 || rep.status == http.StatusNotModified {
			return rep, nil
		}
		next, err := req.URL.Parse(string(rep.location()))
		if err != nil || rep.location() == "" {
			return nil, &Error{Method: r.method, URL: safeURL(req.URL), Status: rep.status, Kind: ErrServer, Message: "redirect to nowhere"}
		}
		if isWrite(r.method) {
			e := &Error{Method: r.method, URL: safeURL(req.URL), Status: rep.status, Kind: ErrRefused, Message: "nothing was done: it belongs to " + safeURL(next)}
			if rep.status == http.StatusSeeOther { // what is said after a write
				e.Kind, e.Message, e.Doubt = ErrServer, "sent on to "+safeURL(next), true
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
	var payload any
	if r.form != nil {
		payload = []byte(r.form.values.Encode())
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, r.method, u.String(), payload)
	if err != nil {
		return nil, fmt.Errorf("cannot call %s: %w", safeURL(u), err)
	}
	req.Header.Set("Accept", cmp.Or(r.accept, "application/json"))
	req.Header.Set("User-Agent", c.consumer())
	if r.form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if r.etag != "" {
		req.Header.Set("If-None-Match", r.etag)
	}
	req.Header.Set("Authorization", c.Credentials.header(c.consumer(), c.now()))
	return req, nil
}

// inTurn waits for a place, where the client has few.
func (c *Client) inTurn(req *retryablehttp.Request) (*reply, error) {
	select {
	case <-req.Context().Done(): // nothing was sent
		e := transportError(req.Request, req.Context().Err())
		e.Doubt = false
		return nil, e
	default:
	}
	if c.slots != nil {
		c.slots <- struct{}{}
		defer func() { <-c.slots }()
	}
	return c.attempt(req)
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
