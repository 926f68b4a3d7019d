package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// round is one Teleport cluster and namespace, fresh, so that each side makes everything anew.
type round struct {
	plane     *testkit.ControlPlane
	teleport  *teleporttest.Cluster
	dir       string
	namespace string
}

func newRound(ctx context.Context, plane *testkit.ControlPlane, options teleporttest.Options) (*round, error) {
	namespace := fmt.Sprintf("bench-%d", time.Now().UnixNano())
	for _, args := range [][]string{
		{"create", "namespace", namespace},
		{"--namespace", namespace, "wait", "--for=create", "serviceaccount/default", "--timeout=20s"},
	} {
		if _, said, err := plane.Kubectl(ctx, nil, args...); err != nil {
			return nil, fmt.Errorf("%w: %s", err, said)
		}
	}
	dir, err := os.MkdirTemp("", "tbotctl-bench-")
	if err != nil {
		return nil, err
	}
	cluster, err := teleporttest.Start(options)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	r := &round{plane: plane, teleport: cluster, dir: dir, namespace: namespace}
	identity, err := cluster.IdentityFile("admin", time.Hour)
	err = errors.Join(err, os.WriteFile(r.identity(), identity, 0o600), os.WriteFile(r.webCA(), cluster.WebCAPEM(), 0o600))
	if err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

func (r *round) close() error { return errors.Join(r.teleport.Close(), os.RemoveAll(r.dir)) }

func (r *round) identity() string { return filepath.Join(r.dir, "admin.identity") }
func (r *round) webCA() string    { return filepath.Join(r.dir, "web-ca.pem") }

// init are the flags of a complete init; later ones win.
func (r *round) init(more ...string) []string {
	return append([]string{
		"init", "--non-interactive", "--yes", "--kubeconfig", r.plane.KubeconfigFile(), "--context", r.plane.Flavour().String(),
		"--namespace", r.namespace, "--proxy", r.teleport.Addr(), "--proxy-ca", r.webCA(), "--identity", r.identity(), "--roles", "access", "--no-wait",
	}, more...)
}
