package operate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/internal/host"
)

const (
	defaultLockWait = 30 * time.Minute
	defaultLockPoll = 10 * time.Second
)

// A Server is the operator's side of an image server: it runs the server's own
// programs and then looks at the published tree, because their exit status says
// little. copy-image exits with 0 when somebody else holds the lock and nothing
// was copied, and with 1 after it has published to every device.
//
// Every effect is done in the same steps: say no to what the program would
// refuse or, worse, would not; look for left-overs of killed runs; run; read the
// published index; and report what is really there. Where that is what was
// asked for, the effect succeeded, whatever the program said.
//
// Set Runner, Root and Client before the first use. A Server is safe for use by
// several goroutines and must not be copied after its first use.
type Server struct {
	Runner command.Runner
	Root   string              // of the server, such as /srv/system-image.ubuntu.com: it becomes SYSTEM_IMAGE_ROOT
	Client *systemimage.Client // reads the tree that the server publishes

	// ReadOnly makes every effect fail with ErrReadOnly before anything is run.
	ReadOnly bool

	// The programs do not wait for the global lock, they end. LockWait is how
	// long a held lock is waited for by running the program again: 30 minutes
	// when 0, not at all when negative. LockPoll is the time between two runs,
	// 10 seconds when 0.
	LockWait, LockPoll time.Duration

	// Checksums makes Preflight, and with it every copy, read the payloads of an
	// image and compare their SHA-256 with the index. Without it sizes are
	// compared, which takes no time. Reading 500 MB takes some seconds.
	Checksums bool

	Logger *slog.Logger // silent when nil

	mu   sync.Mutex
	form copyForm
}

// usable says what is missing before anything can be done.
func (s *Server) usable(op string, effect bool) error {
	bad := func(text string) error {
		return &systemimage.Error{Op: op, Kind: systemimage.ErrRefused, Err: errors.New(text)}
	}
	switch {
	case effect && s.ReadOnly:
		return &systemimage.Error{Op: op, Kind: systemimage.ErrReadOnly, Err: errors.New("this Server is read only")}
	case s.Runner == nil:
		return bad("Server.Runner is not set")
	case s.Client == nil:
		return bad("Server.Client is not set: without the published tree no outcome can be known")
	case !path.IsAbs(s.Root):
		return bad("Server.Root is not set to an absolute path")
	}
	return nil
}

func (s *Server) log() *slog.Logger { return host.Logger(s.Logger) }

// root is Root without a slash at its end.
func (s *Server) root() string { return strings.TrimRight(s.Root, "/") }

// command makes the command of one of the server's programs. The locale keeps
// Python from failing on names outside of ASCII.
func (s *Server) command(job, program string, args ...string) command.Command {
	argv := []string{"env", "LC_ALL=C.UTF-8", "SYSTEM_IMAGE_ROOT=" + s.root(), s.root() + "/bin/" + program}
	return command.Command{Argv: append(argv, args...), Job: job}
}

// An ending is how a run of a program ended, as far as it tells.
type ending struct {
	program string
	command.Output
	transcript
	err error // of the runner: the end was not seen
}

// String says it in words.
func (e ending) String() string {
	switch {
	case e.err != nil:
		return fmt.Sprintf("the end of %s was not seen (%v)", e.program, e.err)
	case e.exception != "":
		return fmt.Sprintf("%s exited with %d (%s)", e.program, e.Exit, e.exception)
	case e.Exit > 128 && e.Exit < 128+65:
		return fmt.Sprintf("%s was killed by signal %d", e.program, e.Exit-128)
	case e.Exit == 126, e.Exit == 127:
		return fmt.Sprintf("%s could not be run (exit status %d%s)", e.program, e.Exit, host.LastWords(e.Stderr))
	case e.Exit != 0:
		return fmt.Sprintf("%s exited with %d%s", e.program, e.Exit, host.LastWords(e.Stderr))
	}
	return e.program + " exited with 0"
}

func (s *Server) lockTimes() (wait, poll time.Duration) {
	return cmp.Or(s.LockWait, defaultLockWait), cmp.Or(s.LockPoll, defaultLockPoll)
}

// killed is the exit status of a program that was killed.
const killed = 128 + 9

// run runs a program, and again while somebody else holds the global lock. Its
// error is ErrLocked when that took too long; everything else is in the ending.
func (s *Server) run(ctx context.Context, op, channel, device string, c command.Command) (ending, error) {
	wait, poll := s.lockTimes()
	deadline := time.Now().Add(wait)
	at := slices.IndexFunc(c.Argv, func(a string) bool { return strings.HasPrefix(a, s.root()+"/bin/") })
	program := path.Base(c.Argv[at])
	for {
		s.log().InfoContext(ctx, "run", "program", program, "args", c.Argv[at+1:], "job", c.Job)
		out, err := s.Runner.Run(ctx, c)
		var lost *command.LostJob
		switch {
		case !errors.As(err, &lost):
		case lost.Before: // it has been looked since, and the name is free now
			s.log().InfoContext(ctx, "an earlier job is lost: starting anew", "program", program, "job", c.Job, "why", lost.Reason)
			continue
		default: // it is over, as if killed
			out.Exit, err = killed, nil
		}
		e := ending{program: program, Output: out, transcript: readTranscript(out), err: err}
		s.log().InfoContext(ctx, "ended", "program", program, "how", e.String())
		if err != nil || !e.locked {
			return e, nil
		}
		view := viewLock(ctx, s.Runner, s.root())
		fail := func(err error) (ending, error) {
			return e, &systemimage.Error{Op: op, Channel: channel, Device: device, Kind: systemimage.ErrLocked, Err: err}
		}
		if time.Until(deadline) < poll {
			return fail(fmt.Errorf("nothing happened: something else holds the global lock since %v or more (%v)", max(wait, 0), view))
		}
		s.log().InfoContext(ctx, "global lock is held: waiting", "by", view.String(), "until", deadline)
		if err := host.Sleep(ctx, poll); err != nil {
			return fail(fmt.Errorf("nothing happened: something else holds the global lock (%v): %w", view, err))
		}
	}
}

// copyForm is the command line that a server's copy-image understands.
type copyForm int

const (
	formUnknown    copyForm = iota
	formOption              // copy-image -r N ... SOURCE DESTINATION DEVICE (since 2017)
	formPositional          // copy-image ... SOURCE DESTINATION DEVICE N (until 2016)
)

// copyForm asks copy-image for its help, once per Server.
func (s *Server) copyForm(ctx context.Context, op string) (copyForm, error) {
	s.mu.Lock()
	form := s.form
	s.mu.Unlock()
	if form != formUnknown {
		return form, nil
	}
	out, err := s.Runner.Run(ctx, s.command("", "copy-image", "--help"))
	if err != nil {
		return form, &systemimage.Error{Op: op, Place: s.root() + "/bin/copy-image", Err: fmt.Errorf("asking for its help: %w", err)}
	}
	form = readCopyHelp(string(out.Stdout))
	if form == formUnknown {
		e := ending{program: "copy-image --help", Output: out}
		return form, &systemimage.Error{Op: op, Place: s.root() + "/bin/copy-image", Kind: systemimage.ErrBroken,
			Err: fmt.Errorf("is not the program that was expected: %v, and shows neither [-r VERSION] nor DEVICE VERSION", e)}
	}
	s.mu.Lock()
	s.form = form
	s.mu.Unlock()
	return form, nil
}

func readCopyHelp(help string) copyForm {
	usage, _, _ := strings.Cut(help, "\n\n")
	words := strings.Fields(usage)
	switch {
	case len(words) == 0 || words[0] != "usage:":
		return formUnknown
	case strings.Contains(strings.Join(words, " "), "[-r VERSION]"):
		return formOption
	case words[len(words)-1] == "VERSION":
		return formPositional
	}
	return formUnknown
}
