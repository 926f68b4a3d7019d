package teleport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tbotctl/tbotctl/internal/route"
	"github.com/tbotctl/tbotctl/internal/spec"

	"github.com/gravitational/teleport/api"
	"github.com/gravitational/teleport/api/breaker"
	"github.com/gravitational/teleport/api/client"
	"github.com/gravitational/teleport/api/metadata"
	"google.golang.org/grpc"
)

// dialTimeout bounds the first answer of the Auth Service.
const dialTimeout = 15 * time.Second

// Client speaks to the Auth Service with a person's login.
type Client struct {
	auth        *client.Client
	clusterName string
	// cloud tells that Teleport hosts the cluster, as it says of itself.
	cloud   bool
	user    string
	expires time.Time
	// certificate is the login's; nil where it could not be read.
	certificate *x509.Certificate
}

// Connect logs in through the proxy and makes sure, by one Ping, that the Auth Service takes the login.
func Connect(ctx context.Context, t Target, server Server, login Login, now time.Time) (*Client, error) {
	credentials, err := login.credentials(t.Proxy, now)
	if err != nil {
		return nil, err
	}
	c := &Client{}
	c.certificate, c.expires = certificateOf(credentials)
	var issuer string
	if c.certificate != nil {
		c.user = c.certificate.Subject.CommonName
		if organizations := c.certificate.Issuer.Organization; len(organizations) > 0 {
			issuer = organizations[0]
		}
	}
	if issuer != "" && issuer != server.ClusterName {
		return nil, &Error{
			Kind: NotLoggedIn, Doing: "logging in to Teleport", Fix: login.fix(t.Proxy),
			Err: fmt.Errorf("the login is one to cluster %s, and %s is the proxy of cluster %s", spec.Quote(issuer), t.Proxy, spec.Quote(server.ClusterName)),
		}
	}
	dialer, err := route.FindWay(ctx, t.proxy(), server.TLSRouting).Open(ctx, credentials)
	if err != nil {
		return nil, routeError(err, t, login)
	}
	config := client.Config{
		Dialer:           dialer,
		Credentials:      []client.Credentials{credentials},
		DialTimeout:      dialTimeout,
		DialInBackground: true,
		// The breaker of the client answers in the server's place after some failures; a person needs the server's own words.
		CircuitBreakerConfig: breaker.NoopBreakerConfig(),
		DialOpts: []grpc.DialOption{
			metadata.WithUserAgentFromTeleportComponent("tbotctl"), grpc.WithChainUnaryInterceptor(bounded),
		},
	}
	if server.TLSRouting {
		// The Auth Service proves itself by the cluster's own authority (teleport-facts 4.2).
		config.ALPNSNIAuthDialClusterName = server.ClusterName
	}
	c.auth, err = client.New(ctx, config)
	if err != nil {
		return nil, errors.Join(wrap(err, "connecting to the Auth Service through "+t.Proxy), dialer.Close())
	}
	pingCtx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	pong, err := c.auth.Ping(pingCtx)
	if err != nil {
		if refusal := refusalOf(ctx, dialer.Dial, config); refusal != nil {
			err = refusal
		}
		return nil, errors.Join(connectError(err, t, server, login), c.auth.Close(), dialer.Close())
	}
	c.clusterName, c.cloud = pong.GetClusterName(), pong.GetServerFeatures().GetCloud()
	return c, nil
}

// routeError is about what lies before the Auth Service: the way to it, and the proxy's certificate. A proxy without TLS routing asks
// for the login already there.
func routeError(err error, t Target, login Login) error {
	failed := &Error{Kind: Unreachable, Doing: "connecting to the Auth Service through " + t.Proxy, Err: advised(err)}
	switch {
	case errors.Is(err, route.ErrSSHLogin):
		failed.Kind, failed.Fix = NotLoggedIn, login.fix(t.Proxy)
	case errors.Is(err, context.Canceled):
		failed.Kind = Other
	}
	return failed
}

// connectError tells a login that the server refuses from a server that does not answer.
func connectError(err error, t Target, server Server, login Login) error {
	doing := "asking the Auth Service through " + t.Proxy
	switch {
	case strings.Contains(err.Error(), "client version is unsupported"):
		// Teleport's word for a client that is more than one major version behind (teleport-facts 4.6): no login mends that.
		return &Error{Kind: Other, Doing: doing, Err: fmt.Errorf("version %s takes clients from %s on and this tbotctl speaks as %s, use a newer one: %w",
			server.Version, server.MinClientVersion, api.Version, err)}
	case kindOf(err) == Denied, isAboutCertificate(err):
		err = fmt.Errorf("the login is refused: %w", err)
	case isUnknownAuthority(err):
		// The Auth Service proves itself by the authority that the login came with: one that does not fit is of another cluster,
		// or of this one before its authority was changed.
		err = fmt.Errorf("the login does not fit this cluster's authority: %w", err)
	default:
		return wrap(err, doing)
	}
	return &Error{Kind: NotLoggedIn, Doing: doing, Err: err, Fix: login.fix(t.Proxy)}
}

// Close ends the connection.
func (c *Client) Close() error { return c.auth.Close() }

// Cloud reports whether Teleport hosts the cluster.
func (c *Client) Cloud() bool { return c.cloud }

// ClusterName is the cluster's name as the Auth Service gives it.
func (c *Client) ClusterName() string { return c.clusterName }

// User is the Teleport user of the login and when its certificate ends; empty and zero where the login does not say.
func (c *Client) User() (name string, expires time.Time) { return c.user, c.expires }

// certificateOf reads the login's certificate, which says whose it is and which cluster issued it, and when the login ends.
func certificateOf(credentials client.Credentials) (certificate *x509.Certificate, expires time.Time) {
	expires, _ = credentials.Expiry()
	config, err := credentials.TLSConfig()
	if err != nil || config.GetClientCertificate == nil {
		return nil, expires
	}
	pair, err := config.GetClientCertificate(&tls.CertificateRequestInfo{})
	if err != nil || len(pair.Certificate) == 0 {
		return nil, expires
	}
	certificate, err = x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return nil, expires
	}
	return certificate, expires
}

// callTimeout bounds one call of the Auth Service, so that one that hangs is said to hang.
const callTimeout = 15 * time.Second

// bounded gives a call its deadline; an earlier one of the caller's holds.
func bounded(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return invoke(ctx, method, req, reply, cc, opts...)
}
