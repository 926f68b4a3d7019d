// Package testkit owns a real Kubernetes control plane for tests and demos: etcd, kube-apiserver,
// kube-controller-manager, kube-scheduler and kwok as the node, started as child processes from the
// programs that test/controlplane builds. It knows nothing of tbotctl's own packages and fakes no answer of
// the API server; only the containers are not run: kwok reports them as a kubelet would.
package testkit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// Flavour says what kind of cluster a control plane looks like from outside.
type Flavour int

const (
	// SelfManaged is a cluster as kubeadm makes it: the issuer is the in-cluster address of the API server,
	// behind a private CA, and nobody outside can read its keys.
	SelfManaged Flavour = iota
	// CloudLike is a cluster of a cloud provider: the issuer is a public-looking URL with a path, and the
	// discovery document and the keys are served there (see IssuerServer).
	CloudLike
)

// String is the name of the flavour's kubeconfig context.
func (f Flavour) String() string {
	if f == CloudLike {
		return "cloud-like"
	}
	return "self-managed"
}

func (f Flavour) issuer() string {
	if f == CloudLike {
		return "https://oidc.eu-1.cloud.example.com/id/5F3A"
	}
	return "https://kubernetes.default.svc.cluster.local"
}

// Options of a control plane.
type Options struct {
	Flavour Flavour
	// Issuer takes the place of the flavour's, for a cluster of a provider that is known by it. It has to be an https URL.
	Issuer string
	// Audit keeps an audit log of the requests that are not the control plane's own; see AuditEvents.
	Audit bool
	// ExtraAPIServerArgs are set last: flag name without dashes -> values, one flag a value.
	ExtraAPIServerArgs map[string][]string
	// Log gets a line for every step of the start; nil for none.
	Log io.Writer
}

// ControlPlane is a running control plane. Its methods are safe for concurrent use.
type ControlPlane struct {
	options Options
	assets  string
	dir     string // all files of this control plane; gone after Stop
	shared  bool
	started time.Time

	guard    *guard
	plane    *envtest.ControlPlane
	children []*child
	issuer   *IssuerServer

	usersMu sync.Mutex // envtest's certificate authority counts serial numbers without a lock
	admin   *rest.Config
	kit     kubernetes.Interface // the kit's own requests, which the audit log leaves out
	client  kubernetes.Interface
	dynamic dynamic.Interface

	keysMu sync.Mutex
	keys   []keyFiles // oldest first; the last one signs

	stopOnce sync.Once
	stopped  atomic.Bool
	stopErr  error
}

// Start starts a control plane and returns when a Deployment can roll out on it: the API server is
// healthy, the controllers have made the default service account and the root CA's ConfigMap, the node is
// Ready. ctx bounds the start alone; the control plane runs until Stop, or until this process ends, however
// it ends (see guard). The error carries the last lines of the log of the process at fault.
func Start(ctx context.Context, o Options) (*ControlPlane, error) {
	assets, err := AssetsDir(ctx)
	if err != nil {
		return nil, err
	}
	c := &ControlPlane{options: o, assets: assets, started: time.Now()}
	if err := c.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the %s control plane: %w", o.Flavour, err), c.Stop())
	}
	return c, nil
}

func (c *ControlPlane) start(ctx context.Context) error {
	var err error
	if c.dir, err = makeWorkDir(); err != nil {
		return err
	}
	if c.guard, err = startGuard(ctx, c.dir); err != nil {
		return err
	}
	if err := c.startAPIServer(ctx); err != nil {
		return err
	}
	c.logf("API server ready")
	if err := c.makeClients(); err != nil {
		return err
	}
	if c.options.Flavour == CloudLike {
		if c.issuer, err = c.startIssuerServer(ctx); err != nil {
			return err
		}
		c.logf("issuer served at %s", c.issuer.Addr())
	}
	if err := c.startControllers(ctx); err != nil {
		return err
	}
	if err := c.waitReady(ctx); err != nil {
		return err
	}
	c.logf("ready")
	return nil
}

// Stop ends all processes and removes all files. It reports a process that had died before. Calling it
// again does nothing and returns the first result.
func (c *ControlPlane) Stop() error {
	c.stopOnce.Do(func() { c.stopErr = c.stop() })
	return c.stopErr
}

func (c *ControlPlane) stop() error {
	c.stopped.Store(true)
	var errs []error
	if c.issuer != nil {
		errs = append(errs, c.issuer.close())
	}
	errs = append(errs, c.deaths())
	if c.guard != nil {
		errs = append(errs, c.guard.release())
	}
	// All are dead now, unless the guard is. Either way this waits for their ends.
	for _, child := range c.children {
		child.kill()
	}
	if c.plane != nil {
		errs = append(errs, c.stopAPIServer(), c.stopEtcd())
	}
	if c.dir != "" {
		errs = append(errs, os.RemoveAll(c.dir))
	}
	return errors.Join(errs...)
}

// Flavour of the control plane.
func (c *ControlPlane) Flavour() Flavour { return c.options.Flavour }

// Issuer of the service account tokens, as it stands in their iss claim.
func (c *ControlPlane) Issuer() string { return cmp.Or(c.options.Issuer, c.options.Flavour.issuer()) }

// RESTConfig is a cluster administrator's.
func (c *ControlPlane) RESTConfig() *rest.Config { return rest.CopyConfig(c.admin) }

// Client is a cluster administrator's.
func (c *ControlPlane) Client() kubernetes.Interface { return c.client }

// Dynamic is a cluster administrator's.
func (c *ControlPlane) Dynamic() dynamic.Interface { return c.dynamic }

// IssuerServer serves the discovery document and the keys of a CloudLike control plane; nil for a
// SelfManaged one. A test that breaks what is served takes a server of its own: NewIssuerServer.
func (c *ControlPlane) IssuerServer() *IssuerServer { return c.issuer }

func (c *ControlPlane) logf(format string, args ...any) {
	if c.options.Log != nil {
		_, _ = fmt.Fprintf(c.options.Log, "%s %5.1fs %s\n", c.options.Flavour, time.Since(c.started).Seconds(), fmt.Sprintf(format, args...))
	}
}
