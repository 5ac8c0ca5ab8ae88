package systemimagetest

import "syscall"

// fit reports whether a folder has so much room, in bytes, and lets the machine's
// own commands be executed.
func fit(dir string, room uint64) bool {
	const noExec = 8 // ST_NOEXEC
	var st syscall.Statfs_t
	return syscall.Statfs(dir, &st) == nil && st.Flags&noExec == 0 && st.Bavail*uint64(st.Bsize) >= room
}
