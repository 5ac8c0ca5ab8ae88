package remote

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/landingteam/landing/runbook/command"
	"golang.org/x/crypto/ssh"
)

// A Host is one machine reached over SSH. Set the fields before the first use;
// the zero value of each is a usable default, only Addr is required. A Host is
// safe for concurrent use: all calls share one connection, which is dialled at
// the first call and again after it was lost.
type Host struct {
	Addr string // host or host:port; the port is 22 when missing
	User string // login name; the name of the local user when empty

	// KnownHosts are the files in which the host's key is looked up, in
	// OpenSSH's format; ~/.ssh/known_hosts when empty.
	KnownHosts []string

	// HostKey pins the host's key instead: one or more lines in
	// authorized_keys form ("ssh-ed25519 AAAA..."). KnownHosts is then not read.
	HostKey string

	// KeyFile is a private key in OpenSSH or PEM form, or the public one of a
	// key that the agent holds; it is tried first. When empty, the agent's keys
	// are tried one after the other, and a host gives up after a few.
	KeyFile string

	// Passphrase is asked, once, for the passphrase of an encrypted KeyFile.
	// When nil such a key is used through the agent, if the agent holds it.
	Passphrase func(keyFile string) ([]byte, error)

	// Agent is the socket of an SSH agent. When empty it is SSH_AUTH_SOCK of
	// the environment; "none" asks no agent.
	Agent string

	Jump *Host // host through which this one is reached; nil is directly

	Timeout   time.Duration // for connecting, up to the end of authentication; 15 s when zero
	KeepAlive time.Duration // a link that is silent for two of these is dead; 15 s when zero, none when negative
	Reconnect time.Duration // how long watching a job outlives a lost link; 5 min when zero, not at all when negative
	MaxOutput int64         // bytes kept of each output stream; 16 MiB when zero

	// JobDir is the folder on the host that holds the folders of jobs;
	// ~/.landing/jobs when empty. A relative path starts in the login folder.
	JobDir string

	// ReadOnly refuses what changes the host by design: starting and reaping jobs. Whether a plain command changes
	// something is known to its caller alone: those still run.
	ReadOnly bool

	// Current, when set, is asked just before a command is sent, with the context of
	// the call: after an error nothing is sent. With runbook.Current a process that
	// slept, and whose run another one has by now, does nothing on the host any more.
	Current func(context.Context) error

	Logger *slog.Logger // debug lines about connections and commands, never their input; silent when nil

	mu       sync.Mutex
	link     *link      // current connection, nil before the first and after a loss
	dialing  *attempt   // the one dial under way
	unlocked ssh.Signer // KeyFile, when it had to be decrypted
}

const (
	defaultTimeout   = 15 * time.Second
	defaultKeepAlive = 15 * time.Second
	defaultReconnect = 5 * time.Minute
	defaultMaxOutput = 16 << 20
)

// Close closes the connection; a later call of another method dials again.
// Commands under way end with [ErrLost], jobs go on. The connection of a
// Jump host stays: it may serve others.
func (h *Host) Close() error {
	h.mu.Lock()
	l := h.link
	h.link = nil
	h.mu.Unlock()
	if l != nil {
		l.client.Close() // its error only says that the link was gone already
	}
	return nil
}

// addr returns Addr with its port.
func (h *Host) addr() (string, error) {
	if h.Addr == "" {
		return "", invalid("dial", "Host.Addr is empty; set it to host or host:port")
	}
	host, port, err := net.SplitHostPort(h.Addr)
	if err != nil {
		host, port = strings.Trim(h.Addr, "[]"), "22"
	}
	if host == "" || port == "" || strings.ContainsAny(host, " \t\r\n/") {
		return "", invalid("dial", "Host.Addr "+h.Addr+" is not host or host:port")
	}
	return net.JoinHostPort(strings.ToLower(host), port), nil
}

func (h *Host) user() (string, error) {
	if h.User != "" {
		return h.User, nil
	}
	u, err := user.Current()
	if err != nil {
		return "", &Error{Op: "dial", Host: h.Addr, Kind: ErrInvalid, Text: "Host.User is empty and the local user has no name; set it", Err: err}
	}
	return u.Username, nil
}

func (h *Host) knownHosts() ([]string, error) {
	if len(h.KnownHosts) > 0 {
		return h.KnownHosts, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return nil, &Error{Op: "dial", Host: h.Addr, Kind: ErrInvalid, Text: "no home folder to find known_hosts in; set Host.KnownHosts or Host.HostKey", Err: err}
	}
	return []string{filepath.Join(home, ".ssh", "known_hosts")}, nil
}

func (h *Host) timeout() time.Duration { return cmp.Or(h.Timeout, defaultTimeout) }

func (h *Host) maxOutput() int64 { return cmp.Or(h.MaxOutput, defaultMaxOutput) }

func (h *Host) log(ctx context.Context, msg string, args ...any) {
	if h.Logger != nil {
		h.Logger.DebugContext(ctx, msg, append([]any{"host", h.Addr}, args...)...)
	}
}

// fail wraps err with what this layer knows, unless it is wrapped already.
func (h *Host) fail(op string, kind error, text string, err error) error {
	if e := (*Error)(nil); errors.As(err, &e) && kind == nil {
		return err
	}
	return &Error{Op: op, Host: h.Addr, Kind: kind, Text: text, Err: err}
}

var _ command.Runner = (*Host)(nil)
