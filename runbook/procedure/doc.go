// Package procedure holds the procedures of a landing team, ready to run with
// package runbook or to be embedded.
//
// The nouns, in reading order:
//
//   - A [Pair] is one copy to make: the newest image of a source channel goes to a
//     destination channel, for one device.
//   - A [NamedImage] is one image of a channel and device, by its number: what is
//     phased in or taken back.
//   - A [Pace] is how a rollout goes from one percentage to the next; a [StopFile]
//     on the host halts it.
//   - A procedure is a struct: clients in exported fields, an Input that is written
//     into the journal, and a method Run that is a [runbook.Procedure].
//   - Who may answer a question, for stable too, is everybody but those in Not of
//     the Input; who assessed a hotfix may not decide on it. Who judges a fault, or lets a
//     run go on in spite of a warning, has to say why: others will ask later.
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
//   - [Hotfix] brings a security fix to users, and keeps it private until then.
//   - [BackOut] takes a faulty update back.
//   - [InvestigateBuild] says why a build of an image failed.
//   - [InvestigateImport] says why an image did not appear on the image server;
//     [importlog.Diagnose] does so from a saved log alone.
//   - [EditConfig] changes the server's channel configuration.
//   - [RepublishBuild] publishes a failed build again, on the same day.
//   - [RebuildImage] builds an image anew.
//
// The bullets of the team's procedures are found here, one to one:
//
//	security problem                          Hotfix
//	assess severity and who is affected       gate "assess"
//	decide on an emergency release            gate "decide", by somebody else
//	countermeasures on the servers            gate "countermeasures/in place"
//	tell users about them                     gate and step "countermeasures/announcement"
//	fix in a private branch, security PPA     gate "fix", check "private PPA"
//	snapshot PPA of the last stable image     steps of "snapshot", with the image's manifest
//	or the one that is there                  check "snapshot/PPA"
//	nothing public before it is agreed        gate "public"; no copy of the fix stands before it
//	binary copy of the fix                    gate "fix to the snapshot/difference", step "fix to the snapshot/copy"
//	stop the importer, for the whole build    hold "importer"
//	build ubuntu and ubuntu-pd                steps "rc/…/build"
//	point rc at the builds                    gate "configuration/approve", hold "rc configuration"
//	import by hand                            step "import"
//	rc-proposed must not go back in time      steps "keep back", "fix to the overlay/copy", "rc-proposed/…/build", "let in"
//	importer on again, after that             end of hold "importer"
//	QA of these very images                   check "QA …/they have the fix", gate "QA …/approve", check "QA …/still the newest"
//	copy to stable at 0 %                     hold "stable/importer", steps of "stable"
//	support named and on stand-by             gate "support"
//	phase over about five hours, watch        steps, health and stop file of "rollout"
//	announce                                  gate and step "announcement"
//	period of grace                           wait "grace period"
//	remove the countermeasures                gate "countermeasures removed"
//	stand the team down next working day      wait "next working day", gate "stand down"
//	how long was the fix public               notes "offered", "announced"
//
//	faulty update                             BackOut
//	stop phasing everywhere at once           steps of "stop", with the stop file; before any question
//	nobody gets it any more                   checks "nobody is offered the faulty images" (every start), "revert/…/nobody gets the faulty image"
//	assess                                    gate "assess"
//	can devices still update?                 gate "devices can update"
//	last good image, higher version           gate "take over" if need be, hold "importer", steps of "revert"
//	factory images                            gate "recover/factory images"
//	recovery instructions                     gate "recover/instructions"
//	announce                                  gate and step "announcement"
//	fix on rc, release again                  gate "fix"; then [Release] or [Hotfix], a run of its own
//
//	release                                   Release
//	rc to stable at 0 %, with the tag         gate "release", hold "importer", steps "…/copy", checks "…/published", "…/the image before stays withdrawn"
//	phase in                                  steps of "rollout", see [Rollout]
//
// # Where a rule stands
//
// Each procedure stands in the file of its name; what it does step by step, in its Run.
//
//	which channels go to which, and which are left out        pairs.go
//	rc-proposed to rc                                         copyrc.go
//	one copy, with its look afterwards                        copyimage.go
//	the importer is held; what another run holds, taken over  holdimporter.go
//	host and URL are one server, or a mirror that is late     hostandurl.go
//	which images go to stable, in which order of tags         release.go, releaseimages.go, releasetag.go
//	they are copied at 0 %                                    releasecopy.go
//	content that was withdrawn is not copied again unasked    withdrawncontent.go
//	order of a back-out                                       backout.go; its stop: backoutstop.go
//	images to 0 %, all with one command                       stopimages.go
//	which good image comes back, under which version          backoutversion.go, backoutpublish.go
//	reads of an emergency stop do not wait for the tree       stopreads.go
//	which devices are offered an image                        offeredto.go
//	an image by its number, and the alias that has it         namedimage.go
//	what the stop file says and who may remove it             stopfile.go
//	rounds of a rollout, and questions between them           rollout.go; their pace: pace.go
//	what a round does next; the stop file seen while it waits rolloutdecision.go
//	a rollout halts, and goes on                              rollouthalt.go
//	a step that begins late is held from then on              rolloutlate.go
//	a percentage is set, unless the stop file is there        percentage.go
//	the order of a hotfix                                     hotfix.go; what it is asked to do: hotfixinput.go
//	  before the fix is public: assess, protect, the PPAs     hotfixprivate.go
//	  the line that nothing crosses before a yes              hotfixpublic.go
//	  the configuration points rc at the builds, and back     hotfixconfig.go
//	  rc and rc-proposed are built and imported               hotfiximages.go
//	  the gate before stable: QA of these very images         hotfixqa.go
//	  stable                                                  hotfixrelease.go
//	  grace, countermeasures, stand-down; after a no          hotfixend.go
//	a re-spin                                                 respin.go
//	  what it is built from                                   respinsnapshot.go
//	  an older root file system than a device has             respinimport.go
//	a PPA is copied, and proved published                     snapshot.go
//	an image is built; once more on a builder's failure       rebuild.go
//	a build lacks architectures                               partialbuild.go
//	a run of the image builder is started once                imagerun.go
//	logs of live file systems, from Launchpad                 livefsbuilds.go
//	a build is published again, or built anew after a yes     republish.go
//	whether publishing again is safe; whose parts it took     republishsafe.go, cdimage.Republish
//	which run is published again, and which architectures     republishsource.go
//	the configuration points at one build for one import      importonce.go
//	what a killed import or copy leaves for good is said      killleaves.go
//	edits of the configuration are put back after a while     editconfig.go
//	why a build failed, and what can be imported of it        investigatebuild.go
//	why an image did not appear: the log of the import        investigateimport.go
//	  the configuration, the server, the sources              investigateimportconfig.go, investigateimportserver.go,
//	                                                          investigateimportsource.go
//	an announcement goes out once, as it was approved         announce.go
//	evidence in lines: images, a difference of texts          imagestext.go, evidencetext.go
//	names of jobs on a host; one group for each               names.go
//	how long a look at the server counts                      look.go
//
// # Errors
//
// Procedures return the errors of runbook and of their clients; test them with
// errors.Is.
//
//	situation                                       error
//	a pair that was asked for does not exist        an error that says what is wrong with it
//	same content under another tag or percentage    systemimage.ErrRefused, naming the command that fits
//	left-overs of a killed program in the way       systemimage.ErrBroken, naming the command that mends it
//	the global lock is held for too long            systemimage.ErrLocked, naming the holder where it can be seen
//	a configuration that somebody else changed      an error that says to begin a new run
//	a newer version while an older one is phased    ErrSuperseded
//	an image that is phased in was backed out       ErrBackedOut
//	the host and the URL are two servers            an error before the first effect that says how they differ
//	the mirror that is read lags behind the host    an error that says to wait, or to read the server itself
//	another run holds the importer                  an error that names it and its operator
//	publishing a build again would mix images up    ErrUnsafe
//	a run of the image builder gave no whole image  builder.ErrNotBuilt
//	a question is open, or a step is not yet due    runbook.ErrPending: start again
//	somebody said no                                runbook.ErrRejected
//	the importer could not be put back              runbook.ErrOwed
package procedure
