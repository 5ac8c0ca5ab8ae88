//go:build unix && !linux

package systemimagetest

import (
	"io"
	"os"
	"syscall"
)

// lockFile takes a POSIX record lock. It excludes other processes only.
func lockFile(f *os.File, _ bool) error {
	l := syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart}
	if err := syscall.FcntlFlock(f.Fd(), syscall.F_SETLK, &l); err != nil {
		return errLocked
	}
	return nil
}

// unlockFile leaves it to the closing of the file.
func unlockFile(*os.File) {}
