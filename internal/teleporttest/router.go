package teleporttest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gravitational/teleport/api/constants"
)

const (
	alpnReverseTunnel = "teleport-reversetunnel"
	alpnProxyGRPC     = "teleport-proxy-grpc"
	handshakeTimeout  = 10 * time.Second
)

// router hands every connection to the server that its ALPN names ask for (teleport-facts 4.3 and 10). A client that
// asks for the Auth Service gets that service's certificate and mutual TLS, exactly as if the proxy had forwarded
// the raw connection.
type router struct {
	cluster                *Cluster
	web, proxy, auth, kube *connListener
	webTLS, authTLS        *tls.Config
	// hostTLS is for who can't be shown a public certificate: Kubernetes clients, which know the host CA alone, and all
	// that comes through a connection upgrade (teleport-facts 2.3 and 6.4).
	hostTLS    *tls.Config
	handshakes sync.WaitGroup
}

type destination int

const (
	toWeb destination = iota
	toProxy
	toAuth
	toTunnel
	toKube
)

func (c *Cluster) newRouter() (*router, error) {
	now := c.opts.Now()
	names := []string{"localhost", "127.0.0.1", "::1"}
	if c.opts.PublicName != "" {
		names = append(names, c.opts.PublicName)
	}
	web, err := c.webCA.server(pkix.Name{CommonName: names[len(names)-1]}, names, now)
	if err != nil {
		return nil, err
	}
	auth, err := c.hostCA.server(pkix.Name{CommonName: c.opts.ClusterName, Organization: []string{"Auth"}},
		authServerNames(c.opts.ClusterName), now)
	if err != nil {
		return nil, err
	}
	host, err := c.hostCA.server(pkix.Name{CommonName: c.opts.ClusterName, Organization: []string{"Proxy"}},
		proxyServerNames(names), now)
	if err != nil {
		return nil, err
	}
	clients := x509.NewCertPool()
	clients.AddCert(c.userCA.cert)
	clients.AddCert(c.hostCA.cert)
	addr := c.listener.Addr()
	return &router{
		cluster: c,
		web:     newConnListener(addr),
		proxy:   newConnListener(addr),
		auth:    newConnListener(addr),
		kube:    newConnListener(addr),
		webTLS: &tls.Config{
			MinVersion:   tls.VersionTLS12,
			Certificates: []tls.Certificate{web},
			NextProtos:   []string{"http/1.1", "h2"},
		},
		authTLS: &tls.Config{
			MinVersion:   tls.VersionTLS12,
			Certificates: []tls.Certificate{auth},
			NextProtos:   []string{"h2"},
			// A caller without a certificate is let in and then may do nothing (teleport-facts 10).
			ClientAuth: tls.VerifyClientCertIfGiven,
			ClientCAs:  clients,
			Time:       c.opts.Now,
		},
		hostTLS: &tls.Config{
			MinVersion:   tls.VersionTLS12,
			Certificates: []tls.Certificate{host},
			NextProtos:   []string{"h2", "http/1.1"},
			ClientCAs:    clients,
			Time:         c.opts.Now,
		},
	}, nil
}

// route chooses by SNI and ALPN, as the proxy does. Behind a TLS-terminating load balancer all is HTTP, but for what comes
// through a connection upgrade.
func (r *router) route(hello *tls.ClientHelloInfo, upgraded bool) destination {
	if r.cluster.opts.BehindL7LB && !upgraded {
		return toWeb
	}
	if strings.HasPrefix(hello.ServerName, constants.KubeTeleportProxyALPNPrefix) {
		return toKube
	}
	for _, name := range hello.SupportedProtos {
		switch {
		case strings.HasPrefix(name, constants.ALPNSNIAuthProtocol):
			return toAuth
		case name == alpnProxyGRPC:
			return toProxy
		case name == alpnReverseTunnel:
			return toTunnel
		}
	}
	underAPI := hello.ServerName == constants.APIDomain || strings.HasSuffix(hello.ServerName, "."+constants.APIDomain)
	if r.cluster.opts.DirectAuth && underAPI && slices.Contains(hello.SupportedProtos, "h2") {
		return toAuth
	}
	return toWeb
}

func (r *router) configOf(to destination, upgraded bool) *tls.Config {
	base := r.webTLS
	if upgraded {
		base = r.hostTLS
	}
	switch to {
	case toAuth:
		return r.authTLS
	case toKube:
		config := r.hostTLS.Clone()
		config.ClientAuth = tls.RequireAndVerifyClientCert
		return config
	case toProxy, toTunnel:
		config := base.Clone()
		config.NextProtos = []string{alpnProxyGRPC}
		if to == toTunnel {
			config.NextProtos = []string{alpnReverseTunnel}
		}
		return config
	case toWeb:
	}
	return base
}

// run accepts until the listener is closed, and returns after the last handshake. The end of ctx ends handshakes.
func (r *router) run(ctx context.Context, listener net.Listener) error {
	defer r.handshakes.Wait()
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		r.handshakes.Go(func() { r.take(ctx, conn, false) })
	}
}

// take hands a connection on and returns. One that comes out of a connection upgrade is TLS within TLS.
func (r *router) take(ctx context.Context, conn net.Conn, upgraded bool) {
	if err := r.dispatch(ctx, conn, upgraded); err != nil {
		r.cluster.logger.InfoContext(ctx, "A connection was refused", "remote", conn.RemoteAddr(), "error", err)
	}
}

func (r *router) dispatch(ctx context.Context, conn net.Conn, upgraded bool) error {
	to := toWeb
	secure := tls.Server(conn, &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			to = r.route(hello, upgraded)
			return r.configOf(to, upgraded), nil
		},
	})
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	if err := secure.HandshakeContext(ctx); err != nil {
		return errors.Join(err, conn.Close())
	}
	switch to {
	case toAuth:
		return r.auth.give(secure)
	case toProxy:
		return r.proxy.give(secure)
	case toKube:
		return r.kube.give(secure)
	case toTunnel:
		// Only the negotiation is served: that is what the test for a load balancer looks at (1.3).
		return secure.Close()
	case toWeb:
	}
	return r.web.give(secure)
}

// close ends the listeners of the servers behind the router.
func (r *router) close() {
	r.web.shut()
	r.proxy.shut()
	r.auth.shut()
	r.kube.shut()
}
