// Package servertest has a real Temporal server for tests of runbook/temporal and of
// what is built on it: in process, or one that was started elsewhere.
//
//	s := servertest.New(t) // ended with the test
//
// The server in process keeps everything in memory, as a development server does: what
// it knew is gone with it. One of [Open] keeps it in a file. Where TEMPORAL_ADDRESS is
// set, New takes that server, in the namespace of TEMPORAL_NAMESPACE; names of runs have
// to be new there.
//
// # Errors
//
//	situation                          what happens
//	the server does not start          the test fails
//	TEMPORAL_ADDRESS does not answer   the test fails, and says so
package servertest

import (
	"cmp"
	"log/slog"
	"os"
	"testing"

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
)

// AddressEnv and NamespaceEnv name the server that is used in place of one in process.
const (
	AddressEnv   = "TEMPORAL_ADDRESS"
	NamespaceEnv = "TEMPORAL_NAMESPACE"
)

// quiet says nothing: the SDK reports each refused update as an error.
var quiet = sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))

// A Server is a server for tests.
type Server struct {
	Client    client.Client
	Address   string
	Namespace string

	process *process // nil elsewhere
}

// New starts a server, or takes the one of [AddressEnv], and ends it with the test.
func New(tb testing.TB) *Server {
	tb.Helper()
	if address := os.Getenv(AddressEnv); address != "" {
		s := &Server{Address: address, Namespace: cmp.Or(os.Getenv(NamespaceEnv), client.DefaultNamespace)}
		s.dial(tb)
		return s
	}
	return Open(tb, "")
}

// Open starts a server in process that keeps what it knows in a file, which is made if
// there is none; in memory if path is empty. It ends with the test.
func Open(tb testing.TB, path string) *Server {
	tb.Helper()
	p, err := newProcess(path)
	if err != nil {
		tb.Fatalf("no Temporal server: %v", err)
	}
	s := &Server{Address: p.address(), Namespace: client.DefaultNamespace, process: p}
	s.Start(tb)
	tb.Cleanup(func() { s.Stop(tb) })
	s.dial(tb)
	return s
}

// Start starts the server again that Stop ended, at the same address, with what its
// file has. It is for servers in process.
func (s *Server) Start(tb testing.TB) {
	tb.Helper()
	if err := s.process.start(); err != nil {
		tb.Fatalf("the Temporal server does not start: %v", err)
	}
}

// Stop ends the server; what it has in memory alone is gone.
func (s *Server) Stop(tb testing.TB) {
	tb.Helper()
	if err := s.process.stop(); err != nil {
		tb.Errorf("the Temporal server does not stop: %v", err)
	}
}

// Refuse makes the server say to everybody that they may not call the methods that
// refused picks by their names, such as "StartWorkflowExecution"; nil lets all do all.
func (s *Server) Refuse(refused func(method string) bool) { s.process.refuse(refused) }

func (s *Server) dial(tb testing.TB) {
	tb.Helper()
	c, err := client.DialContext(tb.Context(), client.Options{HostPort: s.Address, Namespace: s.Namespace, Logger: quiet})
	if err != nil {
		tb.Fatalf("no Temporal server at %s: %v", s.Address, err)
	}
	tb.Cleanup(c.Close)
	s.Client = c
}
