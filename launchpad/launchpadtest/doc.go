// Package launchpadtest is a fake Launchpad for tests and for practice: a
// stateful server that keeps the real one's rules and says its words.
//
// A [World] holds people, archives, publications, builds and live file
// systems; a [Server] serves it as an [http.Handler]. Nothing happens at once:
// a copy request queues a job that may fail without telling anybody, a
// publisher runs in cycles, builds take their time. The fake has its own clock,
// which moves by [Server.Tick] with every request, by [Server.Advance], and
// when a client of [Server.Client] pauses, so that no test has to wait.
//
// Behind the web service things go wrong by the knobs of the World (FailCopy,
// HoldBinary, FailBuild, ...), in front of it by a [Fault].
//
// The fake describes itself, so that python3-launchpadlib can do with it all that
// the fake can: log in, look things up, list, copy, delete, and request builds. It
// keeps its world in a file when it was made by
// [Open], and goes on there after a kill.
//
//	srv := launchpadtest.New(t, nil)
//	srv.Do(func(w *launchpadtest.World) {
//		w.AddPPA("landing-team", "overlay")
//		w.Publish("~landing-team/ubuntu/overlay", "vivid", launchpadtest.Package{Name: "unity8", Version: "8.12-0ubuntu1"})
//	})
//	c := srv.Client()
//
// # Where a rule stands
//
//	what there is; a file of it                               world.go, server.go
//	time: jobs, the publisher, builds                         clock.go
//	a copy: refused at once, or fails in its job              copying.go
//	who asks, and what he may see                             identity.go, people.go
//	archives, publications, builds, live file systems         archives.go, publications.go, builds.go, livefs.go
//	how entries look; listings, their filters and pages       entries.go, filters.go, paging.go
//	requests, answers, addresses                              query.go, service.go
//	logs and files on the web host                            files.go
//	the service's description of itself                       wadl.go
//	faults                                                    fault.go
//
//	situation                                       how to make it
//	a copy job fails, and nobody is told            World.FailCopy
//	a copy job, or a publication, never gets on     World.HoldCopy, World.HoldBinary
//	a binary is missing after a copy                World.LoseBinary
//	an architecture is published later              World.ArchLag
//	a build fails                                   World.FailBuild
//	somebody deletes what was copied                World.DeleteSource
//	a series becomes obsolete                       World.EndSeries
//	a statement times out, Launchpad restarts       Fault with Like: Timeout, Unavailable
//	a bug in Launchpad, too many requests           Fault with Like: Crash, Throttle
//	a lost link, an answer that nobody sees         Fault with Drop, with After
//	a token that is expired or may not              the fields of Token
package launchpadtest
