package teleporttest_test

import (
	"bytes"
	"crypto/tls"
	"strings"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/client"
	"github.com/gravitational/teleport/api/client/proto"
	"github.com/gravitational/teleport/api/client/webclient"
	"github.com/gravitational/teleport/api/constants"
	"github.com/gravitational/teleport/api/metadata"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/teleport/api/utils/grpc/interceptors"
	"github.com/gravitational/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

func TestPing(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"18.2.0", "16.4.0"} {
		c := teleporttest.New(t, teleporttest.Options{Version: version})
		for name, creds := range map[string]client.Credentials{
			"identity file": client.LoadIdentityFile(identityFile(t, c, "admin")),
			"profile":       profile(t, c, "plain"),
		} {
			for _, background := range []bool{true, false} {
				clt, err := client.New(withTimeout(t), client.Config{
					Addrs:                      []string{c.Addr()},
					Credentials:                []client.Credentials{creds},
					ALPNSNIAuthDialClusterName: clusterName,
					DialInBackground:           background,
				})
				if err != nil {
					t.Fatalf("%s %s (background %v): %v", version, name, background, err)
				}
				started := time.Now()
				ping, err := clt.Ping(withTimeout(t))
				if err != nil {
					t.Fatalf("%s %s (background %v): %v", version, name, background, err)
				}
				if ping.ClusterName != clusterName || ping.ServerVersion != version {
					t.Errorf("%s: Ping says %q %q", version, ping.ClusterName, ping.ServerVersion)
				}
				if took := time.Since(started); took > 5*time.Second {
					t.Errorf("%s: Ping took %v", version, took)
				}
				if err := clt.Close(); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

// A profile brings its own address, which only the blocking mode uses (teleport-facts 4.1).
func TestProfileHasTheAddress(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{})
	clt, err := client.New(withTimeout(t), client.Config{
		Credentials: []client.Credentials{profile(t, c, "admin")}, ALPNSNIAuthDialClusterName: clusterName,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := clt.Close(); err != nil {
		t.Error(err)
	}
}

func profile(t *testing.T, c *teleporttest.Cluster, user string) client.Credentials {
	t.Helper()
	dir := t.TempDir()
	if err := c.WriteProfile(dir, user, time.Hour); err != nil {
		t.Fatal(err)
	}
	return client.LoadProfile(dir, "")
}

func TestCallerWithoutCertificate(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{})
	identity, err := c.IdentityFile("admin", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	config, err := client.LoadIdentityFileFromString(string(identity)).TLSConfig()
	if err != nil {
		t.Fatal(err)
	}
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &tls.Certificate{}, nil }
	_, err = connect(t, c, client.LoadTLS(config)).Ping(withTimeout(t))
	if !trace.IsAccessDenied(err) {
		t.Errorf("Ping without a certificate: %v, want access denied", err)
	}
}

func TestExpiredAndDeletedIdentities(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{})
	expired, err := c.IdentityFile("admin", -time.Second)
	if err != nil {
		t.Fatal(err)
	}
	clt := connect(t, c, client.LoadIdentityFileFromString(string(expired)))
	ctx := withTimeout(t)
	if _, err := clt.Ping(ctx); err == nil || !strings.Contains(err.Error(), "expired certificate") && !trace.IsConnectionProblem(err) {
		t.Errorf("Ping with an expired certificate: %v", err)
	}
	c.AddRole(&types.RoleV6{Metadata: types.Metadata{Name: "temporary"}})
	c.AddUser("leaver", "temporary")
	leaver := clientAs(t, c, "leaver")
	if _, err := leaver.Ping(ctx); err != nil {
		t.Fatal(err)
	}
	c.AddUser("leaver", "access")
	if err := clientAs(t, c, "admin").DeleteRole(ctx, "temporary"); err != nil {
		t.Fatal(err)
	}
	if _, err := leaver.Ping(ctx); !trace.IsAccessDenied(err) {
		t.Errorf("Ping with a role that is gone: %v, want access denied", err)
	}
}

func TestALPNConnUpgrade(t *testing.T) {
	t.Parallel()
	plain := teleporttest.New(t, teleporttest.Options{})
	behind := teleporttest.New(t, teleporttest.Options{BehindL7LB: true})
	if client.IsALPNConnUpgradeRequired(t.Context(), plain.Addr(), true) {
		t.Error("the proxy itself negotiates teleport-reversetunnel, but the client sees a load balancer")
	}
	if !client.IsALPNConnUpgradeRequired(t.Context(), behind.Addr(), true) {
		t.Error("the client does not see the load balancer")
	}
	status, _, _ := get(t, behind, "/webapi/connectionupgrade")
	if status != 404 {
		t.Errorf("connectionupgrade: status %d, want 404", status)
	}
}

// A real proxy hands h2 to its web server, whatever the SNI: only the ALPN name reaches the Auth Service.
func TestAuthNeedsItsALPNName(t *testing.T) {
	t.Parallel()
	for _, direct := range []bool{false, true} {
		c := teleporttest.New(t, teleporttest.Options{DirectAuth: direct})
		config := &tls.Config{
			MinVersion: tls.VersionTLS12, ServerName: constants.APIDomain, NextProtos: []string{"h2"},
			InsecureSkipVerify: true,
		}
		conn, err := (&tls.Dialer{Config: config}).DialContext(t.Context(), "tcp", c.Addr())
		if err != nil {
			t.Fatal(err)
		}
		secure, ok := conn.(*tls.Conn)
		if !ok {
			t.Fatalf("a TLS dialer made a %T", conn)
		}
		leaf := secure.ConnectionState().PeerCertificates[0]
		if got := leaf.VerifyHostname(constants.APIDomain) == nil; got != direct {
			t.Errorf("DirectAuth %v: the certificate is the Auth Service's: %v", direct, got)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestFindWithRealClient(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{PublicName: "proxy.example.com", FIPS: true, AgentVersion: "18.1.9"})
	for _, call := range []func(*webclient.Config) (*webclient.PingResponse, error){webclient.Find, webclient.Ping} {
		answer, err := call(&webclient.Config{Context: t.Context(), ProxyAddr: c.Addr(), Pool: c.WebCAs()})
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := strings.Cut(c.Addr(), ":")
		if answer.ClusterName != clusterName || answer.ServerVersion != "18.2.0" || answer.MinClientVersion != "17.0.0" ||
			answer.Proxy.SSH.PublicAddr != "proxy.example.com:"+port || !answer.FIPS || answer.AutoUpdate.AgentVersion != "18.1.9" ||
			answer.Auth.SignatureAlgorithmSuite != types.SignatureAlgorithmSuite_SIGNATURE_ALGORITHM_SUITE_FIPS_V1 {
			t.Errorf("unexpected answer: %+v", answer)
		}
	}
	if _, err := webclient.Find(&webclient.Config{Context: t.Context(), ProxyAddr: c.Addr()}); err == nil ||
		!strings.Contains(err.Error(), "certificate signed by unknown authority") {
		t.Errorf("without the web CA: %v", err)
	}
}

func TestRejectOldClients(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{Version: "21.0.0", RejectOldClients: true})
	_, err := clientAs(t, c, "admin").Ping(withTimeout(t))
	if !trace.IsAccessDenied(err) || err.Error() != "client version is unsupported" {
		t.Errorf("Ping of a 19 client at a 21 server: %v", err)
	}
	near := teleporttest.New(t, teleporttest.Options{Version: "20.0.0", RejectOldClients: true})
	if _, err := clientAs(t, near, "admin").Ping(withTimeout(t)); err != nil {
		t.Errorf("Ping of a 19 client at a 20 server: %v", err)
	}
}

// joinService dials proto.JoinService on the proxy as tbot does, without a client certificate.
func joinService(t *testing.T, c *teleporttest.Cluster) *client.JoinServiceClient {
	t.Helper()
	conn, err := grpc.NewClient(c.Addr(),
		grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{
			MinVersion: tls.VersionTLS12, RootCAs: c.WebCAs(), NextProtos: []string{"teleport-proxy-grpc", "h2"},
		})),
		grpc.WithChainUnaryInterceptor(metadata.UnaryClientInterceptor, interceptors.GRPCClientUnaryErrorInterceptor),
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Errorf("closing the connection: %v", err)
		}
	})
	return client.NewJoinServiceClient(proto.NewJoinServiceClient(conn))
}

func TestJoinOverGRPC(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, "kid-1")
	c := teleporttest.New(t, teleporttest.Options{})
	c.PutBot(bot("example", "access"))
	c.PutToken(staticToken("example-bot", issuer.jwks(t)))
	keys := newSubjectKeys(t)
	certs, err := joinService(t, c).RegisterUsingToken(withTimeout(t), keys.request("example-bot", issuer.sign(t, goodClaims(nil))))
	if err != nil {
		t.Fatal(err)
	}
	clt := connect(t, c, botCredentials(t, keys, certs))
	if _, err := clt.Ping(withTimeout(t)); err != nil {
		t.Fatal(err)
	}
	// Joining again over the live identity keeps the instance and counts.
	again, err := clt.RegisterUsingToken(withTimeout(t), keys.request("example-bot", issuer.sign(t, goodClaims(nil))))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(again.TLS, certs.TLS) {
		t.Error("the second join gave the first certificate")
	}
	instances := c.Instances("example")
	if len(instances) != 1 {
		t.Fatalf("%d instances after joining again, want 1", len(instances))
	}
	latest := instances[0].GetStatus().GetLatestAuthentications()
	if len(latest) != 2 || latest[1].GetGeneration() != 2 {
		t.Errorf("authentications: %v", latest)
	}
	_, err = joinService(t, c).RegisterUsingToken(withTimeout(t), keys.request("no-such-token", "x"))
	if !trace.IsAccessDenied(err) || err.Error() != `"" can not join the cluster with role "Bot", token expired or not found` {
		t.Errorf("unknown token: %v", err)
	}
}
