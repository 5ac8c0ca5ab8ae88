package cdimagetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/landingteam/landing/cdimage/builder"
	"github.com/landingteam/landing/cdimage/cause"
)

// Knobs say what the host is like and what the next run goes through. The zero
// value is a host of the touch era on which everything goes well.
type Knobs struct {
	// Now is the host's clock; zero is the real one. A run moves it on.
	Now time.Time

	// Today makes the host behave as it does since 2025: other messages, one
	// day of images, and no publishing without --live.
	Today bool

	// Arches are those of an image set when ARCHES is not set; empty: armhf
	// and i386.
	Arches []string

	// States are Launchpad's words for the next livefs builds, by
	// architecture; empty: Successfully built.
	States map[string]string

	// Reasons say why livefs builds fail, by architecture: which of the
	// causes stands in the livefs log. Empty: unmet dependencies.
	Reasons map[string]cause.Class

	// Downloads hold what wget says of an architecture's root file system:
	// "404", "503", "resolve", "refused", "read", "space".
	Downloads map[string]string

	Crash       string // "copying", "publishing", "purging": the stage that dies of a full disk
	Kill        string // the stage after whose marker the log just stops; "asking": when Launchpad was asked for the first live file system, "asked": for all
	Tracker     bool   // the image tracker is down: a traceback that means nothing
	MirrorsDown bool
	Launchpad   string // "down": 503; "pending": an identical build is pending

	// Booted is when the host was started; zero: it does not say.
	Booted time.Time

	// Pause is real time between the lines of a log, for programs that watch
	// it grow or are to be killed.
	Pause time.Duration
}

const knobsFile = "etc/.knobs.json"

// SetKnobs stores what the host below root goes through from now on.
func SetKnobs(root string, k Knobs) error {
	b, err := json.MarshalIndent(k, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(root, "etc"), 0o755); err != nil {
		return err
	}
	return write(filepath.Join(root, knobsFile), b)
}

// GetKnobs returns what was stored last, the zero Knobs if nothing was.
func GetKnobs(root string) (Knobs, error) {
	var k Knobs
	b, err := os.ReadFile(filepath.Join(root, knobsFile))
	if errors.Is(err, os.ErrNotExist) {
		return k, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &k)
	}
	return k, err
}

// write replaces a file whole, so that another process never reads half of it.
func write(name string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return os.Rename(f.Name(), name)
}

// Program runs one of the host's commands: env, for-project, cron.<type>, and
// what a Builder reads with (date, ls, tail, cat). root is the folder that
// stands for [builder.HostRoot]; all state lies in it. The result is the exit
// status, 127 for a command that the host does not have.
func Program(ctx context.Context, root string, argv, env []string, stdin io.Reader, stdout, stderr io.Writer) int {
	vars := map[string]string{}
	for _, kv := range env {
		if k, v, ok := strings.Cut(kv, "="); ok {
			vars[k] = v
		}
	}
	for len(argv) > 0 && filepath.Base(argv[0]) == "env" {
		argv = argv[1:]
		for len(argv) > 0 && strings.Contains(argv[0], "=") && !strings.Contains(strings.SplitN(argv[0], "=", 2)[0], "/") {
			k, v, _ := strings.Cut(argv[0], "=")
			vars[k] = v
			argv = argv[1:]
		}
	}
	if len(argv) == 0 {
		return 0
	}
	h := &host{ctx: ctx, root: root, vars: vars, stdout: stdout, stderr: stderr}
	var err error
	if h.knobs, err = GetKnobs(root); err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	name, args := filepath.Base(argv[0]), argv[1:]
	if name == "for-project" {
		if len(args) < 2 {
			fmt.Fprint(stderr, "Usage: for-project PROJECT COMMAND\n\nfor-project: error: need project and command\n")
			return 2
		}
		vars["PROJECT"] = args[0]
		if name, args = filepath.Base(args[1]), args[2:]; !slices.Contains(commands, name) {
			fmt.Fprintf(stderr, "Traceback (most recent call last):\n  File \"%s/bin/for-project\", line 49, in <module>\n    main()\n  File \"%[1]s/bin/for-project\", line 45, in main\n    os.execvp(args[1], args[1:])\nFileNotFoundError: [Errno 2] No such file or directory\n", builder.HostRoot)
			return 1
		}
	}
	switch {
	case strings.HasPrefix(name, "cron."):
		return h.cron(name, args)
	case name == "default-arches":
		fmt.Fprintln(stdout, strings.Join(h.defaultArches(), " "))
		return 0
	case name == "date":
		return h.date(args)
	case name == "ls":
		return h.ls(args)
	case name == "tail" || name == "cat":
		return h.tail(name, args)
	}
	fmt.Fprintf(stderr, "%s: command not found\n", name)
	return 127
}

// commands are those that a project can be given.
var commands = []string{"default-arches", "cron.daily", "cron.daily-live", "cron.daily-preinstalled", "cron.daily-minimal", "cron.daily-dangerous",
	"cron.daily-canary", "cron.daily-legacy", "cron.dvd", "cron.wubi", "cron.livecd-base"}

// defaultArches are the architectures of an image set when ARCHES is not set.
func (h *host) defaultArches() []string {
	if len(h.knobs.Arches) > 0 {
		return h.knobs.Arches
	}
	return []string{"armhf", "i386"}
}

type host struct {
	ctx            context.Context
	root           string
	vars           map[string]string
	knobs          Knobs
	stdout, stderr io.Writer
}

// path maps a path of the host to the folder that stands for it.
func (h *host) path(name string) string {
	if rel, ok := strings.CutPrefix(name, builder.HostRoot); ok {
		return filepath.Join(h.root, rel)
	}
	return name
}

func (h *host) now() time.Time {
	if h.knobs.Now.IsZero() {
		return time.Now().UTC()
	}
	return h.knobs.Now.UTC()
}

func (h *host) date(args []string) int {
	for _, a := range args {
		if a == "+%s" {
			fmt.Fprintln(h.stdout, h.now().Unix())
			return 0
		}
	}
	fmt.Fprintln(h.stdout, h.now().Format("Mon Jan _2 15:04:05 UTC 2006"))
	return 0
}

// operands are the arguments that are no options.
func operands(args []string) (names []string) {
	for i, a := range args {
		if a == "--" {
			return append(names, args[i+1:]...)
		}
		if !strings.HasPrefix(a, "-") {
			names = append(names, a)
		}
	}
	return names
}

func (h *host) ls(args []string) int {
	names := operands(args)
	status := 0
	for _, n := range names {
		files, err := os.ReadDir(h.path(n))
		if err != nil {
			fmt.Fprintf(h.stderr, "ls: cannot access '%s': No such file or directory\n", n)
			status = 2
			continue
		}
		for _, f := range files {
			fmt.Fprintln(h.stdout, f.Name())
		}
	}
	return status
}

func (h *host) tail(name string, args []string) int {
	from := int64(0)
	if name == "tail" && len(args) > 1 && args[0] == "-c" {
		n, err := strconv.ParseInt(strings.TrimPrefix(args[1], "+"), 10, 64)
		if err != nil || !strings.HasPrefix(args[1], "+") {
			fmt.Fprintf(h.stderr, "tail: invalid number of bytes: '%s'\n", args[1])
			return 1
		}
		from, args = max(0, n-1), args[2:]
	}
	names := operands(args)
	status := 0
	for _, n := range names {
		if n == "/proc/stat" && !h.knobs.Booted.IsZero() {
			fmt.Fprintf(h.stdout, "cpu  1 2 3\nbtime %d\n", h.knobs.Booted.Unix())
			continue
		}
		if n == "/proc/stat" {
			n = "/no/such/file" // this machine's is not the host's
		}
		f, err := os.Open(h.path(n))
		if err != nil {
			fmt.Fprintf(h.stderr, "%s: cannot open '%s' for reading: No such file or directory\n", name, n)
			status = 1
			continue
		}
		f.Seek(from, io.SeekStart)
		io.Copy(h.stdout, f)
		f.Close()
	}
	return status
}
