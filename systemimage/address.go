package systemimage

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// base returns the parsed BaseURL.
func (c *Client) base() (*url.URL, error) {
	u, err := url.Parse(c.BaseURL)
	switch {
	case c.BaseURL == "":
		err = errors.New("is empty: set it to the address of the image server, such as https://system-image.example.org")
	case err != nil:
		err = errors.New("is no URL") // without repeating it: it may hold a password
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		err = errors.New("is no http or https URL of a host")
	case u.RawQuery != "" || u.Fragment != "":
		err = errors.New("has a query or a fragment")
	}
	if err != nil {
		return nil, &Error{Op: "read image server", Place: "Client.BaseURL", Kind: ErrRefused, Err: err}
	}
	return u, nil
}

// locate turns a path out of a published document into an address on the same
// server. Devices join paths as URLs and follow them anywhere; here whatever
// leads to another host, or up and out of the tree, is refused.
func locate(base *url.URL, path string) (*url.URL, error) {
	place, why := below(base, path)
	if why != "" {
		return nil, &Error{Op: "locate file", Place: fmt.Sprintf("%.200q", path), Kind: ErrRefused, Err: errors.New(why)}
	}
	to := *base
	to.Path = strings.TrimRight(base.Path, "/") + "/" + strings.TrimLeft(place, "/")
	to.RawPath = ""
	return &to, nil
}

// below returns a path below the root of the tree, or why there is none.
func below(base *url.URL, path string) (place, why string) {
	if path == "" {
		return "", "path is empty"
	}
	if strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }) {
		return "", "path has a control character or a backslash"
	}
	u, err := url.Parse(path)
	if err != nil {
		return "", "path is no URL path"
	}
	if u.Scheme != "" || u.Host != "" || u.User != nil {
		if why := ownHost(base, u); why != "" {
			return "", why
		}
	}
	if u.Opaque != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return "", "path has a query or a fragment"
	}
	escaped := strings.ToLower(u.EscapedPath())
	for _, separator := range []string{"%2f", "%5c", "%00"} {
		if strings.Contains(escaped, separator) {
			return "", "path hides a separator"
		}
	}
	for part := range strings.SplitSeq(u.Path, "/") {
		if part == "." || part == ".." {
			return "", `path has a "." or ".." in it`
		}
	}
	return u.Path, ""
}

// ownHost takes server and root off a whole address, or says why they are others.
func ownHost(base, u *url.URL) (why string) {
	if u.User != nil || cmp.Or(u.Scheme, base.Scheme) != base.Scheme || !strings.EqualFold(u.Host, base.Host) {
		return "address is on another server than " + base.Host
	}
	rest, ok := strings.CutPrefix(u.Path, strings.TrimRight(base.Path, "/")+"/")
	if !ok {
		return "address is outside of the tree at " + base.Redacted()
	}
	u.Path = rest
	return ""
}
