package launchpadtest

import (
	"net/http"
	"strings"
)

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
