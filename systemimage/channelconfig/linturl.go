package channelconfig

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/internal/host"
)

// urls asks every URL once, a few at a time.
func (n *lint) urls(ctx context.Context) error {
	if n.linter.Probe == nil {
		return nil
	}
	type asked struct {
		by  []placed
		err error
	}
	var order []string
	all := map[string]*asked{}
	for _, s := range n.sources {
		for _, u := range s.urls() {
			if p, err := url.Parse(u); err != nil || p.Scheme != "http" && p.Scheme != "https" || p.Host == "" {
				continue
			}
			if all[u] == nil {
				all[u] = &asked{}
				order = append(order, u)
			}
			all[u].by = append(all[u].by, s)
		}
	}
	const parallel = 4
	work := make(chan string)
	var done sync.WaitGroup
	for range min(parallel, len(order)) {
		done.Go(func() {
			for u := range work {
				ctx, cancel := context.WithTimeout(ctx, cmp.Or(n.linter.Timeout, 20*time.Second))
				all[u].err = n.linter.Probe(ctx, u)
				cancel()
			}
		})
	}
	for _, u := range order {
		if ctx.Err() != nil {
			break
		}
		select {
		case work <- u:
		case <-ctx.Done():
		}
	}
	close(work)
	done.Wait()
	if ctx.Err() != nil {
		return &systemimage.Error{Op: "ask the URLs of the configuration", Err: context.Cause(ctx)}
	}
	for _, u := range order {
		if all[u].err == nil {
			continue
		}
		for _, s := range all[u].by {
			severity, what := systemimage.Harmful, "the tarball"
			if u == s.Monitor {
				what = "the monitor"
			}
			if !s.auto {
				severity = systemimage.Risky
			}
			n.add(severity, "url-fails", s.section, s.key, fmt.Sprintf("%s at %s does not answer: %s", what, bare(u), host.Shorten(all[u].err.Error())),
				"import-images makes no image with it, and exits with 0; it was asked from here, which the server may not be")
		}
	}
	return nil
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
