//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package systemimage

import (
	"errors"
	"os"
	"syscall"
)

// lockPart opens a half-done download for this process alone. The lock ends
// with the process, also when that is killed.
func lockPart(path string) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
		if err != nil {
			return nil, err
		}
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			f.Close()
			if errors.Is(err, syscall.EWOULDBLOCK) {
				return nil, errPartLocked
			}
			return nil, &os.PathError{Op: "lock", Path: path, Err: err}
		}
		mine, err1 := f.Stat()
		there, err2 := os.Stat(path)
		if err1 == nil && err2 == nil && os.SameFile(mine, there) {
			return f, nil
		}
		f.Close() // its download was finished between open and lock
	}
}
