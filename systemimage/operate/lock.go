package operate

import (
	"context"
	"strconv"
	"strings"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage/internal/host"
)

const (
	// landing-lock FILE: who holds a POSIX record lock on FILE, as lines
	// "held PID COMMAND", then "seen"; or "unseen" where that cannot be told.
	lockScriptName = "landing-lock"
	lockScript     = `
[ -r /proc/locks ] || { echo unseen; exit 0; }
[ -e "$1" ] || { echo seen; exit 0; }
inode=$(stat -c %i "$1" 2>/dev/null) || { echo unseen; exit 0; }
while read -r number kind rest; do
	set -- $rest
	[ "$kind" = POSIX ] && [ "${4##*:}" = "$inode" ] || continue
	printf 'held %s %s\n' "$3" "$(tr '\000\n' '  ' <"/proc/$3/cmdline" 2>/dev/null | cut -c 1-300)"
done </proc/locks
echo seen
`
)

// A lockView is what can be seen of the server's global lock.
type lockView struct {
	seen    bool // the host lets its locks be seen
	held    bool
	pid     int    // 0 when the holder is out of sight, in another container
	command string // "" when not readable
}

// String names the holder for a message.
func (v lockView) String() string {
	switch {
	case !v.seen:
		return "who holds the lock cannot be seen on this host"
	case !v.held:
		return "nobody holds the lock now"
	case v.command == "":
		return "held by process " + strconv.Itoa(v.pid)
	}
	return "held by process " + strconv.Itoa(v.pid) + ": " + v.command
}

// viewLock looks who holds the global lock of a server. It is best effort: any
// failure is an unseen lock.
func viewLock(ctx context.Context, r command.Runner, root string) lockView {
	out, err := r.Run(ctx, command.Look(lockScriptName, lockScript, root+"/state/global.lock"))
	if err != nil || out.Exit != 0 {
		return lockView{}
	}
	var v lockView
	for line := range strings.Lines(string(out.Stdout)) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "seen":
			v.seen = true
		case "held":
			pid, command, _ := strings.Cut(rest, " ")
			v.held = true
			v.pid, _ = strconv.Atoi(pid)
			v.command = host.Shorten(strings.TrimSpace(command))
		}
	}
	return v
}
