package launchpad

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/landingteam/landing/launchpad/value"
)

const (
	maxLog   = 1 << 30
	maxTail  = 256 << 20       // of it are held at once
	logDelay = 5 * time.Minute // Launchpad fetches the log from the builder after the end
)

// LivefsLog opens the log of a build of a live file system, of one that failed to
// upload the log of the upload. The address is that of the build's page or entry, as
// the logs of other programs hold it: one of launchpad.net means the same build at
// this client's Launchpad. The log arrives unpacked, and reading ends with an error
// where it is longer than a GiB. The caller closes it.
//
// The error is [fs.ErrNotExist] when the build has no log; that of one that just
// ended may take five minutes. [Client.BuildLog] waits for it.
func (c *Client) LivefsLog(ctx context.Context, address string) (io.ReadCloser, error) {
	b, err := c.LivefsBuild(ctx, address)
	if err != nil {
		return nil, err
	}
	return c.openLog(ctx, b)
}

// LivefsBuild reads the build of a live file system at an address as for
// [Client.LivefsLog].
func (c *Client) LivefsBuild(ctx context.Context, address string) (*Build, error) {
	path, err := c.livefsBuildPath(address)
	if err != nil {
		return nil, err
	}
	return c.Build(ctx, path)
}

// openLog opens the log that says why a build ended.
func (c *Client) openLog(ctx context.Context, b *Build) (io.ReadCloser, error) {
	log := b.LogURL
	if b.State == FailedToUpload && b.UploadLogURL != "" {
		log = b.UploadLogURL
	}
	none := &Error{Method: http.MethodGet, URL: string(b.SelfLink)}
	switch log {
	case "":
		none.Kind, none.Err = ErrNotFound, fs.ErrNotExist
		none.Message = "the build has no log (it is " + string(b.State) + "); of one that just ended it may take five minutes"
		return nil, none
	case string(value.Redacted):
		none.Kind, none.Message = ErrPermission, "the address of the log is hidden: the build is private"
		return nil, none
	}
	r, err := c.Open(ctx, log)
	if err != nil {
		return nil, err
	}
	return readCloser{&boundedReader{r, maxLog}, r}, nil
}

// BuildLog reads the log of b, as [Client.LivefsLog] does; with tail above zero only
// its last tail bytes. The log of a build that just ended may come late: BuildLog
// then waits up to five minutes for it. Logs hold bytes that are no UTF-8 and escape
// sequences for terminals; they are handed over as they are.
func (c *Client) BuildLog(ctx context.Context, b *Build, tail int64) ([]byte, error) {
	ended := func() bool { return b.State.Final() || b.State.Failed() }
	for end := c.now().Add(logDelay); b.LogURL == "" && ended() && c.now().Before(end); {
		if err := c.sleep(ctx, 15*time.Second); err != nil {
			return nil, err
		}
		if _, err := c.reload(ctx, b); err != nil {
			return nil, err
		}
	}
	r, err := c.openLog(ctx, b)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	text, err := readTail(r, tail)
	if err != nil {
		return nil, fmt.Errorf("cannot read the log of %s: %w", b.Title, err)
	}
	return text, nil
}

// boundedReader fails after left bytes.
type boundedReader struct {
	r    io.Reader
	left int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n, errLongLog
	}
	return n, err
}

var errLongLog = errors.New("the log is longer than a GiB")

// readTail reads all of r, or only what stands at its end.
func readTail(r io.Reader, tail int64) ([]byte, error) {
	if tail <= 0 || tail > maxTail {
		tail = maxTail
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

const livefsBuild = `^(?:(?:devel|beta|1\.0)/)?(~[^/]+/\+livefs/[^/]+/[^/]+/[^/]+/\+build/\d+)/?$`

// livefsBuildPath is the path of a livefs build below the root of the web
// service.
func (c *Client) livefsBuildPath(address string) (string, error) {
	root, err := c.root()
	if err != nil {
		return "", err
	}
	web, err := c.webRoot()
	if err != nil {
		return "", err
	}
	bad := fmt.Errorf("cannot use %.200q: a livefs build is https://launchpad.net/~owner/+livefs/distribution/series/name/+build/number", address)
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return "", bad
	}
	path := strings.TrimPrefix(u.Path, "/")
	switch {
	case sameHost(u, root):
		path = strings.TrimPrefix(u.Path, root.Path)
		path = strings.TrimPrefix(path, "/")
	case sameHost(u, web), u.Host == "launchpad.net", u.Host == "api.launchpad.net":
	default:
		return "", bad
	}
	m := regexp.MustCompile(livefsBuild).FindStringSubmatch(path)
	if m == nil {
		return "", bad
	}
	return m[1], nil
}
