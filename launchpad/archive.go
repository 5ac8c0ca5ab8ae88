package launchpad

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
)

// An Archive is a PPA or the archive of a distribution. Of a private one a
// stranger sees the name and little else: the other fields are redacted.
// External dependencies are not decoded, because they may hold passwords.
type Archive struct {
	Entry
	Name               string      `json:"name"`
	DisplayName        string      `json:"displayname"`
	Reference          string      `json:"reference"` // ~owner/ubuntu/name, or ubuntu
	Description        string      `json:"description"`
	OwnerLink          Link        `json:"owner_link"`
	DistributionLink   Link        `json:"distribution_link"`
	Status             string      `json:"status"` // Active, Deleting, Deleted
	Private            Field[bool] `json:"private"`
	Publish            Field[bool] `json:"publish"`                        // false: the publisher passes it by, all stays Pending
	PermitObsolete     Field[bool] `json:"permit_obsolete_series_uploads"` // needed to copy into an obsolete series
	RequireVirtualized Field[bool] `json:"require_virtualized"`
	BuildDebug         Field[bool] `json:"build_debug_symbols"`
	PublishDebug       Field[bool] `json:"publish_debug_symbols"`
	SuppressMail       Field[bool] `json:"suppress_subscription_notifications"`
	AuthorizedSize     Field[int]  `json:"authorized_size"` // MiB; unknown: no limit
	RelativeScore      Field[int]  `json:"relative_build_score"`
	SigningKey         string      `json:"signing_key_fingerprint"` // "" until Launchpad made it, some 20 minutes after creation
	PublishingMethod   string      `json:"publishing_method"`
	RepositoryFormat   string      `json:"repository_format"`
	DependenciesLink   Link        `json:"dependencies_collection_link"`
	ProcessorsLink     Link        `json:"processors_collection_link"`

	MetadataOverrides Field[map[string]any] `json:"metadata_overrides"`
}

// A Series is a release of a distribution.
type Series struct {
	Entry
	Name              string      `json:"name"`
	Version           string      `json:"version"`
	DisplayName       string      `json:"displayname"`
	Status            string      `json:"status"` // Supported, Obsolete, Active Development, ...
	Active            Field[bool] `json:"active"`
	Supported         Field[bool] `json:"supported"`
	DateCreated       Time        `json:"date_created"`
	DateReleased      Time        `json:"datereleased"`
	DistributionLink  Link        `json:"distribution_link"`
	MainArchiveLink   Link        `json:"main_archive_link"`
	ArchitecturesLink Link        `json:"architectures_collection_link"`
	NominatedLink     Link        `json:"nominatedarchindep_link"` // the architecture that builds Architecture: all
}

// An Architecture is one of a series: its link ends in vivid/armhf.
type Architecture struct {
	Entry
	Tag                 string      `json:"architecture_tag"`
	Enabled             Field[bool] `json:"enabled"`
	Official            Field[bool] `json:"official"`
	Nominated           Field[bool] `json:"is_nominated_arch_indep"`
	SupportsVirtualized Field[bool] `json:"supports_virtualized"`
	PackageCount        Field[int]  `json:"package_count"`
	SeriesLink          Link        `json:"distroseries_link"`
	ProcessorLink       Link        `json:"processor_link"`
	ChrootURL           string      `json:"chroot_url"`
}

// A Processor is a kind of CPU an archive builds for.
type Processor struct {
	Entry
	Name           string      `json:"name"`
	Title          string      `json:"title"`
	Restricted     Field[bool] `json:"restricted"`
	BuildByDefault Field[bool] `json:"build_by_default"`
}

// Archive looks an archive up: ppa:OWNER/NAME, ~OWNER/DISTRIBUTION/NAME,
// DISTRIBUTION for its primary archive, or the URL of its page or entry.
func (c *Client) Archive(ctx context.Context, ref string) (*Archive, error) {
	l, err := c.archiveLink(ref)
	if err != nil {
		return nil, err
	}
	return read[Archive](ctx, c, l)
}

// A NewPPA describes a PPA to create.
type NewPPA struct {
	Owner        string // person or team
	Name         string
	DisplayName  string
	Description  string
	Distribution string // default ubuntu
	Private      bool
}

// CreatePPA creates a PPA. A team's or an own one of that name is ErrRefused;
// the name of a deleted one stays taken until the publisher has seen to it. The
// new PPA builds for the default processors only.
func (c *Client) CreatePPA(ctx context.Context, n NewPPA) (*Archive, error) {
	owner, err := c.link("~" + n.Owner)
	if err != nil {
		return nil, err
	}
	ref := "~" + n.Owner + "/" + orText(n.Distribution, "ubuntu") + "/" + n.Name
	l, err := c.archiveLink(ref)
	if err != nil {
		return nil, err
	}
	p := op("createPPA").text("name", n.Name).text("displayname", n.DisplayName).
		text("description", n.Description).flag("private", n.Private)
	if n.Distribution != "" {
		d, err := c.link(n.Distribution)
		if err != nil {
			return nil, err
		}
		p.text("distribution", string(d))
	}
	r, err := c.post(ctx, owner, p)
	if isAmbiguous(err) {
		if a, lookErr := read[Archive](ctx, c, l); lookErr == nil {
			return a, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("cannot create %s: %w", ref, err)
	}
	return readCreated[Archive](ctx, c, r)
}

// An ArchiveEdit names the fields to change; nil leaves one as it is. Publish
// and PermitObsolete may be set by administrators only.
type ArchiveEdit struct {
	DisplayName    *string `json:"displayname,omitempty"`
	Description    *string `json:"description,omitempty"`
	Publish        *bool   `json:"publish,omitempty"`
	PermitObsolete *bool   `json:"permit_obsolete_series_uploads,omitempty"`
}

// EditArchive changes fields of a, provided that nobody changed a since it was
// read, and returns the archive as it is then.
func (c *Client) EditArchive(ctx context.Context, a *Archive, e ArchiveEdit) (*Archive, error) {
	_, err := c.call(ctx, request{method: http.MethodPatch, url: string(a.SelfLink), body: e, etag: a.ETag})
	if err != nil {
		return nil, fmt.Errorf("cannot change %s: %w", a.Reference, err)
	}
	return read[Archive](ctx, c, a.SelfLink)
}

// DeleteArchive asks Launchpad to delete a PPA with all it holds. The publisher
// does the work later; until then the archive's status is Deleting.
func (c *Client) DeleteArchive(ctx context.Context, a *Archive) error {
	_, err := c.call(ctx, request{method: http.MethodDelete, url: string(a.SelfLink)})
	if err != nil && !isAmbiguous(err) {
		return fmt.Errorf("cannot delete %s: %w", a.Reference, err)
	}
	now, lookErr := read[Archive](ctx, c, a.SelfLink)
	switch {
	case errors.Is(lookErr, ErrNotFound), lookErr == nil && (now.Status == "Deleting" || now.Status == "Deleted"):
		return nil
	case err != nil:
		return fmt.Errorf("cannot delete %s: %w", a.Reference, err)
	case lookErr != nil:
		return fmt.Errorf("cannot tell whether %s is deleted: %w", a.Reference, lookErr)
	}
	return fmt.Errorf("cannot delete %s: it is still %s", a.Reference, now.Status)
}

// Series looks a series up by name.
func (c *Client) Series(ctx context.Context, distribution, name string) (*Series, error) {
	l, err := c.link(distribution + "/" + name)
	if err != nil {
		return nil, err
	}
	return read[Series](ctx, c, l)
}

// Architectures lists the enabled architectures of a series.
func (c *Client) Architectures(ctx context.Context, s *Series) iter.Seq2[Architecture, error] {
	return pages[Architecture](ctx, c, string(s.ArchitecturesLink))
}

// Processors lists what an archive builds for. Copies do not depend on it.
func (c *Client) Processors(ctx context.Context, a *Archive) iter.Seq2[Processor, error] {
	return pages[Processor](ctx, c, string(a.ProcessorsLink))
}

// Reload reads v, a pointer to any entry of this package, again and reports
// whether it changed. An unchanged one costs Launchpad next to nothing.
func (c *Client) Reload(ctx context.Context, v interface{ entry() *Entry }) (bool, error) {
	e := v.entry()
	return c.get(ctx, string(e.SelfLink), e.ETag, v)
}

// read gets an entry. An answer that is not an entry at all is an error.
func read[T any](ctx context.Context, c *Client, l Link) (*T, error) {
	v := new(T)
	if _, err := c.get(ctx, string(l), "", v); err != nil {
		return nil, err
	}
	if e, ok := any(v).(entry); ok && e.entry().SelfLink == "" {
		return nil, &Error{Method: http.MethodGet, URL: string(l), Kind: ErrNotFound, Message: "the answer is no entry"}
	}
	return v, nil
}

// readCreated gets the entry a factory operation made.
func readCreated[T any](ctx context.Context, c *Client, r *reply) (*T, error) {
	l := r.location()
	if l == "" {
		return nil, &Error{Method: http.MethodPost, URL: r.url, Status: r.status, Kind: ErrServer, Ambiguous: true, Message: "created, but not said where"}
	}
	return read[T](ctx, c, l)
}

func isAmbiguous(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Ambiguous
}
