// Package builder runs the image builder on its host and judges each run by
// what it left there, never by an exit status.
//
// # Nouns
//
// A [Request] says what to build: the image set, new live file systems or those
// that there are, archives ([PPA]). A [Builder] runs it on the image host and
// tells its [Progress] while the log grows. A [Result] is what came of a run: the
// [cdimage.Diagnosis] of its log, and the files of the published directory, which
// are believed before the log. What the runs of other people left is read with
// the same methods. A run that is a job outlives the link and the program that began
// it: [Builder.Attach] asks for its end, and takes nobody else's run for it. A
// [LivefsBuild] is what Launchpad adds to that.
//
// # Where a rule stands
//
//	what must not be run; a run, attached to and forgotten;   builder.go
//	  the host does not have the program
//	the words of a request on the command line                request.go
//	which run was ours: the log could be that of the request  canbe.go, runs.go
//	what came of a run                                        runs.go
//	how far it is                                             watch.go
//	logs and folders on the host; a log that grows            hostfiles.go
//	what Launchpad adds: states, archives                     livefs.go
//	which error is which                                      errors.go
//
// # Errors
//
// Errors are [Error] values; use errors.Is with
//
//	situation                                          error
//	a request that must not be run                     ErrInvalid
//	a Builder that must not act                        ErrReadOnly
//	another run for the image set holds the lock       ErrLocked
//	the host refused the command line                  ErrUsage
//	the run ended without a complete image             ErrNotBuilt
//	the end of the run was not seen                    ErrInDoubt
//	no such log on the host                            ErrNotFound
//	the host could not be asked                        ErrHost
//
// A log that is no log is an error of package [cdimage].
package builder
