// Package operate is the operator's side of a system-image server: it copies
// images between channels, tags them, sets their phased percentage, runs the
// importer, and pauses it.
//
// A [Server] does that with the server's own programs, over a command.Runner: one
// SSH host, or a fake. Its verbs are [Server.Copy], [Server.Tag], [Server.Phase]
// and [Server.Import]; each of the first three takes a request ([CopyRequest],
// [TagRequest], [PhaseRequest]) and has a Check beside it that only reads and says
// what would happen, or that it has happened already. What an effect came to is
// always read from the published index: these programs exit with 0 after doing
// nothing, and with 1 after publishing to everybody. What is there is a
// [CopyResult] or a [PhaseResult], and for an import an importlog.Run.
//
// Before each effect every index of the tree is looked at, with its signature; only an image that is
// offered to fewer devices is not kept back by what is wrong elsewhere. [Server.Preflight] finds what killed
// programs left behind, as systemimage.Finding with the command that mends it;
// [Server.Mend] mends the index of one device by itself, [Server.Unblock] before a stop, which must publish nothing.
//
// Copies follow each other: the tree is looked at with one command, the program runs with
// one, and while the index is read back one more looks at the new files. The next copy
// begins when this one is known, so that after a kill or a lost link one copy is in doubt
// and no more. What was read a moment ago, by a session or for the copy before, is not
// read again. Percentages are set in one command, [Server.PhaseMany], each read back
// while the next is set; a [HostNote] is a small file on the host that the same command
// writes first, such as the stop file of a rollout.
//
// An [Importer] pauses the importer by commenting out its line of a crontab, with
// the [Owner] who did it, and gives it back. Its [ImporterStatus] says who holds
// it, and whether a person has turned it off.
//
// # Where a rule stands
//
//	which programs of the server are called, and how          server.go, program.go
//	refused before anything runs                              refusal.go; the server's own words: serversentences.go
//	what keeps back a copy, a percentage or an import         preflight.go
//	what is broken in the tree: left-overs, lost indexes      preflightrules.go
//	how that is looked at, and looked at again                preflightlook.go
//	which indexes, and what is read of them                   preflighteveryindex.go
//	whether devices believe an index                          preflightsignature.go
//	files that are read on the host                           hostfiles.go
//	a copy: asked for, and what comes of it                   copy.go
//	what a copy will bring about, its version_detail          copyplan.go
//	  found there, but not as asked while the lock is held: waits
//	what a copy of ours that was killed has left              copybegun.go
//	the copy has been made already, or half of it             alreadycopied.go
//	which arguments this server's copy-image takes            copycommandline.go
//	what a copy or a tag brought about                        copyoutcome.go
//	aliases that do not follow                                aliasesafter.go
//	images with the same files; deltas that are used again    samecontent.go
//	what a killed import left without a signature             unfinished.go
//	what a killed commit left, at aliases too                 leftovers.go
//	an index whose commit was killed: finished or undone      mend.go
//	the same before a stop, which must publish nothing        unblock.go
//	a percentage: checked, read back                          phase.go; also one that is set while no index can be read
//	the command that sets one, and again where it did not stay phaserun.go
//	many percentages with one command                         phasemany.go
//	a tag                                                     tag.go
//	the importer is run, and what it published looked up      import.go
//	a program met the global lock though it exited with 0     transcript.go; then it waits, and runs again: program.go
//	who holds the lock                                        lock.go
//	a program's exit status, an exception, a kill, in words   program.go
//	the importer: paused, given back, by whom;                importer.go
//	  turned on by somebody else meanwhile
//	which line of a crontab runs the importer                 crontabcommand.go, shellsplit.go
//	how that line is commented out and put back               crontabpause.go
//	the crontab is replaced, and read again                   crontabwrite.go
//	where the server's programs keep temporary files          tempdir.go
//
// # Errors
//
//	asked for what the server's programs refuse, or should       systemimage.ErrRefused
//	another program holds the server's lock: nothing happened    systemimage.ErrLocked
//	published, but not all of what was asked                     systemimage.ErrPartial
//	a tree in which the programs fail or publish damage          systemimage.ErrBroken
//	nobody knows whether it happened                             systemimage.ErrInDoubt
//	an effect was asked of a reader                              systemimage.ErrReadOnly
package operate
