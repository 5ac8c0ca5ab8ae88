package launchpad

import (
	"context"
	"fmt"
)

// A CopyRequest asks for one version of one source package to be copied. The
// usual way is a [Plan], which asks for many and follows them.
type CopyRequest struct {
	Source, Version      string
	From, To             Link   // archives
	FromSeries, ToSeries string // names; pin FromSeries, else the newest row of any series is taken
	FromPocket, ToPocket Pocket // default Release
	Binaries             bool   // with its binaries; else everything is built again
	Unembargo            bool   // from a private archive into a public one: irreversible
}

// RequestCopy queues a copy. Success means no more than that: whether the copy
// is made shows only in the target, and its failure nowhere in the web
// service. An ErrRefused says why it was not even queued. It is
// never sent twice; see [Error.Ambiguous].
func (c *Client) RequestCopy(ctx context.Context, r CopyRequest) error {
	p := op("copyPackage").text("source_name", r.Source).text("version", r.Version).text("from_archive", string(r.From)).
		text("from_series", r.FromSeries).text("from_pocket", string(r.FromPocket)).text("to_series", r.ToSeries).
		text("to_pocket", orText(string(r.ToPocket), string(Release))).flag("include_binaries", r.Binaries).flag("unembargo", r.Unembargo)
	if _, err := c.post(ctx, r.To, p); err != nil {
		return fmt.Errorf("cannot copy %s %s: %w", r.Source, r.Version, err)
	}
	return nil
}

// RequestCopies queues copies of the newest active version each source has by
// then, whatever r.Source and r.Version say; sources that have none are passed
// over in silence. One request serves many packages, but no version is pinned.
func (c *Client) RequestCopies(ctx context.Context, sources []string, r CopyRequest) error {
	p := op("copyPackages").json("source_names", sources).text("from_archive", string(r.From)).text("from_series", r.FromSeries).
		text("to_series", r.ToSeries).text("to_pocket", orText(string(r.ToPocket), string(Release))).
		flag("include_binaries", r.Binaries).flag("unembargo", r.Unembargo)
	if _, err := c.post(ctx, r.To, p); err != nil {
		return fmt.Errorf("cannot copy %d packages: %w", len(sources), err)
	}
	return nil
}
