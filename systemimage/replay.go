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
	before, ok := c.seen[s.URL]
	if !ok && kept {
		var perr error
		before, perr = time.Parse(time.RFC3339, string(c.load(ctx, file, mark, 64).data))
		ok = perr == nil
	}
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
