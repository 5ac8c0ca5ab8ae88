package systemimagetest

import (
	"os"
	"testing"
)

// TempDir is an empty folder for a server, which the end of the test removes. It
// lies in memory where the system has a place for that: a test makes thousands of
// small files, which takes a disk most of the test's time.
func TempDir(tb testing.TB) string {
	tb.Helper()
	const place, room = "/dev/shm", 2 << 30
	if !fit(place, room) {
		return tb.TempDir()
	}
	dir, err := os.MkdirTemp(place, "systemimagetest-")
	if err != nil {
		return tb.TempDir()
	}
	tb.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			tb.Errorf("systemimagetest: %v", err)
		}
	})
	return dir
}
