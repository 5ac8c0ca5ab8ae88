package launchpad

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"regexp"
	"strings"
)

var livefsBuildPath = regexp.MustCompile(`^(?:(?:devel|beta|1\.0)/)?(~[^/]+/\+livefs/[^/]+/[^/]+/[^/]+/\+build/\d+)/?$`)

// LivefsLog opens the log of a livefs build, of one that failed to upload the log
// of the upload. The address is the build's page or entry, as other programs'
// logs hold it: one of launchpad.net means the same build at this client's
// Launchpad. The error is [fs.ErrNotExist] when Launchpad has no log of the build.
func (c *Client) LivefsLog(ctx context.Context, address string) (io.ReadCloser, error) {
	path, err := c.livefsBuildPath(address)
	if err != nil {
		return nil, err
	}
	b, err := c.LivefsBuild(ctx, path)
	if err != nil {
		return nil, err
	}
	log := b.LogURL
	if b.State == FailedToUpload && b.UploadLogURL != "" {
		log = b.UploadLogURL
	}
	switch log {
	case "":
		return nil, fmt.Errorf("the log of livefs build %s: %w; of a build that just ended it may take five minutes", b.SelfLink, fs.ErrNotExist)
	case Redacted:
		return nil, &Error{Method: "GET", URL: string(b.SelfLink), Kind: ErrPermission, Message: "the address of the log is hidden: the build is private"}
	}
	return c.Open(ctx, log)
}

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
	m := livefsBuildPath.FindStringSubmatch(path)
	if m == nil {
		return "", bad
	}
	return m[1], nil
}
