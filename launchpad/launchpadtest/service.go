package launchpadtest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/landingteam/landing/launchpad"
)

// service answers a request to the web service, below its version root.
func (s *Server) service(q *query, path string) *answer {
	if refused := s.identify(q); refused != nil {
		return refused
	}
	if path == "" {
		return s.serviceRoot(q)
	}
	seg := strings.Split(path, "/")
	switch {
	case path == "people/+me" && q.viewer != "":
		return redirect(303, q.link("~"+q.viewer))
	case path == "archives":
		return s.archivesSet(q)
	case path == "livefses":
		return s.livefsSet(q)
	case strings.HasPrefix(seg[0], "~"):
		if a := s.personBelow(q, seg); a != nil {
			return a
		}
	case len(seg) >= 3 && seg[1] == "+archive":
		ref := seg[0]
		if seg[2] != "primary" {
			ref += "/" + seg[2]
		}
		return s.archiveBelow(q, ref, seg[3:])
	case slices.ContainsFunc(s.world.Series, func(r *Series) bool { return r.Distribution == seg[0] }):
		return s.distribution(q, seg)
	}
	return notFound("Root", seg[len(seg)-1])
}

// personBelow is a person or a team, and what stands below: PPAs, live file
// systems. It is nil when nothing does there.
func (s *Server) personBelow(q *query, seg []string) *answer {
	owner := s.world.person(seg[0][1:])
	switch {
	case owner == nil || owner.Private && !s.seesPrivate(q, owner.Name):
		return notFound("Person", seg[0])
	case len(seg) == 1:
		return s.personResource(q, owner)
	case len(seg) == 2 && seg[1] == "ppas":
		var rows []*Archive
		for _, a := range s.world.Archives {
			if a.Owner == owner.Name && strings.HasPrefix(a.Ref, "~") && a.Status != "Deleted" {
				rows = append(rows, a)
			}
		}
		return s.page(q, listing{n: len(rows), kind: "archive", entry: func(i int) any {
			if !s.reads(q, rows[i]) {
				return nil
			}
			return s.archiveEntry(q, rows[i])
		}})
	case len(seg) == 3 && seg[1] == "+archive":
		return redirect(301, q.link(seg[0]+"/+archive/ubuntu/"+seg[2]))
	case len(seg) >= 4 && seg[1] == "+archive":
		return s.archiveBelow(q, seg[0]+"/"+seg[2]+"/"+seg[3], seg[4:])
	case len(seg) >= 5 && seg[1] == "+livefs":
		return s.livefsBelow(q, strings.Join(seg[:5], "/"), seg[5:])
	}
	return nil
}

func notFound(kind, name string) *answer {
	return text(404, "Object: <lp.soyuz.model.%s object at 0x7f2c1c0b1d30>, name: '%s'", kind, name)
}

func noOperation(q *query) *answer {
	if q.Method == http.MethodPost && q.op == "" {
		return text(400, "No operation name given.")
	}
	return text(400, "No such operation: %s", q.op)
}

// entryAnswer is a plain read of an entry, or a PATCH of it.
func (s *Server) entryAnswer(q *query, entry func() object, patch func(map[string]json.RawMessage) *answer) *answer {
	o := entry()
	etag := o["http_etag"].(string)
	switch q.Method {
	case http.MethodGet:
		if q.op != "" {
			return noOperation(q)
		}
		if strings.ReplaceAll(q.Header.Get("If-None-Match"), `-gzip"`, `"`) == etag {
			return text(304, "")
		}
		a := jsonAnswer(o)
		a.header = map[string]string{"ETag": etag}
		return a
	case http.MethodPatch:
		if patch == nil {
			break
		}
		if q.Header.Get("Content-Type") != "application/json" {
			return text(415, "Expected a media type of application/json.")
		}
		half := func(e string) string { return e[strings.LastIndexByte(e, '-')+1:] }
		if m := q.Header.Get("If-Match"); m != "" && half(m) != half(etag) {
			return text(412, "")
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(q.body, &fields); err != nil {
			return text(400, "Entity-body was not a well-formed JSON document.")
		}
		if refused := patch(fields); refused != nil {
			return refused
		}
		a := jsonAnswer(entry())
		a.status = 209
		return a
	case http.MethodPost:
		return noOperation(q)
	}
	a := text(405, "")
	a.header = map[string]string{"Allow": "GET"}
	return a
}

// personResource is a person or a team, on which PPAs are created.
func (s *Server) personResource(q *query, p *Person) *answer {
	switch {
	case q.Method == http.MethodPost && q.op == "createPPA":
		return s.createPPA(q, p)
	case q.Method == http.MethodGet && q.op == "getPPAByName":
		name, dist := q.required("name"), orElse(q.path("distribution"), "ubuntu")
		if bad := q.failed(); bad != nil {
			return bad
		}
		if a := s.world.archive("~" + p.Name + "/" + dist + "/" + name); a != nil {
			return jsonAnswer(s.archiveEntry(q, a))
		}
		return text(404, "No such ppa: '%s'.", name)
	}
	return s.entryAnswer(q, func() object {
		return q.seal(object{"name": p.Name, "display_name": p.DisplayName, "is_team": p.Members != nil,
			"ppas_collection_link": q.link("~" + p.Name + "/ppas")}, "~"+p.Name, map[bool]string{true: "team", false: "person"}[p.Members != nil], true)
	}, nil)
}

func (s *Server) createPPA(q *query, p *Person) *answer {
	name, dist := orElse(q.text("name"), "ppa"), orElse(q.path("distribution"), "ubuntu")
	display, description, private := q.text("displayname"), q.text("description"), q.flag("private", false)
	if bad := q.failed(); bad != nil {
		return bad
	}
	ref := "~" + p.Name + "/" + dist + "/" + name
	switch {
	case !s.may(q, p.Name):
		return denied("Person", "createPPA", "launchpad.Edit")
	case private && !p.Private:
		return text(400, "%s is not allowed to make private PPAs", q.viewer)
	case p.Private && !private:
		return text(400, "Private teams may not have public archives.")
	case name == dist:
		return text(400, "A PPA cannot have the same name as its distribution.")
	case name == "ubuntu":
		return text(400, `A PPA cannot be named "ubuntu".`)
	case s.world.archive(ref) != nil && p.Members == nil:
		return text(400, "You already have a PPA for %s named '%s'.", strings.ToUpper(dist[:1])+dist[1:], name)
	case s.world.archive(ref) != nil:
		return text(400, "%s already has a PPA for %s named '%s'.", p.DisplayName, strings.ToUpper(dist[:1])+dist[1:], name)
	}
	a := &Archive{Ref: ref, Owner: p.Name, Distribution: dist, Name: name, DisplayName: orElse(display, name), Description: description,
		Status: "Active", Private: private, Processors: []string{"amd64", "i386"}}
	s.world.Archives = append(s.world.Archives, a)
	return created(q.link(a.path()))
}

// distribution, its series and their architectures.
func (s *Server) distribution(q *query, seg []string) *answer {
	w := s.world
	if len(seg) == 2 && seg[1] == "series" {
		var rows []*Series
		for _, r := range w.Series {
			if r.Distribution == seg[0] {
				rows = append(rows, r)
			}
		}
		return s.page(q, listing{n: len(rows), kind: "distro_series", entry: func(i int) any { return q.seriesEntry(rows[i]) }})
	}
	if len(seg) == 1 {
		switch q.op {
		case "getSeries":
			name := q.required("name_or_version")
			if bad := q.failed(); bad != nil {
				return bad
			}
			if r := w.series(name); r != nil {
				return jsonAnswer(q.seriesEntry(r))
			}
			return text(404, "No such distribution series: '%s'.", name)
		case "getArchive":
			if a := w.archive(seg[0]); a != nil && q.text("name") == "primary" {
				return jsonAnswer(s.archiveEntry(q, a))
			}
			return jsonAnswer(nil)
		}
		return s.entryAnswer(q, func() object {
			return q.seal(object{"name": seg[0], "display_name": strings.ToUpper(seg[0][:1]) + seg[0][1:], "main_archive_link": q.link(seg[0] + "/+archive/primary"),
				"archives_collection_link": q.link(seg[0] + "/archives"), "series_collection_link": q.link(seg[0] + "/series")}, seg[0], "distribution", true)
		}, nil)
	}
	r := find(w.Series, func(r *Series) bool { return r.Distribution == seg[0] && r.Name == seg[1] })
	if r == nil {
		return notFound("Distribution", seg[1])
	}
	if len(seg) == 2 {
		if q.op == "getDistroArchSeries" {
			tag := q.required("archtag")
			if a := find(r.Arches, func(a *Arch) bool { return a.Tag == tag }); a != nil {
				return jsonAnswer(q.archEntry(r, a))
			}
			return text(404, "No such distribution architecture series: '%s'.", tag)
		}
		return s.entryAnswer(q, func() object { return q.seriesEntry(r) }, nil)
	}
	if seg[2] == "architectures" {
		enabled := slices.DeleteFunc(slices.Clone(r.Arches), func(a *Arch) bool { return a.Disabled })
		return s.page(q, listing{n: len(enabled), kind: "distro_arch_series", entry: func(i int) any { return q.archEntry(r, enabled[i]) }})
	}
	if a := find(r.Arches, func(a *Arch) bool { return a.Tag == seg[2] }); a != nil {
		return s.entryAnswer(q, func() object { return q.archEntry(r, a) }, nil)
	}
	return notFound("DistroSeries", seg[2])
}

func (s *Server) archivesSet(q *query) *answer {
	if q.op != "getByReference" {
		if q.op == "" && q.Method == http.MethodGet {
			return s.page(q, listing{kind: "archive"})
		}
		return noOperation(q)
	}
	ref := q.required("reference")
	if bad := q.failed(); bad != nil {
		return bad
	}
	if name, ok := strings.CutPrefix(ref, "ppa:"); ok {
		ref = "~" + name
	}
	if a := s.world.archive(ref); a != nil && s.sees(q, a) {
		return jsonAnswer(s.archiveEntry(q, a))
	}
	return jsonAnswer(nil)
}

// archiveBelow is an archive and what stands below it.
func (s *Server) archiveBelow(q *query, ref string, rest []string) *answer {
	a := s.world.archive(ref)
	if a == nil {
		return notFound("PersonalPackageArchive", ref[strings.LastIndexByte(ref, '/')+1:])
	}
	if len(rest) == 0 {
		return s.archiveResource(q, a)
	}
	if rest[0] == "processors" {
		return s.page(q, listing{n: len(a.Processors), kind: "processor", entry: func(i int) any {
			p := a.Processors[i]
			return q.seal(object{"name": p, "title": p, "description": p, "restricted": false, "build_by_default": p != "armhf"}, "+processors/"+p, "processor", false)
		}})
	}
	if len(rest) < 2 {
		return notFound("Archive", rest[0])
	}
	id, _ := strconv.Atoi(rest[1])
	switch rest[0] {
	case "+sourcepub":
		if src := find(s.world.Sources, func(v *SourceRow) bool { return v.ID == id && v.Archive == ref }); src != nil {
			return s.sourceResource(q, a, src)
		}
	case "+binarypub":
		if b := find(s.world.Binaries, func(v *BinaryRow) bool { return v.ID == id && v.Archive == ref }); b != nil {
			return s.binaryResource(q, a, b)
		}
	case "+build":
		if b := find(s.world.Builds, func(v *Build) bool { return v.ID == id && v.Archive == ref }); b != nil {
			if len(rest) == 4 && rest[2] == "+files" {
				return s.file(q, a.path()+"/"+strings.Join(rest, "/"), s.sees(q, a))
			}
			return s.buildResource(q, a, b)
		}
	}
	return notFound("Archive", rest[0]+rest[1])
}

func (s *Server) archiveResource(q *query, a *Archive) *answer {
	if q.op == "" {
		if q.Method == http.MethodDelete {
			if !s.may(q, a.Owner) {
				return denied("Archive", "delete", "launchpad.Edit")
			}
			a.Status = "Deleting"
			return text(200, "")
		}
		return s.entryAnswer(q, func() object { return s.archiveEntry(q, a) }, func(f map[string]json.RawMessage) *answer { return s.patchArchive(q, a, f) })
	}
	if q.Method == http.MethodPost {
		switch q.op {
		case "copyPackage":
			return s.copyOne(q, a)
		case "copyPackages":
			return s.copyMany(q, a)
		}
		return noOperation(q)
	}
	if !s.reads(q, a) {
		return denied("Archive", "api_"+q.op, "launchpad.SubscriberView")
	}
	switch q.op {
	case "getPublishedSources":
		return s.publishedSources(q, a)
	case "getPublishedBinaries":
		return s.publishedBinaries(q, a)
	case "getBuildRecords":
		return s.buildRecords(q, a)
	case "getBuildCounters":
		return s.buildCounters(q, a)
	case "getBuildSummariesForSourceIds":
		return s.buildSummaries(q, a)
	}
	return noOperation(q)
}

func (s *Server) patchArchive(q *query, a *Archive, fields map[string]json.RawMessage) *answer {
	if !s.may(q, a.Owner) {
		return denied("Archive", "displayname", "launchpad.Edit")
	}
	b := *a
	for k, raw := range fields {
		var err error
		switch k {
		case "displayname":
			err = json.Unmarshal(raw, &b.DisplayName)
		case "description":
			err = json.Unmarshal(raw, &b.Description)
		case "permit_obsolete_series_uploads":
			err = json.Unmarshal(raw, &b.PermitObsolete)
		case "publish":
			var publish bool
			err = json.Unmarshal(raw, &publish)
			b.Unpublished = !publish
		default:
			return text(400, "%s: You tried to modify a read-only attribute.", k)
		}
		if err != nil {
			return text(400, "%s: wrong type", k)
		}
	}
	*a = b
	return nil
}

var statuses = [...]string{"Pending", "Published", "Superseded", "Deleted", "Obsolete"}
var pockets = [...]string{"Release", "Security", "Updates", "Proposed", "Backports"}

// filters are the parameters both listings of publications have.
type filters struct {
	name, version, status, pocket, component string
	exact                                    bool
	since                                    time.Time
	newest, oldest                           bool
}

func (q *query) filters(name string) filters {
	f := filters{name: q.text(name), version: q.text("version"), status: q.choice("status", statuses[:]...), pocket: q.choice("pocket", pockets[:]...),
		component: q.text("component_name"), exact: q.flag("exact_match", false), since: q.time("created_since_date"),
		newest: q.flag("order_by_date", false), oldest: q.flag("order_by_date_ascending", false)}
	if f.version != "" && f.name == "" {
		q.fail("The 'version' parameter can be used only together with the 'name' parameter.")
	}
	return f
}

func (f filters) match(r *Row, name, version string) bool {
	return (f.name == "" || name == f.name || !f.exact && strings.Contains(name, f.name)) && (f.version == "" || version == f.version) &&
		(f.status == "" || string(r.Status) == f.status) && (f.pocket == "" || f.pocket == r.pocket()) &&
		(f.component == "" || f.component == "main") && !r.Created.Before(f.since)
}

// order sorts rows in place; by name is what Launchpad does unasked.
func order[T any](f filters, rows []T, row func(T) (*Row, string, string)) {
	slices.SortStableFunc(rows, func(x, y T) int {
		a, an, av := row(x)
		b, bn, bv := row(y)
		switch {
		case f.newest:
			if c := b.Created.Compare(a.Created); c != 0 {
				return c
			}
		case f.oldest:
			if c := a.Created.Compare(b.Created); c != 0 {
				return c
			}
			return a.ID - b.ID
		default:
			if c := strings.Compare(an, bn); c != 0 {
				return c
			}
			if c := launchpad.CompareVersions(bv, av); c != 0 {
				return c
			}
		}
		return b.ID - a.ID
	})
}
