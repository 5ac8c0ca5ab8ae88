package operate

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
)

const (
	defaultLockWait = 30 * time.Minute
	defaultLockPoll = 10 * time.Second

	readsAtOnce = 8 // indexes that are read side by side
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

	// Held, if set, is asked right before copy-image, tag-image or import-images is run,
	// and again when it has waited for the global lock: what was made sure of before the
	// looks at the tree may be otherwise by now. A runbook gives runbook.Held.
	Held func(ctx context.Context) error

	Logger *slog.Logger // silent when nil

	mu   sync.Mutex
	host *learned
}

// learned is what a server and its sessions have found out about the host.
type learned struct {
	mu   sync.Mutex
	form copyForm
	temp *string              // see tempDir; nil until it was read
	made map[string]time.Time // of indexes that were read, by their SHA-256
	read map[string]int       // indexes that could be read, by their SHA-256, with their newest version
	fits map[string]bool      // signatures that fit, by the SHA-256 of their index and their own
}

// note adds something to what was found out.
func (h *learned) note(what func(*learned)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	what(h)
}

// learned is what s has found out about its host.
func (s *Server) learned() *learned {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.host == nil {
		s.host = &learned{made: map[string]time.Time{}, read: map[string]int{}, fits: map[string]bool{}}
	}
	return s.host
}

// Session returns the same server for one look at its tree: see
// [systemimage.Client.Session]. What an effect may have changed is read anew by
// itself, and one percentage that is set alone is looked at anew before it is.
func (s *Server) Session(keep time.Duration) *Server {
	return s.Through(s.Client.Session(keep))
}

// Through returns the same server, read by another client.
func (s *Server) Through(c *systemimage.Client) *Server {
	return &Server{Runner: s.Runner, Root: s.Root, Client: c, ReadOnly: s.ReadOnly,
		LockWait: s.LockWait, LockPoll: s.LockPoll, Checksums: s.Checksums, Held: s.Held, Logger: s.Logger, host: s.learned()}
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

func (s *Server) log() *slog.Logger { return cmp.Or(s.Logger, slog.New(slog.DiscardHandler)) }

// root is Root without a slash at its end.
func (s *Server) root() string { return strings.TrimRight(s.Root, "/") }

// command makes the command of one of the server's programs. The locale keeps
// Python from failing on names outside of ASCII.
func (s *Server) command(job, program string, args ...string) command.Command {
	argv := []string{"env", "LC_ALL=C.UTF-8", "SYSTEM_IMAGE_ROOT=" + s.root(), s.root() + "/bin/" + program}
	return command.Command{Argv: append(argv, args...), Job: job}
}
