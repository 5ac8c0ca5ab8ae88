// Package systemimagetest is a system-image server for tests: a published tree
// in a folder, really signed, and the server's own commands.
//
// A [World] says what a server holds; [SampleWorld] is one with all kinds of
// channels. [New] makes a [Server] of it. Its Handler publishes the tree over
// HTTP; its Run plays copy-image, set-phased-percentage and the other programs,
// and crontab, with the real rules, messages and exit statuses, so that a
// Server is the [systemimage.Runner] of a test. All state lies in the folder:
// several processes can work with one server.
package systemimagetest
