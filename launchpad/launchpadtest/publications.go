package launchpadtest

import (
	"cmp"
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
	var rows []*SourceRow
	for _, v := range s.world.Sources {
		if v.Archive == a.Ref && f.match(&v.Row, v.SourceName, v.SourceVersion) && (series == "" || series == a.Distribution+"/"+v.Series) {
			rows = append(rows, v)
		}
	}
	order(f, rows, func(v *SourceRow) (*Row, string, string) { return &v.Row, v.SourceName, v.SourceVersion })
	return s.page(q, listing{n: len(rows), entry: func(i int) any {
		return s.rendered(q, &rows[i].Row, func() object { return s.sourceEntry(q, rows[i]) })
	}})
}

func (s *Server) publishedBinaries(q *query, a *Archive) *answer {
	f, arch, ordered := q.filters("binary_name"), q.path("distro_arch_series"), q.flag("ordered", true)
	if bad := q.failed(); bad != nil {
		return bad
	}
	var rows []*BinaryRow
	for _, v := range s.world.Binaries {
		if v.Archive == a.Ref && f.match(&v.Row, v.Name, v.Version) && (arch == "" || arch == a.Distribution+"/"+v.Series+"/"+v.Arch) {
			rows = append(rows, v)
		}
	}
	if !ordered && !f.newest && !f.oldest {
		slices.SortFunc(rows, func(x, y *BinaryRow) int { return y.ID - x.ID })
	} else {
		order(f, rows, func(v *BinaryRow) (*Row, string, string) { return &v.Row, v.Name, v.Version })
	}
	return s.page(q, listing{n: len(rows), entry: func(i int) any {
		return s.rendered(q, &rows[i].Row, func() object { return s.binaryEntry(q, rows[i]) })
	}})
}

// sourceResource is a source publication and its operations.
func (s *Server) sourceResource(q *query, a *Archive, src *SourceRow) *answer {
	if !s.reads(q, a) {
		return denied("SourcePackagePublishingHistory", orElse(q.op, "status"), "launchpad.View")
	}
	switch q.Method + " " + q.op {
	case "GET getPublishedBinaries":
		return s.sourceBinaries(q, a, src)
	case "GET getBuilds":
		rows := s.world.buildsOf(src)
		return s.page(q, listing{n: len(rows), entry: func(i int) any { return s.hideBuild(q, rows[i]) }})
	case "GET sourceFileUrls":
		return files(q, "sha256", fmt.Sprintf("%s/%s/+sourcefiles/%s/%s/%s_%s.dsc", q.webBase(), a.path(), src.SourceName, src.SourceVersion, src.SourceName, src.SourceVersion))
	case "POST requestDeletion":
		if !s.may(q, a.Owner) {
			return denied("SourcePackagePublishingHistory", "requestDeletion", "launchpad.Edit")
		}
		s.world.DeleteSource(src, q.viewer, q.text("removal_comment"))
		return jsonAnswer(nil)
	}
	return s.entryAnswer(q, func() object { return s.sourceEntry(q, src) }, nil)
}

func (s *Server) sourceBinaries(q *query, a *Archive, src *SourceRow) *answer {
	active := q.flag("active_binaries_only", true)
	if bad := q.failed(); bad != nil {
		return bad
	}
	rows := s.world.binariesOf(a.Ref, src, func(b *BinaryRow) bool { return !active || b.Status.Active() })
	slices.SortFunc(rows, func(x, y *BinaryRow) int {
		return cmp.Or(strings.Compare(x.Name+" "+x.Arch, y.Name+" "+y.Arch), y.ID-x.ID)
	})
	return s.page(q, listing{n: len(rows), entry: func(i int) any {
		return s.rendered(q, &rows[i].Row, func() object { return s.binaryEntry(q, rows[i]) })
	}})
}

// is reports whether the row is of that version of a source.
func (r *Row) is(name, version string) bool {
	return r.SourceName == name && r.SourceVersion == version
}

func (r *Row) pocket() string { return orElse(r.Pocket, "Release") }

// binariesOf are the rows of a source's binaries in an archive, in its series and
// pocket; keep of nil keeps all.
func (w *World) binariesOf(archive string, src *SourceRow, keep func(*BinaryRow) bool) (rows []*BinaryRow) {
	for _, b := range w.Binaries {
		if b.Archive == archive && b.Series == src.Series && b.pocket() == src.pocket() && b.is(src.SourceName, src.SourceVersion) && (keep == nil || keep(b)) {
			rows = append(rows, b)
		}
	}
	return rows
}

// DeleteSource deletes a publication, whatever its state, and its active binaries,
// as requestDeletion does.
func (w *World) DeleteSource(src *SourceRow, by, comment string) {
	w.markDeleted(&src.Row, by, comment)
	for _, b := range w.binariesOf(src.Archive, src, func(b *BinaryRow) bool { return b.Status.Active() }) {
		w.markDeleted(&b.Row, by, comment)
	}
}

func (w *World) markDeleted(r *Row, by, comment string) {
	r.Status, r.RemovedBy, r.Comment, r.Superseded = launchpad.Deleted, by, comment, w.Now
}

func (s *Server) binaryResource(q *query, a *Archive, b *BinaryRow) *answer {
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
		s.world.markDeleted(&b.Row, q.viewer, q.text("removal_comment"))
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

func (w *World) activeSource(archive, series, name, version string) *SourceRow {
	return find(w.Sources, func(s *SourceRow) bool {
		return s.Archive == archive && s.Series == series && s.is(name, version) && s.Status.Active()
	})
}
