package launchpadtest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/landingteam/landing/launchpad"
)

func (s *Server) publishedSources(q *query, a *Archive) *answer {
	f, series := q.filters("source_name"), q.path("distro_series")
	if bad := q.failed(); bad != nil {
		return bad
	}
	var rows []*Source
	for _, v := range s.world.Sources {
		if v.Archive == a.Ref && f.match(&v.Row, v.SourceName, v.SourceVersion) && (series == "" || series == a.Distribution+"/"+v.Series) {
			rows = append(rows, v)
		}
	}
	order(f, rows, func(v *Source) (*Row, string, string) { return &v.Row, v.SourceName, v.SourceVersion })
	return s.page(q, listing{n: len(rows), entry: func(i int) any {
		return s.rendered(q, &rows[i].Row, func() object { return s.sourceEntry(q, rows[i]) })
	}})
}

func (s *Server) publishedBinaries(q *query, a *Archive) *answer {
	f, arch, ordered := q.filters("binary_name"), q.path("distro_arch_series"), q.flag("ordered", true)
	if bad := q.failed(); bad != nil {
		return bad
	}
	var rows []*Binary
	for _, v := range s.world.Binaries {
		if v.Archive == a.Ref && f.match(&v.Row, v.Name, v.Version) && (arch == "" || arch == a.Distribution+"/"+v.Series+"/"+v.Arch) {
			rows = append(rows, v)
		}
	}
	if !ordered && !f.newest && !f.oldest {
		slices.SortFunc(rows, func(x, y *Binary) int { return y.ID - x.ID })
	} else {
		order(f, rows, func(v *Binary) (*Row, string, string) { return &v.Row, v.Name, v.Version })
	}
	return s.page(q, listing{n: len(rows), entry: func(i int) any {
		return s.rendered(q, &rows[i].Row, func() object { return s.binaryEntry(q, rows[i]) })
	}})
}

func (s *Server) sourceResource(q *query, a *Archive, src *Source) *answer {
	if !s.reads(q, a) {
		return denied("SourcePackagePublishingHistory", orElse(q.op, "status"), "launchpad.View")
	}
	w := s.world
	switch q.Method + " " + q.op {
	case "GET getPublishedBinaries":
		active := q.flag("active_binaries_only", true)
		if bad := q.failed(); bad != nil {
			return bad
		}
		var rows []*Binary
		for _, b := range w.Binaries {
			if b.Archive == a.Ref && b.Series == src.Series && b.SourceName == src.SourceName && b.SourceVersion == src.SourceVersion && (!active || b.Status.Active()) {
				rows = append(rows, b)
			}
		}
		slices.SortFunc(rows, func(x, y *Binary) int {
			if c := strings.Compare(x.Name+" "+x.Arch, y.Name+" "+y.Arch); c != 0 {
				return c
			}
			return y.ID - x.ID
		})
		return s.page(q, listing{n: len(rows), entry: func(i int) any {
			return s.rendered(q, &rows[i].Row, func() object { return s.binaryEntry(q, rows[i]) })
		}})
	case "GET getBuilds":
		var rows []*Build
		for _, b := range w.Builds {
			here := b.Archive == a.Ref && b.Series == src.Series && b.SourceName == src.SourceName && b.SourceVersion == src.SourceVersion
			if here || slices.ContainsFunc(w.Binaries, func(v *Binary) bool {
				return v.Archive == a.Ref && v.Series == src.Series && v.Build == b.ID && v.SourceName == src.SourceName && v.SourceVersion == src.SourceVersion
			}) {
				rows = append(rows, b)
			}
		}
		return s.page(q, listing{n: len(rows), entry: func(i int) any { return s.hideBuild(q, rows[i]) }})
	case "GET sourceFileUrls":
		return files(q, "sha256", fmt.Sprintf("%s/%s/+sourcefiles/%s/%s/%s_%s.dsc", q.webBase(), a.path(), src.SourceName, src.SourceVersion, src.SourceName, src.SourceVersion))
	case "POST requestDeletion":
		if !s.may(q, a.Owner) {
			return denied("SourcePackagePublishingHistory", "requestDeletion", "launchpad.Edit")
		}
		comment := q.required("removal_comment")
		if bad := q.failed(); bad != nil {
			return bad
		}
		w.DeleteSource(src, q.viewer, comment)
		return jsonAnswer(nil)
	}
	return s.entryAnswer(q, func() object { return s.sourceEntry(q, src) }, nil)
}

// DeleteSource deletes a publication and its active binaries, as requestDeletion does.
func (w *World) DeleteSource(src *Source, by, comment string) {
	mark := func(r *Row) {
		if r.Status.Active() {
			r.Status, r.RemovedBy, r.Comment, r.PendingRemoval = launchpad.Deleted, by, comment, w.Now
		}
	}
	mark(&src.Row)
	for _, b := range w.Binaries {
		if b.Archive == src.Archive && b.Series == src.Series && b.SourceName == src.SourceName && b.SourceVersion == src.SourceVersion {
			mark(&b.Row)
		}
	}
}

func (s *Server) binaryResource(q *query, a *Archive, b *Binary) *answer {
	if !s.reads(q, a) {
		return denied("BinaryPackagePublishingHistory", orElse(q.op, "status"), "launchpad.View")
	}
	switch q.Method + " " + q.op {
	case "GET binaryFileUrls":
		return files(q, "sha1 sha256", fmt.Sprintf("%s/%s/+files/%s_%s_%s.deb", q.webBase(), a.path(), b.Name, b.Version, b.Arch))
	case "POST requestDeletion":
		switch {
		case !s.may(q, a.Owner):
			return denied("BinaryPackagePublishingHistory", "requestDeletion", "launchpad.Edit")
		case b.Debug:
			return text(400, "Cannot delete ddeb publications directly; delete the corresponding deb instead.")
		}
		b.Status, b.RemovedBy, b.Comment, b.PendingRemoval = launchpad.Deleted, q.viewer, q.text("removal_comment"), s.world.Now
		return jsonAnswer(nil)
	}
	return s.entryAnswer(q, func() object { return s.binaryEntry(q, b) }, nil)
}

func files(q *query, sums, link string) *answer {
	if !q.flag("include_meta", false) {
		return jsonAnswer([]string{link})
	}
	o := object{"url": link, "size": 1000 + len(link)}
	for _, k := range strings.Fields(sums) {
		o[k] = strings.Repeat("0a", map[string]int{"sha1": 20, "sha256": 32}[k])
	}
	return jsonAnswer([]object{o})
}

// copyOne queues a copy. Only what stands here is told to the caller.
func (s *Server) copyOne(q *query, to *Archive) *answer {
	name, version := q.required("source_name"), q.required("version")
	from, pocket := q.archiveParam(s, "from_archive"), q.required("to_pocket")
	j := &Job{Name: name, Version: version, To: to.Ref, FromSeries: q.text("from_series"), ToSeries: q.text("to_series"),
		Binaries: q.flag("include_binaries", false), Unembargo: q.flag("unembargo", false), Requester: q.viewer}
	if bad := q.failed(); bad != nil {
		return bad
	}
	if bad := s.mayCopy(q, to, pocket, j.FromSeries, j.ToSeries); bad != nil {
		return bad
	}
	rows := slices.DeleteFunc(slices.Clone(s.world.Sources), func(v *Source) bool { return v.Archive != from.Ref })
	if !slices.ContainsFunc(s.world.Sources, func(v *Source) bool { return v.SourceName == name }) {
		return text(404, "No such source package: '%s'.", name)
	}
	if !slices.ContainsFunc(rows, func(v *Source) bool {
		return v.SourceName == name && v.SourceVersion == version && (j.FromSeries == "" || v.Series == j.FromSeries)
	}) {
		return text(400, "%s is not published in %s.", name, from.DisplayName)
	}
	j.From = from.Ref
	s.queue(j)
	return jsonAnswer(nil)
}

// copyMany takes the newest active version of each name and leaves out the
// names that have none.
func (s *Server) copyMany(q *query, to *Archive) *answer {
	names, from, pocket := q.list("source_names"), q.archiveParam(s, "from_archive"), q.required("to_pocket")
	fromSeries, toSeries := q.text("from_series"), q.text("to_series")
	binaries, unembargo := q.flag("include_binaries", false), q.flag("unembargo", false)
	if bad := q.failed(); bad != nil {
		return bad
	}
	if bad := s.mayCopy(q, to, pocket, fromSeries, toSeries); bad != nil {
		return bad
	}
	found := 0
	for _, name := range names {
		src := last(s.world.Sources, func(v *Source) bool {
			return v.Archive == from.Ref && v.SourceName == name && v.Status.Active() && (fromSeries == "" || v.Series == fromSeries)
		})
		if src != nil {
			found++
			s.queue(&Job{Name: name, Version: src.SourceVersion, From: from.Ref, To: to.Ref, FromSeries: src.Series, ToSeries: toSeries, Binaries: binaries, Unembargo: unembargo, Requester: q.viewer})
		}
	}
	if found == 0 {
		return text(400, "None of the supplied package names are published in %s.", from.DisplayName)
	}
	return jsonAnswer(nil)
}

func (s *Server) mayCopy(q *query, to *Archive, pocket, fromSeries, toSeries string) *answer {
	if !slices.ContainsFunc(pockets[:], func(p string) bool { return strings.EqualFold(p, pocket) }) {
		return text(404, "No such pocket: '%s'.", pocket)
	}
	for _, name := range []string{fromSeries, toSeries} {
		if name != "" && s.world.series(name) == nil {
			return text(404, "No such distribution series: '%s'.", name)
		}
	}
	switch {
	case q.viewer == "":
		return text(400, "Cannot check copy permissions (no requester).")
	case !s.may(q, to.Owner):
		return text(400, "Signer has no upload rights to this PPA.")
	case !strings.EqualFold(pocket, "Release"):
		return text(400, "PPA uploads must be for the RELEASE pocket.")
	case to.Disabled:
		return text(400, "%s is disabled.", to.DisplayName)
	}
	if r := s.world.series(orElse(toSeries, fromSeries)); r != nil && r.Status == "Obsolete" && !to.PermitObsolete {
		return text(400, "%s is obsolete and will not accept new uploads.", r.Name)
	}
	return nil
}

func (s *Server) queue(j *Job) {
	j.ID, j.Due = s.world.id(), s.world.Now.Add(orTime(s.world.JobDelay, 60e9))
	s.world.Jobs = append(s.world.Jobs, j)
}

// archiveParam is the archive a parameter links to, nil if none is given.
func (q *query) archiveParam(s *Server, name string) *Archive {
	if q.text(name) == "" {
		q.fail("%s: Required input is missing.", name)
		return nil
	}
	p := q.path(name)
	if p == "" {
		return nil
	}
	if a := find(s.world.Archives, func(a *Archive) bool { return a.path() == p }); a != nil {
		return a
	}
	q.fail(`%s: No such object "%s".`, name, q.text(name))
	return nil
}
