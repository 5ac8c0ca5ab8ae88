package systemimagetest

import (
	"os"
	garbage "runtime/debug"
	"strconv"
	"testing"
)

// TempDir is an empty folder for a server, which the end of the test removes. It
// lies in memory where the system has a place for that: a test makes thousands of
// small files, which takes a disk most of the test's time.
func TempDir(tb testing.TB) string {
	tb.Helper()
	dir, ok := inMemory()
	if !ok {
		return tb.TempDir()
	}
	tb.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			tb.Errorf("systemimagetest: %v", err)
		}
	})
	return dir
}

// InMemory is run with all temporary folders of this process, also those of
// [testing.T.TempDir] and those that programs under test make, where TempDir has its
// own, unless TMPDIR says where; and with less haste to collect what is used no more: worlds are small and many.
// It is for TestMain, of tests that make labs in folders:
//
//	os.Exit(systemimagetest.InMemory(m.Run))
func InMemory(run func() int) int {
	const percent = 400
	if os.Getenv("GOGC") == "" {
		garbage.SetGCPercent(percent)
		os.Setenv("GOGC", strconv.Itoa(percent)) // of the programs that are started, too
	}
	if os.Getenv("TMPDIR") == "" {
		if dir, ok := inMemory(); ok {
			defer os.RemoveAll(dir)
			os.Setenv("TMPDIR", dir)
		}
	}
	return run()
}

// inMemory makes a folder in memory where there is a place for that.
func inMemory() (dir string, ok bool) {
	const place, room = "/dev/shm", 2 << 30
	if !fit(place, room) {
		return "", false
	}
	dir, err := os.MkdirTemp(place, "systemimagetest-")
	return dir, err == nil
}
