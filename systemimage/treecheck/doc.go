// Package treecheck says what is wrong with a published tree: what a release
// manager should know before devices find out.
//
// The nouns, in reading order:
//
//   - [Check] reads a tree with a client and returns findings (systemimage.Finding),
//     the worst first, each with its remedy.
//   - [Options] say how closely it looks: at documents alone, at files, at what is in
//     them.
//   - A rule is one thing that can be wrong. Rules stand in tables, one a file. The
//     class of a finding is the name of its rule.
//   - [Rotate] looks at a tree for a change of keys and returns a [Rotation]: each
//     [SigningKey], what to [SignAgain] in which order, and who is [CutOff] until then.
//
// # Where a rule stands
//
//	the tree is read; what is looked at, and how many at once treecheck.go
//	what a rule is; the order of findings                     rule.go
//	channels.json or an index cannot be read, or is older     documents.go
//	a channel: no devices, a name that devices use themselves channels.go
//	a redirect that leads nowhere                             redirects.go
//	an alias that differs from its target (alias-drift)       aliasdiffers.go
//	an index: percentages, deltas, ways that devices take     index.go
//	the newest image: halted, phased, its tag, unlike others  releases.go
//	a payload: there, its size, its sum, cut; signature read  files.go
//	a signature: missing, by a stranger, not fitting;         signatures.go
//	  which re-sign-indexes makes anew, which it leaves out
//	keyrings: missing, broken, soon to expire                 keyrings.go
//	what killed programs left behind                          leftovers.go
//	a change of keys: what to sign again, who is cut off      rotation.go
//
// # Errors
//
// A document that cannot be read, or that is not signed as it should be, is a
// finding. An error says that the tree could not be looked at:
//
//	situation                             error
//	channels.json missing or unreadable   as systemimage.Client.Channels
//	the server does not answer            a systemimage.Error without a kind
package treecheck
