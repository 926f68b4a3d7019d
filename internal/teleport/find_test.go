package teleport_test

import (
	"context"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tbotctl/tbotctl/internal/route/routetest"
	"github.com/tbotctl/tbotctl/internal/teleport"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

func TestFind(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		options teleporttest.Options
		want    teleport.Server
	}{
		"18.x says all": {
			options: teleporttest.Options{Version: "18.2.0", AgentVersion: "18.1.9"},
			want: teleport.Server{
				ClusterName: clusterName, Version: "18.2.0", MinClientVersion: "17.0.0", AgentVersion: "18.1.9",
				Edition: "oss", Suite: "balanced-v1", TLSRouting: true,
			},
		},
		"FIPS": {
			options: teleporttest.Options{ClusterName: "fips.example.com", FIPS: true},
			want: teleport.Server{
				ClusterName: "fips.example.com", Version: "18.2.0", MinClientVersion: "17.0.0", AgentVersion: "18.2.0",
				Edition: "oss", FIPS: true, Suite: "fips-v1", TLSRouting: true,
			},
		},
		"16.x knows no suite, edition and agent version": {
			options: teleporttest.Options{Version: "16.4.7"},
			want: teleport.Server{
				ClusterName: clusterName, Version: "16.4.7", MinClientVersion: "15.0.0", TLSRouting: true,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := teleporttest.New(t, row.options)
			got := find(t, cluster)
			row.want.PublicAddr = cluster.Addr()
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFindJudgesTheCertificate(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{})
	other := teleporttest.New(t, teleporttest.Options{})

	_, err := teleport.Find(t.Context(), teleport.Target{Proxy: c.Addr()})
	wantError(t, err, teleport.Unreachable, c.Addr(), "certificate signed by unknown authority", "--proxy-ca")
	_, err = teleport.Find(t.Context(), teleport.Target{Proxy: c.Addr(), CAs: other.WebCAs()})
	wantError(t, err, teleport.Unreachable, "certificate signed by unknown authority", "--proxy-ca")

	// What --proxy-ca reads is the PEM text of a file.
	pool, err := teleport.CertPool(string(c.WebCAPEM()))
	if err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]teleport.Target{
		"private CA given": {Proxy: c.Addr(), CAs: pool},
		"insecure":         {Proxy: c.Addr(), Insecure: true},
	} {
		if server, err := teleport.Find(t.Context(), target); err != nil || server.ClusterName != clusterName {
			t.Errorf("%s: %+v, %v", name, server, err)
		}
	}
}

func TestFindWrongHostName(t *testing.T) {
	t.Parallel()
	// The certificate of the Go standard library's test server names 127.0.0.1 and example.com, not localhost.
	target := site(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") })
	_, port, err := net.SplitHostPort(target.Proxy)
	if err != nil {
		t.Fatal(err)
	}
	target.Proxy = net.JoinHostPort("localhost", port)
	_, err = teleport.Find(t.Context(), target)
	wantError(t, err, teleport.Unreachable, "certificate is valid for", "localhost", "give the proxy by a name that is in its certificate")
}

func TestFindNotTeleport(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"a page":             page(http.StatusOK, "<!DOCTYPE html><html><body>hello</body></html>"),
		"a page of an error": page(http.StatusBadGateway, "<html><body>502 Bad Gateway</body></html>"),
		"nothing":            page(http.StatusOK, ""),
		"another object":     page(http.StatusOK, `{"issuer": "https://example.com", "jwks_uri": "https://example.com/keys"}`),
		"an error in JSON":   page(http.StatusForbidden, `{"error": {"message": "forbidden"}}`),
		"a list":             page(http.StatusOK, `["a", "b"]`),
		"a text":             page(http.StatusOK, `"ok"`),
		"null":               page(http.StatusOK, `null`),
		"other types":        page(http.StatusOK, `{"cluster_name": 7, "server_version": {}}`),
		"half an object":     page(http.StatusOK, `{"cluster_name": "lab.exa`),
		"a name alone":       page(http.StatusOK, `{"cluster_name": "lab.example.com"}`),
		"a redirect to a page": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/login" {
				page(http.StatusOK, "<html></html>")(w, r)
				return
			}
			http.Redirect(w, r, "/login", http.StatusFound)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := site(t, answer)
			_, err := teleport.Find(t.Context(), target)
			wantError(t, err, teleport.NotTeleport, target.Proxy, "this is no Teleport Proxy Service")
		})
	}
	for name, row := range map[string]struct{ greeting, want string }{
		"plain HTTP": {"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", "this port speaks no TLS"},
		"SSH":        {"SSH-2.0-OpenSSH_9.9\r\n", "this port speaks SSH"},
		"a database": {"J\x00\x00\x00\x0a8.4.0\x00", "this port speaks no TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr := routetest.Port(t, func(conn net.Conn) { _, _ = io.WriteString(conn, row.greeting) })
			_, err := teleport.Find(t.Context(), teleport.Target{Proxy: addr})
			wantError(t, err, teleport.NotTeleport, addr, row.want, "443 or 3080")
			_, err = teleport.LookAt(t.Context(), teleport.Target{Proxy: addr}, time.Now())
			wantError(t, err, teleport.NotTeleport, addr, row.want, "443 or 3080")
		})
	}
}

// TestFindByItsOwnCertificates holds that the ports on which Teleport's services speak among themselves are told from a proxy with
// an authority of its own: --proxy-ca would not help there.
func TestFindByItsOwnCertificates(t *testing.T) {
	t.Parallel()
	const own = "this is a port that Teleport's own services speak among themselves on"
	now := time.Now()
	for name, row := range map[string]struct {
		names   []string
		expires time.Time
		trusted bool
		want    string
		never   string
	}{
		"the Auth Service's port":  {[]string{"*.teleport.cluster.local", "teleport.cluster.local"}, now.Add(time.Hour), false, own, "--proxy-ca"},
		"with the host's name too": {[]string{"localhost", "abc.teleport.cluster.local"}, now.Add(time.Hour), false, own, "--proxy-ca"},
		"a private authority":      {[]string{"localhost"}, now.Add(time.Hour), false, "--proxy-ca", own},
		"expired":                  {[]string{"localhost"}, now.Add(-time.Minute), true, "has to renew its certificate", "--proxy-ca"},
		"another name":             {[]string{"elsewhere.example.com"}, now.Add(time.Hour), true, "a name that is in its certificate", "--proxy-ca"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := siteNamed(t, row.expires, row.names...)
			if !row.trusted {
				target.CAs = x509.NewCertPool()
			}
			_, err := teleport.Find(t.Context(), target)
			wantError(t, err, teleport.Unreachable, row.want)
			if strings.Contains(err.Error(), row.never) {
				t.Errorf("%q is in the error: %v", row.never, err)
			}
			look, err := teleport.LookAt(t.Context(), target, now)
			if err != nil {
				t.Fatal(err)
			}
			got := look.Certificate
			if got.Trouble == nil || !strings.Contains(got.Trouble.Error(), row.want) || strings.Contains(got.Trouble.Error(), row.never) {
				t.Errorf("trouble %v, want %q", got.Trouble, row.want)
			}
			if !slices.Equal(got.Names, row.names) || got.Issuer != "A private authority" || !got.Expires.Equal(row.expires.Truncate(time.Second)) {
				t.Errorf("certificate %+v", got)
			}
		})
	}
}

// A suite that is newer than the api module makes its decoder fail; that is no fault of what the user typed.
func TestFindNewerServer(t *testing.T) {
	t.Parallel()
	target := site(t, page(http.StatusOK, `{"cluster_name": "a", "server_version": "30.0.0", "auth": {"signature_algorithm_suite": "future-v9"}}`))
	_, err := teleport.Find(t.Context(), target)
	wantError(t, err, teleport.Other, "future-v9", "a newer one may")
}

func page(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestFindUnreachable(t *testing.T) {
	t.Parallel()
	for name, addr := range map[string]string{
		"closed port":              routetest.ClosedPort(t),
		"port that hangs up":       routetest.Port(t, hangUp),
		"name that does not exist": "proxy.invalid:443",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := teleport.Find(t.Context(), teleport.Target{Proxy: addr})
			wantError(t, err, teleport.Unreachable, addr, "cannot be reached")
		})
	}
}

// TestUnreachableAdvice holds that what is usually wrong is said.
func TestUnreachableAdvice(t *testing.T) {
	t.Parallel()
	addr := routetest.ClosedPort(t)
	_, err := teleport.Find(t.Context(), teleport.Target{Proxy: addr})
	wantError(t, err, teleport.Unreachable, addr, "nobody listens on this port", "443 or 3080")
	_, err = teleport.LookAt(t.Context(), teleport.Target{Proxy: addr}, time.Now())
	wantError(t, err, teleport.Unreachable, addr, "nobody listens on this port", "443 or 3080")
	addr = routetest.Port(t, hangUp)
	_, err = teleport.LookAt(t.Context(), teleport.Target{Proxy: addr}, time.Now())
	wantError(t, err, teleport.Unreachable, addr, "EOF")
}

func TestFindSilentPort(t *testing.T) {
	t.Parallel()
	addr := routetest.Port(t, routetest.Silent)
	const patience = 200 * time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	started := time.Now()
	_, err := teleport.Find(ctx, teleport.Target{Proxy: addr})
	wantError(t, err, teleport.Unreachable, addr)
	if took := time.Since(started); took < patience || took > 5*time.Second {
		t.Errorf("gave up after %v, the caller's patience is %v", took, patience)
	}
}

func TestFindCancelled(t *testing.T) {
	t.Parallel()
	addr := routetest.Port(t, routetest.Silent)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := teleport.Find(ctx, teleport.Target{Proxy: addr}); !teleport.Is(err, teleport.Other) {
		t.Errorf("cancelled: %v, want an error that blames nobody", err)
	}
}

func TestCertPool(t *testing.T) {
	t.Parallel()
	if pool, err := teleport.CertPool(""); pool != nil || err != nil {
		t.Errorf("no text: %v, %v; want the system's roots", pool, err)
	}
	// A file that holds something else may well hold a private key: it is not quoted.
	for _, text := range []string{
		"hello", "\n",
		"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIKL1secret\n-----END PRIVATE KEY-----\n",
		"-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n",
	} {
		pool, err := teleport.CertPool(text)
		if pool != nil {
			t.Errorf("%q gives a pool", text)
		}
		wantError(t, err, teleport.Other, "no certificate")
	}
}
