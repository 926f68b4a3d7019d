package testkit

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// startTimeout is for one process; a start takes seconds unless the machine is busy.
const startTimeout = 2 * time.Minute

// Addresses inside the cluster, which nobody dials. The API server's stands in the jwks_uri of a self-managed
// cluster; without one it would look for a network interface, and there may be none.
const (
	apiServerIP = "172.16.0.10"
	nodeIP      = "172.16.0.11"
	podCIDR     = "10.244.0.0/16"
)

//go:embed audit-policy.yaml
var auditPolicy []byte

// startAPIServer starts etcd and the API server, with envtest, and keeps their logs.
func (c *ControlPlane) startAPIServer(ctx context.Context) error {
	key, err := newKeyFiles(filepath.Join(c.dir, "pki"), 1)
	if err != nil {
		return err
	}
	c.keys = []keyFiles{key}

	c.plane = &envtest.ControlPlane{
		KubectlPath: filepath.Join(c.assets, "kubectl"),
		Etcd: &envtest.Etcd{
			Path:         filepath.Join(c.assets, "etcd"),
			DataDir:      filepath.Join(c.dir, "etcd"),
			StartTimeout: startTimeout,
		},
		APIServer: &envtest.APIServer{
			Path:         filepath.Join(c.assets, "kube-apiserver"),
			CertDir:      filepath.Join(c.dir, "pki"),
			StartTimeout: startTimeout,
			StopTimeout:  time.Second, // it would wait a minute for the controllers' watches to end
		},
	}
	c.plane.Etcd.Configure().Set("log-level", "error")
	if err := c.configureAPIServer(); err != nil {
		return err
	}
	if err := c.runEtcd(ctx); err != nil {
		return err
	}
	if err := c.runAPIServer(ctx); err != nil {
		return err
	}
	if err := os.WriteFile(c.caFile(), c.plane.APIServer.CA, 0o600); err != nil {
		return fmt.Errorf("writing the API server's CA: %w", err)
	}
	return nil
}

func (c *ControlPlane) runEtcd(ctx context.Context) error {
	etcd := c.plane.Etcd
	return c.runLogged(ctx, "etcd", func(log *os.File) error {
		etcd.Out, etcd.Err = log, log
		return etcd.Start()
	})
}

func (c *ControlPlane) runAPIServer(ctx context.Context) error {
	server := c.plane.APIServer
	server.EtcdURL = c.plane.Etcd.URL
	return c.runLogged(ctx, "kube-apiserver", func(log *os.File) error {
		server.Out, server.Err = log, log
		return server.Start()
	})
}

func (c *ControlPlane) stopEtcd() error      { return stopProcess(c.plane.Etcd.Stop) }
func (c *ControlPlane) stopAPIServer() error { return stopProcess(c.plane.APIServer.Stop) }

// stopProcess ends a process of envtest, which kills it when it has not ended after its StopTimeout, but
// then reports a time-out and does not wait for the end: the second call does.
func stopProcess(stop func() error) error {
	err := stop()
	if err != nil {
		err = stop()
	}
	if errors.Is(err, syscall.ESRCH) { // it ended before the signal
		return nil
	}
	return err
}

// runLogged gives a process of envtest its log; envtest takes no context, so an ended one is seen before and
// after.
func (c *ControlPlane) runLogged(ctx context.Context, name string, start func(log *os.File) error) error {
	log, err := os.OpenFile(c.logFile(name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("making the log of %s: %w", name, err)
	}
	defer func() { _ = log.Close() }() // the process has a descriptor of its own
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := start(log); err != nil {
		return fmt.Errorf("%w; its last words:\n%s", err, tail(log.Name()))
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

func (c *ControlPlane) configureAPIServer() error {
	args := c.plane.APIServer.Configure()
	// envtest turns the ServiceAccount admission off, because it runs no controllers; we do.
	args.Disable("disable-admission-plugins")
	args.Set("advertise-address", apiServerIP)
	args.Set("service-account-issuer", c.Issuer())
	if c.options.Flavour == CloudLike {
		args.Set("service-account-jwks-uri", c.Issuer()+keysPath)
	}
	c.setKeyArgs()
	if c.options.Audit {
		policy := filepath.Join(c.dir, "audit-policy.yaml")
		if err := os.WriteFile(policy, auditPolicy, 0o600); err != nil {
			return fmt.Errorf("writing the audit policy: %w", err)
		}
		args.Set("audit-policy-file", policy)
		args.Set("audit-log-path", c.auditFile())
	}
	for name, values := range c.options.ExtraAPIServerArgs {
		args.Set(name, values...)
	}
	return nil
}

func (c *ControlPlane) caFile() string    { return filepath.Join(c.dir, "pki", "ca.crt") }
func (c *ControlPlane) auditFile() string { return filepath.Join(c.dir, "logs", "audit.log") }
