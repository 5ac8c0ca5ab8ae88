// Package remotetest provides an SSH server for tests and for trying things
// out on one's own machine. It is a real server on a loopback port, with host
// keys, a client key that it accepts, an agent and TCP forwarding; what runs is
// up to a [Server.Handler], which by default is [Shell]: it executes the
// command line with /bin/sh in a folder.
//
//	s := remotetest.New(t)      // started, closed at the end of the test
//	out, err := s.Host().Run(ctx, command.Command{Argv: []string{"hostname"}})
//
// A [Server] outside of tests is started with [Server.Start] and ended with
// [Server.Close]. What the network and the host may do wrong is asked for with
// methods and fields; [Server.Set] sets fields while it runs. As with a real
// host, a lost link does not end detached jobs; nor does Close.
//
//	situation                                    how to make it
//	every link is lost at once                   Server.Drop
//	the link is lost before or after a command   Server.Fault: Before, After
//	the host does not run a command              Server.Fault: Refuse
//	no connection, or only after a while         Server.Refuse, Server.Delay
//	another host key than the known one          Server.ChangeHostKey
//	nobody may log in but one                    Server.User
//	no more sessions                             Server.MaxSessions
package remotetest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/landingteam/landing/runbook/remote"
)

// A Server is an SSH server on a loopback port. The zero value is ready for
// Start. Fields are set before Start, or while it runs through [Server.Set].
type Server struct {
	Handler func(ctx context.Context, r *Request) int // runs each command; Shell when nil

	Dir string   // where Shell runs commands, and their HOME; a temporary folder when empty
	Env []string // added to the environment of commands, as "NAME=value"

	// KeyTypes are the kinds of host key to have: "ssh-ed25519" (the default),
	// "ecdsa-sha2-nistp256", "ssh-rsa".
	KeyTypes []string

	User string // the one user who may log in; anybody when empty

	// Delay is waited for before the handshake of each new connection.
	Delay time.Duration

	// MaxSessions is how many commands run at once on one connection, further
	// ones are refused; 10 when zero, as with OpenSSH.
	MaxSessions int

	// Temp is where the folder of the client's key is made, which Close removes;
	// the system's place for temporary files when empty. A process that may be
	// killed names one that somebody else removes.
	Temp string

	// Refuse hangs up on new connections.
	Refuse bool

	// Fault, when set, is asked what goes wrong with a command.
	Fault func(r *Request) Fault

	mu       sync.Mutex
	listener net.Listener
	hostKeys []ssh.Signer
	private  string // folder with the client's key, known_hosts and the agent's socket
	client   ssh.Signer
	conns    map[*connection]bool
	commands []string
	closers  []func()
	ctx      context.Context // of commands: ends with the server, not with the link
	cancel   context.CancelFunc
	wg       sync.WaitGroup
	hosts    []*remote.Host
}

// A Fault is something that goes wrong with one command.
type Fault struct {
	Refuse bool          // the host does not run it
	Before bool          // the connection is cut before it runs
	After  bool          // it runs to its end, then the connection is cut and its status is lost
	Delay  time.Duration // waited for before it runs
}

// New starts a server for a test and closes it at the end; configure may set
// its fields before. Dir is a temporary folder of the test unless set.
func New(tb testing.TB, configure ...func(*Server)) *Server {
	tb.Helper()
	s := &Server{}
	for _, f := range configure {
		f(s)
	}
	if s.Dir == "" {
		s.Dir = tb.TempDir()
	}
	if err := s.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.Close() })
	return s
}

// Start listens on a free port of 127.0.0.1 and serves until Close.
func (s *Server) Start() (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener != nil {
		return errors.New("remotetest: the server is started already")
	}
	s.conns = map[*connection]bool{}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.private, err = os.MkdirTemp(s.Temp, "remotetest")
	if err != nil {
		return err
	}
	s.closers = append(s.closers, func() { os.RemoveAll(s.private) })
	defer func() {
		if err != nil {
			s.release()
		}
	}()
	if s.Dir == "" {
		s.Dir = filepath.Join(s.private, "home")
		s.closers = append(s.closers, func() { s.Dir = "" }) // goes with its parent
		if err := os.Mkdir(s.Dir, 0o755); err != nil {
			return err
		}
	}
	if s.hostKeys, err = newHostKeys(s.KeyTypes); err != nil {
		return err
	}
	if s.client, err = newClientKey(filepath.Join(s.private, "id_ed25519")); err != nil {
		return err
	}
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return err
	}
	go s.accept(s.listener)
	return nil
}

// Close ends the server, its connections and the commands that still run on
// them. Detached jobs go on, as on a real host.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.listener == nil {
		s.mu.Unlock()
		return nil
	}
	s.listener.Close()
	s.listener = nil
	hosts := s.hosts
	s.hosts = nil
	s.cancel()
	for c := range s.conns {
		c.cut()
	}
	s.mu.Unlock()
	for _, h := range hosts {
		h.Close()
	}
	s.wg.Wait()
	s.release()
	return nil
}

func (s *Server) release() {
	for _, f := range slices.Backward(s.closers) {
		f()
	}
	s.closers = nil
}

// Addr returns the server's address, 127.0.0.1:port.
func (s *Server) Addr() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener == nil {
		return ""
	}
	return s.listener.Addr().String()
}

// HostKey returns the current host keys in authorized_keys form, one a line.
func (s *Server) HostKey() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, k := range s.hostKeys {
		b.Write(ssh.MarshalAuthorizedKey(k.PublicKey()))
	}
	return b.String()
}

// KnownHosts returns the lines of a known_hosts file for the current host keys.
func (s *Server) KnownHosts() string {
	addr := s.Addr()
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, k := range s.hostKeys {
		fmt.Fprintln(&b, knownhosts.Line([]string{addr}, k.PublicKey()))
	}
	return b.String()
}

// KeyFile returns the path of a private key that the server accepts.
func (s *Server) KeyFile() string { return filepath.Join(s.private, "id_ed25519") }

// Host returns a client of this server that verifies its present host keys.
// Each call returns a new one; Close closes it.
func (s *Server) Host() *remote.Host {
	h := &remote.Host{
		Addr:    s.Addr(),
		User:    s.User,
		HostKey: s.HostKey(),
		KeyFile: s.KeyFile(),
		Agent:   "none",
	}
	if h.User == "" {
		h.User = "tester"
	}
	s.mu.Lock()
	s.hosts = append(s.hosts, h)
	s.mu.Unlock()
	return h
}

// ChangeHostKey gives the server new host keys for connections from now on.
// Existing connections stay.
func (s *Server) ChangeHostKey() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys, err := newHostKeys(s.KeyTypes)
	if err == nil {
		s.hostKeys = keys
	}
	return err
}

// Drop cuts every connection at once, in the middle of whatever runs on it,
// and returns how many there were. The commands themselves are not stopped.
func (s *Server) Drop() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.cut()
	}
	return len(s.conns)
}

// Set changes fields of a running server: change runs while nothing reads them.
func (s *Server) Set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// Commands returns the command lines that were asked for so far, in order.
func (s *Server) Commands() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.commands)
}

// Connections returns how many connections stand.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}
