package kube_test

import (
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

// A write that is tried as the pod's service account meets the service account's rights, whoever the user is.
func TestWith(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	token, err := admin(t).Token(t.Context(), kube.TokenRequest{Namespace: namespace, ServiceAccount: "default", Lifetime: 10 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	for name, user := range map[string]*kube.Cluster{
		"an administrator's certificate": admin(t),
		"an administrator's --as":        connect(t, kube.Options{Kubeconfig: server(t).KubeconfigFile(), As: "nobody"}),
	} {
		pod, err := user.With(token)
		if err != nil {
			t.Fatal(err)
		}
		if pod.Host() != user.Host() || pod.Context() != user.Context() {
			t.Errorf("%s: it is %s at %s, want the same cluster", name, pod.Context(), pod.Host())
		}
		err = pod.Secrets(true).WriteSecret(t.Context(), namespace, "out", "", nil, nil)
		wantError(t, err, kube.Forbidden, `User "system:serviceaccount:`+namespace+`:default" cannot patch resource "secrets"`)
		if _, err := pod.SecretMetadata(t.Context(), namespace, "out"); !kube.Is(err, kube.Forbidden) {
			t.Errorf("%s: %v, want kind Forbidden", name, err)
		}
		if _, known := pod.Now(); !known {
			t.Errorf("%s: the API server's clock is not known after an answer", name)
		}
	}
	stranger, err := admin(t).With(spec.NewSecret(secretWord))
	if err != nil {
		t.Fatal(err)
	}
	_, err = stranger.ServiceAccount(t.Context(), namespace, "default")
	wantError(t, err, kube.Login)
	if strings.Contains(err.Error(), secretWord) {
		t.Errorf("the error holds the token: %v", err)
	}
}

func TestWithFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(elsewhere.Close)
	gateway := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusFound))
	t.Cleanup(gateway.Close)
	cluster := connect(t, kube.Options{Kubeconfig: kubeconfig(t, "gateway", api.Cluster{Server: gateway.URL}, api.AuthInfo{})})
	pod, err := cluster.With(spec.NewSecret(secretWord))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pod.ServiceAccount(t.Context(), "machines", "default"); err == nil {
		t.Error("a redirect was taken for an answer")
	}
	if asked.Load() != 0 {
		t.Error("the token was carried elsewhere")
	}
}
