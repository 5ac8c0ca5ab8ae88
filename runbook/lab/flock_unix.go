//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package lab

import (
	"io"
	"os"
	"syscall"
)

// tryFlock takes the lock that flock(1) takes, unless another has it. Closing the file
// gives it back.
func tryFlock(f *os.File) bool {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}

// recordLocked reports whether another process holds a record lock on f. The lock of an
// open file, which is not counted, belongs to process -1.
func recordLocked(f *os.File) bool {
	l := syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart}
	err := syscall.FcntlFlock(f.Fd(), syscall.F_GETLK, &l)
	return err != nil || l.Type != syscall.F_UNLCK && l.Pid != -1
}
