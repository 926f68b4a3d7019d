// Package route is how a Teleport Proxy is reached: directly, by the HTTP proxy of the environment, by the websocket tunnel through a
// load balancer that ends TLS, or by the SSH tunnel of a proxy with a port for each protocol. It judges the proxy's certificate and
// nothing else: who logs in, and what is said then, are teleport's and tbot's.
package route

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/gravitational/teleport/api/client"
	"github.com/gravitational/teleport/api/utils"
	"github.com/gravitational/trace"
)

// dialTimeout and keepAlive are for one connection.
const (
	dialTimeout = 10 * time.Second
	keepAlive   = 30 * time.Second
)

// Proxy is the web address of a Teleport Proxy and how its certificate is judged, by whatever way it is met.
type Proxy struct {
	// Addr is host:port.
	Addr string
	// CAs are trusted for the certificate; nil means the system's roots.
	CAs *x509.CertPool
	// Insecure accepts any certificate.
	Insecure bool
}

// TLS is how the proxy's certificate is judged, with the protocols that are offered (ALPN). It fails where the address is none.
func (p Proxy) TLS(protocols ...string) (*tls.Config, error) {
	host, _, err := net.SplitHostPort(p.Addr)
	if err != nil {
		return nil, fmt.Errorf("the proxy's address: %w", err)
	}
	return &tls.Config{
		NextProtos: protocols, ServerName: host, RootCAs: p.CAs, MinVersion: tls.VersionTLS12,
		InsecureSkipVerify: p.Insecure, //nolint:gosec // only by --insecure, which warns each time
	}, nil
}

// Dial opens a connection to the proxy and sends nothing. HTTPS_PROXY and NO_PROXY are honoured, as Teleport's own programs do.
func (p Proxy) Dial(ctx context.Context) (net.Conn, error) {
	conn, err := p.dialTo(ctx, p.Addr)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", p.Addr, err)
	}
	return conn, nil
}

// DialTLS opens a connection and finishes its handshake, so that a certificate that is not trusted or a protocol that is refused comes
// back as itself.
func (p Proxy) DialTLS(ctx context.Context, protocols ...string) (*tls.Conn, error) {
	config, err := p.TLS(protocols...)
	if err != nil {
		return nil, err
	}
	secured, err := p.handshake(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", p.Addr, err)
	}
	return secured, nil
}

// IsProtocolRefused recognises the TLS alert no_application_protocol (RFC 7301, section 3.2); crypto/tls has no type for it.
func IsProtocolRefused(err error) bool {
	var operation *net.OpError
	return errors.As(err, &operation) && operation.Op == "remote error" && strings.Contains(operation.Error(), "no application protocol")
}

func (p Proxy) handshake(ctx context.Context, config *tls.Config) (*tls.Conn, error) {
	raw, err := p.dialTo(ctx, p.Addr)
	if err != nil {
		return nil, err
	}
	secured := tls.Client(raw, config)
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, err
	}
	return secured, nil
}

// dialTo opens a connection to an address of the proxy. All that is sent to one, its web pages apart, goes over one of these.
func (p Proxy) dialTo(ctx context.Context, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	direct := &net.Dialer{KeepAlive: keepAlive}
	between := utils.GetProxyURL(addr)
	if between == nil {
		return direct.DialContext(ctx, "tcp", addr)
	}
	// The api module waits for the answer of the HTTP proxy without an end, so the connection is closed when the time is over.
	stop := func() bool { return true }
	conn, err := client.DialProxyWithDialer(ctx, between, addr, client.ContextDialerFunc(
		func(_ context.Context, network, addr string) (net.Conn, error) {
			conn, err := direct.DialContext(ctx, network, addr)
			if err == nil {
				stop = context.AfterFunc(ctx, func() { _ = conn.Close() })
			}
			return conn, err
		}), client.WithInsecureSkipVerify(p.Insecure))
	inTime := stop()
	switch {
	case !inTime:
		return nil, throughProxy(ctx.Err())
	case trace.IsBadParameter(err):
		// The api module's word for an HTTP proxy that says no; it must not be taken for Teleport's.
		return nil, throughProxy(errors.New(trace.UserMessage(err)))
	case err != nil:
		return nil, throughProxy(err)
	}
	return conn, nil
}

// throughProxy says that it was the HTTP proxy of the environment, in the words of net/http.
func throughProxy(err error) error { return &net.OpError{Op: "proxyconnect", Net: "tcp", Err: err} }
