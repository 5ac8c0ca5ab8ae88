package launchpad

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/landingteam/landing/launchpad/value"
)

// A Publication is a row of an archive: it says that a version of a source, or of
// a binary on one architecture, is, was or will be in a series. An Architecture:
// all package has a row on every architecture.
//
// Where a field says nothing, it is that of the web service, described at
// https://launchpad.net/+apidoc/devel.html.
type Publication struct {
	SelfLink          value.Link `json:"self_link"`
	DisplayName       string     `json:"display_name"`
	Status            Status     `json:"status"`
	Pocket            string     `json:"pocket"` // Release in a PPA; also Security, Updates, Proposed, Backports
	Component         string     `json:"component_name"`
	Section           string     `json:"section_name"`
	SourceName        string     `json:"source_package_name"`
	SourceVersion     string     `json:"source_package_version"`
	ArchiveLink       value.Link `json:"archive_link"`
	CopiedFromLink    value.Link `json:"copied_from_archive_link"` // one hop, not the origin of the upload
	CreatorLink       value.Link `json:"creator_link"`             // who asked for the copy; none on copied binaries
	RemovedByLink     value.Link `json:"removed_by_link"`
	RemovalComment    string     `json:"removal_comment"`
	DateCreated       value.Time `json:"date_created"`
	DatePublished     value.Time `json:"date_published"`
	DateSuperseded    value.Time `json:"date_superseded"`
	DateMadePending   value.Time `json:"date_made_pending"` // when its removal became due
	ScheduledDeletion value.Time `json:"scheduled_deletion_date"`
	DateRemoved       value.Time `json:"date_removed"`

	// Of a source.
	SeriesLink            value.Link `json:"distro_series_link"`
	SponsorLink           value.Link `json:"sponsor_link"`
	PackageCreatorLink    value.Link `json:"package_creator_link"` // of the first upload; copies keep it
	PackageMaintainerLink value.Link `json:"package_maintainer_link"`
	PackageSignerLink     value.Link `json:"package_signer_link"`
	UploadLink            value.Link `json:"packageupload_link"` // none on copies into a PPA

	// Of a binary.
	BinaryName    string            `json:"binary_package_name"`
	BinaryVersion string            `json:"binary_package_version"` // may differ from the source's
	ArchLink      value.Link        `json:"distro_arch_series_link"`
	BuildLink     value.Link        `json:"build_link"`               // after a copy it points into the origin
	ArchSpecific  value.Field[bool] `json:"architecture_specific"`    // false: Architecture: all
	Priority      string            `json:"priority_name"`            // OPTIONAL, REQUIRED, ...
	IsDebug       value.Field[bool] `json:"is_debug"`                 // a ddeb
	Phased        value.Field[int]  `json:"phased_update_percentage"` // 0 to 100; unknown: not phased
}

// Arch is the tag of a binary's architecture, for example armhf; "" of a source.
func (p *Publication) Arch() string { return p.ArchLink.Name() }

func (p *Publication) self() value.Link { return p.SelfLink }

// A Status is the state of a publication. A row only ever moves forward:
// Pending, Published, then Superseded, Deleted or Obsolete.
// Other texts than these may come and are kept as they are.
type Status string

// The states of a publication, in Launchpad's words.
const (
	Pending    Status = "Pending"    // the archive's publisher has not run yet
	Published  Status = "Published"  // its files are in the archive
	Superseded Status = "Superseded" // a newer version was published
	Deleted    Status = "Deleted"    // somebody removed it
	Obsolete   Status = "Obsolete"   // its series ended
)

// Active reports whether the row counts: Pending or Published.
func (s Status) Active() bool { return s == Pending || s == Published }

// A PublicationFilter picks publications. Empty fields do not restrict.
type PublicationFilter struct {
	Name    string // of the source or the binary, exactly
	Version string // likewise; needs Name
	Status  Status // one; there is no way to ask for two
	Series  string // its name, in the archive's distribution
	Arch    string // of binaries; needs Series
	Pocket  string
	Since   time.Time // created then or later
}

// Sources lists source publications of an archive by name, the newest version of
// each first, including those whose files are long gone unless the filter has a
// Status.
func (c *Client) Sources(ctx context.Context, archive value.Link, f PublicationFilter) iter.Seq2[Publication, error] {
	return c.sources(ctx, archive, f, byName)
}

// Binaries lists binary publications of an archive, those with the highest number
// first. On a large archive give a status and an architecture. A series alone
// cannot be asked for.
func (c *Client) Binaries(ctx context.Context, archive value.Link, f PublicationFilter) iter.Seq2[Publication, error] {
	return c.binaries(ctx, archive, f, unordered)
}

// SourceBinaries lists the binaries of a source in its own archive and series:
// those Pending or Published, or with inactive all there ever were.
func (c *Client) SourceBinaries(ctx context.Context, source value.Link, inactive bool) iter.Seq2[Publication, error] {
	p := op("getPublishedBinaries")
	if inactive {
		p.json("active_binaries_only", false)
	}
	return listing[Publication](ctx, c, source, p)
}

// An order of a listing is the parameter that asks for it. By name is what
// Launchpad does unasked, and costs it most.
type order string

const (
	byName    order = ""
	newest    order = "order_by_date"
	oldest    order = "order_by_date_ascending" // rows that come meanwhile stand at the end
	unordered order = "ordered"                 // of binaries, and false: the cheapest
)

// release is the only pocket a PPA has.
const release = "Release"

func (c *Client) sources(ctx context.Context, archive value.Link, f PublicationFilter, o order) iter.Seq2[Publication, error] {
	p := f.params("getPublishedSources", "source_name", o)
	if f.Arch != "" {
		p.err = errors.New("a source has no architecture")
	}
	if f.Series != "" {
		c.inSeries(p, "distro_series", archive, f.Series)
	}
	return listing[Publication](ctx, c, archive, p)
}

func (c *Client) binaries(ctx context.Context, archive value.Link, f PublicationFilter, o order) iter.Seq2[Publication, error] {
	p := f.params("getPublishedBinaries", "binary_name", o)
	switch {
	case f.Arch != "" && f.Series != "":
		c.inSeries(p, "distro_arch_series", archive, f.Series+"/"+f.Arch)
	case f.Arch != "" || f.Series != "":
		p.err = errors.New("binaries are listed by series and architecture, or by neither")
	}
	return listing[Publication](ctx, c, archive, p)
}

func (f *PublicationFilter) params(operation, name string, o order) *params {
	p := op(operation).text(name, f.Name).flag("exact_match", f.Name != "").text("version", f.Version).
		text("status", string(f.Status)).text("pocket", f.Pocket).time("created_since_date", f.Since)
	if f.Version != "" && f.Name == "" {
		p.err = errors.New("a version is asked for without a name")
	}
	if o != byName {
		p.json(string(o), o != unordered)
	}
	return p
}

// inSeries adds a series, or a series and architecture; archives begin with or
// end in the name of their distribution.
func (c *Client) inSeries(p *params, name string, archive value.Link, v string) {
	l, err := c.seriesLink(archive, v)
	if err != nil {
		p.err = err
		return
	}
	p.text(name, string(l))
}

// listing pages through the result of a read operation.
func listing[T any](ctx context.Context, c *Client, on value.Link, p *params) iter.Seq2[T, error] {
	if p.err != nil {
		return func(yield func(T, error) bool) {
			var none T
			yield(none, &Error{Method: "GET", URL: string(on), Kind: ErrRefused, Err: p.err})
		}
	}
	return pages[T](ctx, c, p.on(on))
}

// DeleteSource removes a source and its binaries from its archive; comment says why
// and is public. A row that is no longer active is left as it is.
func (c *Client) DeleteSource(ctx context.Context, source value.Link, comment string) error {
	row, err := read[Publication](ctx, c, source)
	if err != nil {
		return fmt.Errorf("cannot delete %s: %w", source.Name(), err)
	}
	if !row.Status.Active() {
		return nil // Launchpad would call a superseded row deleted
	}
	err = c.write(ctx, source, op("requestDeletion").text("removal_comment", comment))
	now, lookErr := read[Publication](ctx, c, source)
	switch {
	case lookErr == nil && !now.Status.Active():
		return nil
	case err != nil:
		return fmt.Errorf("cannot delete %s: %w", row.DisplayName, err)
	case lookErr != nil:
		return fmt.Errorf("cannot tell whether %s is deleted: %w", row.DisplayName, lookErr)
	}
	return fmt.Errorf("cannot delete %s: it is still %s", row.DisplayName, now.Status)
}
