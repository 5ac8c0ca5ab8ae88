//go:build unix

package operate

import (
	"os"
	"syscall"
	"testing"
)

// lockFile takes the kind of lock that the server's programs take.
func lockFile(t *testing.T, f *os.File) {
	if err := syscall.FcntlFlock(f.Fd(), syscall.F_SETLK, &syscall.Flock_t{Type: syscall.F_WRLCK}); err != nil {
		t.Fatal(err)
	}
}

// LockFile is for the tests beside the package.
var LockFile = lockFile
