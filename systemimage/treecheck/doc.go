// Package treecheck says what is wrong with a published tree: what a release
// manager should know before devices find out.
//
// [Check] reads the tree with a client and returns findings, the worst first.
// [Options] say how closely it looks. Channels, aliases, redirects, indexes, files
// and keyrings each have rules of their own, in files of these names.
//
// # Errors
//
// A device whose index cannot be read is a finding. An error says that the tree
// could not be looked at:
//
//	channels.json missing, unreadable, not signed   as systemimage.Client.Channels
//	the server does not answer                      an Error without a kind
package treecheck
