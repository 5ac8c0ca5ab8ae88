// Package upgrade works out which way a device takes from the build that it
// runs, and says in words why it takes no other: the scoring of the client of
// Ubuntu Touch, over an index that package systemimage has read.
//
// The nouns, in reading order:
//
//   - A [Device] is what a phone knows of itself: its channel, the build it runs, its
//     machine id. [Device.Request] makes a request of it.
//   - A [Request] is a build, and the number that the phone draws for a version.
//   - A [Way] is a path from that build over images of the index: a full image or a
//     delta, and the deltas behind it, to where none leads on. Each has a score, the
//     lowest wins.
//   - An [Offer] is what the device gets: the way with the lowest score among those
//     whose last image has a phased percentage that reaches the device. [Choose]
//     works it out, [Explain] puts it in words.
//   - A tie is several ways with the lowest score. Which of them is taken depends on
//     the Python of the device, so all of them are named.
//   - [Loop] finds deltas that lead in a circle.
//
// # Where a rule stands
//
//	what a phone knows, and its number for a version          request.go
//	ways as a graph: edges, weights, scores; circles          graph.go, loop.go
//	which way wins, and what it downloads first               offer.go
//	ways with the same score                                  ties.go
//	two files of one download under one name                  samename.go
//	why this way and no other, in words                       explain.go
//
// # Errors
//
//	situation                                                           error
//	an index that devices drop, or that keeps them searching for ever   systemimage.ErrBroken
//	a filter that the client does not know                              systemimage.ErrRefused
package upgrade
