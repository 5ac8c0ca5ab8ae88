package launchpadtest

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/landingteam/landing/launchpad"
)

type object = map[string]any

// seal adds what every entry has: its links and its ETag, whose second half
// depends on the fields one may write.
func (q *query) seal(o object, path, kind string, web bool, writable ...string) object {
	o["self_link"] = q.link(path)
	o["resource_type_link"] = q.base() + "/devel/#" + kind
	if web {
		o["web_link"] = q.webBase() + "/" + path
	}
	half := "0000000000000000000000000000000000000000" // nothing can be written
	if len(writable) > 0 {
		rw := object{}
		for _, k := range writable {
			rw[k] = o[k]
		}
		half = digest(rw)
	}
	o["http_etag"] = `"` + digest(o) + "-" + half + `"`
	return o
}

func digest(v any) string {
	b, _ := json.Marshal(v) // maps are written in order
	sum := sha1.Sum(b)
	return hex.EncodeToString(sum[:])
}

// when is a time as Launchpad writes it: no fraction when it is zero.
func when(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	if t.Nanosecond() == 0 {
		return t.UTC().Format("2006-01-02T15:04:05-07:00")
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000-07:00")
}

// pythonDuration is a duration as Python writes it: "0:17:44.579132", "1 day, 2:03:04".
func pythonDuration(d time.Duration) string {
	s := ""
	if days := int(d / (24 * time.Hour)); days == 1 {
		s = "1 day, "
	} else if days > 1 {
		s = fmt.Sprintf("%d days, ", days)
	}
	d %= 24 * time.Hour
	s += fmt.Sprintf("%d:%02d:%02d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60)
	if µs := d % time.Second / time.Microsecond; µs != 0 {
		s += fmt.Sprintf(".%06d", µs)
	}
	return s
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (q *query) linkOrNull(path string) any {
	if path == "" {
		return nil
	}
	return q.link(path)
}

func personPath(name string) string {
	if name == "" {
		return ""
	}
	return "~" + name
}

func (a *Archive) path() string {
	if owner, rest, ok := strings.Cut(a.Ref, "/"); ok && strings.HasPrefix(a.Ref, "~") {
		return owner + "/+archive/" + rest
	}
	return a.Distribution + "/+archive/" + a.Name
}

func (s *Server) archiveEntry(q *query, a *Archive) object {
	sees := s.sees(q, a)
	path := a.path()
	o := object{
		"owner_link": q.link("~" + a.Owner), "name": a.Name, "displayname": a.DisplayName, "reference": a.Ref,
		"distribution_link": q.link(a.Distribution), "private": a.Private, "suppress_subscription_notifications": false,
		"relative_build_score":         a.Score,
		"dependencies_collection_link": q.link(path + "/dependencies"), "processors_collection_link": q.link(path + "/processors"),
		"enabled_restricted_processors_collection_link": q.link(path + "/enabled_restricted_processors"),
		"webhooks_collection_link":                      q.link(path + "/webhooks"),
		"description":                                   secret(s.reads(q, a), orNull(a.Description)),
		"signing_key_fingerprint":                       secret(s.reads(q, a), orNull(a.SigningKey)),
		"status":                                        secret(sees, a.Status),
		"publish":                                       secret(sees, !a.Unpublished),
		"require_virtualized":                           secret(sees, true),
		"build_debug_symbols":                           secret(sees, a.DebugSymbols),
		"publish_debug_symbols":                         secret(sees, false),
		"permit_obsolete_series_uploads":                secret(sees, a.PermitObsolete),
		"authorized_size":                               secret[any](sees, nil),
		"external_dependencies":                         secret[any](sees, nil),
		"metadata_overrides":                            secret[any](sees, nil),
		"publishing_method":                             secret(sees, "Local"),
		"repository_format":                             secret(sees, "Debian"),
	}
	return q.seal(o, path, "archive", true, "displayname", "description", "publish", "permit_obsolete_series_uploads", "private")
}

func (s *Series) displayName() string { return strings.ToUpper(s.Name[:1]) + s.Name[1:] }

func (q *query) seriesEntry(s *Series) object {
	path := s.Distribution + "/" + s.Name
	obsolete := s.Status == "Obsolete"
	return q.seal(object{
		"name": s.Name, "version": s.Version, "displayname": s.displayName(), "status": s.Status,
		"active": !obsolete, "supported": !obsolete, "distribution_link": q.link(s.Distribution),
		"architectures_collection_link": q.link(path + "/architectures"), "main_archive_link": q.link(s.Distribution + "/+archive/primary"),
		"nominatedarchindep_link": q.link(path + "/" + s.Arches[0].Tag), "date_created": "2014-10-23T20:11:40.772135+00:00", "datereleased": "2015-04-23T14:33:09+00:00",
	}, path, "distro_series", true)
}

func (q *query) archEntry(s *Series, a *Arch) object {
	path := s.Distribution + "/" + s.Name + "/" + a.Tag
	return q.seal(object{
		"architecture_tag": a.Tag, "enabled": !a.Disabled, "official": true, "is_nominated_arch_indep": a == s.Arches[0],
		"supports_virtualized": true, "distroseries_link": q.link(s.Distribution + "/" + s.Name), "processor_link": q.link("+processors/" + a.Tag),
		"package_count": 0, "chroot_url": nil, "display_name": a.Tag, "title": a.Tag, "main_archive_link": q.link(s.Distribution + "/+archive/primary"),
	}, path, "distro_arch_series", true)
}

// rowEntry holds the fields common to both kinds of publication.
func (s *Server) rowEntry(q *query, r *Row) object {
	var from any
	if a := s.world.archive(r.CopiedFrom); a != nil {
		from = secret(s.sees(q, a), q.link(a.path()))
	}
	return object{
		"component_name": "main", "section_name": "devel", "status": string(r.Status), "pocket": r.pocket(),
		"source_package_name": r.SourceName, "source_package_version": r.SourceVersion,
		"archive_link": q.link(s.world.archive(r.Archive).path()), "copied_from_archive_link": from,
		"date_created": when(r.Created), "date_published": when(r.Published), "date_superseded": when(r.Superseded),
		"date_made_pending": when(r.PendingRemoval), "scheduled_deletion_date": nil, "date_removed": nil,
		"removed_by_link": q.linkOrNull(personPath(r.RemovedBy)), "removal_comment": orNull(r.Comment),
	}
}

// rendering is a row in JSON, and what it was made from.
type rendering struct {
	row    Row
	base   string
	viewer string
	text   json.RawMessage
}

// rendered gives the JSON of a row, made anew when something changed. Listings
// of thousands of rows are read again and again while a copy is watched.
func (s *Server) rendered(q *query, r *Row, make func() object) any {
	old := s.cache[r.ID]
	if old.text != nil && old.row == *r && old.base == q.base() && old.viewer == q.viewer+q.access {
		return old.text
	}
	text, err := json.Marshal(make())
	if err != nil {
		return nil
	}
	if s.cache == nil {
		s.cache = map[int]rendering{}
	}
	s.cache[r.ID] = rendering{*r, q.base(), q.viewer + q.access, text}
	return json.RawMessage(text)
}

func (s *Server) sourceEntry(q *query, v *SourceRow) object {
	o := s.rowEntry(q, &v.Row)
	dist := s.world.archive(v.Archive).Distribution
	o["display_name"] = fmt.Sprintf("%s %s in %s", v.SourceName, v.SourceVersion, v.Series)
	o["distro_series_link"] = q.link(dist + "/" + v.Series)
	o["creator_link"] = q.linkOrNull(personPath(v.Creator))
	for _, k := range [...]string{"sponsor_link", "packageupload_link", "package_creator_link", "package_maintainer_link", "package_signer_link"} {
		o[k] = nil
	}
	return q.seal(o, s.world.archive(v.Archive).path()+fmt.Sprintf("/+sourcepub/%d", v.ID), "source_package_publishing_history", false)
}

func (s *Server) binaryEntry(q *query, v *BinaryRow) object {
	o := s.rowEntry(q, &v.Row)
	a := s.world.archive(v.Archive)
	o["display_name"] = fmt.Sprintf("%s %s in %s %s", v.Name, v.Version, v.Series, v.Arch)
	o["distro_arch_series_link"] = q.link(a.Distribution + "/" + v.Series + "/" + v.Arch)
	o["binary_package_name"], o["binary_package_version"] = v.Name, v.Version
	o["architecture_specific"], o["is_debug"], o["priority_name"] = !v.All, v.Debug, "OPTIONAL"
	o["phased_update_percentage"], o["creator_link"], o["build_link"] = nil, nil, nil
	if b := find(s.world.Builds, func(b *Build) bool { return b.ID == v.Build }); b != nil {
		if home := s.world.archive(b.Archive); home != nil {
			o["build_link"] = secret(s.sees(q, home), q.link(fmt.Sprintf("%s/+build/%d", home.path(), b.ID)))
		}
	}
	return q.seal(o, a.path()+fmt.Sprintf("/+binarypub/%d", v.ID), "binary_package_publishing_history", false)
}

// buildFields are shared by package builds and livefs builds.
func (s *Server) buildFields(q *query, path, logName, pocket string, state launchpad.BuildState, createdAt, started, ended time.Time) object {
	o := object{
		"buildstate": string(state), "pocket": pocket, "datecreated": when(createdAt), "date_first_dispatched": when(started),
		"date_started": when(started), "datebuilt": when(ended), "duration": nil, "builder_link": nil, "build_log_url": nil, "upload_log_url": nil,
		"dependencies": nil, "score": nil, "can_be_retried": false, "can_be_rescored": state == launchpad.NeedsBuilding,
		"can_be_cancelled": cancellable(state), "external_dependencies": nil,
	}
	if state == launchpad.NeedsBuilding {
		o["score"] = 2500
	}
	if !ended.IsZero() && !started.IsZero() {
		o["duration"] = pythonDuration(ended.Sub(started))
		if !s.world.Now.Before(ended.Add(orTime(s.world.LogDelay, time.Minute))) {
			o["build_log_url"] = q.webBase() + "/" + (&url.URL{Path: path + "/+files/" + logName}).EscapedPath()
		}
	}
	return o
}

func (s *Server) buildEntry(q *query, b *Build) object {
	a := s.world.archive(b.Archive)
	path := fmt.Sprintf("%s/+build/%d", a.path(), b.ID)
	o := s.buildFields(q, path, fmt.Sprintf("buildlog_%s-%s-%s.%s_%s_BUILDING.txt.gz", a.Distribution, b.Series, b.Arch, b.SourceName, b.SourceVersion), "Release", b.State, b.Created, b.Started, b.Ended)
	o["title"] = fmt.Sprintf("%s build of %s %s in %s %s RELEASE", b.Arch, b.SourceName, b.SourceVersion, a.Distribution, b.Series)
	o["arch_tag"], o["source_package_name"], o["source_package_version"] = b.Arch, b.SourceName, b.SourceVersion
	o["archive_link"], o["distribution_link"] = q.link(a.path()), q.link(a.Distribution)
	o["can_be_retried"] = b.State.Failed()
	o["changesfile_url"], o["buildinfo_url"], o["current_source_publication_link"] = nil, nil, nil
	if src := s.world.activeSource(b.Archive, b.Series, b.SourceName, b.SourceVersion); src != nil {
		o["current_source_publication_link"] = q.link(fmt.Sprintf("%s/+sourcepub/%d", a.path(), src.ID))
	}
	return q.seal(o, path, "build", true)
}
