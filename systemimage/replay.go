package systemimage

import (
	"context"
	"fmt"
	"net/url"
	"time"
)

// advance notes the time of an index and refuses one that is older than what
// was seen at the same address: somebody may serve an old tree that was
// properly signed in its day. With a cache, what was verified is remembered
// beyond this process.
func (c *Client) advance(ctx context.Context, s PublishedFile, x *Index) error {
	at, err := x.Generated()
	kept := c.Cache != "" && s.Verified
	mark := &url.URL{Path: s.URL, Fragment: "newest"}
	file := cacheFile(c.Cache, mark)
	c.mu.Lock()
	defer c.mu.Unlock()
	before, ok := c.newestSeen(ctx, s.URL, kept)
	if ok && (err != nil || at.Before(before)) {
		where := ""
		if kept {
			where = "; if that is as it should be, remove " + file
		}
		return &Error{Op: "read index", Place: s.URL, Kind: ErrReplayed,
			Err: fmt.Errorf("index of %q, but one of %s was seen before: the server went back in time or a mirror lags behind%s",
				x.GeneratedAt, before.Format(time.RFC3339), where)}
	}
	if err != nil {
		return nil
	}
	if kept && (!ok || at.After(before)) {
		if err := store(file, mark, answer{data: []byte(at.Format(time.RFC3339))}); err != nil {
			c.log().WarnContext(ctx, "cannot keep the time of an index", "url", s.URL, "error", err)
		}
	}
	if c.seen == nil {
		c.seen = make(map[string]time.Time)
	}
	c.seen[s.URL] = at
	return nil
}

// newestSeen is the time of the newest index that was seen at an address. c.mu is held.
func (c *Client) newestSeen(ctx context.Context, address string, kept bool) (before time.Time, ok bool) {
	if before, ok = c.seen[address]; ok || !kept {
		return before, ok
	}
	mark := &url.URL{Path: address, Fragment: "newest"}
	before, err := time.Parse(time.RFC3339, string(c.load(ctx, cacheFile(c.Cache, mark), mark, 64).data))
	return before, err == nil
}

// Replayed is ErrReplayed when an index that was not read over the network, but on the
// server itself, was made before the newest one that this client has seen at its path:
// somebody has put an old one back. nil is also that none was seen.
func (c *Client) Replayed(ctx context.Context, path string, made time.Time) error {
	base, err := c.base()
	if err != nil {
		return err
	}
	u, err := locate(base, path)
	if err != nil {
		return err
	}
	c = c.own()
	c.mu.Lock()
	defer c.mu.Unlock()
	before, ok := c.newestSeen(ctx, u.Redacted(), c.Cache != "" && c.Trust != nil)
	if !ok || !made.Before(before) {
		return nil
	}
	where := ""
	if c.Cache != "" {
		where = "; if that is as it should be, remove " + cacheFile(c.Cache, &url.URL{Path: u.Redacted(), Fragment: "newest"})
	}
	return &Error{Op: "read index", Place: u.Redacted(), Kind: ErrReplayed,
		Err: fmt.Errorf("index of %s, but one of %s was seen before%s", made.Format(time.RFC3339), before.Format(time.RFC3339), where)}
}
