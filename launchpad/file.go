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
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

const (
	maxLog   = 256 << 20
	logDelay = 5 * time.Minute // Launchpad fetches the log from the builder after the end
)

// build is a *Build or a *LivefsBuild.
type build interface {
	entry
	common() *BuildCommon
}

func (b *BuildCommon) common() *BuildCommon { return b }

// BuildLog reads the log of b, a *[Build] or a *[LivefsBuild]; with tail above zero
// only its last tail bytes. The log of a build that just ended may come late:
// BuildLog then waits up to five minutes for it. Logs hold bytes that are no UTF-8
// and escape sequences for terminals; they are handed over as they are.
func (c *Client) BuildLog(ctx context.Context, b build, tail int64) ([]byte, error) {
	e := b.common()
	for end := c.now().Add(logDelay); e.LogURL == "" || e.LogURL == Redacted; {
		if e.LogURL == Redacted || !(e.State.Final() || e.State.Failed()) || !c.now().Before(end) {
			return nil, &Error{Method: http.MethodGet, URL: string(e.SelfLink), Kind: ErrNotFound, Message: "the build has no log (it is " + string(e.State) + ")"}
		}
		if err := c.sleep(ctx, 15*time.Second); err != nil {
			return nil, err
		}
		if _, err := c.Reload(ctx, b); err != nil {
			return nil, err
		}
	}
	r, err := c.Open(ctx, e.LogURL)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	text, err := readTail(r, tail)
	if err != nil {
		return nil, fmt.Errorf("cannot read the log of %s: %w", e.Title, err)
	}
	return text, nil
}

// readTail reads all of r, or only what stands at its end.
func readTail(r io.Reader, tail int64) ([]byte, error) {
	if tail <= 0 || tail > maxLog {
		tail = maxLog
	}
	var kept []byte
	buf := make([]byte, 64<<10)
	for total := int64(0); ; {
		n, err := r.Read(buf)
		total += int64(n)
		kept = append(kept, buf[:n]...)
		if int64(len(kept)) > 2*tail+int64(len(buf)) {
			kept = append(kept[:0], kept[int64(len(kept))-tail:]...)
		}
		if total > 4*maxLog {
			return nil, fmt.Errorf("longer than %d MiB", 4*maxLog>>20)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("after %d bytes: %w", total, err)
		}
	}
	if int64(len(kept)) > tail {
		kept = kept[int64(len(kept))-tail:]
	}
	return kept, nil
}

// Open reads a file of a build, a publication or a livefs build. Launchpad
// answers with a redirect to another host; the token is never sent there. A
// private file is asked for again through the web service, which knows the
// token. Logs arrive unpacked, other files as they are. The caller closes it.
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
	public, err := web.Parse(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open %.200q: %w", file, err)
	}
	if !onService || c.Credentials == nil {
		body, err := c.openAt(ctx, public, nil)
		var e *Error
		if err == nil || c.Credentials == nil || !errors.As(err, &e) || (e.Kind != ErrPermission && e.Kind != ErrToken && e.Kind != ErrNotFound && e.Status != http.StatusForbidden) {
			return body, err
		}
	}
	private, err := root.Parse(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open %.200q: %w", file, err)
	}
	return c.openAt(ctx, private, root)
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
