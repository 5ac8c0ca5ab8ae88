//go:build !unix

package mailbox

import "io/fs"

// owner is unknown here.
func owner(fs.FileInfo) string { return "" }
