package kube_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/spec"
)

const (
	versionPath   = "/version"
	discoveryPath = "/.well-known/openid-configuration"
	keysPath      = "/openid/v1/jwks"
)

func TestRawGivesTheServersStatus(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	nobody := connect(t, kube.Options{Kubeconfig: server(t).KubeconfigFor(t, "nobody-"+namespace)})
	loggedOut := loginTo(t, api.AuthInfo{Token: secretWord})
	for name, row := range map[string]struct {
		cluster *kube.Cluster
		path    string
		status  int
		body    string
	}{
		"version":                 {admin(t), versionPath, http.StatusOK, `"gitVersion": "v1.`},
		"discovery":               {admin(t), discoveryPath, http.StatusOK, server(t).Issuer()},
		"no such path":            {admin(t), "/nothing/here", http.StatusNotFound, ""},
		"discovery without right": {nobody, discoveryPath, http.StatusForbidden, `cannot get path`},
		"without a login":         {loggedOut, discoveryPath, http.StatusUnauthorized, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, body, err := row.cluster.Raw(t.Context(), row.path)
			if err != nil || status != row.status || !strings.Contains(string(body), row.body) {
				t.Errorf("status %d, error %v, body %s; want %d with %q", status, err, body, row.status, row.body)
			}
		})
	}
}

// A service account may read the keys that its user may not (system:service-account-issuer-discovery is bound to
// system:serviceaccounts), and its token takes the place of the user's credentials.
func TestRawAs(t *testing.T) {
	t.Parallel()
	token, err := admin(t).Token(t.Context(), kube.TokenRequest{Namespace: server(t).Namespace(t), ServiceAccount: "default", Lifetime: 10 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	cluster := connect(t, kube.Options{Kubeconfig: server(t).KubeconfigFor(t, "nobody-"+server(t).Namespace(t))})
	if status, body, err := cluster.RawAs(t.Context(), token, keysPath); err != nil || status != http.StatusOK || !strings.Contains(string(body), `"kid"`) {
		t.Errorf("status %d, error %v, body %s; want the keys", status, err, body)
	}
	if status, _, err := admin(t).RawAs(t.Context(), spec.NewSecret(secretWord), versionPath); err != nil || status != http.StatusUnauthorized {
		t.Errorf("status %d, error %v; want 401: an administrator's certificate must not stand in for a bad token", status, err)
	}
	admins := connect(t, kube.Options{Kubeconfig: server(t).KubeconfigFile(), As: "nobody"})
	if status, _, err := admins.RawAs(t.Context(), token, keysPath); err != nil || status != http.StatusOK {
		t.Errorf("status %d, error %v; want 200: the user's --as is not the service account's", status, err)
	}
}

func TestRawBoundsTheAnswer(t *testing.T) {
	t.Parallel()
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(bytes.Repeat([]byte("x"), 2<<20))
	}))
	t.Cleanup(endless.Close)
	cluster := connect(t, kube.Options{Kubeconfig: kubeconfig(t, "endless", api.Cluster{Server: endless.URL}, api.AuthInfo{})})
	_, body, err := cluster.Raw(t.Context(), versionPath)
	if err == nil || !strings.Contains(err.Error(), "larger than 1 MiB") || body != nil {
		t.Errorf("%d bytes, error %v; want an error about the size and no body", len(body), err)
	}
}

// What answers in front of an API server may be a login page; the user's token is not for whoever it points at.
func TestRawFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(elsewhere.Close)
	gateway := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusFound))
	t.Cleanup(gateway.Close)
	cluster := connect(t, kube.Options{Kubeconfig: kubeconfig(t, "gateway", api.Cluster{Server: gateway.URL}, api.AuthInfo{Token: secretWord})})
	if status, _, err := cluster.Raw(t.Context(), versionPath); err != nil || status != http.StatusFound {
		t.Errorf("status %d, error %v; want 302", status, err)
	}
	if _, err := cluster.ServerVersion(t.Context()); err == nil || !strings.Contains(err.Error(), "HTTP 302") {
		t.Errorf("error %v, want one that names the status", err)
	}
	if asked.Load() != 0 {
		t.Error("the user's token was carried elsewhere")
	}
}

func TestServerVersion(t *testing.T) {
	t.Parallel()
	if version, err := admin(t).ServerVersion(t.Context()); err != nil || version != "v1.36.3" {
		t.Errorf("version %q, error %v; want v1.36.3", version, err)
	}
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }))
	t.Cleanup(page.Close)
	cluster := connect(t, kube.Options{Kubeconfig: kubeconfig(t, "page", api.Cluster{Server: page.URL + "/behind/a/path"}, api.AuthInfo{})})
	_, err := cluster.ServerVersion(t.Context())
	wantError(t, err, kube.Other, "reading /version", "not JSON")
}
