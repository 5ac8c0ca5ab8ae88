package launchpad

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/hashicorp/go-retryablehttp"
)

// Open reads a file of a build or a publication. Launchpad answers with a
// redirect to another host; the token is never sent there. A private file is asked
// for again through the web service, which knows the token. Logs arrive unpacked,
// other files as they are. The caller closes it.
func (c *Client) Open(ctx context.Context, file string) (io.ReadCloser, error) {
	root, err := c.root()
	if err != nil {
		return nil, err
	}
	web, err := c.webRoot()
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(file)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != root.Scheme) {
		return nil, fmt.Errorf("cannot open %.200q: not a URL of Launchpad", file)
	}
	onService := sameHost(u, root) && strings.HasPrefix(u.Path, root.Path)
	if !onService && !sameHost(u, web) {
		return c.openAt(ctx, u, nil)
	}
	path := strings.TrimPrefix(u.EscapedPath(), "/")
	if onService {
		path = strings.TrimPrefix(u.EscapedPath(), root.EscapedPath())
	}
	public, err1 := web.Parse(path)
	private, err2 := root.Parse(path)
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("cannot open %.200q: %w", file, err)
	}
	if !onService || c.Credentials == nil {
		body, err := c.openAt(ctx, public, nil)
		if err == nil || c.Credentials == nil || !maybePrivate(err) {
			return body, err
		}
	}
	return c.openAt(ctx, private, root)
}

// maybePrivate reports whether the web host hid a file from who is not logged in.
func maybePrivate(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.Kind == ErrPermission || e.Kind == ErrToken || e.Kind == ErrNotFound || e.Status == http.StatusForbidden)
}

// openAt follows redirects from u; only requests to authorised's host carry
// the token.
func (c *Client) openAt(ctx context.Context, u, authorised *url.URL) (io.ReadCloser, error) {
	hc := c.httpClient()
	rc := c.retrying(hc)
	rc.Logger = nil // the addresses of private files hold tokens
	isLog := strings.HasSuffix(u.Path, ".txt.gz")
	for range maxRedirects {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
		if err != nil {
			return nil, fmt.Errorf("cannot open %s: %w", safeURL(u), err)
		}
		req.Header.Set("User-Agent", c.consumer())
		if authorised != nil && sameHost(u, authorised) {
			req.Header.Set("Authorization", c.Credentials.header(c.consumer(), c.now()))
		}
		resp, err := c.openOnce(rc, req)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode < 300 {
			return unpacked(resp, isLog)
		}
		resp.Body.Close()
		next, err := u.Parse(resp.Header.Get("Location"))
		if err != nil || next.Host == "" || next.User != nil || (next.Scheme != "https" && next.Scheme != u.Scheme) {
			return nil, &Error{Method: req.Method, URL: safeURL(u), Status: resp.StatusCode, Kind: ErrServer, Message: "redirect to a place that cannot be trusted"}
		}
		if strings.Contains(next.Path, "+login") || strings.HasPrefix(next.Host, "login.") {
			return nil, &Error{Method: req.Method, URL: safeURL(u), Status: resp.StatusCode, Kind: ErrPermission, Message: "the file is private"}
		}
		u = next
	}
	return nil, &Error{Method: http.MethodGet, URL: safeURL(u), Kind: ErrServer, Message: "redirected too often"}
}

// openOnce sends req through the retry policy; an answer that is no success
// and no redirect is an error.
func (c *Client) openOnce(rc *retryablehttp.Client, req *http.Request) (*http.Response, error) {
	r, err := retryablehttp.FromRequest(req)
	if err != nil {
		return nil, err
	}
	resp, err := rc.Do(new(tries).with(r))
	if err != nil {
		return nil, transportError(req, err)
	}
	if resp.StatusCode >= 200 && resp.StatusCode < 400 {
		return resp, nil
	}
	defer resp.Body.Close()
	body, err := readBody(resp, 64<<10)
	if err != nil {
		body = nil
	}
	return nil, responseError(req, resp, body, c.Credentials)
}

// unpacked is the body of resp; a log that is still packed is unpacked. Its
// host packs logs whether asked to or not.
func unpacked(resp *http.Response, isLog bool) (io.ReadCloser, error) {
	if !isLog && resp.Header.Get("Content-Encoding") != "gzip" {
		return resp.Body, nil
	}
	if isLog && strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		defer resp.Body.Close()
		page, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
		return nil, &Error{Method: http.MethodGet, URL: safeURL(resp.Request.URL), Status: resp.StatusCode, Kind: ErrServer,
			Message: printable(fmt.Sprintf("it is an HTML page %q and no log", htmlTitle(string(page))))}
	}
	br := bufio.NewReader(resp.Body)
	if head, _ := br.Peek(2); string(head) != "\x1f\x8b" {
		return readCloser{br, resp.Body}, nil
	}
	z, err := gzip.NewReader(br)
	if err != nil {
		resp.Body.Close()
		return nil, fmt.Errorf("cannot unpack %s: %w", safeURL(resp.Request.URL), err)
	}
	return readCloser{z, resp.Body}, nil
}

type readCloser struct {
	io.Reader
	io.Closer
}
