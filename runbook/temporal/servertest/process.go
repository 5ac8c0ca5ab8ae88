package servertest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"path"
	"sync"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/metrics"
	sqliteplugin "go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/schema/sqlite"
	"go.temporal.io/server/temporal"
)

// A process is a server of this process: all of Temporal's services on the loopback
// interface, with SQLite behind them.
type process struct {
	file  string // of SQLite; in memory when empty
	ports []int

	server temporal.Server // nil while it is stopped

	mu      sync.Mutex
	refused func(method string) bool
}

const loopback = "127.0.0.1"

// services are Temporal's, in the order of their ports.
var services = [...]string{"frontend", "history", "matching", "worker"}

func newProcess(file string) (*process, error) {
	ports, err := freePorts(2*len(services) + 1)
	if err != nil {
		return nil, err
	}
	return &process{file: file, ports: ports}, nil
}

func (p *process) address() string { return fmt.Sprintf("%s:%d", loopback, p.ports[0]) }

// start starts the server and waits until it answers.
func (p *process) start() error {
	sql := p.store()
	c := settings(sql, p.ports)
	if _, err := os.Stat(p.file); p.file != "" && errors.Is(err, fs.ErrNotExist) {
		if err := sqlite.SetupSchema(sql); err != nil {
			return err
		}
	}
	namespace, err := sqlite.NewNamespaceConfig(c.ClusterMetadata.CurrentClusterName, client.DefaultNamespace, false, nil)
	if err != nil {
		return err
	}
	if err := sqlite.CreateNamespaces(sql, namespace); err != nil {
		return err
	}
	p.server, err = temporal.NewServer(temporal.WithConfig(c), temporal.ForServices(temporal.DefaultServices),
		temporal.WithLogger(log.NewNoopLogger()), temporal.WithAuthorizer(p), temporal.WithDynamicConfigClient(dynamicconfig.StaticClient{
			// an attribute that is registered now is known at once
			dynamicconfig.ForceSearchAttributesCacheRefreshOnRead.Key(): []dynamicconfig.ConstrainedValue{{Value: true}},
		}))
	if err != nil {
		return err
	}
	if err := p.server.Start(); err != nil {
		return err
	}
	return p.answers()
}

// answers waits until a client finds the namespace.
func (p *process) answers() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		c, err := client.DialContext(ctx, client.Options{HostPort: p.address(), Logger: quiet})
		if err == nil {
			_, err = c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{})
			c.Close()
		}
		if err == nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (p *process) stop() error {
	if p.server == nil {
		return nil
	}
	server := p.server
	p.server = nil
	return server.Stop()
}

func (p *process) refuse(refused func(method string) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refused = refused
}

// Authorize implements authorization.Authorizer.
func (p *process) Authorize(_ context.Context, _ *authorization.Claims, target *authorization.CallTarget) (authorization.Result, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refused != nil && p.refused(path.Base(target.APIName)) {
		return authorization.Result{Decision: authorization.DecisionDeny, Reason: "the test says so"}, nil
	}
	return authorization.Result{Decision: authorization.DecisionAllow}, nil
}

// store is where the server keeps what it knows: in memory it is another one each time.
func (p *process) store() *config.SQL {
	s := &config.SQL{PluginName: sqliteplugin.PluginName, DatabaseName: p.file, ConnectAttributes: map[string]string{"mode": "rwc"}}
	if p.file == "" {
		s.DatabaseName = fmt.Sprintf("landing-%d", rand.Int64())
		s.ConnectAttributes = map[string]string{"mode": "memory", "cache": "shared"}
	}
	return s
}

// settings are those of one server of all services, as a development server has them.
func settings(sql *config.SQL, ports []int) *config.Config {
	frontend := fmt.Sprintf("%s:%d", loopback, ports[0])
	c := &config.Config{
		Persistence: config.Persistence{
			DefaultStore: sqliteplugin.PluginName, VisibilityStore: sqliteplugin.PluginName, NumHistoryShards: 1,
			DataStores: map[string]config.DataStore{sqliteplugin.PluginName: {SQL: sql}},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10, MasterClusterName: "active", CurrentClusterName: "active",
			ClusterInformation: map[string]cluster.ClusterInformation{"active": {Enabled: true, InitialFailoverVersion: 1, RPCAddress: frontend}},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		PublicClient:        config.PublicClient{HostPort: frontend},
		Services:            map[string]config.Service{},
		Archival:            config.Archival{History: config.HistoryArchival{State: "disabled"}, Visibility: config.VisibilityArchival{State: "disabled"}},
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History: config.HistoryArchivalNamespaceDefaults{State: "disabled"}, Visibility: config.VisibilityArchivalNamespaceDefaults{State: "disabled"},
		}},
	}
	c.Global.Membership = config.Membership{MaxJoinDuration: 30 * time.Second, BroadcastAddress: loopback}
	c.Global.Metrics = &metrics.Config{Prometheus: &metrics.PrometheusConfig{ListenAddress: fmt.Sprintf("%s:%d", loopback, ports[2*len(services)]), HandlerPath: "/metrics"}}
	for i, name := range services {
		c.Services[name] = config.Service{RPC: config.RPC{GRPCPort: ports[i], MembershipPort: ports[len(services)+i], BindOnIP: loopback}}
	}
	return c
}

// freePorts finds ports that nobody listens on.
func freePorts(n int) (ports []int, err error) {
	for range n {
		l, err := net.Listen("tcp", loopback+":0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // all at once, so that none is found twice
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
