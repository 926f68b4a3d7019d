package teleport_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/tbotctl/tbotctl/internal/route"
	"github.com/tbotctl/tbotctl/internal/route/routetest"
	"github.com/tbotctl/tbotctl/internal/teleport"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// Behind a load balancer that ends TLS, with an authority of its own, the login goes through the proxy's connection upgrade.
func TestConnectBehindLoadBalancer(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"18.2.0", "17.5.1"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			c := teleporttest.New(t, teleporttest.Options{Version: version, BehindL7LB: true})
			wantUser(t, clientAs(t, c, "admin"), "admin", time.Now().Add(time.Hour))
			server := find(t, c)
			client, err := teleport.Connect(t.Context(), targetOf(c), server, profileOf(t, c, time.Hour), time.Now())
			if err != nil {
				t.Fatalf("by a profile: %v", err)
			}
			closeLater(t, client)
			client, err = teleport.Connect(t.Context(), teleport.Target{Proxy: c.Addr(), Insecure: true}, server, identityFile(t, c, "admin", time.Hour), time.Now())
			if err != nil {
				t.Fatalf("insecure: %v", err)
			}
			closeLater(t, client)

			// The load balancer's certificate is the proxy's trouble, the certificate within the tunnel the login's.
			started := time.Now()
			_, err = teleport.Connect(t.Context(), teleport.Target{Proxy: c.Addr()}, server, identityFile(t, c, "admin", time.Hour), started)
			wantError(t, err, teleport.Unreachable, "certificate signed by unknown authority", "--proxy-ca")
			_, err = teleport.Connect(t.Context(), targetOf(c), server, identityFile(t, c, "admin", -time.Minute), started.Add(-time.Hour))
			wantError(t, err, teleport.NotLoggedIn, "the login is refused", "expired certificate")
			anew := teleporttest.New(t, teleporttest.Options{Version: version})
			_, err = teleport.Connect(t.Context(), targetOf(c), server, profileOf(t, anew, time.Hour), started)
			wantError(t, err, teleport.NotLoggedIn, "does not fit this cluster's authority", "; run: tsh login")
			soon(t, started)
		})
	}
}

// Where no tunnel leads through the load balancer, that is said at once, with what it answered, and no login is blamed.
func TestConnectWithoutTunnel(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{BehindL7LB: true, NoConnectionUpgrade: true})
	server, login := find(t, c), identityFile(t, c, "admin", time.Hour)
	closed := site(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) })
	for part, target := range map[string]teleport.Target{
		"HTTP 404, so this proxy knows no upgrade": targetOf(c),
		"the load balancer has to pass websockets": closed,
	} {
		started := time.Now()
		_, err := teleport.Connect(t.Context(), target, server, login, started)
		wantError(t, err, teleport.Unreachable, "behind a load balancer that ends TLS", part)
		if !errors.Is(err, route.ErrNoTunnel) {
			t.Errorf("%v is not about the tunnel", err)
		}
		soon(t, started)
	}
}

// Every connection goes through HTTPS_PROXY. The name of the cluster's proxy is known to that proxy alone.
func TestConnectThroughHTTPProxy(t *testing.T) {
	const name = "proxy.example.invalid"
	for _, behind := range []bool{false, true} {
		c := teleporttest.New(t, teleporttest.Options{PublicName: name, BehindL7LB: behind})
		_, port, err := net.SplitHostPort(c.Addr())
		if err != nil {
			t.Fatal(err)
		}
		between := routetest.NewHTTPProxy(t, c.Addr())
		t.Setenv("HTTPS_PROXY", "http://"+between.Addr)
		t.Setenv("NO_PROXY", "")
		target := teleport.Target{Proxy: net.JoinHostPort(name, port), CAs: c.WebCAs()}
		server, err := teleport.Find(t.Context(), target)
		if err != nil {
			t.Fatal(err)
		}
		if look, err := teleport.LookAt(t.Context(), target, time.Now()); err != nil || look.LoadBalancer != behind {
			t.Errorf("%+v, %v; want a load balancer: %v", look, err, behind)
		}
		login := identityFile(t, c, "admin", time.Hour)
		client, err := teleport.Connect(t.Context(), target, server, login, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		closeLater(t, client)
		wantUser(t, client, "admin", time.Now().Add(time.Hour))
		if asked := between.Asked(); len(asked) < 4 || slices.ContainsFunc(asked, func(host string) bool { return host != target.Proxy }) {
			t.Errorf("the HTTP proxy was asked for %v", asked)
		}
		t.Setenv("NO_PROXY", name)
		_, err = teleport.Connect(t.Context(), target, server, login, time.Now())
		wantError(t, err, teleport.Unreachable, name)
		t.Setenv("NO_PROXY", "")
		t.Setenv("HTTPS_PROXY", "http://"+routetest.Port(t, func(conn net.Conn) {
			_, _ = conn.Read(make([]byte, 1<<10))
			_, _ = io.WriteString(conn, "HTTP/1.1 403 Forbidden\r\n\r\n")
			_ = conn.Close()
		}))
		_, err = teleport.Connect(t.Context(), target, server, login, time.Now())
		wantError(t, err, teleport.Unreachable, "proxyconnect", "403 Forbidden")
		_, err = teleport.LookAt(t.Context(), target, time.Now())
		wantError(t, err, teleport.Unreachable, "proxyconnect", "403 Forbidden")
	}
}

// A proxy with a port for each protocol: its web address, judged by an authority of its own, names the port of the tunnel, which the
// login's SSH certificate opens (teleport-facts 4.2).
func TestConnectWithoutTLSRouting(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{DirectAuth: true})
	tunnel := routetest.NewTunnelPort(t, c.Addr())
	web := site(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"cluster_name":"`+clusterName+`","server_version":"18.2.0","proxy":{"ssh":{"ssh_tunnel_public_addr":"`+tunnel.Addr+`"}}}`)
	})
	server, err := teleport.Find(t.Context(), web)
	if err != nil || server.TLSRouting {
		t.Fatalf("%+v, %v", server, err)
	}
	known := "@cert-authority * " + string(ssh.MarshalAuthorizedKey(tunnel.CA))
	login := func(ttl time.Duration) teleport.Login {
		content, err := c.IdentityFile("admin", ttl)
		if err != nil {
			t.Fatal(err)
		}
		return teleport.Login{IdentityFile: write(t, append([]byte(known), content...))}
	}
	client, err := teleport.Connect(t.Context(), web, server, login(time.Hour), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	closeLater(t, client)
	wantUser(t, client, "admin", time.Now().Add(time.Hour))

	_, err = teleport.Connect(t.Context(), web, server, login(-time.Minute), time.Now().Add(-time.Hour))
	wantError(t, err, teleport.NotLoggedIn, "no SSH certificate that opens the proxy's tunnel", "unable to authenticate")
	_, err = teleport.Connect(t.Context(), web, server, identityFile(t, c, "admin", time.Hour), time.Now())
	wantError(t, err, teleport.Unreachable, "opening the tunnel at "+tunnel.Addr)
	if strings.Contains(err.Error(), "tsh login") {
		t.Errorf("a login is blamed for a tunnel of another cluster: %v", err)
	}
	_, err = teleport.Connect(t.Context(), teleport.Target{Proxy: web.Proxy}, server, login(time.Hour), time.Now())
	wantError(t, err, teleport.Unreachable, "certificate signed by unknown authority", "--proxy-ca")
}
