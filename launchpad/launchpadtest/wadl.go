package launchpadtest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// wadlType is a type of entry in the service's description of itself.
type wadlType struct {
	fields     []string          // those without a link to another type
	links      map[string]string // field, type of what it links to
	operations []wadlOperation
}

type wadlOperation struct {
	name, params, returns string // returns ends in -page for a list
}

// described is the part of the web service that is described in WADL: enough
// for launchpadlib to log in without credentials, to look archives, people
// and series up, and to list publications and builds.
func described() map[string]wadlType {
	row := []string{"self_link", "resource_type_link", "http_etag", "display_name", "component_name", "section_name", "status", "pocket",
		"source_package_name", "source_package_version", "date_created", "date_published", "date_superseded", "date_made_pending",
		"scheduled_deletion_date", "date_removed", "removal_comment"}
	rowLinks := map[string]string{"archive_link": "archive", "copied_from_archive_link": "archive", "creator_link": "person", "removed_by_link": "person"}
	with := func(more map[string]string) map[string]string {
		m := maps.Clone(rowLinks)
		maps.Copy(m, more)
		return m
	}
	entry := []string{"self_link", "web_link", "resource_type_link", "http_etag"}
	const listing = "status exact_match version pocket component_name created_since_date order_by_date order_by_date_ascending "
	return map[string]wadlType{
		"archive": {slices.Concat(entry, []string{"name", "displayname", "reference", "description", "private", "publish", "status", "permit_obsolete_series_uploads",
			"signing_key_fingerprint", "relative_build_score", "authorized_size", "require_virtualized"}),
			map[string]string{"owner_link": "person", "distribution_link": "distribution"},
			[]wadlOperation{
				{"getPublishedSources", listing + "source_name distro_series", "source_package_publishing_history-page"},
				{"getPublishedBinaries", listing + "binary_name distro_arch_series ordered", "binary_package_publishing_history-page"},
				{"getBuildRecords", "build_state source_name pocket", "build-page"},
			}},
		"source_package_publishing_history": {row, with(map[string]string{"distro_series_link": "distro_series"}),
			[]wadlOperation{{"getPublishedBinaries", "active_binaries_only", "binary_package_publishing_history-page"}, {"getBuilds", "", "build-page"}}},
		"binary_package_publishing_history": {slices.Concat(row, []string{"binary_package_name", "binary_package_version", "architecture_specific", "priority_name", "is_debug", "phased_update_percentage"}),
			with(map[string]string{"distro_arch_series_link": "distro_arch_series", "build_link": "build"}), nil},
		"build": {slices.Concat(entry, []string{"buildstate", "title", "arch_tag", "source_package_name", "source_package_version", "datecreated", "date_started", "datebuilt", "duration", "build_log_url"}),
			map[string]string{"archive_link": "archive"}, nil},
		"person":             {slices.Concat(entry, []string{"name", "display_name", "is_team"}), nil, []wadlOperation{{"getPPAByName", "name distribution", "archive"}}},
		"team":               {slices.Concat(entry, []string{"name", "display_name", "is_team"}), nil, []wadlOperation{{"getPPAByName", "name distribution", "archive"}}},
		"distribution":       {slices.Concat(entry, []string{"name", "display_name"}), map[string]string{"main_archive_link": "archive"}, []wadlOperation{{"getSeries", "name_or_version", "distro_series"}}},
		"distro_series":      {slices.Concat(entry, []string{"name", "version", "displayname", "status", "active"}), map[string]string{"distribution_link": "distribution", "main_archive_link": "archive"}, []wadlOperation{{"getDistroArchSeries", "archtag", "distro_arch_series"}}},
		"distro_arch_series": {slices.Concat(entry, []string{"architecture_tag", "enabled"}), map[string]string{"distroseries_link": "distro_series"}, nil},
	}
}

// serviceRoot is the root of the web service: links to its collections, or its
// description.
func (s *Server) serviceRoot(q *query) *answer {
	if strings.Contains(q.Header.Get("Accept"), "wadl+xml") || q.params.Get("ws.accept") == "application/vnd.sun.wadl+xml" {
		return &answer{status: http.StatusOK, kind: "application/vnd.sun.wadl+xml", body: []byte(q.wadl())}
	}
	o := object{"resource_type_link": q.base() + "/devel/#service-root"}
	for _, name := range [...]string{"archives", "people", "distributions", "livefses"} {
		o[name+"_collection_link"] = q.link(name)
	}
	return jsonAnswer(o)
}

// wadl writes the description. Types are named by the address of the root.
func (q *query) wadl() string {
	var b strings.Builder
	root := q.base() + "/devel/"
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	get := func(id, returns string) {
		p(` <wadl:method id="%s-get" name="GET"><wadl:response><wadl:representation href="%s#%s"/></wadl:response></wadl:method>`, id, root, returns)
	}
	operation := func(id string, o wadlOperation) {
		p(` <wadl:method id="%s-%s" name="GET"><wadl:request>`, id, o.name)
		p(`  <wadl:param style="query" name="ws.op" required="true" fixed="%s"/>`, o.name)
		for _, n := range strings.Fields(o.params) {
			p(`  <wadl:param style="query" name="%s" required="false"/>`, n)
		}
		full := o.returns
		if !strings.HasSuffix(full, "-page") {
			full += "-full"
		}
		p(` </wadl:request><wadl:response><wadl:representation href="%s#%s"/></wadl:response></wadl:method>`, root, full)
	}
	link := func(field, kind string) {
		p(`  <wadl:param style="plain" name="%s" path="$['%s']"><wadl:link resource_type="%s#%s"/></wadl:param>`, field, field, root, kind)
	}
	p(`<?xml version="1.0"?>`)
	p(`<wadl:application xmlns:wadl="http://research.sun.com/wadl/2006/10">`)
	p(`<wadl:resources base="%s"><wadl:resource path="" type="#service-root"/></wadl:resources>`, root)
	p(`<wadl:resource_type id="service-root">`)
	get("service-root", "service-root-json")
	p(`</wadl:resource_type>`)
	p(`<wadl:representation mediaType="application/json" id="service-root-json">`)
	collections := [...][2]string{{"archives", "archive"}, {"people", "person"}, {"distributions", "distribution"}}
	for _, c := range collections {
		link(c[0]+"_collection_link", c[0])
	}
	p(`</wadl:representation>`)
	for _, c := range collections {
		p(`<wadl:resource_type id="%s">`, c[0])
		get(c[0], c[1]+"-page")
		if c[0] == "archives" {
			operation("archives", wadlOperation{"getByReference", "reference", "archive"})
		}
		p(`</wadl:resource_type>`)
	}
	p(`<wadl:resource_type id="ScalarValue">`)
	get("ScalarValue", "ScalarValue-json")
	p(`</wadl:resource_type>`)
	p(`<wadl:representation mediaType="application/json" id="ScalarValue-json"/>`)
	types := described()
	for _, name := range slices.Sorted(maps.Keys(types)) {
		t := types[name]
		p(`<wadl:resource_type id="%s">`, name)
		get(name, name+"-full")
		for _, o := range t.operations {
			operation(name, o)
		}
		p(`</wadl:resource_type>`)
		p(`<wadl:resource_type id="%s-page-resource">`, name)
		get(name+"-page-resource", name+"-page")
		p(`</wadl:resource_type>`)
		p(`<wadl:representation mediaType="application/json" id="%s-full">`, name)
		for _, f := range t.fields {
			p(`  <wadl:param style="plain" name="%s" path="$['%s']"/>`, f, f)
		}
		for _, f := range slices.Sorted(maps.Keys(t.links)) {
			link(f, t.links[f])
		}
		p(`</wadl:representation>`)
		p(`<wadl:representation mediaType="application/json" id="%s-page">`, name)
		for _, f := range [...]string{"resource_type_link", "total_size", "start", "prev_collection_link", "entries"} {
			p(`  <wadl:param style="plain" name="%s" path="$['%s']"/>`, f, f)
		}
		link("next_collection_link", name+"-page-resource")
		link("total_size_link", "ScalarValue")
		p(`</wadl:representation>`)
	}
	p(`</wadl:application>`)
	return b.String()
}
