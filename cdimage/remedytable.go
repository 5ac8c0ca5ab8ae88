package cdimage

// What is done about a cause whose rule says nothing of its own, by class. The
// sentences have the gaps that [Remedy] describes.

// livefsRemedies are for faults inside a live file system.
func livefsRemedies() map[Class]Remedy {
	return map[Class]Remedy{
		Dependency:     {"fix the dependency[ of {package}], then {again}", []Action{FixPackage}},
		Package:        {"fix the package[ {package}], then {again}", []Action{FixPackage}},
		Seed:           {"fix the seed[ ({package})], then {again}", []Action{FixSeed}},
		LivecdRootfs:   {"fix livecd-rootfs, then {again}", []Action{FixLivecdRootfs}},
		Chroot:         {"wait for the archive/builder, then {again}", []Action{Wait}},
		Network:        {"{again}; a network fault inside a livefs build needs a new livefs build, publish-only cannot repair it", nil},
		DiskSpace:      {"{again}; the builder's disk was full: ask for a bigger one if it repeats", nil},
		Infrastructure: {"{again}; tell the Launchpad operators which builder it was", []Action{AskLaunchpad}},
		Upload:         {"{again}; report to Launchpad if it repeats", nil},
		DependencyWait: {"{again}; report to Launchpad if it repeats", nil},
		Cancelled:      {"{again} if the cancellation was not meant", nil},
		Unknown:        {"read the livefs log", []Action{ReadLivefsLog}},
	}
}

// chrootRemedies are for faults before the build proper, by the class that lies
// below; for those not named the archive or the builder is waited for.
func chrootRemedies() map[Class]Remedy {
	of := livefsRemedies()
	return map[Class]Remedy{
		Infrastructure: {"{again}; the builder could not make its chroot: tell the Launchpad operators which builder it was", []Action{AskLaunchpad}},
		DiskSpace:      of[DiskSpace],
		Package:        {"fix the package[ {package}] that the builder's chroot is updated to, then {again}", []Action{FixPackage}},
		Dependency:     of[Dependency],
	}
}

// buildRemedies are for what goes wrong round the live file systems: asking for
// them, downloading, publishing.
func buildRemedies() map[Class]Remedy {
	return map[Class]Remedy{
		DiskSpace:      {"free space on the cdimage host, then {again}", []Action{FreeSpace}},
		Infrastructure: {"{again} when Launchpad is back", nil},
		Network:        {"{again}", nil},
		Seed:           {"fix the seed branch, then {again}", []Action{FixSeed}},
		Configuration:  {"add what is missing to the cdimage configuration (or correct the command), full rebuild", []Action{FixConfiguration, FullRebuild}},
		Operator:       {"correct the command", []Action{CorrectCommand}},
		Lock:           {"wait for the lock to be given back, then {again}", []Action{Wait}},
		Unknown:        {"read the log, then {again}", nil},
	}
}

// whenNetworkIsBack is for what was asked of somebody else than Launchpad's librarian,
// which is soon back.
var whenNetworkIsBack = Remedy{"{again} when the network is back", nil}

// waitForMirror is what to do about a run at work.
const waitForMirror = "wait (the log is mirrored every 15 minutes)"
