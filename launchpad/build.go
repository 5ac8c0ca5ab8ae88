package launchpad

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"net/http"
	"time"

	"github.com/landingteam/landing/launchpad/value"
)

// A Build makes the binaries of a source, or a live file system, on one
// architecture.
type Build struct {
	SelfLink          value.Link       `json:"self_link"`
	WebLink           string           `json:"web_link"`  // its page, for a person
	ETag              string           `json:"http_etag"` // with its quotes
	State             BuildState       `json:"buildstate"`
	Title             string           `json:"title"`
	Pocket            string           `json:"pocket"`
	ArchiveLink       value.Link       `json:"archive_link"` // where its packages come from
	BuilderLink       value.Link       `json:"builder_link"`
	DateCreated       value.Time       `json:"datecreated"`
	DateDispatched    value.Time       `json:"date_first_dispatched"`
	DateStarted       value.Time       `json:"date_started"`
	DateBuilt         value.Time       `json:"datebuilt"`
	LogURL            string           `json:"build_log_url"` // comes some minutes after the end; see [Client.BuildLog]
	UploadLogURL      string           `json:"upload_log_url"`
	DependencyWaitFor string           `json:"dependencies"`
	Score             value.Field[int] `json:"score"` // known while queued

	// Of a package.
	ArchTag       string     `json:"arch_tag"`
	SourceName    string     `json:"source_package_name"`
	SourceVersion string     `json:"source_package_version"`
	SourceLink    value.Link `json:"current_source_publication_link"` // none when the source is no longer active

	// Of a live file system. It cannot be retried: request a new one.
	LivefsLink    value.Link                  `json:"livefs_link"`
	RequesterLink value.Link                  `json:"requester_link"`
	SeriesLink    value.Link                  `json:"distro_series_link"`
	ArchLink      value.Link                  `json:"distro_arch_series_link"`
	UniqueKey     string                      `json:"unique_key"`
	Version       string                      `json:"version"` // by default the time of creation, 20160511-092000
	Override      value.Field[map[string]any] `json:"metadata_override"`
}

func (b *Build) self() value.Link { return b.SelfLink }

// Arch is the architecture's tag, for example armhf.
func (b *Build) Arch() string { return cmp.Or(b.ArchTag, b.ArchLink.Name()) }

// Duration is how long the build was on its builder; 0 when it did not end.
func (b *Build) Duration() time.Duration {
	if b.DateStarted.IsZero() || b.DateBuilt.IsZero() {
		return 0
	}
	return b.DateBuilt.Sub(b.DateStarted.Time)
}

// A BuildState is the state of a build, as Launchpad writes
// it. Ask it rather than compare: [BuildState.Final], [BuildState.Failed].
type BuildState string

// The states of a build.
const (
	NeedsBuilding    BuildState = "Needs building"
	Building         BuildState = "Currently building"
	Gathering        BuildState = "Gathering build output"
	Uploading        BuildState = "Uploading build"
	Cancelling       BuildState = "Cancelling build"
	Built            BuildState = "Successfully built"
	FailedToBuild    BuildState = "Failed to build"
	DependencyWait   BuildState = "Dependency wait" // tried again by Launchpad when it can be satisfied
	ChrootProblem    BuildState = "Chroot problem"  // waits for an administrator
	FailedToUpload   BuildState = "Failed to upload"
	SupersededSource BuildState = "Build for superseded Source" // the capital S is Launchpad's
	Cancelled        BuildState = "Cancelled build"
)

// Final reports whether the state will not change by itself. Dependency wait
// and Chroot problem are not final, and neither is a text unknown here.
func (s BuildState) Final() bool {
	switch s {
	case Built, FailedToBuild, FailedToUpload, SupersededSource, Cancelled:
		return true
	}
	return false
}

// Failed reports whether the build ended, or is held, without a result.
func (s BuildState) Failed() bool {
	switch s {
	case FailedToBuild, FailedToUpload, ChrootProblem, DependencyWait, Cancelled, SupersededSource:
		return true
	}
	return false
}

// Known reports whether the text is one of the states listed here.
func (s BuildState) Known() bool {
	switch s {
	case NeedsBuilding, Building, Gathering, Uploading, Cancelling:
		return true
	}
	return s.Final() || s.Failed()
}

// SourceBuilds lists the builds of a source publication: those made in its
// archive, and those made elsewhere whose binaries were copied here.
func (c *Client) SourceBuilds(ctx context.Context, source value.Link) iter.Seq2[Build, error] {
	return listing[Build](ctx, c, source, op("getBuilds"))
}

// Build reads one build; ref is its link, or the address of its page.
func (c *Client) Build(ctx context.Context, ref string) (*Build, error) {
	l, err := c.link(ref)
	if err != nil {
		return nil, err
	}
	return read[Build](ctx, c, l)
}

const (
	lookEvery   = 30 * time.Second // at a build that is waited for
	buildTakes  = 6 * time.Hour    // at most; the longest image builds take one
	failedLooks = 10               // in a row end any waiting
)

// WaitForBuild waits until b has ended, for six hours at most, and keeps b up to
// date; progress, if not nil, is told the state at every look. An end other than
// [Built] is an error that names the log.
func (c *Client) WaitForBuild(ctx context.Context, b *Build, progress func(BuildState)) error {
	failed := 0
	for end := c.now().Add(buildTakes); ; {
		_, err := c.reload(ctx, b)
		switch {
		case err == nil && b.State == "":
			return noBuild(b.SelfLink)
		case err == nil:
			failed = 0
		case ctx.Err() != nil || !passing(err):
			return err
		default:
			if failed++; failed >= failedLooks {
				return err
			}
		}
		if progress != nil {
			progress(b.State)
		}
		switch {
		case b.State == Built:
			return nil
		case b.State.Final() || b.State == ChrootProblem:
			return fmt.Errorf("%s: %s; log: %s", b.Title, b.State, cmp.Or(b.LogURL, "not there yet, see BuildLog"))
		case !c.now().Before(end):
			return &Error{Method: "GET", URL: string(b.SelfLink), Kind: ErrTimeout, Message: fmt.Sprintf("still %q after %v", b.State, buildTakes)}
		}
		if err := c.sleep(ctx, lookEvery); err != nil {
			return err
		}
	}
}

// reload reads a build again and reports whether it changed. An unchanged one
// costs Launchpad next to nothing.
func (c *Client) reload(ctx context.Context, b *Build) (bool, error) {
	return c.get(ctx, string(b.SelfLink), b.ETag, b)
}

// noBuild is about an entry without a state, which would be waited for in vain:
// something else, or a build as another version of the web service has it.
func noBuild(l value.Link) error {
	return &Error{Method: http.MethodGet, URL: string(l), Kind: ErrNotFound, Message: "the answer is no build: it has no state; the root of the web service is " + defaultBaseURL}
}
