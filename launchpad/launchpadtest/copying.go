package launchpadtest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/launchpad/debversion"
)

// runJob runs a copy job. Its failure is kept where the web service does not
// show it.
func (w *World) runJob(j *CopyJob) {
	j.Done = true
	if reason := w.copyPackage(j); reason != "" {
		j.Error = fmt.Sprintf("%s %s in %s (%s)", j.Name, j.Version, orElse(j.ToSeries, j.FromSeries), reason)
	}
}

// copying is a job with what it works on.
type copying struct {
	*CopyJob
	w        *World
	from, to *Archive
	src      *SourceRow
	series   *Series      // of the target
	origin   []*BinaryRow // what comes along, whatever became of it in the origin
}

// copyPackage does what the job is for, all or nothing, and returns the reason
// why not.
func (w *World) copyPackage(j *CopyJob) string {
	c := &copying{CopyJob: j, w: w, from: w.archive(j.From), to: w.archive(j.To)}
	c.src = last(w.Sources, func(s *SourceRow) bool {
		return s.Archive == j.From && s.is(j.Name, j.Version) && (j.FromSeries == "" || s.Series == j.FromSeries) && (j.FromPocket == "" || s.pocket() == j.FromPocket)
	})
	if c.from == nil || c.to == nil || c.src == nil {
		return fmt.Sprintf("Package '%s' '%s' not found.", j.Name, j.Version)
	}
	if text := w.FailCopy[j.Name]; text != "" {
		return text
	}
	c.series = w.series(orElse(j.ToSeries, c.src.Series))
	if j.Binaries {
		c.origin = w.binariesOf(j.From, c.src, nil)
	}
	for _, check := range [...]func() string{c.noBinaries, c.otherSource, c.otherBinaries, c.older, c.restricted} {
		if reason := check(); reason != "" {
			return reason
		}
	}
	c.copy()
	return ""
}

func (c *copying) restricted() string {
	if c.from.Private && !c.to.Private && !c.Unembargo {
		return "Cannot copy restricted files to a public archive without explicit unembargo option."
	}
	return ""
}

func (c *copying) noBinaries() string {
	if c.Binaries && len(c.origin) == 0 {
		return "source has no binaries to be copied"
	}
	return ""
}

// there are the rows of the version that the target has, in any series and state.
func (c *copying) there() (rows []*SourceRow) {
	for _, s := range c.w.Sources {
		if s.Archive == c.To && s.is(c.Name, c.Version) {
			rows = append(rows, s)
		}
	}
	return rows
}

// otherSource finds another upload of the version, also one that was deleted, and
// builds that are not done, or whose binaries have not been published.
func (c *copying) otherSource() string {
	for _, s := range c.there() {
		if s.Upload != c.src.Upload {
			return "a different source with the same version is published in the destination archive"
		}
		series := c.w.series(s.Series).displayName()
		switch status, _ := c.w.summary(s); status {
		case "NEEDSBUILD", "BUILDING":
			return "same version already building in the destination archive for " + series
		case "FULLYBUILT_PENDING":
			return "same version has unpublished binaries in the destination archive for " + series + ", please wait for them to be published before copying"
		}
	}
	return ""
}

// otherBinaries compares binaries by the build that made them, wherever they are
// published.
func (c *copying) otherBinaries() string {
	type made struct {
		build int
		name  string
	}
	copied := map[made]bool{}
	for _, b := range c.origin {
		copied[made{b.Build, b.Name}] = true
	}
	for _, s := range c.there() {
		for _, b := range c.w.binariesOf(c.To, s, nil) {
			if !c.Binaries {
				return "same version already has published binaries in the destination archive"
			}
			if !copied[made{b.Build, b.Name}] {
				return "binaries conflicting with the existing ones"
			}
		}
	}
	return ""
}

func (c *copying) older() string {
	for _, s := range c.w.Sources {
		if s.Archive == c.To && s.Series == c.series.Name && s.SourceName == c.Name && s.Status.Active() && debversion.Compare(s.SourceVersion, c.Version) > 0 {
			return fmt.Sprintf("version older than the %s %s in %s published in %s", s.SourceName, s.SourceVersion, s.Series, s.Series)
		}
	}
	return ""
}

// copy makes the rows, Pending, and the builds for what did not come along.
func (c *copying) copy() {
	w, target := c.w, c.series.Name
	var rows []*BinaryRow
	for _, b := range c.origin {
		for _, arch := range c.series.enabled() {
			if (!b.All && arch != b.Arch) || w.LoseBinary[b.Name+"/"+arch] || w.activeBinary(c.To, target, b.Name, b.Version, arch) != nil ||
				slices.ContainsFunc(rows, func(r *BinaryRow) bool { return r.Name == b.Name && r.Version == b.Version && r.Arch == arch }) {
				continue
			}
			row := &BinaryRow{Row: w.row(c.To, target, c.Name, c.Version), Name: b.Name, Version: b.Version, Arch: arch, All: b.All, Debug: b.Debug, Build: b.Build}
			row.CopiedFrom = c.From
			rows = append(rows, row)
		}
	}
	if w.activeSource(c.To, target, c.Name, c.Version) == nil {
		row := &SourceRow{Row: w.row(c.To, target, c.Name, c.Version), Upload: c.src.Upload, Arches: c.src.Arches}
		row.CopiedFrom, row.Creator = c.From, c.Requester
		w.Sources = append(w.Sources, row)
	}
	w.Binaries = append(w.Binaries, rows...)
	c.missingBuilds()
}

// missingBuilds queues builds for architectures no binary came along for.
func (c *copying) missingBuilds() {
	w, target := c.w, c.series.Name
	makes := []BinaryPackage{{Name: c.Name}}
	if b := find(w.Builds, func(b *Build) bool { return b.Upload == c.src.Upload }); b != nil {
		makes = b.Makes
	}
	enabled := c.series.enabled()
	for _, arch := range c.src.Arches {
		has := slices.ContainsFunc(w.Binaries, func(b *BinaryRow) bool {
			return b.Archive == c.To && b.Series == target && b.is(c.Name, c.Version) && b.Arch == arch
		})
		exists := slices.ContainsFunc(w.Builds, func(b *Build) bool {
			return b.Archive == c.To && b.Series == target && b.Upload == c.src.Upload && b.Arch == arch
		})
		if has || exists || !slices.Contains(c.to.Processors, arch) || !slices.Contains(enabled, arch) {
			continue
		}
		w.Builds = append(w.Builds, &Build{ID: w.id(), Archive: c.To, Series: target, Arch: arch, SourceName: c.Name, SourceVersion: c.Version, Upload: c.src.Upload,
			State: launchpad.NeedsBuilding, Created: w.Now, Due: w.Now.Add(orTime(w.BuildTime, 10*time.Minute)), Makes: makes})
	}
}

// copyOne queues a copy. Only what stands here is told to the caller, in this
// order.
func (s *Server) copyOne(q *query, to *Archive) *answer {
	name, version := q.required("source_name"), q.required("version")
	from, pocket := q.archiveParam(s, "from_archive"), q.required("to_pocket")
	fromPocket := q.text("from_pocket")
	j := &CopyJob{Name: name, Version: version, To: to.Ref, FromSeries: q.text("from_series"), ToSeries: q.text("to_series"),
		Binaries: q.flag("include_binaries", false), Unembargo: q.flag("unembargo", false), Requester: q.viewer}
	if bad := q.failed(); bad != nil {
		return bad
	}
	target, bad := s.copyTarget(pocket, j.ToSeries)
	if bad != nil {
		return bad
	}
	if fromPocket != "" {
		if j.FromPocket = pocketNamed(fromPocket); j.FromPocket == "" {
			return noSuchPocket(fromPocket)
		}
	}
	if j.FromSeries != "" && s.world.series(j.FromSeries) == nil {
		return noSuchSeries(j.FromSeries)
	}
	if !s.world.knowsSource(name) {
		return text(404, "No such source package: '%s'.", name)
	}
	src := last(s.world.Sources, func(v *SourceRow) bool {
		return v.Archive == from.Ref && v.is(name, version) && (j.FromSeries == "" || v.Series == j.FromSeries) && (j.FromPocket == "" || v.pocket() == j.FromPocket)
	})
	if src == nil {
		return text(400, "%s is not published in %s.", name, from.DisplayName)
	}
	if target == nil {
		target = s.world.series(src.Series)
	}
	if bad := s.mayCopy(q, to, target, pocket); bad != nil {
		return bad
	}
	j.From, j.ToSeries = from.Ref, target.Name
	s.queue(j)
	return jsonAnswer(nil)
}

// copyMany takes the highest active version of each name, and leaves out names
// that have none; one that no archive has refuses them all.
func (s *Server) copyMany(q *query, to *Archive) *answer {
	names, from, pocket := q.list("source_names"), q.archiveParam(s, "from_archive"), q.required("to_pocket")
	fromSeries, toSeries := q.text("from_series"), q.text("to_series")
	binaries, unembargo := q.flag("include_binaries", false), q.flag("unembargo", false)
	if bad := q.failed(); bad != nil {
		return bad
	}
	if fromSeries != "" && s.world.series(fromSeries) == nil {
		return noSuchSeries(fromSeries)
	}
	var found []*SourceRow
	for _, name := range names {
		if !s.world.knowsSource(name) {
			return text(404, "No such source package: '%s'.", name)
		}
		if src := s.world.highestActive(from.Ref, name, fromSeries); src != nil {
			found = append(found, src)
		}
	}
	if len(found) == 0 {
		return text(400, "None of the supplied package names are published in %s.", from.DisplayName)
	}
	target, bad := s.copyTarget(pocket, toSeries)
	if bad != nil {
		return bad
	}
	into := func(src *SourceRow) *Series {
		if target != nil {
			return target
		}
		return s.world.series(src.Series)
	}
	for _, src := range found {
		if bad := s.mayCopy(q, to, into(src), pocket); bad != nil {
			return bad
		}
	}
	for _, src := range found {
		s.queue(&CopyJob{Name: src.SourceName, Version: src.SourceVersion, From: from.Ref, To: to.Ref, ToSeries: into(src).Name, Binaries: binaries, Unembargo: unembargo, Requester: q.viewer})
	}
	return jsonAnswer(nil)
}

// highestActive is what Launchpad lists first: the highest version, and of equal
// ones the row with the highest number.
func (w *World) highestActive(archive, name, series string) *SourceRow {
	var rows []*SourceRow
	for _, v := range w.Sources {
		if v.Archive == archive && v.SourceName == name && v.Status.Active() && (series == "" || v.Series == series) {
			rows = append(rows, v)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return slices.MaxFunc(rows, func(a, b *SourceRow) int {
		return cmp.Or(debversion.Compare(a.SourceVersion, b.SourceVersion), a.ID-b.ID)
	})
}

func (w *World) knowsSource(name string) bool {
	return slices.ContainsFunc(w.Sources, func(v *SourceRow) bool { return v.SourceName == name })
}

func noSuchPocket(name string) *answer {
	return text(404, "No such pocket: '%s'.", strings.ToUpper(name))
}

func noSuchSeries(name string) *answer {
	return text(404, "No such distribution series: '%s'.", name)
}

// pocketNamed is a pocket by its name in letters of any case, "" if there is none.
func pocketNamed(name string) string {
	for _, p := range pockets {
		if strings.EqualFold(p, name) {
			return p
		}
	}
	return ""
}

// copyTarget is the series that a copy names, nil when it names none.
func (s *Server) copyTarget(pocket, series string) (*Series, *answer) {
	if pocketNamed(pocket) == "" {
		return nil, noSuchPocket(pocket)
	}
	if series == "" {
		return nil, nil
	}
	target := s.world.series(series)
	if target == nil {
		return nil, noSuchSeries(series)
	}
	return target, nil
}

// mayCopy holds the rules about who may copy what where.
func (s *Server) mayCopy(q *query, to *Archive, series *Series, pocket string) *answer {
	switch {
	case q.viewer == "":
		return text(400, "Cannot check copy permissions (no requester).")
	case pocketNamed(pocket) != "Release":
		return text(400, "PPA uploads must be for the RELEASE pocket.")
	case to.Disabled:
		return text(400, "%s is disabled.", to.DisplayName)
	case series.Status == "Obsolete" && !to.PermitObsolete:
		return text(400, "%s is obsolete and will not accept new uploads.", series.Name)
	case !s.may(q, to.Owner):
		return text(400, "Signer has no upload rights to this PPA.")
	}
	return nil
}

func (s *Server) queue(j *CopyJob) {
	j.ID, j.Due = s.world.id(), s.world.Now.Add(orTime(s.world.JobDelay, 60e9))
	s.world.Jobs = append(s.world.Jobs, j)
}
