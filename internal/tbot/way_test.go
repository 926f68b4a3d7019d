package tbot_test

import (
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/route/routetest"
	"github.com/tbotctl/tbotctl/internal/tbot"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// Behind a load balancer that ends TLS, the join goes over HTTP and all that follows through the proxy's connection upgrade, with
// the certificate of the load balancer judged by the given authority.
func TestBehindLoadBalancer(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"18.2.0", "17.5.1"} {
		l := newKubeLab(t, teleporttest.Options{Version: version, BehindL7LB: true})
		run := l.runs(t, tbotconfig.NewIdentity(tbotconfig.Memory()), kubernetesV2(tbotconfig.Memory(), named("alpha")))
		result, err := run.Once(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", version, err)
		}
		if result.Identity.Via != "HTTP host/credentials" || !slices.Equal(result.Outputs[1].Clusters, []string{"alpha"}) {
			t.Errorf("%s: joined via %s, reaches %v", version, result.Identity.Via, result.Outputs[1].Clusters)
		}
		if notes := result.Outputs[1].Notes; len(notes) != 1 || !strings.Contains(notes[0], "`tbot proxy kube`") || len(result.Outputs[0].Notes) > 0 {
			t.Errorf("%s: noted %v", version, notes)
		}
		// tbot refuses to make Secrets that Argo CD could not use (teleport-facts 6.5).
		run.Config.Outputs = []tbotconfig.Output{argoCD(named("alpha"))}
		if _, err := run.Once(t.Context()); !errors.Is(err, tbot.ErrTLSEnded) || !strings.Contains(err.Error(), l.Addr()) {
			t.Errorf("%s: Argo CD: %v", version, err)
		}
	}
	l := newLab(t, teleporttest.Options{BehindL7LB: true})
	identity, err := tbot.Join(t.Context(), l.request(t))
	if err != nil {
		t.Fatal(err)
	}
	identity.Cluster.CAs = newLab(t, teleporttest.Options{}).WebCAs()
	if _, err := tbot.Open(t.Context(), identity); err == nil || !strings.Contains(err.Error(), "certificate signed by unknown authority") {
		t.Errorf("a load balancer that is not trusted: %v", err)
	}
	identity.Cluster.CAs, identity.Cluster.Insecure = nil, true
	session, err := tbot.Open(t.Context(), identity)
	if err != nil {
		t.Fatalf("insecure: %v", err)
	}
	if err := session.Close(); err != nil {
		t.Error(err)
	}
}

// Where no tunnel leads through the load balancer, that is said at once, with what it answered.
func TestNoTunnel(t *testing.T) {
	t.Parallel()
	closed := newLab(t, teleporttest.Options{BehindL7LB: true, NoConnectionUpgrade: true}, "access")
	run := closed.run(t, tbotconfig.Memory())
	result, err := run.Once(t.Context())
	if !errors.Is(err, tbot.ErrNoTunnel) || !strings.Contains(err.Error(), "HTTP 404") || result.Identity == nil || len(result.Outputs) != 0 {
		t.Errorf("without the upgrade: %v beside %v", err, result)
	}
	saysNothingSecret(t, "error", err.Error(), run.IDToken)

	l := newLab(t, teleporttest.Options{})
	identity, err := tbot.Join(t.Context(), l.request(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		handler http.HandlerFunc
		part    string
	}{
		"a load balancer without websockets": {answer(400, "no websockets here"), "HTTP 400; the load balancer has to pass websockets on"},
		"a page":                             {answer(200, "<html>Welcome</html>"), "HTTP 200"},
		"nothing":                            {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
		"another protocol": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Upgrade", "something")
			w.Header().Set("Connection", "Upgrade")
			w.WriteHeader(101)
		}, tbot.ErrNoTunnel.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			balancer := newSite(t, nil, row.handler)
			elsewhere := *identity
			elsewhere.Cluster.Proxy, elsewhere.Cluster.CAs = balancer.addr, balancer.pool
			_, err := tbot.Open(t.Context(), &elsewhere)
			if !errors.Is(err, tbot.ErrNoTunnel) || !strings.Contains(err.Error(), row.part) {
				t.Errorf("error %v, want one about %q", err, row.part)
			}
		})
	}
}

// Every connection goes through HTTPS_PROXY: the join over gRPC and over HTTP, the question for a load balancer, the Auth Service and
// the connection upgrade. The name of the cluster's proxy is known to that proxy alone.
func TestHTTPSProxy(t *testing.T) {
	const name = "proxy.example.invalid"
	for _, row := range []struct {
		about   string
		options teleporttest.Options
		via     string
	}{
		{"over gRPC", teleporttest.Options{}, "gRPC RegisterUsingToken"},
		{"over HTTP", teleporttest.Options{BehindL7LB: true}, "HTTP host/credentials"},
	} {
		row.options.PublicName = name
		l := newKubeLab(t, row.options)
		_, port, err := net.SplitHostPort(l.Addr())
		if err != nil {
			t.Fatal(err)
		}
		proxy := routetest.NewHTTPProxy(t, l.Addr())
		t.Setenv("HTTPS_PROXY", "http://"+proxy.Addr)
		t.Setenv("NO_PROXY", "")
		run := l.runs(t, tbotconfig.NewIdentity(tbotconfig.Directory(t.TempDir())), kubernetesV2(tbotconfig.Memory(), named("alpha")))
		run.Cluster.Proxy = net.JoinHostPort(name, port)
		result, err := run.Once(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", row.about, err)
		}
		if result.Identity.Via != row.via {
			t.Errorf("%s: joined via %s", row.about, result.Identity.Via)
		}
		asked := proxy.Asked()
		if len(asked) < 4 || slices.ContainsFunc(asked, func(host string) bool { return host != run.Cluster.Proxy }) {
			t.Errorf("%s: the proxy was asked for %v", row.about, asked)
		}
		t.Setenv("NO_PROXY", name)
		if _, err := tbot.Join(t.Context(), tbot.JoinRequest{Cluster: run.Cluster, Token: tokenName, IDToken: run.IDToken}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: past the proxy, a name that nobody knows: %v", row.about, err)
		}
		if asked := proxy.Asked(); len(asked) > 0 {
			t.Errorf("%s: with NO_PROXY the proxy was asked for %v", row.about, asked)
		}
	}
}
