// Package upgrade works out which way a device takes from the build that it
// runs, and says in words why it takes no other: the scoring of the client of
// Ubuntu Touch, over an index that package systemimage has read.
//
// A [Device] is what a phone knows of itself. What it asks for is a [Request]:
// the build it runs and the number that it draws for a version. The images of an
// index form ways from that build; each [Way] has a score, and the lowest wins,
// unless the phased percentage of its last image does not reach the device.
// [Choose] returns what the device gets, an [Offer]; [Explain] puts it in words.
// [Ways] lists all of them, [Loop] finds deltas that lead in a circle.
//
// # Errors
//
//	an index that devices drop, or that keeps them searching for ever   systemimage.ErrBroken
//	a filter that the client does not know                              systemimage.ErrRefused
package upgrade
