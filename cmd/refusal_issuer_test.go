package cmd_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/testkit"
)

// The ways of an Auth Service to an issuer that this machine reads without trouble.

// dialling reaches issuers by a dialer of its own, with the system's roots.
func dialling(timeout time.Duration, dial func(ctx context.Context, network, address string) (net.Conn, error)) func(*testing.T, *testkit.ControlPlane) *http.Client {
	return func(t *testing.T, _ *testkit.ControlPlane) *http.Client {
		t.Helper()
		transport := &http.Transport{DialContext: dial}
		t.Cleanup(transport.CloseIdleConnections)
		return &http.Client{Transport: transport, Timeout: timeout}
	}
}

// untrusting reaches the issuer and trusts the system's roots alone.
func untrusting(t *testing.T, plane *testkit.ControlPlane) *http.Client {
	t.Helper()
	transport := plane.NewIssuerServer(t).Transport()
	transport.TLSClientConfig.RootCAs = nil
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// altered reaches an issuer that answers the Auth Service otherwise than us.
func altered(hook func(honest http.Handler) http.Handler) func(*testing.T, *testkit.ControlPlane) *http.Client {
	return func(t *testing.T, plane *testkit.ControlPlane) *http.Client {
		t.Helper()
		server := plane.NewIssuerServer(t)
		server.SetHandlerHook(hook)
		transport := server.Transport()
		t.Cleanup(transport.CloseIdleConnections)
		return &http.Client{Transport: transport}
	}
}

func answering(code int, body string) func(http.Handler) http.Handler {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			_, _ = w.Write([]byte(body))
		})
	}
}

// keysAlone alters the key set and leaves the document honest.
func keysAlone(code int, body string) func(http.Handler) http.Handler {
	return func(honest http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/openid-configuration") {
				honest.ServeHTTP(w, r)
				return
			}
			answering(code, body)(nil).ServeHTTP(w, r)
		})
	}
}

// renamed makes the document name another issuer.
func renamed(issuer string) func(http.Handler) http.Handler {
	return func(honest http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			recorded := httptest.NewRecorder()
			honest.ServeHTTP(recorded, r)
			var document map[string]any
			if err := json.Unmarshal(recorded.Body.Bytes(), &document); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			document["issuer"] = issuer
			_ = json.NewEncoder(w).Encode(document)
		})
	}
}

func naming(change func(issuer string) string) func(*bench) {
	return token(func(t *types.ProvisionTokenV2) {
		t.Spec.Kubernetes.OIDC.Issuer = change(t.Spec.Kubernetes.OIDC.Issuer)
	})
}

// TestRefusedByTheIssuer holds P03 and P11 to P13, P16: this machine reads the issuer, and the Auth Service does not, or otherwise.
func TestRefusedByTheIssuer(t *testing.T) {
	t.Parallel()
	static := []string{"--join-type", "static_jwks"}
	const discovery = "Discovery has failed"
	closed := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:1")
	}
	nowhere := func(_ context.Context, _, address string) (net.Conn, error) {
		return nil, &net.DNSError{Err: "no such host", Name: address, IsNotFound: true}
	}
	silent := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, fmt.Errorf("dialing: %w", ctx.Err())
	}
	const elsewhere = "https://elsewhere.example.com"
	rows := map[string]refusedRun{
		"DNS":              {oidc: dialling(0, nowhere), words: discovery, seen: "DNS does not know the host"},
		"refused":          {oidc: dialling(0, closed), words: discovery, seen: "refuses the connection"},
		"no answer":        {oidc: dialling(100*time.Millisecond, silent), words: discovery, seen: "in time"},
		"private CA":       {oidc: untrusting, words: discovery, seen: "authority that the Auth Service does not trust", fix: "system trust store of the Auth Service"},
		"credentials":      {oidc: altered(answering(401, "Unauthorized")), words: discovery, seen: "HTTP 401", fix: "--group=system:unauthenticated"},
		"forbidden":        {oidc: altered(answering(403, "forbidden")), words: discovery, seen: "HTTP 403", fix: "--clusterrole=system:service-account-issuer-discovery"},
		"not found":        {oidc: altered(answering(404, "no page")), words: discovery, seen: "HTTP 404"},
		"a page of HTML":   {oidc: altered(answering(200, "<html>log in</html>")), words: discovery, seen: "not JSON"},
		"keys unreachable": {oidc: altered(keysAlone(503, "busy")), words: "failed to get keys", seen: "/keys"},
		"keys of another cluster": {
			oidc: altered(keysAlone(200, published(t, testkit.Shared(t, testkit.SelfManaged)))), words: "no possible keys matches",
			cause: "does not see the keys that the issuer publishes now", seen: `this machine found "`, expected: "which signed the service account token", fix: "in some minutes",
		},
		"another issuer in the document": {
			oidc: altered(renamed(elsewhere)), words: "issuer does not match",
			cause: "document names another issuer", seen: "names another issuer", expected: "the `iss` of the service account token",
		},
	}
	for name, row := range rows {
		row.again = static
		if row.cause == "" {
			row.cause = "cannot read the cluster's issuer"
		}
		if row.expected == "" {
			row.expected = "from this machine it is read"
		}
		if row.fix == "" {
			row.fix = "--join-type static_jwks"
		}
		row.flavour = testkit.CloudLike
		rows[name] = row
	}
	rows["a slash at the end"] = refusedRun{
		flavour: testkit.CloudLike, atJoin: naming(func(issuer string) string { return issuer + "/" }), words: "issuer does not match",
		cause: "a slash at the end", seen: `/"`, expected: "the `iss` of the service account token", fix: "writes the issuer as the cluster's tokens have it",
	}
	rows["another issuer in the join token"] = refusedRun{
		flavour: testkit.CloudLike, oidc: func(t *testing.T, plane *testkit.ControlPlane) *http.Client {
			t.Helper()
			return elsewhereToo(t, plane, elsewhere)
		}, atJoin: naming(func(string) string { return elsewhere }), words: "issuer does not match: Expected: " + elsewhere,
		cause: "not byte for byte", seen: `"` + elsewhere + `"`, expected: "the `iss` of the service account token", fix: "writes the issuer as the cluster's tokens have it",
	}
	refusals(t, rows)
}

// elsewhereToo reaches the plane's issuer, and a second one that names itself elsewhere and has the same keys.
func elsewhereToo(t *testing.T, plane *testkit.ControlPlane, elsewhere string) *http.Client {
	t.Helper()
	honest := plane.NewIssuerServer(t).Transport()
	t.Cleanup(honest.CloseIdleConnections)
	return &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if "https://"+r.URL.Host != elsewhere {
			return honest.RoundTrip(r)
		}
		recorded := httptest.NewRecorder()
		_ = json.NewEncoder(recorded).Encode(map[string]string{"issuer": elsewhere, "jwks_uri": plane.Issuer() + "/keys"})
		answer := recorded.Result()
		answer.Request = r
		return answer, nil
	})}
}

// roundTrip answers in place of a network.
type roundTrip func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
