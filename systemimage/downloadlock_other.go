//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package systemimage

import "os"

// lockPart opens a half-done download. Where the system has no flock, two
// processes must not fetch one file into one folder at a time.
func lockPart(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
}
