package launchpadtest

// serviceRoot is the root of the web service: links to its collections.
func (s *Server) serviceRoot(q *query) *answer {
	o := object{"resource_type_link": q.base() + "/devel/#service-root"}
	for _, name := range [...]string{"archives", "people", "distributions", "livefses"} {
		o[name+"_collection_link"] = q.link(name)
	}
	return jsonAnswer(o)
}
