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
	cluster          *Cluster
	web, proxy, auth *connListener
	webTLS, authTLS  *tls.Config
	handshakes       sync.WaitGroup
}

type destination int

const (
	toWeb destination = iota
	toProxy
	toAuth
	toTunnel
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
	clients := x509.NewCertPool()
	clients.AddCert(c.userCA.cert)
	clients.AddCert(c.hostCA.cert)
	addr := c.listener.Addr()
	return &router{
		cluster: c,
		web:     newConnListener(addr),
		proxy:   newConnListener(addr),
		auth:    newConnListener(addr),
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
	}, nil
}

// route chooses by ALPN, as the proxy does. Behind a TLS-terminating load balancer all is HTTP.
func (r *router) route(hello *tls.ClientHelloInfo) destination {
	if r.cluster.opts.BehindL7LB {
		return toWeb
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

func (r *router) configOf(to destination) *tls.Config {
	switch to {
	case toAuth:
		return r.authTLS
	case toProxy, toTunnel:
		config := r.webTLS.Clone()
		config.NextProtos = []string{alpnProxyGRPC}
		if to == toTunnel {
			config.NextProtos = []string{alpnReverseTunnel}
		}
		return config
	case toWeb:
	}
	return r.webTLS
}

// run accepts until the listener is closed, and returns after the last handshake. The end of ctx ends handshakes.
func (r *router) run(ctx context.Context, listener net.Listener) error {
	defer r.handshakes.Wait()
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		r.handshakes.Go(func() {
			if err := r.dispatch(ctx, conn); err != nil {
				r.cluster.logger.InfoContext(ctx, "A connection was refused", "remote", conn.RemoteAddr(), "error", err)
			}
		})
	}
}

func (r *router) dispatch(ctx context.Context, conn net.Conn) error {
	to := toWeb
	secure := tls.Server(conn, &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			to = r.route(hello)
			return r.configOf(to), nil
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
}
