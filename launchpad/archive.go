package launchpad

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/landingteam/landing/launchpad/value"
)

// An Archive is a PPA or the archive of a distribution. Of a private one a
// stranger sees the name and little else: the other fields are redacted.
// External dependencies are not decoded, because they may hold passwords.
type Archive struct {
	SelfLink           value.Link        `json:"self_link"`
	WebLink            string            `json:"web_link"` // its page, for a person
	Name               string            `json:"name"`
	DisplayName        string            `json:"displayname"`
	Reference          string            `json:"reference"` // ~owner/ubuntu/name, or ubuntu
	Description        string            `json:"description"`
	OwnerLink          value.Link        `json:"owner_link"`
	DistributionLink   value.Link        `json:"distribution_link"`
	Status             string            `json:"status"` // Active, Deleting, Deleted
	Private            value.Field[bool] `json:"private"`
	Publish            value.Field[bool] `json:"publish"`                        // false: the publisher passes it by, all stays Pending
	PermitObsolete     value.Field[bool] `json:"permit_obsolete_series_uploads"` // needed to copy into an obsolete series
	RequireVirtualized value.Field[bool] `json:"require_virtualized"`
	BuildDebug         value.Field[bool] `json:"build_debug_symbols"`
	PublishDebug       value.Field[bool] `json:"publish_debug_symbols"`
	AuthorizedSize     value.Field[int]  `json:"authorized_size"`         // MiB; unknown: no limit
	SigningKey         string            `json:"signing_key_fingerprint"` // "" until Launchpad made it, some 20 minutes after creation
}

func (a *Archive) self() value.Link { return a.SelfLink }

// series is a release of a distribution.
type series struct {
	SelfLink value.Link `json:"self_link"`
	Name     string     `json:"name"`
	Status   string     `json:"status"` // Supported, Obsolete, Active Development, ...
}

func (s *series) self() value.Link { return s.SelfLink }

// architecture is one of a series: its link ends in vivid/armhf.
type architecture struct {
	SelfLink value.Link        `json:"self_link"`
	Tag      string            `json:"architecture_tag"`
	Enabled  value.Field[bool] `json:"enabled"`
}

func (a *architecture) self() value.Link { return a.SelfLink }

// Archive looks an archive up: ppa:OWNER/NAME, ~OWNER/DISTRIBUTION/NAME,
// DISTRIBUTION for its primary archive, or the URL of its page or entry. One that
// is not there, or that the caller may not know of, is [ErrNotFound].
func (c *Client) Archive(ctx context.Context, ref string) (*Archive, error) {
	l, err := c.archiveLink(ref)
	if err != nil {
		return nil, err
	}
	return read[Archive](ctx, c, l)
}

// CreatePPA makes a public PPA: ppa:OWNER/NAME, or ~OWNER/DISTRIBUTION/NAME. A
// name that is taken is [ErrRefused], and that of a deleted PPA stays taken until
// the publisher has seen to it. The new PPA builds for the default processors
// only. Where the answer is lost, CreatePPA looks whether the PPA is there.
func (c *Client) CreatePPA(ctx context.Context, ref, description string) (*Archive, error) {
	l, err := c.archiveLink(ref)
	if err != nil {
		return nil, err
	}
	owner, distribution, name, ok := splitPPA(l)
	if !ok {
		return nil, fmt.Errorf("cannot create %.200q: want ppa:OWNER/NAME", ref)
	}
	p := op("createPPA").text("name", name).text("displayname", name).text("description", description)
	if distribution.Name() != "ubuntu" {
		p.text("distribution", string(distribution))
	}
	made, err := c.create(ctx, owner, p)
	switch {
	case errors.Is(err, ErrInDoubt):
		if a, lookErr := read[Archive](ctx, c, l); lookErr == nil {
			return a, nil
		}
		fallthrough
	case err != nil:
		return nil, fmt.Errorf("cannot create %s: %w", ref, err)
	}
	return read[Archive](ctx, c, made)
}

// DeleteArchive asks Launchpad to delete a PPA with all it holds. The publisher
// does the work later; until then the archive's status is Deleting.
func (c *Client) DeleteArchive(ctx context.Context, a *Archive) error {
	_, err := c.call(ctx, request{method: http.MethodDelete, url: string(a.SelfLink)})
	if err != nil && !errors.Is(err, ErrInDoubt) {
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

// entry is one of the things read from Launchpad, each known by its own link.
type entry interface{ self() value.Link }

// read gets an entry. An answer that is not an entry at all is an error.
func read[T any](ctx context.Context, c *Client, l value.Link) (*T, error) {
	v := new(T)
	if _, err := c.get(ctx, string(l), "", v); err != nil {
		return nil, err
	}
	if e, ok := any(v).(entry); ok && e.self() == "" {
		return nil, &Error{Method: http.MethodGet, URL: string(l), Kind: ErrNotFound, Message: "the answer is no entry"}
	}
	if b, ok := any(v).(*Build); ok && b.State == "" {
		return nil, noBuild(l)
	}
	return v, nil
}
