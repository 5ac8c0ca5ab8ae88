//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package systemimagetest

import (
	"os"
	"syscall"
)

// flock takes the lock that flock(1) takes, and waits for it. Closing the file
// gives it back.
func flock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if err != syscall.EINTR {
			return err
		}
	}
}
