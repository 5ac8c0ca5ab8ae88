package launchpad

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/landingteam/landing/launchpad/value"
)

// A BuildRequest asks for a build of a live file system.
type BuildRequest struct {
	Archive   string // where packages come from, as for [Client.Archive]; default the primary archive
	Arch      string // for example armhf
	Pocket    string // default Release
	UniqueKey string // tells kinds of builds apart that may run beside each other
	Version   string

	// Override is merged into the metadata of the live file system. An archive
	// other than the primary one is often not enough: images read extra_ppas
	// from here.
	Override map[string]any
}

// livefs is a live file system: what Launchpad builds the root of an image from.
type livefs struct {
	SelfLink   value.Link `json:"self_link"`
	Name       string     `json:"name"`
	SeriesLink value.Link `json:"distro_series_link"`

	PendingLink   value.Link `json:"pending_builds_collection_link"`
	CompletedLink value.Link `json:"completed_builds_collection_link"` // failures too, newest first
}

func (l *livefs) self() value.Link { return l.SelfLink }

// livefs looks a live file system up.
func (c *Client) livefs(ctx context.Context, ref string) (*livefs, error) {
	path := ref
	if parts := strings.Split(ref, "/"); len(parts) == 4 && strings.HasPrefix(ref, "~") {
		path = parts[0] + "/+livefs/" + strings.Join(parts[1:], "/")
	}
	l, err := c.link(path)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(string(l), "/+livefs/") {
		return nil, fmt.Errorf("cannot use %.200q: want ~OWNER/DISTRIBUTION/SERIES/NAME, or the address of a live file system", ref)
	}
	return read[livefs](ctx, c, l)
}

// BuildFiles lists the addresses of the files that a live file system's build
// made, for [Client.Open]. There are none any more when they were pruned, by
// default a day after the build.
func (c *Client) BuildFiles(ctx context.Context, b *Build) ([]string, error) {
	var out []*string // null for one that expired
	if _, err := c.get(ctx, op("getFileUrls").on(b.SelfLink), "", &out); err != nil {
		return nil, err
	}
	var files []string
	for _, f := range out {
		if f != nil && *f != "" && *f != string(value.Redacted) {
			files = append(files, *f)
		}
	}
	return files, nil
}

// RequestLivefsBuild asks for a build of a live file system. Its name is
// ~OWNER/DISTRIBUTION/SERIES/NAME, or the address of its page. An identical one that
// waits already is adopted instead, and so is one whose request seemed to fail and did not; adopted says so. Two
// builds are identical when archive, architecture, pocket, unique key and
// override are; the version does not count.
func (c *Client) RequestLivefsBuild(ctx context.Context, livefs string, r BuildRequest) (b *Build, adopted bool, err error) {
	l, err := c.livefs(ctx, livefs)
	if err != nil {
		return nil, false, err
	}
	q, err := c.livefsRequest(l, r)
	if err != nil {
		return nil, false, err
	}
	waiting, newest, err := q.before(ctx)
	if err != nil || waiting != nil {
		return waiting, waiting != nil, err
	}
	made, err := c.create(ctx, l.SelfLink, q.params())
	if err == nil {
		b, err = read[Build](ctx, c, made)
		return b, false, err
	}
	b, lookErr := q.settle(ctx, err, newest)
	if lookErr != nil {
		return nil, false, lookErr
	}
	if b == nil {
		return nil, false, fmt.Errorf("cannot request a build of %s on %s: %w", l.Name, r.Arch, err)
	}
	return b, true, nil
}

// livefsRequest is a request in the links of Launchpad.
type livefsRequest struct {
	c       *Client
	l       *livefs
	archive value.Link
	arch    value.Link
	pocket  string
	BuildRequest
}

func (c *Client) livefsRequest(l *livefs, r BuildRequest) (*livefsRequest, error) {
	q := &livefsRequest{c: c, l: l, pocket: cmp.Or(r.Pocket, release), BuildRequest: r}
	var err error
	if q.archive, err = c.archiveLink(cmp.Or(r.Archive, parent(l.SeriesLink).Name())); err != nil {
		return nil, err
	}
	if q.arch, err = c.link(string(l.SeriesLink) + "/" + r.Arch); err != nil || r.Arch == "" {
		return nil, fmt.Errorf("cannot request a build: bad architecture %.40q", r.Arch)
	}
	return q, nil
}

func (q *livefsRequest) params() *params {
	p := op("requestBuild").text("archive", string(q.archive)).text("distro_arch_series", string(q.arch)).text("pocket", q.pocket).
		text("unique_key", q.UniqueKey).text("version", q.Version)
	if len(q.Override) > 0 {
		p.json("metadata_override", q.Override)
	}
	return p
}

// same reports whether Launchpad would take b for the build that is asked for.
func (q *livefsRequest) same(b *Build) bool {
	return b.ArchiveLink == q.archive && b.ArchLink == q.arch && b.Pocket == q.pocket && b.UniqueKey == q.UniqueKey &&
		b.Override.Known == (len(q.Override) > 0) && sameJSON(b.Override.Value, q.Override)
}

// before looks for an identical build that waits, and for the number of the
// newest build there is, to tell later what this request made.
func (q *livefsRequest) before(ctx context.Context) (waiting *Build, newest int, err error) {
	pending, err := all(pages[Build](ctx, q.c, string(q.l.PendingLink)))
	if err != nil {
		return nil, 0, err
	}
	if n := slices.IndexFunc(pending, func(b Build) bool { return q.same(&b) && b.State == NeedsBuilding }); n >= 0 {
		return &pending[n], 0, nil
	}
	for _, b := range pending {
		newest = max(newest, b.SelfLink.ID())
	}
	err = each(limit(q.completed(ctx), fewBuilds), func(b Build) { newest = max(newest, b.SelfLink.ID()) })
	return nil, newest, err
}

const (
	fewBuilds       = 20  // of the latest are read, to know the highest number
	manyBuilds      = 100 // to find one
	identicalExists = "An identical build of this live filesystem image is already pending."
)

func (q *livefsRequest) completed(ctx context.Context) iter.Seq2[Build, error] {
	short := *q.c
	short.PageSize = fewBuilds
	return pages[Build](ctx, &short, string(q.l.CompletedLink))
}

// settle looks for the build after a request that failed: somebody else's that is
// identical, or the own one where the answer was lost. It is nil when there is
// none.
func (q *livefsRequest) settle(ctx context.Context, failure error, newest int) (*Build, error) {
	var e *Error
	if !errors.As(failure, &e) || !e.Doubt && e.Message != identicalExists {
		return nil, nil
	}
	tries := 1
	if e.Doubt {
		tries = 3
	}
	for n := range tries {
		if n > 0 {
			if err := q.c.sleep(ctx, 10*time.Second); err != nil {
				return nil, err
			}
		}
		for _, list := range [...]iter.Seq2[Build, error]{pages[Build](ctx, q.c, string(q.l.PendingLink)), q.completed(ctx)} {
			for b, err := range limit(list, manyBuilds) {
				if err != nil {
					break
				}
				if q.same(&b) && (b.SelfLink.ID() > newest || !e.Doubt && b.State == NeedsBuilding) {
					return &b, nil
				}
			}
		}
	}
	return nil, nil
}

// parent is the link that one is below: a series' of its architecture's.
func parent(l value.Link) value.Link {
	s := strings.TrimRight(string(l), "/")
	return value.Link(s[:max(strings.LastIndexByte(s, '/'), 0)])
}

// sameJSON compares two objects as they look in JSON, of which none is an empty one.
func sameJSON(a, b map[string]any) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}
