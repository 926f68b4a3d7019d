package tbot

import (
	"context"
	"errors"
	"fmt"

	"github.com/tbotctl/tbotctl/internal/route"

	"github.com/gravitational/teleport/api/breaker"
	"github.com/gravitational/teleport/api/client"
	"github.com/gravitational/teleport/api/metadata"
	"google.golang.org/grpc"
)

// way is how the Auth Service is reached through the proxy (teleport-facts 4.2).
type way struct {
	cluster Cluster
	route   route.Way
}

// findWay asks the proxy's address how it is to be reached.
func findWay(ctx context.Context, cluster Cluster) way {
	return way{cluster: cluster, route: route.FindWay(ctx, cluster.proxy(), cluster.TLSRouting)}
}

// connect opens a client of the Auth Service as the identity. With TLS routing it is one connection to the proxy's port, which
// passes it through as it is; without, it is the tunnel that the SSH certificate opens.
func (w way) connect(ctx context.Context, i *Identity) (*client.Client, error) {
	credentials, err := i.credentials()
	if err != nil {
		return nil, err
	}
	dialer, err := w.route.Open(ctx, credentials)
	if err != nil {
		return nil, fmt.Errorf("connecting to the Auth Service as %s: %w", i.User, err)
	}
	config := client.Config{
		Dialer:           dialer,
		Credentials:      []client.Credentials{credentials},
		DialTimeout:      dialTimeout,
		DialInBackground: true,
		// The breaker of the client answers in the server's place after some failures; a proof needs the server's own words.
		CircuitBreakerConfig: breaker.NoopBreakerConfig(),
		DialOpts:             []grpc.DialOption{metadata.WithUserAgentFromTeleportComponent("tbotctl")},
	}
	if w.cluster.TLSRouting {
		config.ALPNSNIAuthDialClusterName = w.cluster.Name
	}
	connected, err := client.New(ctx, config)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("connecting to the Auth Service as %s: %w", i.User, err), dialer.Close())
	}
	return connected, nil
}

// credentials are the identity in the form that the api module's client takes.
func (i *Identity) credentials() (client.Credentials, error) {
	hosts := make([][]byte, 0, len(i.certs.SSHCACerts))
	for _, ca := range i.certs.SSHCACerts {
		hosts = append(hosts, knownHost(ca, []string{i.Cluster.Name, "*." + i.Cluster.Name}))
	}
	encoded, err := i.file(hosts)
	if err != nil {
		return nil, err
	}
	return client.LoadIdentityFileFromString(string(encoded)), nil
}
