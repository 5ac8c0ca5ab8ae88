package launchpad

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"
)

// Publication is what source and binary publications have in common: a row
// that says that a version is, was or will be in a series of an archive.
type Publication struct {
	Entry
	DisplayName       string `json:"display_name"`
	Status            Status `json:"status"`
	Pocket            Pocket `json:"pocket"`
	Component         string `json:"component_name"`
	Section           string `json:"section_name"`
	SourceName        string `json:"source_package_name"`
	SourceVersion     string `json:"source_package_version"`
	ArchiveLink       Link   `json:"archive_link"`
	CopiedFromLink    Link   `json:"copied_from_archive_link"` // one hop, not the origin of the upload
	CreatorLink       Link   `json:"creator_link"`             // who asked for the copy; none on copied binaries
	RemovedByLink     Link   `json:"removed_by_link"`
	RemovalComment    string `json:"removal_comment"`
	DateCreated       Time   `json:"date_created"`
	DatePublished     Time   `json:"date_published"`
	DateSuperseded    Time   `json:"date_superseded"`
	DateMadePending   Time   `json:"date_made_pending"` // when its removal became due
	ScheduledDeletion Time   `json:"scheduled_deletion_date"`
	DateRemoved       Time   `json:"date_removed"`
}

// A Source is a source package in a series of an archive.
type Source struct {
	Publication
	SeriesLink            Link `json:"distro_series_link"`
	SponsorLink           Link `json:"sponsor_link"`
	PackageCreatorLink    Link `json:"package_creator_link"` // of the first upload; copies keep it
	PackageMaintainerLink Link `json:"package_maintainer_link"`
	PackageSignerLink     Link `json:"package_signer_link"`
	UploadLink            Link `json:"packageupload_link"` // none on copies into a PPA
}

// A Binary is a binary package on one architecture. An Architecture: all
// package has a row on every architecture.
type Binary struct {
	Publication
	Name         string      `json:"binary_package_name"`
	Version      string      `json:"binary_package_version"`
	ArchLink     Link        `json:"distro_arch_series_link"`
	BuildLink    Link        `json:"build_link"`               // after a copy it points into the origin
	ArchSpecific Field[bool] `json:"architecture_specific"`    // false: Architecture: all
	Priority     string      `json:"priority_name"`            // OPTIONAL, REQUIRED, ...
	IsDebug      Field[bool] `json:"is_debug"`                 // a ddeb
	Phased       Field[int]  `json:"phased_update_percentage"` // 0 to 100; unknown: not phased
}

// Arch is the architecture's tag, for example armhf.
func (b *Binary) Arch() string { return b.ArchLink.Name() }

// Order of a listing.
type Order string

// The orders. The default one costs Launchpad most on a large archive.
const (
	ByName    Order = ""          // by name, then newest version
	Newest    Order = "newest"    // newest created first
	Oldest    Order = "oldest"    // oldest created first: rows that come meanwhile stand at the end
	Unordered Order = "unordered" // binaries only: newest id first, the cheapest
)

// A SourceFilter picks rows. Empty fields do not restrict.
type SourceFilter struct {
	Name         string
	Contains     bool   // Name may be any part of the package's name
	Version      string // needs Name
	Status       Status // one; there is no way to ask for two
	Series       string // name, in the archive's distribution, or link
	Pocket       Pocket
	Component    string
	CreatedSince time.Time
	Order        Order
}

// A BinaryFilter picks rows. Empty fields do not restrict. There is no filter
// on the source: see [Client.SourceBinaries].
type BinaryFilter struct {
	Name         string
	Contains     bool
	Version      string // the binary's; needs Name
	Status       Status
	Arch         string // SERIES/TAG such as vivid/armhf, or link
	Pocket       Pocket
	Component    string
	CreatedSince time.Time
	Order        Order
}

// Sources lists source publications of an archive, including those whose files
// are long gone unless the filter has a Status.
func (c *Client) Sources(ctx context.Context, archive Link, f SourceFilter) iter.Seq2[Source, error] {
	p := op("getPublishedSources").text("source_name", f.Name).flag("exact_match", f.Name != "" && !f.Contains).
		text("version", f.Version).text("status", string(f.Status)).text("pocket", string(f.Pocket)).
		text("component_name", f.Component).time("created_since_date", f.CreatedSince)
	c.inSeries(p, "distro_series", archive, f.Series)
	order(p, f.Order, false)
	return query[Source](ctx, c, archive, p)
}

// Binaries lists binary publications of an archive. On a large one give a
// status and an architecture, and leave it [Unordered].
func (c *Client) Binaries(ctx context.Context, archive Link, f BinaryFilter) iter.Seq2[Binary, error] {
	p := op("getPublishedBinaries").text("binary_name", f.Name).flag("exact_match", f.Name != "" && !f.Contains).
		text("version", f.Version).text("status", string(f.Status)).text("pocket", string(f.Pocket)).
		text("component_name", f.Component).time("created_since_date", f.CreatedSince)
	c.inSeries(p, "distro_arch_series", archive, f.Arch)
	order(p, f.Order, true)
	return query[Binary](ctx, c, archive, p)
}

// SourceBinaries lists the binaries of a source in its own archive and series:
// those Pending or Published, or with inactive all there ever were.
func (c *Client) SourceBinaries(ctx context.Context, source Link, inactive bool) iter.Seq2[Binary, error] {
	p := op("getPublishedBinaries")
	if inactive {
		p.json("active_binaries_only", false)
	}
	return query[Binary](ctx, c, source, p)
}

// A File is a file of a publication. Size and sums are zero where Launchpad
// does not give them.
type File struct {
	URL    string `json:"url"`
	Size   int64  `json:"size"`
	SHA1   string `json:"sha1,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
}

// UnmarshalJSON reads both forms: a bare URL, and an object.
func (f *File) UnmarshalJSON(b []byte) error {
	*f = File{}
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &f.URL)
	}
	type plain File
	return json.Unmarshal(b, (*plain)(f))
}

// SourceFiles lists the files of a source publication.
func (c *Client) SourceFiles(ctx context.Context, source Link) ([]File, error) {
	return c.files(ctx, source, op("sourceFileUrls").json("include_meta", true))
}

// BinaryFiles lists the files of one binary publication.
func (c *Client) BinaryFiles(ctx context.Context, binary Link) ([]File, error) {
	return c.files(ctx, binary, op("binaryFileUrls").json("include_meta", true))
}

// files drops the nulls Launchpad sends for files that expired.
func (c *Client) files(ctx context.Context, l Link, p *params) ([]File, error) {
	var out []*File
	if _, err := c.get(ctx, p.on(l), "", &out); err != nil {
		return nil, err
	}
	var files []File
	for _, f := range out {
		if f != nil && f.URL != "" && f.URL != Redacted {
			files = append(files, *f)
		}
	}
	return files, nil
}

// DeleteSource removes a source and its binaries from its archive; comment
// says why and is public. Done is done: it does nothing when the row is no
// longer active.
func (c *Client) DeleteSource(ctx context.Context, source Link, comment string) error {
	_, err := c.post(ctx, source, op("requestDeletion").text("removal_comment", comment))
	row, lookErr := read[Source](ctx, c, source)
	switch {
	case lookErr == nil && !row.Status.Active():
		return nil
	case err != nil:
		return fmt.Errorf("cannot delete %s: %w", source.Name(), err)
	case lookErr != nil:
		return fmt.Errorf("cannot tell whether %s is deleted: %w", source.Name(), lookErr)
	}
	return fmt.Errorf("cannot delete %s: it is still %s", row.DisplayName, row.Status)
}

// inSeries adds a series or an architecture given by name or link; archives
// begin with or end in the name of their distribution.
func (c *Client) inSeries(p *params, name string, archive Link, v string) {
	if v == "" {
		return
	}
	l, err := c.seriesLink(archive, v)
	if err != nil {
		p.err = err
		return
	}
	p.text(name, string(l))
}

func order(p *params, o Order, binaries bool) {
	switch o {
	case ByName:
	case Newest:
		p.json("order_by_date", true)
	case Oldest:
		p.json("order_by_date_ascending", true)
	case Unordered:
		if binaries {
			p.json("ordered", false)
		}
	default:
		p.err = fmt.Errorf("no such order: %.40q", o)
	}
}

// query pages through the result of a read operation.
func query[T any](ctx context.Context, c *Client, on Link, p *params) iter.Seq2[T, error] {
	if p.err != nil {
		return func(yield func(T, error) bool) {
			var none T
			yield(none, &Error{Method: "GET", URL: string(on), Kind: ErrRefused, Err: p.err})
		}
	}
	return pages[T](ctx, c, p.on(on))
}
