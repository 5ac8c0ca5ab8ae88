package launchpadtest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
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
