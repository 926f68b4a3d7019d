package testkit

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"
)

// Where a provider serves what the API server knows, after the issuer's own path.
const (
	discoveryPath = "/.well-known/openid-configuration"
	keysPath      = "/keys"
)

// ErrNotMapped is the error of IssuerServer.DialContext for an address that is not the issuer's: tests reach
// nothing outside.
var ErrNotMapped = errors.New("not the address of the test's issuer")

// IssuerServer publishes a control plane's discovery document and keys as a cloud provider does: over HTTPS
// under the issuer's name and path, to anybody. It listens on loopback, with a certificate for the public
// name from a CA of its own. It asks the API server at each request, so it is never behind a rotation.
type IssuerServer struct {
	public *url.URL
	pool   *x509.CertPool
	caPEM  []byte
	addr   string
	server *http.Server
	hook   atomic.Pointer[func(http.Handler) http.Handler]
}

// NewIssuerServer starts one more issuer server for the same issuer, for a test that alters what is served.
// It ends with the test.
func (c *ControlPlane) NewIssuerServer(tb testing.TB) *IssuerServer {
	tb.Helper()
	s, err := c.startIssuerServer(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

func (c *ControlPlane) startIssuerServer(ctx context.Context) (*IssuerServer, error) {
	public, err := url.Parse(c.Issuer())
	if err != nil {
		return nil, fmt.Errorf("reading the issuer: %w", err)
	}
	certificate, caPEM, err := serverCertificate(public.Hostname())
	if err != nil {
		return nil, err
	}
	s := &IssuerServer{public: public, caPEM: caPEM, pool: x509.NewCertPool()}
	s.pool.AppendCertsFromPEM(caPEM)

	mux := http.NewServeMux()
	mux.Handle("GET "+public.Path+discoveryPath, c.forward("/.well-known/openid-configuration", "application/json"))
	mux.Handle("GET "+public.Path+keysPath, c.forward("/openid/v1/jwks", "application/jwk-set+json"))
	s.server = &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var handler http.Handler = mux
			if hook := s.hook.Load(); hook != nil {
				handler = (*hook)(mux)
			}
			handler.ServeHTTP(w, r)
		}),
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0), // clients that do not trust the CA are part of tests
	}

	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for the issuer: %w", err)
	}
	s.addr = listener.Addr().String()
	go func() { _ = s.server.ServeTLS(listener, "", "") }() // ends with close
	return s, nil
}

// forward serves a document of the API server.
func (c *ControlPlane) forward(path, contentType string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := c.kit.Discovery().RESTClient().Get().AbsPath(path).DoRaw(r.Context())
		if err != nil {
			http.Error(w, "the API server does not answer", http.StatusBadGateway)
			return
		}
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write(body)
	})
}

// Host is the public name, without a port.
func (s *IssuerServer) Host() string { return s.public.Hostname() }

// Addr is where the server really listens, 127.0.0.1:port.
func (s *IssuerServer) Addr() string { return s.addr }

// CertPool trusts the server's CA and no other.
func (s *IssuerServer) CertPool() *x509.CertPool { return s.pool.Clone() }

// CACertPEM is the server's CA.
func (s *IssuerServer) CACertPEM() []byte { return s.caPEM }

// DialContext connects to the server when address is the public one, Host:443; for others it returns
// ErrNotMapped.
func (s *IssuerServer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if address != net.JoinHostPort(s.Host(), "443") {
		return nil, fmt.Errorf("dialing %s: %w", address, ErrNotMapped)
	}
	return new(net.Dialer).DialContext(ctx, network, s.addr)
}

// Transport is an HTTP transport that reaches the server, and nothing else, by its public name.
func (s *IssuerServer) Transport() *http.Transport {
	return &http.Transport{
		DialContext:     s.DialContext,
		TLSClientConfig: &tls.Config{RootCAs: s.CertPool(), MinVersion: tls.VersionTLS12},
	}
}

// SetHandlerHook alters what is served: hook gets the honest handler and returns the one to use. nil makes
// the server honest again. On a shared control plane take NewIssuerServer first.
func (s *IssuerServer) SetHandlerHook(hook func(honest http.Handler) http.Handler) {
	if hook == nil {
		s.hook.Store(nil)
		return
	}
	s.hook.Store(&hook)
}

func (s *IssuerServer) close() error {
	if err := s.server.Close(); err != nil {
		return fmt.Errorf("closing the issuer server: %w", err)
	}
	return nil
}
