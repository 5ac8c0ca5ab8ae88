package launchpadtest

import (
	"slices"
	"time"

	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/launchpad/debversion"
)

// advance lets time pass: copy jobs, builds and cycles of the publisher whose
// time has come run in order.
func (w *World) advance(to time.Time) {
	for {
		at, run := w.nextEvent()
		if run == nil || at.After(to) {
			break
		}
		if at.After(w.Now) {
			w.Now = at
		}
		run()
	}
	if to.After(w.Now) {
		w.Now = to
	}
}

func (w *World) nextEvent() (at time.Time, run func()) {
	consider := func(t time.Time, f func()) {
		if !t.IsZero() && (run == nil || t.Before(at)) {
			at, run = t, f
		}
	}
	for _, j := range w.Jobs {
		if !j.Done && !w.HoldCopy[j.Name] {
			consider(j.Due, func() { w.runJob(j) })
		}
	}
	for _, b := range w.Builds {
		consider(b.Due, func() { w.stepBuild(b) })
	}
	for _, i := range w.LivefsBuilds {
		consider(i.Due, func() { w.stepLivefsBuild(i) })
	}
	if w.NextPublish.IsZero() {
		w.NextPublish = w.Now.Add(orTime(w.PublishEvery, 5*time.Minute))
	}
	consider(w.NextPublish, func() {
		w.publisherCycle()
		w.NextPublish = w.Now.Add(orTime(w.PublishEvery, 5*time.Minute))
	})
	return at, run
}

// publisherCycle publishes what is Pending and lets newer versions dominate
// older ones, in every archive that is published.
func (w *World) publisherCycle() {
	for _, a := range w.Archives {
		switch {
		case a.Status == "Deleting":
			w.remove(a)
		case !a.Unpublished && a.Status == "Active":
			w.publish(a)
			w.dominate(a)
		}
	}
}

func (w *World) publish(a *Archive) {
	for _, s := range w.Sources {
		if s.Archive == a.Ref && s.Status == launchpad.Pending {
			s.Status, s.Published = launchpad.Published, w.Now
		}
	}
	for _, b := range w.Binaries {
		if b.Archive != a.Ref || b.Status != launchpad.Pending || w.HoldBinary[b.Name] || w.HoldBinary[b.Name+"/"+b.Arch] {
			continue
		}
		if b.Cycles++; b.Cycles > w.ArchLag[b.Arch] {
			b.Status, b.Published = launchpad.Published, w.Now
		}
	}
}

// newestOf remembers the highest version of each key.
type newestOf map[string]string

func (n newestOf) add(key, version string) {
	if v, ok := n[key]; !ok || debversion.Compare(v, version) < 0 {
		n[key] = version
	}
}

func (n newestOf) older(key, version string) bool {
	newest := n[key]
	return newest != "" && debversion.Compare(version, newest) < 0
}

// dominate supersedes published rows of which a higher version is published.
func (w *World) dominate(a *Archive) {
	w.dominateSources(a)
	w.dominateBinaries(a)
}

func (w *World) dominateSources(a *Archive) {
	newest := newestOf{}
	key := func(s *SourceRow) string { return s.Series + " " + s.pocket() + " " + s.SourceName }
	var rows []*SourceRow
	for _, s := range w.Sources {
		if s.Archive == a.Ref && s.Status == launchpad.Published {
			rows = append(rows, s)
			newest.add(key(s), s.SourceVersion)
		}
	}
	for _, s := range rows {
		if newest.older(key(s), s.SourceVersion) {
			s.Status, s.Superseded = launchpad.Superseded, w.Now
		}
	}
}

// dominateBinaries keeps old Architecture: all rows while a binary for one
// architecture of the same source is Pending or Published anywhere.
func (w *World) dominateBinaries(a *Archive) {
	newest := newestOf{}
	key := func(b *BinaryRow) string { return b.Series + "/" + b.Arch + " " + b.pocket() + " " + b.Name }
	var rows []*BinaryRow
	for _, b := range w.Binaries {
		if b.Archive == a.Ref && b.Status == launchpad.Published {
			rows = append(rows, b)
			newest.add(key(b), b.Version)
		}
	}
	for _, all := range []bool{false, true} {
		for _, b := range rows {
			if b.All == all && newest.older(key(b), b.Version) && !(all && w.specificLeft(b)) {
				b.Status, b.Superseded = launchpad.Superseded, w.Now
			}
		}
	}
}

func (w *World) specificLeft(b *BinaryRow) bool {
	return slices.ContainsFunc(w.Binaries, func(o *BinaryRow) bool {
		return o.Archive == b.Archive && o.Series == b.Series && !o.All && o.Status.Active() &&
			o.SourceName == b.SourceName && o.SourceVersion == b.SourceVersion
	})
}

// remove finishes the deletion of a PPA; only then its name is free again.
func (w *World) remove(a *Archive) {
	for _, s := range w.Sources {
		if s.Archive == a.Ref && s.Status.Active() {
			w.markDeleted(&s.Row, "", "")
		}
	}
	for _, b := range w.Binaries {
		if b.Archive == a.Ref && b.Status.Active() {
			w.markDeleted(&b.Row, "", "")
		}
	}
	old := a.Ref
	a.Status, a.Name, a.Ref = "Deleted", a.Name+"-deletedppa", a.Ref+"-deletedppa"
	for _, s := range w.Sources {
		if s.Archive == old {
			s.Archive = a.Ref
		}
	}
	for _, b := range w.Binaries {
		if b.Archive == old {
			b.Archive = a.Ref
		}
	}
}

// stepBuild moves a build on: waiting, building, done. Its binaries are
// Pending when it is done.
func (w *World) stepBuild(b *Build) {
	switch b.State {
	case launchpad.NeedsBuilding:
		b.State, b.Started, b.Due = launchpad.Building, w.Now, w.Now.Add(orTime(w.BuildTime, 10*time.Minute))
		return
	case launchpad.Cancelling:
		b.State, b.Ended, b.Due = launchpad.Cancelled, w.Now, zero
		return
	case launchpad.Building:
	default:
		b.Due = zero
		return
	}
	b.Ended, b.Due = w.Now, zero
	if w.FailBuild[b.SourceName] || w.FailBuild[b.SourceName+"/"+b.Arch] {
		b.State = launchpad.FailedToBuild
		return
	}
	b.State = launchpad.Built
	s := w.series(b.Series)
	for _, m := range b.Makes {
		for _, arch := range s.enabled() {
			if len(m.Arches) > 0 && !slices.Contains(m.Arches, arch) || !m.All && arch != b.Arch || m.All && b.Arch != s.Arches[0].Tag {
				continue
			}
			row := &BinaryRow{Row: w.row(b.Archive, b.Series, b.SourceName, b.SourceVersion), Name: m.Name, Version: m.Version, Arch: arch, All: m.All, Debug: m.Debug, Build: b.ID}
			if row.Version == "" {
				row.Version = b.SourceVersion
			}
			if w.activeBinary(row.Archive, row.Series, row.Name, row.Version, arch) == nil {
				w.Binaries = append(w.Binaries, row)
			}
		}
	}
}

var zero time.Time

func (w *World) activeBinary(archive, series, name, version, arch string) *BinaryRow {
	return find(w.Binaries, func(b *BinaryRow) bool {
		return b.Archive == archive && b.Series == series && b.Name == name && b.Version == version && b.Arch == arch && b.Status.Active()
	})
}
