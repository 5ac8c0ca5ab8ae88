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
// # Where a rule stands
//
// Rules of the linter (lint.go) stand in tables, one a file, and are named after what
// they look at; what a rule is says lintrule.go. From the whole to the parts:
//
//	the text as a whole, line by line                         lintgrammar.go
//	[global], mirrors, lists without their section            lintglobal.go
//	a section: unknown, unlisted; which keys it may have      lintsection.go
//	a key: misspelt, indented, with a comment behind          lintkey.go
//	names separated wrongly, numbers that are none            lintlistsnumbers.go
//	a channel: its type, its deltabase                        lintchannel.go
//	entries of files: missing, unused, in the wrong order     lintfiles.go
//	an entry of files: its generator and arguments            lintentry.go
//	options of an entry: unknown, or no ";" before them       lintoptions.go
//	what an entry is made from: monitor, path, channel        lintsource.go
//	a URL: how it is written, whether it answers              linturltext.go, linturlprobe.go
//	the published tree: channels, devices                     linttree.go
//	files and keys on the host                                linthost.go
//	what was probably meant                                   misspelling.go
//
// The rest of the package:
//
//	the text is read as Python's ConfigParser reads it        grammar.go, config.go
//	what the server dies of, in its own words                 failure.go
//	a value: quotes, names between commas and blanks          value.go
//	what the programs make of it; what they take for granted  settings.go
//	a generator, with its arguments and options               generator.go; what it makes an image from: source.go
//	an edit: its steps, the text after it                     edit.go, editapply.go; not a byte more: editsplice.go
//	a name is put into a list, or taken out                   editlist.go
//	what an edit changed, in words and as lines               diff.go
//	the file on its host                                      hostfile.go
//
// # Errors
//
//	a text that the server cannot read                        systemimage.ErrMalformed, with a Failure in it
//	a text that all of the server's programs die of           systemimage.ErrBroken, with a Failure in it
//	an edit that the server would read differently            systemimage.ErrRefused
//	the file on the host is no longer what was read           systemimage.ErrRefused
//	nobody knows whether the file was replaced                systemimage.ErrInDoubt
package channelconfig
