package launchpad

// A Status is the state of a publication. A row only ever moves forward:
// Pending, Published, then Superseded, Deleted or Obsolete.
// Other texts than these may come and are kept as they are.
type Status string

// The states of a publication.
const (
	Pending    Status = "Pending"
	Published  Status = "Published"
	Superseded Status = "Superseded"
	Deleted    Status = "Deleted"
	Obsolete   Status = "Obsolete"
)

// Active reports whether the row counts: Pending or Published.
func (s Status) Active() bool { return s == Pending || s == Published }

// A Pocket is the part of a series a package is published in. A PPA has only
// [Release].
type Pocket string

// The pockets.
const (
	Release   Pocket = "Release"
	Security  Pocket = "Security"
	Updates   Pocket = "Updates"
	Proposed  Pocket = "Proposed"
	Backports Pocket = "Backports"
)

// A BuildState is the state of a package or livefs build, as Launchpad writes
// it. Ask it rather than compare: [BuildState.Final], [BuildState.Failed].
type BuildState string

// The states of a build.
const (
	NeedsBuilding    BuildState = "Needs building"
	Building         BuildState = "Currently building"
	Gathering        BuildState = "Gathering build output"
	Uploading        BuildState = "Uploading build"
	Cancelling       BuildState = "Cancelling build"
	Built            BuildState = "Successfully built"
	FailedToBuild    BuildState = "Failed to build"
	DependencyWait   BuildState = "Dependency wait" // tried again by Launchpad when it can be satisfied
	ChrootProblem    BuildState = "Chroot problem"  // waits for an administrator
	FailedToUpload   BuildState = "Failed to upload"
	SupersededSource BuildState = "Build for superseded Source" // the capital S is Launchpad's
	Cancelled        BuildState = "Cancelled build"
)

// Final reports whether the state will not change by itself. Dependency wait
// and Chroot problem are not final, and neither is a text unknown here.
func (s BuildState) Final() bool {
	switch s {
	case Built, FailedToBuild, FailedToUpload, SupersededSource, Cancelled:
		return true
	}
	return false
}

// Failed reports whether the build ended, or is held, without a result.
func (s BuildState) Failed() bool {
	switch s {
	case FailedToBuild, FailedToUpload, ChrootProblem, DependencyWait, Cancelled, SupersededSource:
		return true
	}
	return false
}

// Known reports whether the text is one of the states listed here.
func (s BuildState) Known() bool {
	switch s {
	case NeedsBuilding, Building, Gathering, Uploading, Cancelling:
		return true
	}
	return s.Final() || s.Failed()
}
