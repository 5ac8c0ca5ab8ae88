package launchpadtest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

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
