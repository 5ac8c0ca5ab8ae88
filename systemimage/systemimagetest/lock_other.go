//go:build !unix

package systemimagetest

import "os"

// lockFile does not lock: there are no record locks here.
func lockFile(*os.File, bool) error { return nil }

// unlockFile leaves it to the closing of the file.
func unlockFile(*os.File) {}
