package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/gravitational/trace"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/testkit/lab"
)

// ground is what all tries share: the control plane, the way to it on which requests go wrong, and the program.
type ground struct {
	plane   *testkit.ControlPlane
	gateway *lab.Gateway
	binary  string
}

func newGround(ctx context.Context, plane *testkit.ControlPlane, binary string) (*ground, error) {
	gateway, err := lab.NewGateway(ctx, plane)
	return &ground{plane: plane, gateway: gateway, binary: binary}, err
}

// teleport starts a test cluster in which one request goes wrong. Its one port carries TLS to its very end, so faults are made
// where the cluster is about to serve.
func (g *ground) teleport(dir string, i *injector) (*teleporttest.Cluster, error) {
	cluster, err := teleporttest.Start(teleporttest.Options{Before: func(ctx context.Context, _ teleporttest.Request) error {
		switch i.next() {
		case limited:
			return trace.LimitExceeded("too many requests, try again in a second")
		case broken:
			return trace.Errorf("an internal error")
		case stall:
			select {
			case <-time.After(stalled):
			case <-ctx.Done():
			}
			return trace.ConnectionProblem(nil, "stalled")
		case reset, truncated:
			return trace.ConnectionProblem(nil, "connection reset by peer")
		case interrupt, terminate, kill:
			// The injector itself strikes; the request is served.
		}
		return nil
	}})
	if err != nil {
		return nil, err
	}
	identity, err := cluster.IdentityFile("admin", time.Hour)
	err = errors.Join(err, os.WriteFile(filepath.Join(dir, "admin.identity"), identity, 0o600), os.WriteFile(filepath.Join(dir, "web-ca.pem"), cluster.WebCAPEM(), 0o600))
	return cluster, err
}
