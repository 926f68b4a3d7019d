package teleporttest_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"testing"

	"github.com/gravitational/teleport/api/client"
	"github.com/gravitational/teleport/api/client/proto"
	"github.com/gravitational/teleport/api/constants"
	"github.com/gravitational/teleport/api/utils/grpc/interceptors"
	"github.com/gravitational/teleport/api/utils/pingconn"
	"github.com/gravitational/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// acrossBalancer is the api module's client, told that there is a load balancer.
func acrossBalancer(t *testing.T, c *teleporttest.Cluster, creds client.Credentials) (*client.Client, error) {
	t.Helper()
	clt, err := client.New(withTimeout(t), client.Config{
		Addrs:                      []string{c.Addr()},
		Credentials:                []client.Credentials{creds},
		ALPNSNIAuthDialClusterName: c.ClusterName(),
		ALPNConnUpgradeRequired:    true,
		InsecureAddressDiscovery:   true, // the outer connection's CA is not one of the system's
		DialInBackground:           true,
	})
	if err == nil {
		t.Cleanup(func() {
			if err := clt.Close(); err != nil {
				t.Errorf("closing the client: %v", err)
			}
		})
	}
	return clt, err
}

// TestUpgradeReachesAuth: with a load balancer and without one, on old and new servers (teleport-facts 1.3 and 4.2).
func TestUpgradeReachesAuth(t *testing.T) {
	t.Parallel()
	for _, o := range []teleporttest.Options{{BehindL7LB: true}, {}, {Version: "16.4.0", BehindL7LB: true}} {
		c := teleporttest.New(t, o)
		if got := client.IsALPNConnUpgradeRequired(withTimeout(t), c.Addr(), true); got != o.BehindL7LB {
			t.Errorf("%+v: an upgrade is required: %v", o, got)
		}
		clt, err := acrossBalancer(t, c, client.LoadIdentityFile(identityFile(t, c, "admin")))
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			ping, err := clt.Ping(withTimeout(t))
			if err != nil {
				t.Fatalf("%+v: %v", o, err)
			}
			if ping.ClusterName != clusterName {
				t.Errorf("Ping says %q", ping.ClusterName)
			}
		}
		if !slices.ContainsFunc(c.Requests(), func(r teleporttest.Request) bool {
			return r.Method == "GET /webapi/connectionupgrade"
		}) {
			t.Error("no upgrade was asked for")
		}
	}
}

// TestBalancerWithoutUpgrade: nothing but HTTP gets through.
func TestBalancerWithoutUpgrade(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{BehindL7LB: true, NoConnectionUpgrade: true})
	_, err := client.NewDialer(t.Context(), 0, 0, client.WithInsecureSkipVerify(true), client.WithALPNConnUpgrade(true)).
		DialContext(withTimeout(t), "tcp", c.Addr())
	want := `connection upgrade call to "/webapi/connectionupgrade" with upgrade type alpn failed with status code 404. ` +
		"Please upgrade the server and try again."
	if !trace.IsNotImplemented(err) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if status, _, _ := get(t, c, "/webapi/find"); status != http.StatusOK {
		t.Errorf("find: %d", status)
	}
}

// TestJoinAcrossBalancer: the proxy's own gRPC service shows a certificate of the host CA there, by which a client that
// has no CA yet knows a proxy (teleport-facts 2.3).
func TestJoinAcrossBalancer(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{BehindL7LB: true})
	keys, issuer := newSubjectKeys(t), newIssuer(t, "kid-1")
	c.PutBot(bot("example"))
	c.PutToken(staticToken("example-bot", issuer.jwks(t)))
	dialer := client.NewALPNDialer(client.ALPNDialerConfig{
		ALPNConnUpgradeRequired: true,
		TLSConfig: &tls.Config{
			NextProtos:         []string{"teleport-proxy-grpc", "h2"},
			InsecureSkipVerify: true, // verified below, as tbot does
			VerifyConnection: func(state tls.ConnectionState) error {
				return state.PeerCertificates[0].VerifyHostname(constants.APIDomain)
			},
		},
	})
	conn, err := grpc.NewClient("passthrough:///"+c.Addr(),
		grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) { return dialer.DialContext(ctx, "tcp", addr) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()), // TLS is the dialer's
		grpc.WithUnaryInterceptor(interceptors.GRPCClientUnaryErrorInterceptor))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	service := client.NewJoinServiceClient(proto.NewJoinServiceClient(conn))
	certs, err := service.RegisterUsingToken(withTimeout(t), keys.request("example-bot", issuer.sign(t, goodClaims(nil))))
	if err != nil {
		t.Fatal(err)
	}
	joined, err := acrossBalancer(t, c, botCredentials(t, keys, certs))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := joined.Ping(withTimeout(t)); err != nil {
		t.Error(err)
	}
}

// TestRawUpgrade: what clients before 18 may ask for; servers from 19 on refuse it.
func TestRawUpgrade(t *testing.T) {
	t.Parallel()
	for version, served := range map[string]bool{"16.4.0": true, "18.2.0": true, "19.0.0": false} {
		c := teleporttest.New(t, teleporttest.Options{Version: version, BehindL7LB: true})
		for _, kind := range []string{"alpn", "alpn-ping"} {
			conn, resp := rawUpgrade(t, c, kind)
			if !served {
				var body struct{ Error struct{ Message string } }
				if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
					t.Fatal(err)
				}
				if want := "unsupported upgrade types: [" + kind + "]"; resp.StatusCode != http.StatusNotFound || body.Error.Message != want {
					t.Errorf("%s %s: %d %q, want %q", version, kind, resp.StatusCode, body.Error.Message, want)
				}
				continue
			}
			if resp.StatusCode != http.StatusSwitchingProtocols || resp.Header.Get("X-Teleport-Upgrade") != kind || resp.Header.Get("Upgrade") != kind {
				t.Fatalf("%s %s: %d %v", version, kind, resp.StatusCode, resp.Header)
			}
			if kind == "alpn-ping" {
				conn = pingconn.New(conn)
			}
			inner := tls.Client(conn, &tls.Config{
				NextProtos: []string{"teleport-reversetunnel"}, ServerName: constants.APIDomain, InsecureSkipVerify: true,
			})
			if err := inner.HandshakeContext(withTimeout(t)); err != nil {
				t.Fatalf("%s %s: %v", version, kind, err)
			}
			if got := inner.ConnectionState().NegotiatedProtocol; got != "teleport-reversetunnel" {
				t.Errorf("%s %s: negotiated %q", version, kind, got)
			}
		}
	}
}

// rawUpgrade asks by the header that load balancers leave alone.
func rawUpgrade(t *testing.T, c *teleporttest.Cluster, kind string) (net.Conn, *http.Response) {
	t.Helper()
	dialer := tls.Dialer{Config: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.WebCAs()}}
	conn, err := dialer.DialContext(withTimeout(t), "tcp", c.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // the server may have been first
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+c.Addr()+constants.WebAPIConnUpgrade, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set(constants.WebAPIConnUpgradeTeleportHeader, kind)
	if err := req.Write(conn); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReaderSize(conn, 16), req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return conn, resp
}
