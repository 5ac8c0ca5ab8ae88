// Package systemimage reads what a system-image server publishes: images of an
// operating system for phones.
//
// # What a server publishes
//
// A server has channels, such as "ubuntu-touch/stable/meizu.en". A channel has
// devices: models of phones. All of them stand in one file, channels.json,
// which is read as [Channels]. A channel may be an alias of
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
// keyring has one. [Client.Channels] reads a [Listing], [Client.IndexOf] the
// index of a device in it. [Client.Survey] and [Client.Find] look at all channels
// and devices at once, [Client.Download] fetches a file of an image. What it reads
// comes as a [PublishedIndex] or a [PublishedImage], with the [PublishedFile] that it
// stands in.
//
// # Where a rule stands
//
//	channels.json and indexes are read, verified;             client.go; by whom: trust.go
//	  one that is promised and not found
//	what was read a moment ago is not read again              session.go
//	every index of a tree, several at a time                  survey.go
//	a document and its signature, read until they fit;        torn.go; between two tries: sleep.go
//	  a torn publication is given up in the end
//	a server that goes back in time                           replay.go
//	an address on another host, out of the tree               address.go
//	requests, what is tried again, limits                     fetch.go
//	what is kept of a document, and asked for anew            cache.go
//	a download: go on, verify, two at once                    download.go, downloadlock_*.go
//	a download that stalls                                    downloadstall.go
//	channels, aliases, redirects                              channels.go; written: channelswrite.go
//	an index: fulls, deltas, the newest                       index.go; written: indexwrite.go
//	faults of an index: on reading; of its content, its time  indexread.go; indexcheck.go
//	version_detail and the tag in it                          detail.go
//	what Python and its json make of a value                  jsonpython.go, jsonscan.go
//	"did you mean"                                            didyoumean.go
//	what is wrong, and how bad                                finding.go, errors.go
//
// # The packages beside this one
//
//   - keyring: the chain of trust that verifies what is read
//   - upgrade: which way a device takes from the build that it runs
//   - treecheck: what is wrong with a published tree
//   - channelconfig: etc/config, which says what images are made from
//   - importlog: what an import did to each channel and device, and why not more
//   - operate: copy, tag and phase images in, run and pause the importer
//   - systemimagetest: a whole image server for tests and for practice
//
// # Errors
//
// Every error here and in the rooms that have no error of their own is an
// [Error]; errors.Is tells what it is about:
//
//	situation                                                       error
//	no such channel, device, version or file                        ErrNotFound
//	JSON that is none, truncated, too large; a page instead         ErrMalformed
//	index or signature missing or not of one piece, after retries   ErrTorn
//	signature by nobody who may sign                                ErrSignature
//	index older than one that was seen                              ErrReplayed
//	address on another host, path out of the tree, missing setting  ErrRefused
//	content that stops devices or the server's programs             ErrBroken
//	another process downloads the same file                         ErrLocked
//
// The other kinds are those of effects: package operate has their table.
package systemimage
