//go:build linux && (386 || amd64 || arm || arm64 || loong64 || riscv64 || s390x)

package cli

import (
	"os"
	"syscall"
)

// flush throws away what was typed at a terminal and not read yet.
func flush(f *os.File) {
	const tcflsh, tciflush = 0x540b, 0 // "throw away", of the input; other machines have other numbers
	_, _, _ = syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), tcflsh, tciflush)
}
