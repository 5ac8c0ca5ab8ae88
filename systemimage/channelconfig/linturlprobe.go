package channelconfig

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/internal/host"
	"golang.org/x/sync/errgroup"
)

// An asked is a URL with the entries that name it.
type asked struct {
	url string
	by  []entryAt
	err error
}

// asked are the URLs of all sources, each once.
func (n *lint) asked() (list []*asked) {
	for _, e := range n.sources {
		for _, u := range e.source.urls() {
			if p, err := url.Parse(u); err != nil || p.Scheme != "http" && p.Scheme != "https" || p.Host == "" {
				continue
			}
			i := slices.IndexFunc(list, func(a *asked) bool { return a.url == u })
			if i < 0 {
				i, list = len(list), append(list, &asked{url: u})
			}
			list[i].by = append(list[i].by, e)
		}
	}
	return list
}

// urls asks every URL once, a few at a time.
func (n *lint) urls(ctx context.Context) error {
	if n.linter.Probe == nil {
		return nil
	}
	list := n.asked()
	var crew errgroup.Group
	crew.SetLimit(4)
	for _, a := range list {
		crew.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, cmp.Or(n.linter.Timeout, 20*time.Second))
			defer cancel()
			if a.err = ctx.Err(); a.err == nil {
				a.err = n.linter.Probe(ctx, a.url)
			}
			return nil
		})
	}
	_ = crew.Wait()
	if ctx.Err() != nil {
		return &systemimage.Error{Op: "ask the URLs of the configuration", Err: context.Cause(ctx)}
	}
	for _, a := range list {
		for _, e := range a.by {
			n.silent(a, e)
		}
	}
	return nil
}

// silent tells of a URL that does not answer.
func (n *lint) silent(a *asked, e entryAt) {
	if a.err == nil {
		return
	}
	severity, what := systemimage.Harmful, "the tarball"
	if a.url == e.source.Monitor {
		what = "the monitor"
	}
	if !e.auto {
		severity = systemimage.Risky
	}
	n.add("url-fails", severity, "import-images makes no image with it, and exits with 0; it was asked from here, which the server may not be",
		e.mistake("%s at %s does not answer: %s", what, bare(a.url), host.Shorten(a.err.Error())))
}

// bare is a URL without the secrets that may be in it.
func bare(u string) string {
	p, err := url.Parse(u)
	if err != nil {
		return "a URL that cannot be read"
	}
	if p.User != nil {
		p.User = url.User("...")
	}
	if p.RawQuery != "" {
		p.RawQuery = "..."
	}
	p.Fragment = ""
	return host.Shorten(host.HideSecrets(p.String()))
}

// ProbeURL returns a function for [Linter]: it asks a URL with HEAD, and
// where that is refused with GET for the first byte. The body is not read. An
// answer of 2xx is good. A nil client is one that follows redirects as the
// server's downloads do.
func ProbeURL(client *http.Client) func(ctx context.Context, url string) error {
	if client == nil {
		client = &http.Client{}
	}
	ask := func(ctx context.Context, method, address string) (int, error) {
		req, err := http.NewRequestWithContext(ctx, method, address, nil)
		if err != nil {
			return 0, errors.New("it is no URL")
		}
		if method == http.MethodGet {
			req.Header.Set("Range", "bytes=0-0")
		}
		resp, err := client.Do(req)
		if err != nil {
			var e *url.Error // repeats the URL, with what may be secret in it
			if errors.As(err, &e) {
				err = e.Err
			}
			return 0, err
		}
		_, _ = io.CopyN(io.Discard, resp.Body, 1)
		return resp.StatusCode, resp.Body.Close()
	}
	return func(ctx context.Context, address string) error {
		status, err := ask(ctx, http.MethodHead, address)
		if err == nil && status/100 != 2 {
			// Some servers know no HEAD, or say something else to it.
			status, err = ask(ctx, http.MethodGet, address)
		}
		switch {
		case err != nil:
			return err
		case status == http.StatusRequestedRangeNotSatisfiable:
			return errors.New("the file is empty")
		case status/100 != 2:
			return fmt.Errorf("status %d", status)
		}
		return nil
	}
}
