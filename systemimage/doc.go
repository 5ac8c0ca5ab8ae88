// Package systemimage reads and operates a system-image server: the service
// that publishes images of an operating system to phones.
//
// # What a server publishes
//
// A server has channels, such as "ubuntu-touch/stable/meizu.en". A channel has
// devices: models of phones. All of them stand in one file, channels.json,
// which [ParseChannels] reads as [Channels]. A channel may be an alias of
// another, with images of its own that follow the other's, or a redirect, with
// the index paths of the other.
//
// For each device in each channel there is an index.json, an [Index], with the
// images: a full image replaces the system, a delta leads from exactly one
// version to another. An [Image] carries its version, a phased percentage
// (absent is 100), a version_detail that tells what went into it (a [Detail],
// with the tag of a release) and its files.
//
// A [Client] reads all that over HTTP, as devices do, and believes what is
// signed by the chain of keyrings beneath a pinned root, its [Trust]; package
// keyring has one. [Client.Survey] and [Client.Find] look at all channels and
// devices at once, [Client.Download] fetches a file of an image.
//
// Which of the images a device takes, and whether it is its turn, is worked out
// by [Index.Upgrade] for a [Query], and put in words by [Index.Explain].
//
// # Operating a server
//
// A [Server] copies images between channels, tags them, sets their phased
// percentage and runs the importer, with the server's own programs and over a
// [command.Runner]: one SSH host, or a fake. Each verb that changes something has a
// Check beside it that only reads and says what would happen, or that it has
// happened already. What an effect came to is always read from the published
// index: these programs exit with 0 after doing nothing, and with 1 after
// publishing to everybody.
//
// An [Importer] pauses the importer by commenting out its line of a crontab,
// and gives it back. [ParseImportLog] reads what an import did to each channel
// and device as an [ImportRun], and why it did not do more.
//
// # The channel configuration
//
// What images are made from stands in the server's etc/config. [ParseConfig]
// reads it as the server does, [Config.Settings] says what its programs make of
// it, and [Config.Edit] changes it without touching another byte. A
// [ConfigLinter] finds the mistakes that the server answers with silence. A
// [ConfigFile] is the file on the host.
//
// # Errors
//
// Every error is an [Error]; errors.Is tells what it is about:
//
//	no such channel, device, version or file                        ErrNotFound
//	JSON that is none, truncated, too large; a page instead         ErrMalformed
//	a configuration that the server cannot read                     ErrMalformed, with a ConfigFailure in it
//	a configuration that all of the server's programs die of        ErrBroken, with a ConfigFailure in it
//	an edit that the server would read differently                  ErrRefused
//	index or signature missing or not of one piece, after retries   ErrTorn
//	signature by nobody who may sign                                ErrSignature
//	index older than one that was seen                              ErrReplayed
//	address on another host, path out of the tree, missing setting  ErrRefused
//	content that stops devices or the server's programs             ErrBroken
//	asked for what the server's programs refuse, or should          ErrRefused
//	another program holds the server's lock: nothing happened       ErrLocked
//	published, but not all of what was asked                        ErrPartial
//	nobody knows whether it happened                                ErrAmbiguous
//	an effect was asked of a reader                                 ErrReadOnly
package systemimage
