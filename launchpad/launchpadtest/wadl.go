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
	fields     string            // those without a link to another type
	links      map[string]string // field, type of what it links to
	operations []wadlOperation
}

type wadlOperation struct {
	method string
	name   string
	params string // one that must be given ends in "!"

	// returns is the type of what comes back, of a list it ends in -page; "" is
	// nothing. What makes something says where it is.
	returns string
	makes   string
}

// The fields that many types have.
const (
	wadlEntry = "self_link web_link resource_type_link http_etag "
	wadlRow   = "self_link resource_type_link http_etag display_name component_name section_name status pocket " +
		"source_package_name source_package_version date_created date_published date_superseded date_made_pending " +
		"scheduled_deletion_date date_removed removal_comment "
	wadlBuild = wadlEntry + "buildstate title pocket datecreated date_first_dispatched date_started datebuilt duration " +
		"build_log_url upload_log_url dependencies score can_be_retried can_be_rescored can_be_cancelled "
)

// described is the part of the web service that is described in WADL, which is all
// that this fake has.
func described() map[string]wadlType {
	const listing = "status exact_match version pocket component_name created_since_date order_by_date order_by_date_ascending "
	const copying = "from_archive! to_pocket! to_series from_series include_binaries sponsored unembargo auto_approve silent "
	row := func(more map[string]string) map[string]string {
		m := map[string]string{"archive_link": "archive", "copied_from_archive_link": "archive", "creator_link": "person", "removed_by_link": "person"}
		maps.Copy(m, more)
		return m
	}
	deletion := wadlOperation{method: "POST", name: "requestDeletion", params: "removal_comment"}
	retry, cancel := wadlOperation{method: "POST", name: "retry"}, wadlOperation{method: "POST", name: "cancel"}
	person := wadlType{wadlEntry + "name display_name is_team", map[string]string{"ppas_collection_link": "archive-page-resource"}, []wadlOperation{
		{method: "GET", name: "getPPAByName", params: "name! distribution", returns: "archive"},
		{method: "POST", name: "createPPA", params: "name distribution displayname description private suppress_subscription_notifications", makes: "archive"},
	}}
	return map[string]wadlType{
		"archive": {wadlEntry + "name displayname reference description private publish status permit_obsolete_series_uploads " +
			"signing_key_fingerprint relative_build_score authorized_size require_virtualized",
			map[string]string{"owner_link": "person", "distribution_link": "distribution"},
			[]wadlOperation{
				{method: "GET", name: "getPublishedSources", params: listing + "source_name distro_series", returns: "source_package_publishing_history-page"},
				{method: "GET", name: "getPublishedBinaries", params: listing + "binary_name distro_arch_series ordered", returns: "binary_package_publishing_history-page"},
				{method: "GET", name: "getBuildRecords", params: "build_state source_name pocket", returns: "build-page"},
				{method: "GET", name: "getBuildSummariesForSourceIds", params: "source_ids!"},
				{method: "GET", name: "getBuildCounters"},
				{method: "POST", name: "copyPackage", params: copying + "source_name! version! from_pocket phased_update_percentage move"},
				{method: "POST", name: "copyPackages", params: copying + "source_names!"},
			}},
		"source_package_publishing_history": {wadlRow, row(map[string]string{"distro_series_link": "distro_series"}),
			[]wadlOperation{
				{method: "GET", name: "getPublishedBinaries", params: "active_binaries_only", returns: "binary_package_publishing_history-page"},
				{method: "GET", name: "getBuilds", returns: "build-page"},
				{method: "GET", name: "sourceFileUrls", params: "include_meta"},
				deletion,
			}},
		"binary_package_publishing_history": {wadlRow + "binary_package_name binary_package_version architecture_specific priority_name is_debug phased_update_percentage",
			row(map[string]string{"distro_arch_series_link": "distro_arch_series", "build_link": "build"}),
			[]wadlOperation{{method: "GET", name: "binaryFileUrls", params: "include_meta"}, deletion}},
		"build":  {wadlBuild + "arch_tag source_package_name source_package_version", map[string]string{"archive_link": "archive"}, []wadlOperation{retry, cancel}},
		"person": person,
		"team":   person,
		"distribution": {wadlEntry + "name display_name", map[string]string{"main_archive_link": "archive", "series_collection_link": "distro_series-page-resource"},
			[]wadlOperation{
				{method: "GET", name: "getSeries", params: "name_or_version!", returns: "distro_series"},
				{method: "GET", name: "getArchive", params: "name!", returns: "archive"},
			}},
		"distro_series": {wadlEntry + "name version displayname status active",
			map[string]string{"distribution_link": "distribution", "main_archive_link": "archive", "nominatedarchindep_link": "distro_arch_series",
				"architectures_collection_link": "distro_arch_series-page-resource"},
			[]wadlOperation{{method: "GET", name: "getDistroArchSeries", params: "archtag!", returns: "distro_arch_series"}}},
		"distro_arch_series": {wadlEntry + "architecture_tag enabled official is_nominated_arch_indep", map[string]string{"distroseries_link": "distro_series"}, nil},
		"livefs": {wadlEntry + "id name date_created metadata require_virtualized relative_build_score keep_binary_files_days",
			map[string]string{"owner_link": "person", "registrant_link": "person", "distro_series_link": "distro_series",
				"builds_collection_link": "livefs_build-page-resource", "pending_builds_collection_link": "livefs_build-page-resource",
				"completed_builds_collection_link": "livefs_build-page-resource"},
			[]wadlOperation{{method: "POST", name: "requestBuild", params: "archive! distro_arch_series! pocket! unique_key metadata_override version", makes: "livefs_build"}}},
		"livefs_build": {wadlBuild + "unique_key version metadata_override",
			map[string]string{"livefs_link": "livefs", "requester_link": "person", "archive_link": "archive", "distro_series_link": "distro_series", "distro_arch_series_link": "distro_arch_series"},
			[]wadlOperation{{method: "GET", name: "getFileUrls"}, cancel}},
	}
}

// collections are those at the root of the service, with what they hold and can do.
var collections = [...]struct {
	name, entry string
	operations  []wadlOperation
}{
	{"archives", "archive", []wadlOperation{{method: "GET", name: "getByReference", params: "reference!", returns: "archive"}}},
	{"people", "person", nil},
	{"distributions", "distribution", nil},
	{"livefses", "livefs", []wadlOperation{{method: "GET", name: "getByName", params: "owner! distro_series! name!", returns: "livefs"}}},
}

// serviceRoot is the root of the web service: links to its collections, or its
// description.
func (s *Server) serviceRoot(q *query) *answer {
	if strings.Contains(q.Header.Get("Accept"), "wadl+xml") || q.params.Get("ws.accept") == "application/vnd.sun.wadl+xml" {
		return &answer{status: http.StatusOK, kind: "application/vnd.sun.wadl+xml", body: []byte(q.wadl())}
	}
	o := object{"resource_type_link": q.base() + "/devel/#service-root", "me_link": q.link("people/+me")}
	for _, c := range collections {
		o[c.name+"_collection_link"] = q.link(c.name)
	}
	return jsonAnswer(o)
}

// wadlText writes the description. Types are named by the address of the root.
type wadlText struct {
	strings.Builder
	root string
}

func (t *wadlText) p(format string, args ...any) { fmt.Fprintf(t, format+"\n", args...) }

func (t *wadlText) get(id, returns string) {
	t.p(` <wadl:method id="%s-get" name="GET"><wadl:response><wadl:representation href="%s#%s"/></wadl:response></wadl:method>`, id, t.root, returns)
}

// link is a field that holds a link to something of a type.
func (t *wadlText) link(field, kind string) {
	t.p(`  <wadl:param style="plain" name="%s" path="$['%s']"><wadl:link resource_type="%s#%s"/></wadl:param>`, field, field, t.root, kind)
}

func (t *wadlText) operation(id string, o wadlOperation) {
	t.p(` <wadl:method id="%s-%s" name="%s"><wadl:request>`, id, o.name, o.method)
	if o.method == "POST" {
		t.p(`  <wadl:representation mediaType="application/x-www-form-urlencoded">`)
	}
	t.p(`  <wadl:param style="query" name="ws.op" required="true" fixed="%s"/>`, o.name)
	for _, n := range strings.Fields(o.params) {
		name, required := strings.CutSuffix(n, "!")
		t.p(`  <wadl:param style="query" name="%s" required="%v"/>`, name, required)
	}
	if o.method == "POST" {
		t.p(`  </wadl:representation>`)
	}
	t.p(` </wadl:request><wadl:response>`)
	switch {
	case o.makes != "":
		t.p(`  <wadl:param style="header" name="Location"><wadl:link resource_type="%s#%s"/></wadl:param>`, t.root, o.makes)
	case strings.HasSuffix(o.returns, "-page"):
		t.p(`  <wadl:representation href="%s#%s"/>`, t.root, o.returns)
	case o.returns != "":
		t.p(`  <wadl:representation href="%s#%s-full"/>`, t.root, o.returns)
	}
	t.p(` </wadl:response></wadl:method>`)
}

// wadlRoot describes the root and what stands directly below it.
func (t *wadlText) wadlRoot() {
	t.p(`<wadl:resources base="%s"><wadl:resource path="" type="#service-root"/></wadl:resources>`, t.root)
	t.p(`<wadl:resource_type id="service-root">`)
	t.get("service-root", "service-root-json")
	t.p(`</wadl:resource_type>`)
	t.p(`<wadl:representation mediaType="application/json" id="service-root-json">`)
	for _, c := range collections {
		t.link(c.name+"_collection_link", c.name)
	}
	t.link("me_link", "person")
	t.p(`</wadl:representation>`)
	for _, c := range collections {
		t.p(`<wadl:resource_type id="%s">`, c.name)
		t.get(c.name, c.entry+"-page")
		for _, o := range c.operations {
			t.operation(c.name, o)
		}
		t.p(`</wadl:resource_type>`)
	}
	t.p(`<wadl:resource_type id="ScalarValue">`)
	t.get("ScalarValue", "ScalarValue-json")
	t.p(`</wadl:resource_type>`)
	t.p(`<wadl:representation mediaType="application/json" id="ScalarValue-json"/>`)
}

// wadlEntryType describes one type of entry, and pages of such.
func (t *wadlText) wadlEntryType(name string, d wadlType) {
	t.p(`<wadl:resource_type id="%s">`, name)
	t.get(name, name+"-full")
	for _, o := range d.operations {
		t.operation(name, o)
	}
	t.p(`</wadl:resource_type>`)
	t.p(`<wadl:resource_type id="%s-page-resource">`, name)
	t.get(name+"-page-resource", name+"-page")
	t.p(`</wadl:resource_type>`)
	t.p(`<wadl:representation mediaType="application/json" id="%s-full">`, name)
	for _, f := range strings.Fields(d.fields) {
		t.p(`  <wadl:param style="plain" name="%s" path="$['%s']"/>`, f, f)
	}
	for _, f := range slices.Sorted(maps.Keys(d.links)) {
		t.link(f, d.links[f])
	}
	t.p(`</wadl:representation>`)
	t.p(`<wadl:representation mediaType="application/json" id="%s-page">`, name)
	for _, f := range [...]string{"resource_type_link", "total_size", "start", "prev_collection_link", "entries"} {
		t.p(`  <wadl:param style="plain" name="%s" path="$['%s']"/>`, f, f)
	}
	t.link("next_collection_link", name+"-page-resource")
	t.link("total_size_link", "ScalarValue")
	t.p(`</wadl:representation>`)
}

func (q *query) wadl() string {
	t := &wadlText{root: q.base() + "/devel/"}
	t.p(`<?xml version="1.0"?>`)
	t.p(`<wadl:application xmlns:wadl="http://research.sun.com/wadl/2006/10">`)
	t.wadlRoot()
	types := described()
	for _, name := range slices.Sorted(maps.Keys(types)) {
		t.wadlEntryType(name, types[name])
	}
	t.p(`</wadl:application>`)
	return t.String()
}
