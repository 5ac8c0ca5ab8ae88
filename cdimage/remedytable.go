package cdimage

import "github.com/landingteam/landing/cdimage/cause"

// What is done about a cause whose rule says nothing of its own, by class. The
// sentences have the gaps that [cause.Remedy] describes.

// livefsRemedies are for faults inside a live file system.
func livefsRemedies() map[cause.Class]cause.Remedy {
	return map[cause.Class]cause.Remedy{
		cause.Dependency:     {Text: "fix the dependency[ of {package}], then {again}", Actions: []cause.Action{cause.FixPackage}},
		cause.Package:        {Text: "fix the package[ {package}], then {again}", Actions: []cause.Action{cause.FixPackage}},
		cause.Seed:           {Text: "fix the seed[ ({package})], then {again}", Actions: []cause.Action{cause.FixSeed}},
		cause.LivecdRootfs:   {Text: "fix livecd-rootfs, then {again}", Actions: []cause.Action{cause.FixLivecdRootfs}},
		cause.Chroot:         {Text: "wait for the archive/builder, then {again}", Actions: []cause.Action{cause.Wait}},
		cause.Network:        {Text: "{again}; a network fault inside a livefs build needs a new livefs build, publish-only cannot repair it"},
		cause.DiskSpace:      {Text: "{again}; the builder's disk was full: ask for a bigger one if it repeats"},
		cause.Infrastructure: {Text: "{again}; tell the Launchpad operators which builder it was", Actions: []cause.Action{cause.AskLaunchpad}},
		cause.Upload:         {Text: "{again}; report to Launchpad if it repeats"},
		cause.DependencyWait: {Text: "{again}; report to Launchpad if it repeats"},
		cause.Cancelled:      {Text: "{again} if the cancellation was not meant"},
		cause.Unknown:        {Text: "read the livefs log", Actions: []cause.Action{cause.ReadLivefsLog}},
	}
}

// chrootRemedies are for faults before the build proper, by the class that lies
// below; for those not named the archive or the builder is waited for.
func chrootRemedies() map[cause.Class]cause.Remedy {
	of := livefsRemedies()
	return map[cause.Class]cause.Remedy{
		cause.Infrastructure: {Text: "{again}; the builder could not make its chroot: tell the Launchpad operators which builder it was", Actions: []cause.Action{cause.AskLaunchpad}},
		cause.DiskSpace:      of[cause.DiskSpace],
		cause.Package:        {Text: "fix the package[ {package}] that the builder's chroot is updated to, then {again}", Actions: []cause.Action{cause.FixPackage}},
		cause.Dependency:     of[cause.Dependency],
	}
}

// buildRemedies are for what goes wrong round the live file systems: asking for
// them, downloading, publishing.
func buildRemedies() map[cause.Class]cause.Remedy {
	return map[cause.Class]cause.Remedy{
		cause.DiskSpace:      {Text: "free space on the cdimage host, then {again}", Actions: []cause.Action{cause.FreeSpace}},
		cause.Infrastructure: {Text: "{again} when Launchpad is back"},
		cause.Network:        {Text: "{again}"},
		cause.Seed:           {Text: "fix the seed branch, then {again}", Actions: []cause.Action{cause.FixSeed}},
		cause.Configuration:  {Text: "add what is missing to the cdimage configuration (or correct the command), full rebuild", Actions: []cause.Action{cause.FixConfiguration, cause.FullRebuild}},
		cause.Operator:       {Text: "correct the command", Actions: []cause.Action{cause.CorrectCommand}},
		cause.Cancelled:      {Text: "{again} if it was not stopped on purpose"},
		cause.Lock:           {Text: "wait for the lock to be given back, then {again}", Actions: []cause.Action{cause.Wait}},
		cause.Unknown:        {Text: "read the log, then {again}"},
	}
}

// whenNetworkIsBack is for what was asked of somebody else than Launchpad's librarian,
// which is soon back.
var whenNetworkIsBack = cause.Remedy{Text: "{again} when the network is back"}

// waitForMirror is what to do about a run at work.
const waitForMirror = "wait (the log is mirrored every 15 minutes)"
