package launchpad

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
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
	Consumer    string       // name of the program: to log in, when anonymous, and in User-Agent; default "landing"
	ReadOnly    bool         // every write fails with ErrReadOnly before it is sent

	Parallel  int           // most requests at a time within one call; default 4
	PageSize  int           // entries asked for at once; default and most 300
	Retries   int           // further attempts of a read; default 5, negative: none
	RetryWait time.Duration // pause before the first of them, doubling up to a minute; default 1 s
	Timeout   time.Duration // of one attempt, logs and files excepted; default 2 min

	Logger *slog.Logger // nil: silent

	Now   func() time.Time                                 // default time.Now
	Sleep func(ctx context.Context, d time.Duration) error // pause between two looks; default: a timer

	slots chan struct{} // of a limited copy: one place for each request under way
}

func (c *Client) root() (*url.URL, error) {
	u, err := url.Parse(cmp.Or(c.BaseURL, defaultBaseURL))
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

func (c *Client) consumer() string { return cmp.Or(c.Consumer, "landing") }

// together runs functions side by side, as many at a time as there may be
// requests. The first error ends the others.
func (c *Client) together(ctx context.Context, tasks ...func(context.Context) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(c.parallel())
	for _, task := range tasks {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return task(ctx)
		})
	}
	return g.Wait()
}

// limited is a copy of the client that has no more requests at a time under way
// than Parallel says, however many functions use it.
func (c *Client) limited() *Client {
	l := *c
	l.slots = make(chan struct{}, c.parallel())
	return &l
}

func (c *Client) parallel() int {
	if c.Parallel <= 0 {
		return 4
	}
	return c.Parallel
}

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
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func (c *Client) log() *slog.Logger { return cmp.Or(c.Logger, slog.New(slog.DiscardHandler)) }
