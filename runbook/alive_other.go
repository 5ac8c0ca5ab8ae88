//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || plan9)

package runbook

import (
	"errors"
	"os"
	"syscall"
)

// alive reports whether there is a process of that number on this host. Some
// systems tell when it is looked up, others when it is sent a signal.
func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	defer p.Release()
	err = p.Signal(syscall.Signal(0))
	return !errors.Is(err, os.ErrProcessDone)
}
