// Package cdimage reads the logs of the Ubuntu image builder (cdimage) and of
// the live file systems that Launchpad builds for it, and says why an image is
// missing and what to do. Package cdimage/builder starts builds on the image host.
//
// # Nouns
//
// An [ImageSet] is what is built together: the images of one type (such as
// daily-preinstalled) of one project for one series. A [Build] is one run for
// it, and a [BuildID] is the run's name, a day and a number: 20160906.1. For
// each architecture ([Arch]) the run asks Launchpad for a live file system, known by its
// label ("ubuntu-touch-custom-armhf"); then it downloads what was built and
// publishes it. All this is written to one cd-build-log, which [ParseBuildLog]
// turns into a [BuildLog] of stages, architectures and an [Outcome]. What
// happened inside a live file system's build is in that build's own livefs log,
// kept by Launchpad and opened by a [LivefsLogs]; [ParseLivefsLog] finds the failing step in it.
//
// A cause.Cause is why something went wrong, with the line that says so: a cause.Rule
// found that line, and brings the Class of the cause and its Remedy; package cause has
// these words. [Rules] are two tables of them, [Rules.Livefs] and [Rules.Build]. A
// program with causes of its own adds entries and calls [Compile]; everything that reads
// logs takes the result.
//
// [Diagnose] weighs the [Evidence] (both kinds of log, the host's clock, the published
// files) and gives one [Diagnosis]: what is fine, what failed, why, with quoted lines,
// and what to do about it. [Republish] says whether publishing again, without new live
// file systems, is safe: only where it would not mix in an older one.
//
// A [Client] finds the logs in the public mirror. [ParseBuild] tells from the address of a
// log or of an image which build it is, package buildmail from the subject of a mail.
//
// # Where a rule stands
//
//	the words: classes, causes, remedies, actions, a rule     package cause
//	what makes a cause known, as tables                       livefsrules.go, buildrules.go
//	what to do about a cause, as tables                       remedytable.go
//	how a rule is compiled and finds its line                 rules.go, rulematch.go, rulebegin.go, literals.go
//	what the lines of a build log mean: stages, architectures buildlog.go, arch.go
//	lines of any length, several blocks at a time             linescan.go, readahead.go
//	a traceback, and whether it ended anything                traceback.go
//	how the remedies of several causes become one             remedy.go
//	which of several causes counts                            causerank.go
//	the package, file or URL that a cause is about            causeitem.go
//	the failing step of a livefs log, its last words          livefslog.go, livefssteps.go, livefslastwords.go, livefscause.go
//	causes in a build log: exceptions, downloads, the rest    fatalcause.go, downloadcause.go, buildcause.go
//	logs of live file systems that a build log names          readlivefslogs.go
//	all evidence is weighed; the verdict in words             diagnose.go, report.go
//	whether a build was published, and how much of it         buildoutcome.go
//	published files, or Launchpad, contradict the log         publishedfiles.go
//	at work, or killed                                        running.go
//	the whole remedy of a run                                 remedydiagnosis.go
//	publishing again: same day, nothing older, none under way republish.go
//	gzip, cut streams, a page instead of a log                unpack.go
//	names: a build's ID, its log, its images                  buildid.go
//	the public mirror, and its pages of links                 client.go, directoryindex.go
//	which error is which                                      errors.go
//
// # What a log does not say
//
// "Finished" and exit status 0 do not mean that an image was published; a
// traceback does not mean that the run failed. A log without an end is that of
// a run at work or of a killed one, and only its age tells them apart. A cut log
// gets no verdict on what may have followed.
//
// # Errors
//
// Errors are [Error] values; use errors.Is with
//
//	situation                                          error
//	no such project, series, day or log                ErrNotFound
//	a page or name that is something else              ErrFormat
//	gzip that ends early                               ErrIncomplete
//	the log tree answers badly                         ErrServer
//	a rule that is not complete                        ErrRule
//	an address that cannot be meant                    ErrInvalid
//
// That Launchpad has no log of a livefs build is fs.ErrNotExist, said by a [LivefsLogs].
package cdimage
