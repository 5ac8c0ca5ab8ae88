package runbook

import (
	"fmt"
	"os"
)

// alive reports whether there is a process of that number on this host.
func alive(pid int) bool {
	_, err := os.Stat(fmt.Sprintf("/proc/%d", pid))
	return err == nil
}
