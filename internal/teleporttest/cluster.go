// Package teleporttest is a Teleport test cluster that is as strict as Teleport: one TLS port with ALPN routing,
// real certificate authorities, joins that are verified, role based access control, the Auth Service's protobuf
// services, and requests to Kubernetes clusters that pass under the users and groups of a role. It runs in-process or
// behind test/teleportd. It proxies no SSH and no application, stores nothing on disk and knows nothing of tbotctl.
package teleporttest

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/gravitational/teleport/api/types"
	"google.golang.org/grpc"
)

// Cluster is a running test cluster.
type Cluster struct {
	opts      Options
	behaviour behaviour
	logger    *slog.Logger

	userCA, hostCA, databaseCA, webCA *authority
	leaves                            []leaf

	state *store
	kubes *kubeClusters
	log   requestLog

	listener   net.Listener
	router     *router
	web, kube  *http.Server
	proxyGRPC  *grpc.Server
	authGRPC   *grpc.Server
	running    sync.WaitGroup
	life       *lifetime
	closeOnce  sync.Once
	closeError error
}

// New starts a cluster for a test and stops it when the test ends.
func New(tb testing.TB, o Options) *Cluster {
	tb.Helper()
	c, err := Start(o)
	if err != nil {
		tb.Fatalf("starting the Teleport test cluster: %v", err)
	}
	tb.Cleanup(func() {
		if err := c.Close(); err != nil {
			tb.Errorf("stopping the Teleport test cluster: %v", err)
		}
	})
	return c
}

// Start starts a cluster with the users admin (roles access, editor, auditor) and plain (role access).
func Start(o Options) (*Cluster, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	kubes, err := newKubeClusters(o.KubeClusters)
	if err != nil {
		return nil, err
	}
	c := &Cluster{
		opts:      o,
		kubes:     kubes,
		behaviour: behaviourOf(o.Version),
		logger:    slog.New(slog.NewTextHandler(o.Log, nil)),
		state:     newStore(o.Now),
		life:      newLifetime(),
	}
	if err := c.makeAuthorities(); err != nil {
		return nil, err
	}
	if err := c.makeLeaves(); err != nil {
		return nil, err
	}
	for _, role := range presetRoles() {
		c.AddRole(role)
	}
	c.AddUser("admin", "access", "editor", "auditor")
	c.AddUser("plain", "access")
	if err := c.listen(c.life); err != nil {
		return nil, err
	}
	return c, nil
}

// makeAuthorities makes the four CAs at the same time: RSA keys take long.
func (c *Cluster) makeAuthorities() error {
	plan := c.keyPlan()
	now := c.opts.Now()
	jobs := []struct {
		into *(*authority)
		kind types.CertAuthType
		plan keyPlan
	}{
		{&c.userCA, types.UserCA, plan},
		{&c.hostCA, types.HostCA, plan},
		{&c.databaseCA, types.DatabaseCA, plan},
		// The web CA stands for a public one: whoever trusts the system's roots trusts the proxy.
		{&c.webCA, "web", keyPlan{caTLS: ecdsaP256, caSSH: ed25519Key}},
	}
	errs := make([]error, len(jobs))
	var wg sync.WaitGroup
	for i, job := range jobs {
		wg.Go(func() { *job.into, errs[i] = newAuthority(job.kind, c.opts.ClusterName, job.plan, now) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (c *Cluster) keyPlan() keyPlan {
	if !c.behaviour.suites {
		return planOf(types.SignatureAlgorithmSuite_SIGNATURE_ALGORITHM_SUITE_LEGACY)
	}
	return planOf(c.opts.Suite)
}

func (c *Cluster) listen(ctx context.Context) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", c.opts.ListenAddr)
	if err != nil {
		return fmt.Errorf("teleporttest: listening on %s: %w", c.opts.ListenAddr, err)
	}
	c.listener = listener
	c.router, err = c.newRouter()
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	c.web = c.newWebServer()
	c.kube = c.newKubeServer()
	c.proxyGRPC = c.newGRPCServer(c.registerProxy)
	c.authGRPC = c.newGRPCServer(c.registerAuth)

	serve := func(name string, run func() error) {
		c.running.Go(func() {
			if err := run(); err != nil && !errors.Is(err, net.ErrClosed) && !errors.Is(err, http.ErrServerClosed) {
				c.logger.ErrorContext(ctx, "A server of the test cluster ended", "server", name, "error", err)
			}
		})
	}
	serve("web", func() error { return c.web.Serve(c.router.web) })
	serve("kube", func() error { return c.kube.Serve(c.router.kube) })
	serve("proxy", func() error { return c.proxyGRPC.Serve(c.router.proxy) })
	serve("auth", func() error { return c.authGRPC.Serve(c.router.auth) })
	serve("router", func() error { return c.router.run(ctx, listener) })
	return nil
}

// Close stops the cluster and ends every connection. It may be called more than once.
func (c *Cluster) Close() error {
	c.closeOnce.Do(func() {
		c.life.end()
		c.closeError = c.listener.Close()
		c.router.close()
		c.authGRPC.Stop()
		c.proxyGRPC.Stop()
		c.closeError = errors.Join(c.closeError, c.web.Close(), c.kube.Close())
		c.running.Wait()
	})
	return c.closeError
}

// Addr is the proxy's address, localhost:PORT.
func (c *Cluster) Addr() string { return net.JoinHostPort("localhost", c.port()) }

// ClusterName is the Teleport cluster's name.
func (c *Cluster) ClusterName() string { return c.opts.ClusterName }

// WebCAPEM is the CA of the proxy's web certificate.
func (c *Cluster) WebCAPEM() []byte { return c.webCA.certPEM }

// WebCAs is a pool with the CA of the proxy's web certificate.
func (c *Cluster) WebCAs() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(c.webCA.cert)
	return pool
}

func (c *Cluster) port() string {
	_, port, err := net.SplitHostPort(c.listener.Addr().String())
	if err != nil {
		// A TCP listener's address always has a port.
		panic(err)
	}
	return port
}

// listenAddr is the address as the proxy itself would print it.
func (c *Cluster) listenAddr() string { return c.listener.Addr().String() }

// publicAddr is what the proxy advertises.
func (c *Cluster) publicAddr() string {
	if c.opts.PublicName == "" {
		return c.Addr()
	}
	return net.JoinHostPort(c.opts.PublicName, c.port())
}
