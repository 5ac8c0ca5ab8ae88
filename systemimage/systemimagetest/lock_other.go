//go:build !unix

package systemimagetest

import "os"

// lockFile does not lock: there are no record locks here.
func lockFile(*os.File, bool) error { return nil }
