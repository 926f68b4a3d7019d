package tbot_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tbotctl/tbotctl/internal/route/routetest"
	"github.com/tbotctl/tbotctl/internal/tbot"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// Trouble on the way is not Teleport's verdict, whatever answers: it must not end with exit 3.
func TestJoinTroubleIsNoRefusal(t *testing.T) {
	t.Parallel()
	by := newIssuer(t, "kid-1")
	for name, row := range map[string]struct {
		status int
		body   string
		parts  []string
	}{
		"a page":                        {502, "<html><body>Bad Gateway</body></html>", []string{"HTTP 502", "not in Teleport's words"}},
		"a page with a fine status":     {200, "<html><body>Welcome</body></html>", []string{"no certificates"}},
		"nothing":                       {200, "", []string{"no certificates"}},
		"null":                          {200, "null", []string{"no SSH certificate"}},
		"an empty object":               {200, "{}", []string{"no SSH certificate"}},
		"no authority":                  {200, `{"ssh":"YQ==","tls":"YQ=="}`, []string{"no authority"}},
		"certificates that are none":    {200, `{"ssh":"YQ==","tls":"YQ==","tls_ca_certs":["YQ=="]}`, []string{"the TLS certificate", "no PEM"}},
		"forbidden by another server":   {403, `{"message": "blocked by policy"}`, []string{"HTTP 403", "not in Teleport's words"}},
		"the Auth Service is not up":    {504, refuses("all auth servers are down"), []string{"HTTP 504", "all auth servers are down"}},
		"too many requests":             {429, refuses("rate limit exceeded"), []string{"HTTP 429", "rate limit exceeded"}},
		"unavailable":                   {503, refuses("starting"), []string{"HTTP 503", "starting"}},
		"an answer that has no end":     {200, `{"ssh":"` + strings.Repeat("A", 2<<20) + `"}`, []string{"no certificates"}},
		"a redirect in Teleport's form": {307, refuses("moved"), []string{"HTTP 307"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, nil, answer(row.status, row.body))
			token := by.sign(t, nil)
			_, err := tbot.Join(t.Context(), tbot.JoinRequest{
				Cluster: tbot.Cluster{Proxy: s.addr, Name: clusterName, Suite: "balanced-v1", CAs: s.pool}, Token: tokenName, IDToken: token,
			})
			wantTrouble(t, err, row.parts...)
			saysNothingSecret(t, "error", err.Error(), token)
		})
	}
}

func wantTrouble(t *testing.T, err error, parts ...string) {
	t.Helper()
	var refused *tbot.Refused
	if err == nil || errors.As(err, &refused) {
		t.Fatalf("error %v, want one that is no refusal", err)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in the error: %v", part, err)
		}
	}
}

func TestJoinNetworkTrouble(t *testing.T) {
	t.Parallel()
	l := newLab(t, teleporttest.Options{})
	other := newLab(t, teleporttest.Options{})
	notForThisName := newSite(t, nil, answer(200, "{}"))
	for name, row := range map[string]struct {
		change func(*tbot.Cluster)
		parts  []string
	}{
		"closed port":           {func(c *tbot.Cluster) { c.Proxy = routetest.ClosedPort(t) }, []string{"connection refused"}},
		"name does not exist":   {func(c *tbot.Cluster) { c.Proxy = "proxy.invalid:443" }, []string{"proxy.invalid"}},
		"no port":               {func(c *tbot.Cluster) { c.Proxy = "localhost" }, []string{"the proxy's address"}},
		"hangs up":              {func(c *tbot.Cluster) { c.Proxy = routetest.Port(t, hangUp) }, []string{"EOF"}},
		"certificate untrusted": {func(c *tbot.Cluster) { c.CAs = nil }, []string{"certificate signed by unknown authority"}},
		"another authority":     {func(c *tbot.Cluster) { c.CAs = other.WebCAs() }, []string{"certificate signed by unknown authority"}},
		"another name": {
			func(c *tbot.Cluster) {
				c.Proxy = strings.Replace(notForThisName.addr, "127.0.0.1", "localhost", 1)
				c.CAs = notForThisName.pool
			},
			[]string{"certificate is valid for"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := l.request(t)
			row.change(&request.Cluster)
			_, err := tbot.Join(t.Context(), request)
			wantTrouble(t, err, row.parts...)
			saysNothingSecret(t, "error", err.Error(), request.IDToken)
		})
	}
	t.Run("insecure accepts any certificate", func(t *testing.T) {
		t.Parallel()
		for _, l := range []lab{l, newLab(t, teleporttest.Options{BehindL7LB: true})} {
			request := l.request(t)
			request.Cluster.CAs, request.Cluster.Insecure = nil, true
			if _, err := tbot.Join(t.Context(), request); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestJoinSilentPort(t *testing.T) {
	t.Parallel()
	request := newLab(t, teleporttest.Options{}).request(t)
	request.Cluster.Proxy = routetest.Port(t, routetest.Silent)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	started := time.Now()
	_, err := tbot.Join(ctx, request)
	wantTrouble(t, err, "connecting to "+request.Cluster.Proxy)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("out of time: %v", err)
	}
	if took := time.Since(started); took > 5*time.Second {
		t.Errorf("gave up after %v", took)
	}
}

// The id token goes to the proxy that was named and to nobody else.
func TestJoinFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		elsewhere := newSite(t, nil, answer(200, "{}"))
		s := newSite(t, nil, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://"+elsewhere.addr+r.URL.Path, status)
		})
		request := newLab(t, teleporttest.Options{}).request(t)
		// Both sites have the same certificate of net/http/httptest: only the rule keeps the request from going on.
		request.Cluster.Proxy, request.Cluster.CAs = s.addr, s.pool
		_, err := tbot.Join(t.Context(), request)
		wantTrouble(t, err, "HTTP 30")
		if here, there := len(s.joins()), len(elsewhere.joins()); here != 1 || there != 0 {
			t.Errorf("status %d: %d joins here, %d elsewhere", status, here, there)
		}
	}
}

// What stands in front of a proxy may speak HTTP/2, HTTP/1.1, or refuse the handshake for a protocol that it does not know.
func TestJoinFallsBackToHTTP(t *testing.T) {
	t.Parallel()
	l := newLab(t, teleporttest.Options{})
	for name, change := range map[string]func(*tls.Config){
		"refuses unknown protocols": func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} },
		"speaks HTTP/2":             func(c *tls.Config) { c.NextProtos = []string{"h2", "http/1.1"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			front := newHTTPProxy(t, l.Cluster, change)
			request := l.request(t)
			request.Cluster.Proxy, request.Cluster.CAs = front.addr, front.pool
			identity, err := tbot.Join(t.Context(), request)
			if err != nil {
				t.Fatal(err)
			}
			if identity.Via != "HTTP host/credentials" {
				t.Errorf("joined via %q", identity.Via)
			}
		})
	}
}
