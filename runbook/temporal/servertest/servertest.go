// Package servertest has a real Temporal server for tests of runbook/temporal and of
// what is built on it: in process, or one that was started elsewhere.
//
//	s := servertest.New(t) // ended with the test
//
// The server in process keeps everything in memory, as a development server does: what
// it knew is gone with the process. Where TEMPORAL_ADDRESS is set, that server is used,
// in the namespace of TEMPORAL_NAMESPACE; names of runs have to be new there.
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
	"go.temporal.io/server/temporaltest"
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
}

// New starts a server, or takes the one of [AddressEnv], and ends it with the test.
func New(tb testing.TB) *Server {
	tb.Helper()
	if address := os.Getenv(AddressEnv); address != "" {
		return dial(tb, address, cmp.Or(os.Getenv(NamespaceEnv), client.DefaultNamespace))
	}
	ts := temporaltest.NewServer(temporaltest.WithBaseClientOptions(client.Options{Logger: quiet}))
	tb.Cleanup(ts.Stop)
	return dial(tb, ts.GetFrontendHostPort(), ts.GetDefaultNamespace())
}

func dial(tb testing.TB, address, namespace string) *Server {
	tb.Helper()
	c, err := client.DialContext(tb.Context(), client.Options{HostPort: address, Namespace: namespace, Logger: quiet})
	if err != nil {
		tb.Fatalf("no Temporal server at %s: %v", address, err)
	}
	tb.Cleanup(c.Close)
	return &Server{Client: c, Address: address, Namespace: namespace}
}
