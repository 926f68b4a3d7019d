package tbot

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"github.com/gravitational/teleport/api/client"
)

// dialTimeout and keepAlive are for one connection to the proxy.
const (
	dialTimeout = 10 * time.Second
	keepAlive   = 30 * time.Second
)

// dial opens a connection to the proxy's address. All that this package sends goes over one of these: HTTPS_PROXY and NO_PROXY
// are honoured by it, as tbot does.
func dial(ctx context.Context, cluster Cluster) (net.Conn, error) {
	return client.NewDialer(ctx, keepAlive, dialTimeout, client.WithInsecureSkipVerify(cluster.Insecure)).DialContext(ctx, "tcp", cluster.Proxy)
}

// dialTLS opens a connection and finishes its handshake, so that a certificate that is not trusted or a protocol that is refused
// comes back as itself. The proxy's certificate is judged by the cluster's authorities.
func dialTLS(ctx context.Context, cluster Cluster, protocols ...string) (*tls.Conn, error) {
	config, err := cluster.webTLS(protocols...)
	if err != nil {
		return nil, err
	}
	raw, err := dial(ctx, cluster)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", cluster.Proxy, err)
	}
	secured := tls.Client(raw, config)
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, fmt.Errorf("connecting to %s: %w", cluster.Proxy, err)
	}
	return secured, nil
}

// webTLS is how the proxy's own certificate is judged, wherever it is met.
func (c Cluster) webTLS(protocols ...string) (*tls.Config, error) {
	host, _, err := net.SplitHostPort(c.Proxy)
	if err != nil {
		return nil, fmt.Errorf("the proxy's address: %w", err)
	}
	return &tls.Config{
		NextProtos: protocols, ServerName: host, RootCAs: c.CAs, MinVersion: tls.VersionTLS12,
		InsecureSkipVerify: c.Insecure, //nolint:gosec // only by --insecure, which warns each time
	}, nil
}
