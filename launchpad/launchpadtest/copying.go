package launchpadtest

import (
	"fmt"
	"slices"
	"time"

	"github.com/landingteam/landing/launchpad"
)

// runJob runs a copy job. Its failure is kept where the web service does not
// show it.
func (w *World) runJob(j *Job) {
	j.Done = true
	if reason := w.copyPackage(j); reason != "" {
		j.Error = fmt.Sprintf("%s %s in %s (%s)", j.Name, j.Version, orElse(j.ToSeries, j.FromSeries), reason)
	}
}

// copyPackage does what the job is for, all or nothing, and returns the reason
// why not.
func (w *World) copyPackage(j *Job) string {
	from, to := w.archive(j.From), w.archive(j.To)
	src := last(w.Sources, func(s *Source) bool {
		return s.Archive == j.From && s.SourceName == j.Name && s.SourceVersion == j.Version && (j.FromSeries == "" || s.Series == j.FromSeries)
	})
	if from == nil || to == nil || src == nil {
		return fmt.Sprintf("Package '%s' '%s' not found.", j.Name, j.Version)
	}
	if text := w.FailCopy[j.Name]; text != "" {
		return text
	}
	target := orElse(j.ToSeries, src.Series)
	s := w.series(target)
	if from.Private && !to.Private && !j.Unembargo {
		return "Cannot copy restricted files to a public archive without explicit unembargo option."
	}
	if slices.ContainsFunc(w.Sources, func(o *Source) bool {
		return o.Archive == j.To && o.SourceName == j.Name && o.SourceVersion == j.Version && o.Upload != src.Upload
	}) {
		return "a different source with the same version is published in the destination archive"
	}
	origin := w.copyable(j, src)
	if j.Binaries && len(origin) == 0 {
		return "source has no binaries to be copied"
	}
	if reason := w.copyConflict(j, target, origin); reason != "" {
		return reason
	}
	var rows []*Binary
	for _, b := range origin {
		for _, arch := range s.enabled() {
			if (!b.All && arch != b.Arch) || w.LoseBinary[b.Name+"/"+arch] || w.activeBinary(j.To, target, b.Name, b.Version, arch) != nil {
				continue
			}
			if slices.ContainsFunc(rows, func(r *Binary) bool { return r.Name == b.Name && r.Version == b.Version && r.Arch == arch }) {
				continue
			}
			row := &Binary{Row: w.row(j.To, target, j.Name, j.Version), Name: b.Name, Version: b.Version, Arch: arch, All: b.All, Debug: b.Debug, Build: b.Build}
			row.CopiedFrom = j.From
			rows = append(rows, row)
		}
	}
	if w.activeSource(j.To, target, j.Name, j.Version) == nil {
		row := &Source{Row: w.row(j.To, target, j.Name, j.Version), Upload: src.Upload, Arches: src.Arches}
		row.CopiedFrom, row.Creator = j.From, j.Requester
		w.Sources = append(w.Sources, row)
	}
	w.Binaries = append(w.Binaries, rows...)
	w.missingBuilds(j, src, to, target)
	return ""
}

// copyConflict holds the checks against what the target has already, in any
// series and any state.
func (w *World) copyConflict(j *Job, series string, origin []*Binary) string {
	type release struct { // a binary, wherever it is published
		build int
		name  string
	}
	copied, there := map[release]bool{}, map[release]bool{}
	for _, b := range origin {
		copied[release{b.Build, b.Name}] = true
	}
	for _, s := range w.Sources {
		if s.Archive != j.To || s.SourceName != j.Name || s.SourceVersion != j.Version {
			continue
		}
		if slices.ContainsFunc(w.Builds, func(b *Build) bool {
			return b.Archive == j.To && b.Series == s.Series && b.SourceName == j.Name && b.SourceVersion == j.Version && !b.State.Final()
		}) {
			return "same version already building in the destination archive for " + s.Series
		}
		published := map[int]bool{} // builds: has one of its binaries been published?
		for _, b := range w.Binaries {
			if b.Archive == j.To && b.Series == s.Series && b.SourceName == j.Name && b.SourceVersion == j.Version {
				published[b.Build] = published[b.Build] || b.Status != launchpad.Pending
				there[release{b.Build, b.Name}] = true
			}
		}
		for _, once := range published {
			if s.Status.Active() && !once {
				return "same version has unpublished binaries in the destination archive for " + s.Series + ", please wait for them to be published before copying"
			}
		}
	}
	if !j.Binaries && len(there) > 0 {
		return "same version already has published binaries in the destination archive"
	}
	for b := range there {
		if j.Binaries && !copied[b] {
			return "binaries conflicting with the existing ones"
		}
	}
	for _, s := range w.Sources {
		if s.Archive == j.To && s.Series == series && s.SourceName == j.Name && s.Status.Active() && launchpad.CompareVersions(s.SourceVersion, j.Version) > 0 {
			return fmt.Sprintf("version older than the %s published in %s", s.SourceName+" "+s.SourceVersion+" in "+series, series)
		}
	}
	return ""
}

// copyable lists the binaries of the origin that come along, whatever became of
// them there.
func (w *World) copyable(j *Job, src *Source) (out []*Binary) {
	if !j.Binaries {
		return nil
	}
	for _, b := range w.Binaries {
		if b.Archive == j.From && b.Series == src.Series && b.SourceName == j.Name && b.SourceVersion == j.Version {
			out = append(out, b)
		}
	}
	return out
}

// missingBuilds queues builds for architectures no binary came along for.
func (w *World) missingBuilds(j *Job, src *Source, to *Archive, series string) {
	makes := []BinaryPackage{{Name: j.Name}}
	if b := find(w.Builds, func(b *Build) bool { return b.Upload == src.Upload }); b != nil {
		makes = b.Makes
	}
	enabled := w.series(series).enabled()
	for _, arch := range src.Arches {
		has := slices.ContainsFunc(w.Binaries, func(b *Binary) bool {
			return b.Archive == j.To && b.Series == series && b.SourceName == j.Name && b.SourceVersion == j.Version && b.Arch == arch
		})
		exists := slices.ContainsFunc(w.Builds, func(b *Build) bool {
			return b.Archive == j.To && b.Series == series && b.Upload == src.Upload && b.Arch == arch
		})
		if has || exists || !slices.Contains(to.Processors, arch) || !slices.Contains(enabled, arch) {
			continue
		}
		w.Builds = append(w.Builds, &Build{ID: w.id(), Archive: j.To, Series: series, Arch: arch, SourceName: j.Name, SourceVersion: j.Version, Upload: src.Upload,
			State: launchpad.NeedsBuilding, Created: w.Now, Due: w.Now.Add(orTime(w.BuildTime, 10*time.Minute)), Makes: makes})
	}
}

func (w *World) activeSource(archive, series, name, version string) *Source {
	return find(w.Sources, func(s *Source) bool {
		return s.Archive == archive && s.Series == series && s.SourceName == name && s.SourceVersion == version && s.Status.Active()
	})
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
