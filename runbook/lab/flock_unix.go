//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package lab

import (
	"os"
	"syscall"
)

// tryFlock takes the lock that flock(1) takes, unless another has it. Closing the file
// gives it back.
func tryFlock(f *os.File) bool {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}
