package tbot

import (
	"context"
	"fmt"
	"net"
	"sync"

	"github.com/gravitational/teleport/api/breaker"
	"github.com/gravitational/teleport/api/client"
	"github.com/gravitational/teleport/api/metadata"
	"google.golang.org/grpc"
)

// way is how the Auth Service is reached through the proxy (teleport-facts 4.2).
type way struct {
	cluster Cluster
	// upgraded tells that a load balancer in front of the proxy ends TLS, so that everything but HTTP goes through a tunnel.
	upgraded bool
}

// findWay asks the proxy's address how it is to be reached. The environment variable TELEPORT_TLS_ROUTING_CONN_UPGRADE answers in
// its place where it is set, as it does for tbot (teleport-facts 1.3).
func findWay(ctx context.Context, cluster Cluster) way {
	// The question alone is asked of anybody; who answers is judged when something is sent.
	return way{cluster: cluster, upgraded: cluster.TLSRouting && client.IsALPNConnUpgradeRequired(ctx, cluster.Proxy, true)}
}

// connect opens a client of the Auth Service as the identity. With TLS routing it is one connection to the proxy's port, which
// passes it through as it is; without, it is the tunnel that the SSH certificate opens.
func (w way) connect(ctx context.Context, i *Identity) (*client.Client, error) {
	credentials, err := i.credentials()
	if err != nil {
		return nil, err
	}
	config := client.Config{
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
	// The first connection is made here, so that one that cannot be had is told as what it is and not as "unavailable".
	first, err := w.dial(ctx, credentials)
	if err != nil {
		return nil, fmt.Errorf("connecting to the Auth Service as %s: %w", i.User, err)
	}
	config.Dialer = firstThen(first, func(ctx context.Context) (net.Conn, error) { return w.dial(ctx, credentials) })
	connected, err := client.New(ctx, config)
	if err != nil {
		_ = first.Close()
		return nil, fmt.Errorf("connecting to the Auth Service as %s: %w", i.User, err)
	}
	return connected, nil
}

// dial opens what the client's mutual TLS with the Auth Service goes through.
func (w way) dial(ctx context.Context, credentials client.Credentials) (net.Conn, error) {
	switch {
	case w.upgraded:
		return dialUpgraded(ctx, w.cluster)
	case w.cluster.TLSRouting:
		connection, err := dial(ctx, w.cluster)
		if err != nil {
			return nil, fmt.Errorf("connecting to %s: %w", w.cluster.Proxy, err)
		}
		return connection, nil
	}
	return dialSSH(ctx, w.cluster, credentials)
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

// firstThen hands out a connection that is there already, and new ones after it.
func firstThen(connection net.Conn, again func(context.Context) (net.Conn, error)) client.ContextDialer {
	var lock sync.Mutex
	return client.ContextDialerFunc(func(ctx context.Context, _, _ string) (net.Conn, error) {
		lock.Lock()
		taken := connection
		connection = nil
		lock.Unlock()
		if taken != nil {
			return taken, nil
		}
		return again(ctx)
	})
}
