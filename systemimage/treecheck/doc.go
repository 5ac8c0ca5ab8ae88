// Package treecheck says what is wrong with a published tree: what a release
// manager should know before devices find out.
//
// The nouns, in reading order:
//
//   - [Check] reads a tree with a client and returns findings (systemimage.Finding),
//     the worst first, each with its remedy.
//   - [Options] say how closely it looks: at documents alone, at files, at what is in
//     them.
//   - A rule is one thing that can be wrong. Rules stand in tables, one a file, whose
//     name says what they are about: documents, channels, redirects, aliasdrift, index,
//     releases, files, signatures, keyrings, leftovers. The class of a finding is the
//     name of its rule.
//   - [Rotate] looks at a tree for a change of keys and returns a [Rotation]: each
//     [SigningKey], what to [SignAgain] in which order, and who is [CutOff] until then.
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
