package doctor

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/runbook/remote"
)

// factsScript is run once on a host: sh -c SCRIPT landing-doctor ROOT TMPDIR. It
// prints facts as lines "NAME VALUE" and changes nothing.
const factsScript = `
root=$1 tmp=${2:-${TMPDIR:-/tmp}}
echo "user $(id -un 2>/dev/null)"
echo "owner $(stat -c %U "$root/www" 2>/dev/null)"
echo "shell ${SHELL:-}"
echo "clock $(date +%s)"
for tool in cat stat mv sha256sum setsid flock crontab xz gpg; do
	command -v "$tool" >/dev/null 2>&1 && echo "tool $tool"
done
say() { test "$@" && echo "has $*"; }
for d in "" /www /state /etc /bin; do say -d "$root$d"; done
say -r "$root/etc/config"
for d in /www /state /etc; do say -w "$root$d"; done
say -x "$root/secret/gpg/keys/image-signing"
for p in copy-image import-images set-phased-percentage tag-image cleanup-tree re-sign-indexes for-project; do
	say -x "$root/bin/$p"
done
command -v for-project >/dev/null 2>&1 && echo "has -x for-project"
if [ -x "$root/bin/copy-image" ]; then
	echo "help $(SYSTEM_IMAGE_ROOT=$root "$root/bin/copy-image" --help </dev/null 2>&1 | tr '\n\t' '  ' | cut -c 1-600)"
fi
for d in "$root/www" "$root/state" "$tmp"; do
	[ -d "$d" ] || continue
	echo "space $(df -Pk "$d" 2>/dev/null | awk 'NR == 2 { print $4 }') $d"
	echo "inodes $(df -Pi "$d" 2>/dev/null | awk 'NR == 2 { print $4, $2 }') $d"
done
[ -w "$tmp" ] && echo "tmp $tmp"
echo "end facts"
`

// facts are what one command finds out about a host.
type facts struct {
	user, owner string // we there, and to whom the published tree belongs
	shell       string
	clock       time.Time // there, when the command ran
	asked       time.Time // here, at that moment
	tools       map[string]bool
	has         map[string]bool // "-d /srv/x/www": what test says yes to
	help        string          // the first words of copy-image --help
	space       []room          // of folders
	tmp         string          // the folder for temporary files, if it can be written
	whole       bool            // the command got to its end
}

// A room is what is left on the disk of a folder.
type room struct {
	dir    string
	bytes  int64 // free for us; -1 unknown
	inodes int64 // free; -1 unknown, or a file system that does not count them
}

// parseFacts reads what factsScript prints; it passes over what it does not know.
func parseFacts(text string) facts {
	f := facts{tools: map[string]bool{}, has: map[string]bool{}}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		switch name {
		case "user":
			f.user = value
		case "owner":
			f.owner = value
		case "shell":
			f.shell = value
		case "clock":
			if n, err := strconv.ParseInt(value, 10, 64); err == nil {
				f.clock = time.Unix(n, 0).UTC()
			}
		case "tool":
			f.tools[value] = true
		case "has":
			f.has[value] = true
		case "help":
			f.help = strings.Join(strings.Fields(value), " ")
		case "space":
			free, dir, _ := strings.Cut(value, " ")
			f.room(dir).bytes = number(free, 1024)
		case "inodes":
			var free, all, dir string
			free, value, _ = strings.Cut(value, " ")
			all, dir, _ = strings.Cut(value, " ")
			if number(all, 1) > 0 {
				f.room(dir).inodes = number(free, 1)
			}
		case "tmp":
			f.tmp = value
		case "end":
			f.whole = true
		}
	}
	return f
}

// number is a count in units; -1 for what is none.
func number(text string, unit int64) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > 1<<50 {
		return -1
	}
	return n * unit
}

func (f *facts) room(dir string) *room {
	for i := range f.space {
		if f.space[i].dir == dir {
			return &f.space[i]
		}
	}
	f.space = append(f.space, room{dir: dir, bytes: -1, inodes: -1})
	return &f.space[len(f.space)-1]
}

// hostOf is the host of a part.
func (x *examination) hostOf(p part) *Host {
	if p == builder {
		return x.Builder
	}
	return x.ImageServer
}

// hostChecks are the same for every host.
func hostChecks(p part) []check {
	judge := func(name string, plan bool, f func(f facts, h *Host) []Result) check {
		return check{name, p, plan, func(_ context.Context, x *examination) []Result { return f(x.facts[string(p)], x.hostOf(p)) }}
	}
	return []check{
		{"reach", p, true, func(ctx context.Context, x *examination) []Result { return x.reach(ctx, x.hostOf(p)) }},
		judge("user", false, judgeUser),
		judge("clock", true, judgeClock),
		judge("tools", p == imageServer, judgeTools),
		judge("disk", false, judgeDisk),
		{"jobs", p, false, func(ctx context.Context, x *examination) []Result { return leftJobs(ctx, x.hostOf(p)) }},
	}
}

// reach gathers the facts of a host.
func (x *examination) reach(ctx context.Context, h *Host) []Result {
	tmp := ""
	if x.Server != nil && h == x.ImageServer {
		tmp = x.Server.TempDir(ctx)
	}
	before := x.now()
	out, err := h.Runner.Run(ctx, command.Command{Argv: []string{"sh", "-c", factsScript, "landing-doctor", h.Root, tmp}})
	if err != nil {
		return one(Failed, mendReach(err), "%v", err)
	}
	f := parseFacts(string(out.Stdout))
	if f.asked = before.Add(x.now().Sub(before) / 2); !f.whole {
		said := strings.TrimSpace(string(out.Stdout) + " " + string(out.Stderr))
		return one(Failed, "give the user a shell that runs commands (sh, dash, bash), without words or questions in its start-up files",
			"the host lets us in and does not run a command: exit status %d, it says %.200q", out.Exit, said)
	}
	x.facts[h.Section] = f
	return one(OK, "", "reached; the host's key is the known one")
}

// mendReach says what helps when a host is not reached, by what it is about.
func mendReach(err error) string {
	for _, m := range []struct {
		kind error
		mend string
	}{
		{remote.ErrHostUnknown, "compare the fingerprint with somebody who knows it, then write the key into known_hosts, or as host_key in this section"},
		{remote.ErrHostChanged, "do not go on: ask who runs the host; put the new key into known_hosts or host_key only when they confirm it"},
		{remote.ErrAuth, "name the right key with key_file, load it into the agent (ssh-add -l shows what it holds), or have its public half put into authorized_keys there"},
		{remote.ErrUnreachable, "look at ssh = and jump = in this section, and whether the host is up: ssh -v shows how far it gets"},
		{remote.ErrInvalid, "put this section of the site file right"},
		{remote.ErrLost, "look at the line: ssh -v to the same address"},
	} {
		if errors.Is(err, m.kind) {
			return m.mend
		}
	}
	return "look at this section of the site file; ssh -v to the same address shows more"
}

func judgeUser(f facts, h *Host) []Result {
	if f.owner != "" && f.owner != f.user && h.Section == string(imageServer) {
		return one(Warning, "log in as the user who owns the tree and whose crontab runs the importer", "we are %s there and the tree belongs to %s: what programs make as %[1]s the importer could not change", f.user, f.owner)
	}
	return one(OK, "", "we are %s there, with the shell %s", f.user, f.shell)
}

// Rules that are bound to a UTC day, to what was published when and to due times
// compare the clocks of two machines.
const (
	clockOff    = time.Minute
	clockBroken = 10 * time.Minute
)

func judgeClock(f facts, _ *Host) []Result {
	if f.clock.IsZero() {
		return one(Warning, "look at date +%s there", "the host does not tell its time")
	}
	by := f.clock.Sub(f.asked).Round(time.Second)
	how := "ahead of"
	if by < 0 {
		how = "behind"
	}
	const mend = "put the clock right, there or here (timedatectl shows whether it is kept in step)"
	switch {
	case by.Abs() >= clockBroken:
		return one(Failed, mend, "the host's clock is %v %s ours: what is of the same UTC day, and what is due, would be judged wrongly", by.Abs(), how)
	case by.Abs() >= clockOff:
		return one(Warning, mend, "the host's clock is %v %s ours", by.Abs(), how)
	}
	return one(OK, "", "the clocks agree")
}

// A tool is a program that ours need on a host.
type tool struct {
	name   string
	part   part  // empty: any host
	state  State // without it
	effect string
}

var tools = []tool{
	{"cat", "", Failed, "nothing can be read"},
	{"mv", "", Failed, "nothing can be replaced"},
	{"stat", imageServer, Failed, "left-overs and locks cannot be looked at"},
	{"sha256sum", imageServer, Failed, "files cannot be compared"},
	{"crontab", imageServer, Failed, "the importer can neither be seen nor paused"},
	{"xz", imageServer, Failed, "the server publishes broken files without a word"},
	{"gpg", imageServer, Failed, "the server cannot sign"},
	{"flock", imageServer, Warning, "two runs that change a percentage or the configuration at the same moment do not exclude each other"},
	{"setsid", "", Warning, "a job may die with the link"},
}

func judgeTools(f facts, h *Host) []Result {
	var found []Result
	for _, t := range tools {
		if (t.part == "" || string(t.part) == h.Section) && !f.tools[t.name] {
			found = append(found, Result{State: t.state, Text: "there is no " + t.name + ": " + t.effect, Mend: "install it there, or put it into the PATH of commands over SSH"})
		}
	}
	if len(found) > 0 {
		return found
	}
	return one(OK, "", "all there")
}

// What a disk should have left: an import unpacks whole root file systems.
const (
	gib                 = 1 << 30
	littleRoom, noRoom  = 4 * gib, gib / 5
	fewInodes, noInodes = 10_000, 500

	mendDisk = "make room: old images by a smaller fullcount, left-over folders of killed runs in the folder for temporary files"
	mendTmp  = "set TMPDIR in the crontab to a folder that the user may write, on a disk with room"
)

func judgeDisk(f facts, h *Host) []Result {
	var found []Result
	for _, r := range f.space {
		state := OK
		switch {
		case r.bytes >= 0 && r.bytes < noRoom, r.inodes >= 0 && r.inodes < noInodes:
			state = Failed
		case r.bytes >= 0 && r.bytes < littleRoom, r.inodes >= 0 && r.inodes < fewInodes:
			state = Warning
		}
		if state == OK {
			continue
		}
		text := fmt.Sprintf("%s has %.1f GiB left", r.dir, float64(r.bytes)/gib)
		if r.inodes >= 0 && r.inodes < fewInodes {
			text = fmt.Sprintf("%s has room for %d more files", r.dir, r.inodes)
		}
		found = append(found, Result{State: state, Text: text, Mend: mendDisk})
	}
	if f.tmp == "" && h.Section == string(imageServer) {
		found = append(found, Result{State: Failed, Text: "the folder for temporary files is not there, or cannot be written", Mend: mendTmp})
	}
	if len(found) > 0 {
		return found
	}
	return one(OK, "", "there is room")
}

// leftJobs names what ended and was not fetched, or was lost.
func leftJobs(ctx context.Context, h *Host) []Result {
	if h.Jobs == nil {
		return one(OK, "", "not kept on this host")
	}
	all, err := h.Jobs.Jobs(ctx)
	if err != nil {
		return one(Warning, "", "the jobs there cannot be listed: %v", err)
	}
	var found []Result
	for _, j := range all {
		if j.State != command.JobRunning {
			found = append(found, Result{State: Warning, Text: fmt.Sprintf("the job %s is %s since %s and was not fetched: %.200s", j.Name, j.State, j.Started.Format("2006-01-02 15:04 MST"), j.Command),
				Mend: "start its run again with its journal; if the run is given up: go run ./examples/jobs -site FILE -clear " + j.Name})
		}
	}
	if len(found) == 0 {
		return one(OK, "", "%d at work, none left over", len(all))
	}
	return found
}
