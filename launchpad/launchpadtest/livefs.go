package launchpadtest

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/landingteam/landing/launchpad"
)

// A Livefs is a live file system.
type Livefs struct {
	ID                          int
	Owner, Distro, Series, Name string
	Metadata                    map[string]any
	KeepDays                    int `json:",omitempty"`
}

// A LivefsBuild is a build of a live file system.
type LivefsBuild struct {
	ID                               int
	Livefs                           string // path of the livefs
	Archive, Series, Arch, Requester string
	UniqueKey, Version               string
	Pocket                           string `json:",omitempty"` // default Release
	Override                         map[string]any
	State                            launchpad.BuildState
	Due                              time.Time `json:",omitzero"`
	Created, Started, Ended          time.Time `json:",omitzero"`
	Expired                          bool      `json:",omitempty"` // its files are gone
}

// AddLivefs adds a live file system of a team the operator is in.
func (w *World) AddLivefs(owner, series, name string) *Livefs {
	w.AddPerson(owner, "operator")
	l := &Livefs{ID: w.id(), Owner: owner, Distro: w.series(series).Distribution, Series: series, Name: name, Metadata: map[string]any{"project": name}, KeepDays: 1}
	w.Livefses = append(w.Livefses, l)
	return l
}

func (l *Livefs) path() string {
	return fmt.Sprintf("~%s/+livefs/%s/%s/%s", l.Owner, l.Distro, l.Series, l.Name)
}

func (w *World) livefs(path string) *Livefs {
	return find(w.Livefses, func(l *Livefs) bool { return l.path() == path })
}

func (s *Server) livefsSet(q *query) *answer {
	if q.op != "getByName" {
		return noOperation(q)
	}
	owner, series, name := q.path("owner"), q.path("distro_series"), q.required("name")
	if bad := q.failed(); bad != nil {
		return bad
	}
	if l := s.world.livefs(owner + "/+livefs/" + series + "/" + name); l != nil {
		return jsonAnswer(q.livefsEntry(l))
	}
	return text(404, "No such live filesystem with this owner/distroseries: '%s'.", name)
}

func (s *Server) livefsBelow(q *query, path string, rest []string) *answer {
	l := s.world.livefs(path)
	if l == nil {
		return notFound("Person", path[strings.LastIndexByte(path, '/')+1:])
	}
	switch {
	case len(rest) == 0 && q.Method == "POST" && q.op == "requestBuild":
		return s.requestBuild(q, l)
	case len(rest) == 0:
		return s.entryAnswer(q, func() object { return q.livefsEntry(l) }, nil)
	case len(rest) == 1 && slices.Contains([]string{"builds", "pending_builds", "completed_builds"}, rest[0]):
		return s.livefsBuilds(q, l, rest[0])
	case rest[0] == "+build" && len(rest) > 1:
		id, _ := strconv.Atoi(rest[1])
		i := find(s.world.LivefsBuilds, func(i *LivefsBuild) bool { return i.ID == id && i.Livefs == path })
		if i == nil {
			break
		}
		if a := s.world.archive(i.Archive); a != nil && !s.sees(q, a) {
			return denied("LiveFSBuild", "status", "launchpad.View")
		}
		if len(rest) == 4 && rest[2] == "+files" {
			return s.file(q, path+"/"+strings.Join(rest, "/"), true)
		}
		return s.livefsBuildResource(q, l, i)
	}
	return notFound("LiveFS", rest[len(rest)-1])
}

func (q *query) livefsEntry(l *Livefs) object {
	p := l.path()
	var keep any
	if l.KeepDays > 0 {
		keep = l.KeepDays
	}
	return q.seal(object{"id": l.ID, "name": l.Name, "owner_link": q.link("~" + l.Owner), "registrant_link": q.link("~" + l.Owner),
		"distro_series_link": q.link(l.Distro + "/" + l.Series), "date_created": "2014-11-05T14:20:33.718200+00:00", "date_last_modified": "2014-11-05T14:20:33.718200+00:00",
		"metadata": l.Metadata, "require_virtualized": false, "relative_build_score": 0, "keep_binary_files_days": keep,
		"builds_collection_link": q.link(p + "/builds"), "completed_builds_collection_link": q.link(p + "/completed_builds"),
		"pending_builds_collection_link": q.link(p + "/pending_builds"), "webhooks_collection_link": q.link(p + "/webhooks")}, p, "livefs", true)
}

func pendingLivefsBuild(i *LivefsBuild) bool { return !i.State.Final() && !i.State.Failed() }

// livefsBuilds lists builds: those that wait or run by their number, the highest
// first; others by when they were started or ended, the latest first, and those never
// started at the end. A build with a disabled archive is in no list.
func (s *Server) livefsBuilds(q *query, l *Livefs, which string) *answer {
	var rows []*LivefsBuild
	for _, i := range s.world.LivefsBuilds {
		pending := pendingLivefsBuild(i)
		if i.Livefs != l.path() || which == "pending_builds" && !pending || which == "completed_builds" && pending {
			continue
		}
		if a := s.world.archive(i.Archive); a == nil || !a.Disabled {
			rows = append(rows, i)
		}
	}
	slices.SortFunc(rows, func(x, y *LivefsBuild) int {
		c := 0
		if which != "pending_builds" {
			c = y.latest().Compare(x.latest())
		}
		return cmp.Or(c, y.ID-x.ID)
	})
	return s.page(q, listing{n: len(rows), kind: "livefs_build", entry: func(n int) any {
		if a := s.world.archive(rows[n].Archive); a != nil && !s.sees(q, a) {
			return nil
		}
		return s.livefsBuildEntry(q, rows[n])
	}})
}

// latest is when the build ended, or else was started.
func (i *LivefsBuild) latest() time.Time {
	if i.Ended.After(i.Started) {
		return i.Ended
	}
	return i.Started
}

func (s *Server) requestBuild(q *query, l *Livefs) *answer {
	a, das, pocket := q.archiveParam(s, "archive"), q.path("distro_arch_series"), q.choice("pocket", pockets[:]...)
	if das == "" {
		q.fail("distro_arch_series: Required input is missing.")
	}
	if pocket == "" {
		q.fail("pocket: Required input is missing.")
	}
	override, _ := q.value("metadata_override")
	meta, isObject := override.(map[string]any)
	if override != nil && !isObject {
		q.fail("metadata_override: wrong type")
	}
	if bad := q.failed(); bad != nil {
		return bad
	}
	w := s.world
	switch {
	case !s.may(q, l.Owner):
		who := "Anonymous"
		if p := w.person(q.viewer); p != nil {
			who = p.DisplayName
		}
		return text(401, "%s cannot create live filesystem builds owned by %s.", who, w.person(l.Owner).DisplayName)
	case a.Disabled:
		return text(403, "%s is disabled.", a.DisplayName)
	case a.Private && a.Owner != l.Owner:
		return text(403, "Live filesystem builds against private archives are only allowed if the live filesystem owner and the archive owner are equal.")
	}
	i := &LivefsBuild{ID: w.id(), Livefs: l.path(), Archive: a.Ref, Series: l.Series, Arch: das[strings.LastIndexByte(das, '/')+1:], Requester: q.viewer, Pocket: pocket,
		UniqueKey: q.text("unique_key"), Version: orElse(q.text("version"), w.Now.Format("20060102-150405")), Override: meta,
		State: launchpad.NeedsBuilding, Created: w.Now, Due: w.Now.Add(orTime(w.BuildTime, 10*time.Minute))}
	if slices.ContainsFunc(w.LivefsBuilds, func(o *LivefsBuild) bool {
		return o.Livefs == i.Livefs && o.State == launchpad.NeedsBuilding && o.Archive == i.Archive && o.Arch == i.Arch && o.Pocket == i.Pocket && o.UniqueKey == i.UniqueKey && digest(o.Override) == digest(i.Override)
	}) {
		return text(400, "An identical build of this live filesystem image is already pending.")
	}
	w.LivefsBuilds = append(w.LivefsBuilds, i)
	return created(q.link(fmt.Sprintf("%s/+build/%d", i.Livefs, i.ID)))
}

func (i *LivefsBuild) logName(l *Livefs) string {
	key := ""
	if i.UniqueKey != "" {
		key = i.UniqueKey + "_"
	}
	return fmt.Sprintf("buildlog_%s_%s_%s_%s%s_BUILDING.txt.gz", l.Distro, l.Series, i.Arch, key, l.Name)
}

func (s *Server) livefsBuildEntry(q *query, i *LivefsBuild) object {
	l := s.world.livefs(i.Livefs)
	path := fmt.Sprintf("%s/+build/%d", i.Livefs, i.ID)
	o := s.buildFields(q, path, i.logName(l), orElse(i.Pocket, "Release"), i.State, i.Created, i.Started, i.Ended)
	name := l.Name
	if i.UniqueKey != "" {
		name += " (" + i.UniqueKey + ")"
	}
	o["title"] = fmt.Sprintf("%s build of %s livefs in %s %s", i.Arch, name, l.Distro, suite(l.Series, i.Pocket))
	o["livefs_link"], o["requester_link"], o["archive_link"] = q.link(i.Livefs), q.link("~"+i.Requester), q.link(s.world.archive(i.Archive).path())
	o["distribution_link"], o["distro_series_link"], o["distro_arch_series_link"] = q.link(l.Distro), q.link(l.Distro+"/"+l.Series), q.link(l.Distro+"/"+l.Series+"/"+i.Arch)
	o["unique_key"], o["version"], o["metadata_override"] = orNull(i.UniqueKey), i.Version, nil
	if i.Override != nil {
		o["metadata_override"] = i.Override
	}
	delete(o, "external_dependencies")
	return q.seal(o, path, "livefs_build", true)
}

func (s *Server) livefsBuildResource(q *query, l *Livefs, i *LivefsBuild) *answer {
	switch q.Method + " " + q.op {
	case "GET getFileUrls":
		names := []any{}
		if i.State == launchpad.Built && !i.Expired {
			for _, n := range []string{"livecd." + l.Name + ".manifest", "livecd." + l.Name + ".rootfs.tar.gz"} {
				names = append(names, q.webBase()+"/"+(&url.URL{Path: fmt.Sprintf("%s/+build/%d/+files/%s", i.Livefs, i.ID, n)}).EscapedPath())
			}
			names = append(names, nil) // one file has expired
		}
		return jsonAnswer(names)
	case "POST retry":
		return text(400, "Build %d cannot be retried.", i.ID)
	case "POST cancel":
		if !s.may(q, l.Owner) {
			return denied("LiveFSBuild", "cancel", "launchpad.Edit")
		}
		s.world.cancel(&i.State, &i.Ended, &i.Due)
		return jsonAnswer(nil)
	}
	return s.entryAnswer(q, func() object { return s.livefsBuildEntry(q, i) }, nil)
}

// suite is a series with its pocket: vivid, vivid-proposed.
func suite(series, pocket string) string {
	if pocket == "" || pocket == "Release" {
		return series
	}
	return series + "-" + strings.ToLower(pocket)
}

// stepLivefsBuild moves a livefs build on: waiting, building, uploading, done.
func (w *World) stepLivefsBuild(i *LivefsBuild) {
	next := w.Now.Add(orTime(w.BuildTime, 10*time.Minute))
	l := w.livefs(i.Livefs)
	switch i.State {
	case launchpad.NeedsBuilding:
		i.State, i.Started, i.Due = launchpad.Building, w.Now, next
	case launchpad.Building:
		if w.FailBuild[l.Name] || w.FailBuild[l.Name+"/"+i.Arch] {
			i.State, i.Ended, i.Due = launchpad.FailedToBuild, w.Now, zero
			return
		}
		i.State, i.Due = launchpad.Uploading, w.Now.Add(time.Minute)
	case launchpad.Uploading:
		i.State, i.Ended, i.Due = launchpad.Built, w.Now, zero
	case launchpad.Cancelling:
		i.State, i.Ended, i.Due = launchpad.Cancelled, w.Now, zero
	default:
		i.Due = zero
	}
}
