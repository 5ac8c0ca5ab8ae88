//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package runbook

import (
	"errors"
	"os"
	"syscall"
	"time"
)

var errInUse = errors.New("in use")

// fileLock is a lock of the kernel on the lock file: it ends with the process,
// also when that is killed. The text in the file only says whose it is.
type fileLock struct {
	f    *os.File
	path string
}

func lockFile(path string) (*fileLock, error) {
	for try := 0; ; try++ {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			f.Close()
			if errors.Is(err, syscall.EWOULDBLOCK) {
				// It may be somebody who only asks, see lockHeld.
				if try < 5 || try < 200 && orphaned(path) {
					time.Sleep(10 * time.Millisecond)
					continue
				}
				return nil, errInUse
			}
			return nil, &os.PathError{Op: "flock", Path: path, Err: err}
		}
		// The one before may have removed the file between open and flock.
		mine, err1 := f.Stat()
		there, err2 := os.Stat(path)
		if err1 == nil && err2 == nil && os.SameFile(mine, there) {
			return &fileLock{f, path}, nil
		}
		f.Close()
	}
}

func (l *fileLock) write(text []byte) error {
	if err := l.f.Truncate(0); err != nil {
		return err
	}
	if _, err := l.f.WriteAt(text, 0); err != nil {
		return err
	}
	return l.f.Sync()
}

// remove ends the lock and takes the file away while nobody else can have it.
func (l *fileLock) remove() error {
	return errors.Join(os.Remove(l.path), l.f.Close())
}

// abandon ends the lock and leaves the file as it is.
func (l *fileLock) abandon() { l.f.Close() }

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// lockHeld reports whether a process has the lock at path. It asks the kernel, not
// the text in the file: the process named there may be gone, and its number
// another's by now.
func lockHeld(path string, _ lockText) bool {
	f, err := os.Open(path)
	if err != nil {
		return true // it cannot be asked: believe the text
	}
	defer f.Close()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) != nil
}

// orphaned reports whether a lock is that of a process of this host that has died. A
// program that the process was just starting when it was killed has its open files,
// and with them the lock, until it is itself.
func orphaned(path string) bool {
	t, ok := readLock(path)
	host, err := os.Hostname()
	return ok && err == nil && t.Host == host && t.PID > 0 && errors.Is(syscall.Kill(t.PID, 0), syscall.ESRCH)
}
