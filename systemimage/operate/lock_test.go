package operate

import (
	"os"
	"path/filepath"
	"testing"
)

// The script reads the kernel's own table: a lock held by this process is seen.
func TestViewLock(t *testing.T) {
	if _, err := os.Stat("/proc/locks"); err != nil {
		t.Skip("no /proc/locks here")
	}
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "state"), 0o755); err != nil {
		t.Fatal(err)
	}
	h := newCronHost(t, "")
	if v := viewLock(t.Context(), h, root); !v.seen || v.held {
		t.Errorf("without a lock file: %+v", v)
	}
	f, err := os.Create(filepath.Join(root, "state", "global.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if v := viewLock(t.Context(), h, root); !v.seen || v.held {
		t.Errorf("with a free lock: %+v", v)
	}
	lockFile(t, f)
	if v := viewLock(t.Context(), h, root); v.seen && !v.held {
		t.Errorf("with a held lock: %+v", v)
	} else if v.held && v.pid != os.Getpid() && v.pid != 0 {
		t.Errorf("held by %d, want %d", v.pid, os.Getpid())
	}
}
