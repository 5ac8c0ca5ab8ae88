// Package systemimagetest is a system-image server for tests and for practice:
// a published tree in a folder, really signed, and the server's own commands.
// It is no script of calls: it has state, keeps the rules of the real programs
// and speaks their words, and recorded runs of the real ones hold it to that.
//
// A [World] says what a server holds, in Go or as text ([ParseWorld]): its
// channels with devices and images, its configuration, the operator's crontab,
// and the builds that its importer can find. [SampleWorld] is one with channels
// of all kinds. [New] makes a [Server] of a world for a test, [Create] and
// [Open] one in a folder of the caller's.
//
// The Server's Handler publishes the tree, and its Client reads it, verified and
// without a network. Its Run makes it a
// [command.Runner]: copy-image, set-phased-percentage, tag-image,
// import-images, cleanup-tree and re-sign-indexes are played, crontab keeps its
// table in the folder, everything else is executed. Snapshot is the server's
// content as text, to compare worlds by. All state lies in the folder, so that
// several processes can work with one server; [Program] and Install make the
// programs real files.
//
// A test of a program that copies an image:
//
//	func TestPromote(t *testing.T) {
//		images := systemimagetest.New(t, systemimagetest.SampleWorld())
//		s := &operate.Server{Runner: images, Root: images.Root(), Client: images.Client()}
//		...
//	}
//
// What the fake leaves out: si-shell; the lines of the programs' source inside
// tracebacks; the recovery image of remote-system-image's option keyring.
//
// # Where a rule stands
//
//	a world in Go or as text; a sample                        world.go, sample.go
//	a server in a folder: made, opened, copied                server.go, clone.go, tempdir.go, tempdir_*.go
//	how a new world is laid out                               layout.go, layoutfiles.go
//	the tree over HTTP, its client; faults of both            http.go, client.go
//	what programs meet: kills, full disks; broken states      faults.go, damage.go
//	the world as text, to compare                             snapshot.go
//	commands: which are played, which are run; the crontab    run.go, crontab.go
//	one run of a program, its exceptions, its arguments       process.go, argparse.go
//	the global lock, and that of files                        lock.go, lock_*.go, flock_*.go
//	copy-image, tag-image, set-phased-percentage              copyimage.go, tagimage.go, phased.go
//	several percentages with one command                      phasemany.go
//	import-images: channels, generators, downloads            importimages.go, generators.go, download.go
//	builds that it can find                                   builds.go, sources.go
//	cleanup-tree, re-sign-indexes                             maintain.go, orphans.go
//	an index is committed; aliases follow                     commit.go, tree.go, alias.go
//	deltas, version files                                     delta.go, versionfile.go
//	keys and signatures                                       keys.go
//	etc/config as the programs read it                        loadconfig.go
//	its files read and written, with few calls; what was read kept decoded    files.go, documents.go
//	JSON as the server's Python reads and writes it           pyjson.go
//	tarballs, and their packing without effort                archive.go, store.go
//
//	situation                               how to make it
//	the global lock is held                 Server.HoldLock, in this or another process
//	a program is killed in a commit         Faults.Kill: the real broken state stays
//	disk or /tmp full, mirrors away         Faults
//	a signing key expired or missing        Server.ExpireKey, Server.RemoveKey
//	stale .new, bad signature, lost file    Server.Break
//	a source of the importer fails          Build.Fault, Build.MonitorFault
//	torn index, 404, HTML, slow, cut        Server.FailHTTP
//	programs as of 2016                     World.Era2016
//	anything before or after a program      Server.Before, Server.After
package systemimagetest
