//go:build unix

package mailbox

import (
	"io/fs"
	"os/user"
	"strconv"
	"syscall"
)

// owner is the account that a file belongs to; "" if it cannot be told.
func owner(info fs.FileInfo) string {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	id := strconv.FormatUint(uint64(stat.Uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}
