//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package runbook

import (
	"errors"
	"io/fs"
	"os"
)

var errInUse = errors.New("in use")

// fileLock is the existence of the lock file. Where the kernel has no lock that
// ends with its process, the file of a killed process has to be removed by hand
// unless the process is known to be gone.
type fileLock struct {
	f    *os.File
	path string
}

func lockFile(path string) (*fileLock, error) {
	for range 2 {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			return &fileLock{f, path}, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		t, ok := readLock(path)
		host, err := os.Hostname()
		if err != nil || !ok || t.Host != host {
			return nil, errInUse
		}
		if alive(t.PID) {
			return nil, errInUse
		}
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	return nil, errInUse
}

func (l *fileLock) write(text []byte) error {
	if _, err := l.f.WriteAt(text, 0); err != nil {
		return err
	}
	return l.f.Sync()
}

func (l *fileLock) remove() error {
	return errors.Join(l.f.Close(), os.Remove(l.path))
}

func (l *fileLock) abandon() { l.f.Close() }

// syncDir does nothing where folders cannot be synced.
func syncDir(string) error { return nil }

// lockHeld reports whether a process has the lock at path, whose text is t.
func lockHeld(_ string, t lockText) bool { return alive(t.PID) }
