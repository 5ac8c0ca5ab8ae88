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
