package launchpad

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

const (
	maxWait       = time.Minute
	maxOopsTries  = 2 // a repeated OOPS is a bug, a repeated timeout a query too large
	statusTooMany = http.StatusTooManyRequests
)

// tries travels in the context of one request, because the retry policy is
// told nothing about the request when it failed without an answer.
type tries struct {
	method string
	oops   int

	// A connection may break in the middle of an answer. With whole set, an
	// answer to a read counts as one when its body is here.
	whole bool
	body  []byte
	err   error // of reading the body
}

type triesKey struct{}

func (t *tries) with(r *retryablehttp.Request) *retryablehttp.Request {
	t.method = r.Method
	return r.WithContext(context.WithValue(r.Context(), triesKey{}, t))
}

// retrying wraps hc with the policy of this package: reads are sent again,
// writes never.
func (c *Client) retrying(hc *http.Client) *retryablehttp.Client {
	r := &retryablehttp.Client{
		HTTPClient:   hc,
		RetryMax:     c.Retries,
		RetryWaitMin: c.RetryWait,
		RetryWaitMax: maxWait,
		CheckRetry:   checkRetry,
		Backoff:      backoff,
		ErrorHandler: retryablehttp.PassthroughErrorHandler, // the typed error wants the last answer
	}
	if c.Logger != nil {
		r.Logger = c.Logger
	}
	switch {
	case c.Retries == 0:
		r.RetryMax = 5
	case c.Retries < 0:
		r.RetryMax = 0
	}
	if r.RetryWaitMin == 0 {
		r.RetryWaitMin = time.Second
	}
	return r
}

func checkRetry(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	t, _ := ctx.Value(triesKey{}).(*tries)
	if t == nil || isWrite(t.method) {
		return false, nil
	}
	if err != nil {
		return temporary(err), nil
	}
	if t.whole {
		t.body, t.err = readBody(resp, maxBody)
		resp.Body.Close()
		resp.Body = io.NopCloser(bytes.NewReader(t.body))
		if t.err != nil {
			return !errors.Is(t.err, errTooLarge) && ctx.Err() == nil, ctx.Err()
		}
	}
	switch resp.StatusCode {
	case statusTooMany, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		if !hasOOPS(resp) {
			return true, nil
		}
	case http.StatusInternalServerError:
	default:
		return false, nil
	}
	t.oops++
	return t.oops < maxOopsTries, nil
}

// hasOOPS reports whether the application itself failed; it peeks at the body
// because a timeout may come without the header.
func hasOOPS(resp *http.Response) bool {
	if resp.Header.Get("X-Lazr-OopsId") != "" {
		return true
	}
	head, _ := io.ReadAll(io.LimitReader(resp.Body, 512))
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), resp.Body), resp.Body}
	return isTimeoutName(string(bytes.TrimSpace(head)))
}

// temporary tells a broken connection from an error that will come again: a
// certificate, a scheme.
func temporary(err error) bool {
	ok, _ := retryablehttp.DefaultRetryPolicy(context.Background(), nil, err)
	return ok && !errors.Is(err, context.Canceled)
}

// backoff doubles with jitter. Retry-After is followed up to a minute, but not
// where the application timed out: there it is a guess that means nothing.
func backoff(low, high time.Duration, attempt int, resp *http.Response) time.Duration {
	if resp != nil && resp.Header.Get("Retry-After") != "" && resp.Header.Get("X-Lazr-OopsId") == "" {
		return min(retryablehttp.DefaultBackoff(low, high, attempt, resp), high)
	}
	d := low << min(attempt, 20)
	if d > high || d <= 0 {
		d = high
	}
	return d/2 + rand.N(d/2+1)
}
