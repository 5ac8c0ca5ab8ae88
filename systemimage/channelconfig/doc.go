// Package channelconfig reads, edits and checks the channel configuration of a
// system-image server, etc/config: which channels are imported, and what their
// images are made from.
//
// [Parse] reads the text as the server does, as a [Config]. What its programs make
// of it are its [Settings], with the [FileEntry] of each part of an image and the
// [Source] that a generator takes it from. An [Edit] changes the text without
// touching another byte ([Config.Edit]); [Config.Changes] and [Config.Diff] show
// what an edit did. A [Linter] finds the mistakes that the server answers with
// silence. A [HostFile] is the file on its host: read, and replaced only while it
// still is what was read.
//
// # Errors
//
//	a text that the server cannot read                        systemimage.ErrMalformed, with a Failure in it
//	a text that all of the server's programs die of           systemimage.ErrBroken, with a Failure in it
//	an edit that the server would read differently            systemimage.ErrRefused
//	the file on the host is no longer what was read           systemimage.ErrRefused
//	nobody knows whether the file was replaced                systemimage.ErrAmbiguous
package channelconfig
