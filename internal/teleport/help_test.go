package teleport_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tbotctl/tbotctl/internal/teleport"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

const clusterName = "lab.example.com"

func targetOf(c *teleporttest.Cluster) teleport.Target {
	return teleport.Target{Proxy: c.Addr(), CAs: c.WebCAs()}
}

func find(t *testing.T, c *teleporttest.Cluster) teleport.Server {
	t.Helper()
	server, err := teleport.Find(t.Context(), targetOf(c))
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// identityFile is a login of a user that ends after ttl, or has ended where ttl is negative.
func identityFile(t *testing.T, c *teleporttest.Cluster, user string, ttl time.Duration) teleport.Login {
	t.Helper()
	content, err := c.IdentityFile(user, ttl)
	if err != nil {
		t.Fatal(err)
	}
	return teleport.Login{IdentityFile: write(t, content)}
}

func write(t *testing.T, content []byte) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "identity")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// clientAs connects as a user of the cluster.
func clientAs(t *testing.T, c *teleporttest.Cluster, user string) *teleport.Client {
	t.Helper()
	client, err := teleport.Connect(t.Context(), targetOf(c), find(t, c), identityFile(t, c, user, time.Hour), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	closeLater(t, client)
	return client
}

func closeLater(t *testing.T, client *teleport.Client) {
	t.Helper()
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Errorf("closing the client: %v", err)
		}
	})
}

// site is a web server that is no Teleport Proxy.
func site(t *testing.T, handler http.HandlerFunc) teleport.Target {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	return teleport.Target{Proxy: server.Listener.Addr().String(), CAs: pool}
}

// siteNamed is a web server with a certificate for these names, issued by the authority in CAs.
func siteNamed(t *testing.T, expires time.Time, names ...string) teleport.Target {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "A private authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: expires.Add(-2 * time.Hour), NotAfter: expires.Add(48 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: names, NotBefore: expires.Add(-time.Hour), NotAfter: expires,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, authority, authority, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if authority, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, authority, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leafDER}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	pool := x509.NewCertPool()
	pool.AddCert(authority)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return teleport.Target{Proxy: net.JoinHostPort("localhost", port), CAs: pool}
}

// hangUp hears the first words and closes the connection in good order.
func hangUp(conn net.Conn) {
	_, _ = conn.Read(make([]byte, 1<<16))
	_ = conn.Close()
}

// wantError checks the kind and that the text holds every part, on one line and without a secret.
func wantError(t *testing.T, err error, kind teleport.Kind, parts ...string) {
	t.Helper()
	if !teleport.Is(err, kind) {
		t.Fatalf("error is not of kind %d: %v", kind, err)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in the error: %v", part, err)
		}
	}
	for _, never := range []string{"\n", "PRIVATE KEY", "-----BEGIN"} {
		if strings.Contains(err.Error(), never) {
			t.Errorf("%q is in the error: %q", never, err.Error())
		}
	}
}
