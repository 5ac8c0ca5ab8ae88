package launchpad

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
)

// BuildCommon is what package builds and livefs builds have in common.
type BuildCommon struct {
	Entry
	State             BuildState  `json:"buildstate"`
	Title             string      `json:"title"`
	Pocket            Pocket      `json:"pocket"`
	ArchiveLink       Link        `json:"archive_link"`
	DistributionLink  Link        `json:"distribution_link"`
	BuilderLink       Link        `json:"builder_link"`
	DateCreated       Time        `json:"datecreated"`
	DateDispatched    Time        `json:"date_first_dispatched"`
	DateStarted       Time        `json:"date_started"`
	DateBuilt         Time        `json:"datebuilt"`
	Duration          Duration    `json:"duration"`
	LogURL            string      `json:"build_log_url"` // comes some minutes after the end; see [Client.BuildLog]
	UploadLogURL      string      `json:"upload_log_url"`
	DependencyWaitFor string      `json:"dependencies"`
	Score             Field[int]  `json:"score"` // known while queued
	CanRetry          Field[bool] `json:"can_be_retried"`
	CanRescore        Field[bool] `json:"can_be_rescored"`
	CanCancel         Field[bool] `json:"can_be_cancelled"`
}

// A Build makes the binaries of one source on one architecture.
type Build struct {
	BuildCommon
	Arch          string `json:"arch_tag"`
	SourceName    string `json:"source_package_name"`
	SourceVersion string `json:"source_package_version"`
	SourceLink    Link   `json:"current_source_publication_link"` // none when the source is no longer active
	ChangesURL    string `json:"changesfile_url"`
	BuildinfoURL  string `json:"buildinfo_url"`
}

// A BuildFilter picks builds.
type BuildFilter struct {
	State      BuildState
	SourceName string // any part of the name
	Pocket     Pocket
}

// Builds lists the builds of an archive, latest finished first.
func (c *Client) Builds(ctx context.Context, archive Link, f BuildFilter) iter.Seq2[Build, error] {
	return query[Build](ctx, c, archive, op("getBuildRecords").text("build_state", string(f.State)).
		text("source_name", f.SourceName).text("pocket", string(f.Pocket)))
}

// SourceBuilds lists the builds of a source publication: those made in its
// archive, and those made elsewhere whose binaries were copied here.
func (c *Client) SourceBuilds(ctx context.Context, source Link) iter.Seq2[Build, error] {
	return query[Build](ctx, c, source, op("getBuilds"))
}

// Build reads one build; ref is its link or its page.
func (c *Client) Build(ctx context.Context, ref string) (*Build, error) {
	l, err := c.link(ref)
	if err != nil {
		return nil, err
	}
	return read[Build](ctx, c, l)
}

// RetryBuild puts a failed build back into the queue. Its log and its dates
// are lost by that: save the log first.
func (c *Client) RetryBuild(ctx context.Context, build Link) error {
	_, err := c.post(ctx, build, op("retry"))
	if err == nil {
		return nil
	}
	if isAmbiguous(err) {
		if b, lookErr := read[Build](ctx, c, build); lookErr == nil && !b.State.Failed() {
			return nil
		}
	}
	return fmt.Errorf("cannot retry build %d: %w", build.ID(), err)
}

// CancelBuild stops a build; one that cannot be stopped is left alone.
func (c *Client) CancelBuild(ctx context.Context, build Link) error {
	if _, err := c.post(ctx, build, op("cancel")); err != nil {
		return fmt.Errorf("cannot cancel build %d: %w", build.ID(), err)
	}
	return nil
}

// A BuildSummary says how the builds of a source stand.
type BuildSummary struct {
	// Status is NEEDSBUILD, BUILDING, FAILEDTOBUILD, FULLYBUILT_PENDING or
	// FULLYBUILT. The last only says that every build has a published binary;
	// it is also the answer for a source without builds.
	Status        string  `json:"status"`
	Builds        []Build `json:"builds"`
	DatePublished Time    `json:"date_published"`
	SourceName    string  `json:"source_package_name"`
}

// summaryBatch keeps the URL below 2 KiB.
const summaryBatch = 150

// BuildSummaries summarises the builds of sources of one archive, by the
// number that ends their links. Sources of other archives are left out.
func (c *Client) BuildSummaries(ctx context.Context, archive Link, ids []int) (map[int]BuildSummary, error) {
	out := make(map[int]BuildSummary, len(ids))
	for batch := range slices.Chunk(ids, summaryBatch) {
		var answer map[string]BuildSummary
		if _, err := c.get(ctx, op("getBuildSummariesForSourceIds").json("source_ids", batch).on(archive), "", &answer); err != nil {
			return nil, err
		}
		for k, v := range answer {
			id, err := strconv.Atoi(k)
			if err != nil {
				return nil, &Error{Method: "GET", URL: string(archive), Kind: ErrServer, Message: fmt.Sprintf("build summaries: %.40q is not a number", k)}
			}
			out[id] = v
		}
	}
	return out, nil
}

// BuildCounters count the builds of an archive. Cancelled ones are in none.
type BuildCounters struct {
	Total      int `json:"total"`
	Pending    int `json:"pending"`
	Failed     int `json:"failed"`
	Succeeded  int `json:"succeeded"`
	Superseded int `json:"superseded"`
}

// BuildCounters counts the builds of an archive, those not started included.
func (c *Client) BuildCounters(ctx context.Context, archive Link) (BuildCounters, error) {
	var b BuildCounters
	_, err := c.get(ctx, op("getBuildCounters").on(archive), "", &b)
	return b, err
}
