package launchpad

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"
)

// A Livefs is a live file system: what Launchpad builds the root of an image
// from.
type Livefs struct {
	Entry
	ID                 Field[int]            `json:"id"`
	Name               string                `json:"name"`
	OwnerLink          Link                  `json:"owner_link"`
	RegistrantLink     Link                  `json:"registrant_link"`
	SeriesLink         Link                  `json:"distro_series_link"`
	Metadata           Field[map[string]any] `json:"metadata"`
	RequireVirtualized Field[bool]           `json:"require_virtualized"`
	RelativeScore      Field[int]            `json:"relative_build_score"`
	KeepDays           Field[int]            `json:"keep_binary_files_days"` // files of a build are gone after so many days; often 1
	DateCreated        Time                  `json:"date_created"`
	DateModified       Time                  `json:"date_last_modified"`

	// Lists for [Client.LivefsBuilds]. Histories are long: stop early.
	BuildsLink    Link `json:"builds_collection_link"` // those never started stand at the end
	PendingLink   Link `json:"pending_builds_collection_link"`
	CompletedLink Link `json:"completed_builds_collection_link"` // failures too, newest first
}

// A LivefsBuild is one build of a livefs on one architecture. It cannot be
// retried: request a new one.
type LivefsBuild struct {
	BuildCommon
	LivefsLink    Link                  `json:"livefs_link"`
	RequesterLink Link                  `json:"requester_link"`
	SeriesLink    Link                  `json:"distro_series_link"`
	ArchLink      Link                  `json:"distro_arch_series_link"`
	UniqueKey     string                `json:"unique_key"`
	Version       string                `json:"version"` // by default the time of creation, 20160511-092000
	Override      Field[map[string]any] `json:"metadata_override"`
}

// Arch is the architecture's tag, for example armhf.
func (b *LivefsBuild) Arch() string { return b.ArchLink.Name() }

// A LivefsRequest asks for a build.
type LivefsRequest struct {
	Archive   string // where packages come from, as for [Client.Archive]; default the primary archive
	Arch      string // for example armhf
	Pocket    Pocket // default Release
	UniqueKey string // tells kinds of builds apart that may run beside each other
	Version   string

	// Override is merged into the livefs's metadata. An archive other than the
	// primary one is often not enough: images read extra_ppas from here.
	Override map[string]any
}

// Livefs looks a livefs up: ~OWNER/DISTRIBUTION/SERIES/NAME, or the URL of its
// page or entry.
func (c *Client) Livefs(ctx context.Context, ref string) (*Livefs, error) {
	if parts := strings.Split(ref, "/"); len(parts) == 4 && strings.HasPrefix(ref, "~") {
		ref = parts[0] + "/+livefs/" + strings.Join(parts[1:], "/")
	}
	l, err := c.link(ref)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(string(l), "/+livefs/") {
		return nil, fmt.Errorf("cannot use %.200q: not a livefs", ref)
	}
	return read[Livefs](ctx, c, l)
}

// LivefsBuild reads one build; ref is its link or the URL of its page.
func (c *Client) LivefsBuild(ctx context.Context, ref string) (*LivefsBuild, error) {
	l, err := c.link(ref)
	if err != nil {
		return nil, err
	}
	return read[LivefsBuild](ctx, c, l)
}

// LivefsBuilds lists the builds of one of the lists of a [Livefs].
func (c *Client) LivefsBuilds(ctx context.Context, list Link) iter.Seq2[LivefsBuild, error] {
	return pages[LivefsBuild](ctx, c, string(list))
}

const identicalPending = "An identical build of this live filesystem image is already pending."

// RequestLivefsBuild asks for a build. An identical one that waits already is
// adopted instead, and so is one whose request seemed to fail and did not;
// adopted says so. Two builds are identical when archive, architecture, pocket,
// unique key and override are; the version does not count.
func (c *Client) RequestLivefsBuild(ctx context.Context, l *Livefs, r LivefsRequest) (b *LivefsBuild, adopted bool, err error) {
	archive, err := c.livefsArchive(l, r)
	if err != nil {
		return nil, false, err
	}
	arch, err := c.link(string(l.SeriesLink) + "/" + r.Arch)
	if err != nil || r.Arch == "" {
		return nil, false, fmt.Errorf("cannot request a build: bad architecture %.40q", r.Arch)
	}
	pocket := Pocket(orText(string(r.Pocket), string(Release)))
	p := op("requestBuild").text("archive", string(archive)).text("distro_arch_series", string(arch)).text("pocket", string(pocket)).
		text("unique_key", r.UniqueKey).text("version", r.Version)
	if len(r.Override) > 0 {
		p.json("metadata_override", r.Override)
	}
	same := func(b *LivefsBuild) bool {
		return b.ArchiveLink == archive && b.ArchLink == arch && b.Pocket == pocket && b.UniqueKey == r.UniqueKey && sameJSON(b.Override.Value, r.Override)
	}
	// The newest build there is before, to tell what this request made.
	newest := 0
	before, err := all(c.LivefsBuilds(ctx, l.PendingLink))
	if err != nil {
		return nil, false, err
	}
	for n := range before {
		if same(&before[n]) && before[n].State == NeedsBuilding {
			return &before[n], true, nil
		}
		newest = max(newest, before[n].SelfLink.ID())
	}
	few := *c
	few.PageSize = 20
	if err := each(limit(few.LivefsBuilds(ctx, l.CompletedLink), few.PageSize), func(b LivefsBuild) { newest = max(newest, b.SelfLink.ID()) }); err != nil {
		return nil, false, err
	}
	reply, err := c.post(ctx, l.SelfLink, p)
	if err == nil {
		b, err = readCreated[LivefsBuild](ctx, c, reply)
		return b, false, err
	}
	var e *Error
	if errors.As(err, &e) && (e.Ambiguous || e.Message == identicalPending) {
		tries := 1
		if e.Ambiguous {
			tries = 3
		}
		for n := range tries {
			if n > 0 {
				if err := c.sleep(ctx, 10*time.Second); err != nil {
					return nil, false, err
				}
			}
			if b := few.findLivefsBuild(ctx, l, func(b *LivefsBuild) bool {
				return same(b) && (b.SelfLink.ID() > newest || e.Message == identicalPending && b.State == NeedsBuilding)
			}); b != nil {
				return b, true, nil
			}
		}
	}
	return nil, false, fmt.Errorf("cannot request a build of %s on %s: %w", l.Name, r.Arch, err)
}

// findLivefsBuild looks among the builds under way and the latest completed.
func (c *Client) findLivefsBuild(ctx context.Context, l *Livefs, is func(*LivefsBuild) bool) *LivefsBuild {
	for _, list := range [...]Link{l.PendingLink, l.CompletedLink} {
		for b, err := range limit(c.LivefsBuilds(ctx, list), 100) {
			if err != nil {
				break
			}
			if is(&b) {
				return &b
			}
		}
	}
	return nil
}

// livefsArchive is the archive named, or the primary one of the livefs's
// distribution.
func (c *Client) livefsArchive(l *Livefs, r LivefsRequest) (Link, error) {
	if r.Archive != "" {
		return c.archiveLink(r.Archive)
	}
	return c.archiveLink(Link(seriesParent(l.SeriesLink)).Name())
}

// seriesParent is the link of the distribution of a series.
func seriesParent(series Link) string {
	s := strings.TrimRight(string(series), "/")
	return s[:max(strings.LastIndexByte(s, '/'), 0)]
}

// sameJSON compares two objects as they look in JSON.
func sameJSON(a, b map[string]any) bool {
	if len(a) == 0 || len(b) == 0 {
		return len(a) == len(b)
	}
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}

// LivefsFiles lists the files of a build. There are none any more when they
// were pruned, by default a day after the build.
func (c *Client) LivefsFiles(ctx context.Context, build Link) ([]File, error) {
	return c.files(ctx, build, op("getFileUrls"))
}

// A WaitOptions says how to wait for a build. The zero value is good.
type WaitOptions struct {
	Every    time.Duration // pause between looks; default 30 s
	Limit    time.Duration // default 6 h; then ErrTimeout
	Progress func(state BuildState)
}

// WaitForBuild waits until b, a *[Build] or a *[LivefsBuild], has ended, and
// keeps b up to date. An end other than [Built] is an error that names the log.
func (c *Client) WaitForBuild(ctx context.Context, b build, o WaitOptions) error {
	if o.Every <= 0 {
		o.Every = 30 * time.Second
	}
	if o.Limit <= 0 {
		o.Limit = 6 * time.Hour
	}
	e := b.common()
	failed := 0
	for end := c.now().Add(o.Limit); ; {
		_, err := c.Reload(ctx, b)
		switch {
		case err == nil:
			failed = 0
		case ctx.Err() != nil || !passing(err):
			return err
		default:
			if failed++; failed >= maxFailedLooks {
				return err
			}
		}
		if o.Progress != nil {
			o.Progress(e.State)
		}
		switch {
		case e.State == Built:
			return nil
		case e.State.Final() || e.State == ChrootProblem:
			return fmt.Errorf("%s: %s; log: %s", e.Title, e.State, orText(e.LogURL, "not there yet, see BuildLog"))
		case !c.now().Before(end):
			return &Error{Method: "GET", URL: string(e.SelfLink), Kind: ErrTimeout, Message: fmt.Sprintf("still %q after %v", e.State, o.Limit)}
		}
		if err := c.sleep(ctx, o.Every); err != nil {
			return err
		}
	}
}
