package tbot_test

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/gravitational/teleport/api/types"
	"golang.org/x/crypto/ssh"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// site is a web server at the address of a proxy; it remembers what it was asked.
type site struct {
	addr string
	pool *x509.CertPool

	lock   sync.Mutex
	bodies [][]byte
}

// newSite serves HTTP/1.1 and nothing else: it refuses any other protocol in the handshake, unless the configuration is changed.
func newSite(t *testing.T, change func(*tls.Config), handler http.HandlerFunc) *site {
	t.Helper()
	s := &site{pool: x509.NewCertPool()}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("reading a request: %v", err)
		}
		s.lock.Lock()
		s.bodies = append(s.bodies, body)
		s.lock.Unlock()
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		handler(w, r)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12}
	if change != nil {
		change(server.TLS)
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	s.pool.AddCert(server.Certificate())
	s.addr = server.Listener.Addr().String()
	return s
}

// newHTTPProxy is a load balancer that ends TLS in front of a cluster.
func newHTTPProxy(t *testing.T, c *teleporttest.Cluster, change func(*tls.Config)) *site {
	t.Helper()
	forward := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "https", Host: c.Addr()})
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: c.WebCAs(), MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	forward.Transport = transport
	return newSite(t, change, forward.ServeHTTP)
}

// joins are the joins that were sent to the site.
func (s *site) joins() []types.RegisterUsingTokenRequest {
	s.lock.Lock()
	defer s.lock.Unlock()
	out := make([]types.RegisterUsingTokenRequest, len(s.bodies))
	for i, body := range s.bodies {
		if err := json.Unmarshal(body, &out[i]); err != nil {
			out[i].Token = "not a join: " + string(body)
		}
	}
	return out
}

func parsePEM(t *testing.T, text []byte) *pem.Block {
	t.Helper()
	block, rest := pem.Decode(text)
	if block == nil || len(rest) > 0 {
		t.Fatalf("not one PEM block: %q", text)
	}
	return block
}

func parseSSHKey(t *testing.T, line []byte) any {
	t.Helper()
	key, _, _, rest, err := ssh.ParseAuthorizedKey(line)
	if err != nil || len(rest) > 0 {
		t.Fatalf("not one SSH key: %q, %v", line, err)
	}
	public, ok := key.(ssh.CryptoPublicKey)
	if !ok {
		t.Fatalf("a %T has no public key", key)
	}
	return public.CryptoPublicKey()
}

func equalKeys(a, b any) bool {
	switch a := a.(type) {
	case *rsa.PublicKey:
		other, ok := b.(*rsa.PublicKey)
		return ok && a.Equal(other)
	case *ecdsa.PublicKey:
		other, ok := b.(*ecdsa.PublicKey)
		return ok && a.Equal(other)
	}
	return false
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func refuses(message string) string { return `{"error": {"message": "` + message + `"}}` }

// hangUp hears the first words and closes the connection in good order.
func hangUp(conn net.Conn) {
	_, _ = conn.Read(make([]byte, 1<<16))
	_ = conn.Close()
}
