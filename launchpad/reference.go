package launchpad

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/landingteam/landing/launchpad/value"
)

// link is the URL of an entry on this client's web service. It takes a path
// below the root, or a URL of the web service or of the web pages, of any
// version: people paste either.
func (c *Client) link(ref string) (value.Link, error) {
	root, err := c.root()
	if err != nil {
		return "", err
	}
	path := strings.TrimPrefix(ref, "/")
	if strings.Contains(ref, "://") {
		u, err := url.Parse(ref)
		if err != nil {
			return "", fmt.Errorf("cannot use %.200q: not a URL", ref)
		}
		web, err := c.webRoot()
		if err != nil {
			return "", err
		}
		path = strings.Trim(u.Path, "/")
		switch {
		case sameHost(u, root) && strings.HasPrefix(u.Path, root.Path):
			path = strings.TrimSuffix(strings.TrimPrefix(u.Path, root.Path), "/")
		case sameHost(u, root) && !sameHost(u, web):
			_, path, _ = strings.Cut(path, "/") // another version
		case !sameHost(u, web):
			return "", fmt.Errorf("cannot use %s: want a page of %s or an entry of %s", safeURL(u), web, root)
		}
	}
	for _, s := range strings.Split(path, "/") {
		if s == "" || s == "." || s == ".." || strings.ContainsAny(s, "?#\\ \t\r\n") {
			return "", fmt.Errorf("cannot use %.200q: not the name of an entry", ref)
		}
	}
	return value.Link(root.Scheme + "://" + root.Host + root.Path + (&url.URL{Path: path}).EscapedPath()), nil
}

// archiveLink reads the ways of naming an archive.
func (c *Client) archiveLink(ref string) (value.Link, error) {
	if strings.Contains(ref, "://") || strings.Contains(ref, "/+archive/") {
		l, err := c.link(ref)
		if err == nil && !strings.Contains(string(l), "/+archive/") {
			err = fmt.Errorf("cannot use %.200q: not an archive", ref)
		}
		return l, err
	}
	name, isPPA := strings.CutPrefix(ref, "ppa:")
	parts := strings.Split(name, "/")
	if isPPA || strings.HasPrefix(name, "~") {
		owner := strings.TrimPrefix(parts[0], "~")
		switch len(parts) {
		case 2: // ppa:owner/name
			return c.link("~" + owner + "/+archive/ubuntu/" + parts[1])
		case 3:
			return c.link("~" + owner + "/+archive/" + parts[1] + "/" + parts[2])
		}
	} else if len(parts) == 1 && name != "" {
		return c.link(name + "/+archive/primary")
	} else if len(parts) == 2 {
		return c.link(name[:len(parts[0])] + "/+archive/" + parts[1])
	}
	return "", fmt.Errorf("cannot use %.200q: want ppa:OWNER/NAME, ~OWNER/DISTRIBUTION/NAME, DISTRIBUTION or a URL", ref)
}

// seriesLink is the link of a series, or of SERIES/TAG, of the distribution an
// archive belongs to: the segment after +archive, or before it for the primary
// archive.
func (c *Client) seriesLink(archive value.Link, v string) (value.Link, error) {
	if strings.Contains(v, "://") {
		return c.link(v)
	}
	before, after, ok := strings.Cut(string(archive), "/+archive/")
	if !ok {
		return "", fmt.Errorf("%.200q is not an archive", archive)
	}
	distribution := value.Link(before).Name()
	if d, _, isPPA := strings.Cut(after, "/"); isPPA {
		distribution = d
	}
	return c.link(distribution + "/" + v)
}

// splitPPA takes the link of a PPA apart: its owner, its distribution, its name.
func splitPPA(l value.Link) (owner, distribution value.Link, name string, ok bool) {
	before, after, ok := strings.Cut(string(l), "/+archive/")
	if !ok || !strings.HasPrefix(before[strings.LastIndexByte(before, '/')+1:], "~") {
		return "", "", "", false
	}
	d, name, ok := strings.Cut(after, "/")
	root := before[:strings.LastIndexByte(before, '/')+1]
	return value.Link(before), value.Link(root + d), unescape(name), ok
}
