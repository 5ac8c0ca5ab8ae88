package systemimagetest

import (
	"io"
	"os"
	"syscall"
)

// setOpenFileLock is F_OFD_SETLK: a POSIX record lock that belongs to the open
// file and not to the process. It conflicts with the record locks of other
// processes, which the real programs take, and also within one process.
const setOpenFileLock = 37

// lockFile locks f. A program in a process of its own takes the lock that the
// real one takes, which /proc/locks shows with its process id.
func lockFile(f *os.File, own bool) error {
	kind := setOpenFileLock
	if own {
		kind = syscall.F_SETLK
	}
	l := syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart}
	if err := syscall.FcntlFlock(f.Fd(), kind, &l); err != nil {
		return errLocked
	}
	return nil
}

// unlockFile gives it back. Closing the file does, too, but not while a program that is
// just being started has it open as well.
func unlockFile(f *os.File) {
	l := syscall.Flock_t{Type: syscall.F_UNLCK, Whence: io.SeekStart}
	_ = syscall.FcntlFlock(f.Fd(), setOpenFileLock, &l)
}
