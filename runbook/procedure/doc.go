// Package procedure holds the procedures of a landing team, ready to run with
// package runbook or to be embedded.
//
// The nouns, in reading order:
//
//   - A [Pair] is one copy to make: the newest image of a source channel goes to a
//     destination channel, for one device.
//   - A [Target] is one published image that is phased in or taken back.
//   - A procedure is a struct: clients in exported fields, an Input that is written
//     into the journal, and a method Run that is a [runbook.Procedure].
//   - The importer is held by every procedure that copies: out of the crontab while
//     it does, and back whatever happens.
//
// The procedures:
//
//   - [CopyRC] copies rc-proposed images to rc.
//   - [Snapshot] copies a PPA into a snapshot PPA and proves it published.
//   - [Respin] builds an image from a snapshot, imports it and looks it up.
//   - [Release] copies rc images to stable at 0 % and phases them in.
//   - [Rollout] phases published images in, with questions, health and a stop file.
//   - [Hotfix] brings a security fix to users, and keeps it private until then;
//     its comment maps the bullets of the team's security and back-out procedures
//     onto steps, checks and gates.
//   - [BackOut] takes a faulty update back.
//   - [InvestigateBuild] says why a build of an image failed.
//   - [InvestigateImport] says why an image did not appear on the image server;
//     [ReadImportLog] does so from a saved log alone.
//   - [EditConfig] changes the server's channel configuration.
//   - [RepublishBuild] publishes a failed build again, on the same day.
//   - [RebuildImage] builds an image anew.
//
// Procedures return the errors of runbook and of their clients; test them with
// errors.Is.
//
//	situation                                       error
//	a pair that was asked for does not exist        FindPairs says what is wrong with it
//	same content under another tag or percentage    systemimage.ErrRefused, naming the command that fits
//	left-overs of a killed program in the way       systemimage.ErrBroken, naming the command that mends it
//	the global lock is held for too long            systemimage.ErrLocked, naming the holder where it can be seen
//	a configuration that somebody else changed      an error that says to begin a new run
//	a newer version while an older one is phased    ErrSuperseded
//	an image that is phased in was backed out       ErrBackedOut
//	another run holds the importer                  an error that names it and its operator
//	publishing a build again would mix images up    ErrUnsafe
//	a run of the image builder gave no whole image  cdimage.ErrNotBuilt
//	a question is open, or a step is not yet due    runbook.ErrPending: start again
//	somebody said no                                runbook.ErrRejected
//	the importer could not be put back              runbook.ErrOwed
package procedure
