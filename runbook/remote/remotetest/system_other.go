//go:build !unix

package remotetest

import (
	"os"
	"os/exec"
)

func ownSession(*exec.Cmd)            {}
func killSession(cmd *exec.Cmd)       { cmd.Process.Kill() }
func endedBy(*os.ProcessState) string { return "" }
