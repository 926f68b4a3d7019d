package issuer

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// publicIP is what the names of a web of tests resolve to; its dialer leads it to loopback servers. See specialIPv4.
const publicIP = "203.0.113.10"

// web is a small internet of its own: names, addresses, an authority and HTTPS servers on loopback behind them.
type web struct {
	names   map[string][]netip.Addr
	servers map[string]string // ip:port -> loopback address
	ca      *authority
}

func newWeb(t *testing.T) *web {
	t.Helper()
	return &web{names: map[string][]netip.Addr{}, servers: map[string]string{}, ca: newAuthority(t)}
}

// fetcher returns a Fetcher that lives in the web.
func (w *web) fetcher() *Fetcher {
	pool := x509.NewCertPool()
	pool.AddCert(w.ca.cert)
	return &Fetcher{Resolver: w, Dial: w.dial, RootCAs: pool, Timeout: 5 * time.Second}
}

func (w *web) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	addresses, found := w.names[host]
	if !found {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return addresses, nil
}

func (w *web) dial(ctx context.Context, network, address string) (net.Conn, error) {
	to, found := w.servers[address]
	if !found {
		to = closedPort
	}
	return new(net.Dialer).DialContext(ctx, network, to)
}

// closedPort is one that no test listens on: port 1 (tcpmux) of loopback.
const closedPort = "127.0.0.1:1"

// host serves a handler under testHost at publicIP:443 with a certificate of the web's authority.
func (w *web) host(t *testing.T, handler http.Handler) {
	t.Helper()
	w.hostAt(t, testHost, publicIP, w.ca.leaf(t, testHost, time.Now().Add(time.Hour)), handler)
}

func (w *web) hostAt(t *testing.T, name, ip string, certificate tls.Certificate, handler http.Handler) {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	w.names[name] = []netip.Addr{netip.MustParseAddr(ip)}
	w.servers[net.JoinHostPort(ip, "443")] = server.Listener.Addr().String()
}

// authority is a CA that issues for the web.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key := newECKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "web of tests"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert: cert, key: key}
}

func (a *authority) leaf(t *testing.T, name string, until time.Time) tls.Certificate {
	t.Helper()
	key := newECKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: until, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func newECKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// newKey returns a fresh public key as a cluster publishes it.
func newKey(t *testing.T, kid string) jose.JSONWebKey {
	t.Helper()
	return jose.JSONWebKey{Key: newECKey(t).Public(), KeyID: kid, Algorithm: "ES256", Use: "sig"}
}

func asJSON(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func keySet(t *testing.T, keys ...jose.JSONWebKey) []byte {
	t.Helper()
	return asJSON(t, jose.JSONWebKeySet{Keys: keys})
}

func discovery(t *testing.T, issuer, jwksURI string) []byte {
	t.Helper()
	return asJSON(t, map[string]any{
		"issuer": issuer, "jwks_uri": jwksURI,
		"response_types_supported": []string{"id_token"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256"},
	})
}

// pages serves fixed bodies by path and counts the requests; what it does not know is a 404.
type pages struct {
	bodies map[string][]byte
	asked  atomic.Int32
}

func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.asked.Add(1)
	body, found := p.bodies[r.URL.Path]
	if !found {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body)
}
