package kube_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/tbotctl/tbotctl/internal/kube"
)

func TestRefusalsOfTheAPIServer(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	restrict(t, namespace)
	full := server(t).Namespace(t)
	quota := &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Name: "none"},
		Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("0")}},
	}
	if _, err := server(t).Client().CoreV1().ResourceQuotas(full).Create(t.Context(), quota, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	settings := configMap(namespace, "settings", map[string]any{"colour": "blue"})
	if _, _, err := server(t).Kubectl(t.Context(), nil, "-n", namespace, "create", "configmap", "settings", "--from-literal=colour=red"); err != nil {
		t.Fatal(err)
	}
	nobody := connect(t, kube.Options{Kubeconfig: server(t).KubeconfigFor(t, "nobody-"+namespace)})
	loggedOut := loginTo(t, api.AuthInfo{Token: secretWord})

	for name, row := range map[string]struct {
		call func(ctx context.Context) error
		kind kube.Kind
		want []string
	}{
		"a token that is not accepted": {
			func(ctx context.Context) error { _, err := loggedOut.Read(ctx, settings); return err },
			kube.Login,
			[]string{"reading ConfigMap " + namespace + "/settings", "does not accept the login"},
		},
		"a token that is not accepted, for the version": {
			func(ctx context.Context) error { _, err := loggedOut.ServerVersion(ctx); return err },
			kube.Login,
			[]string{"reading /version", "does not accept the login", "401"},
		},
		"a right that is missing": {
			func(ctx context.Context) error { _, err := nobody.Read(ctx, settings); return err },
			kube.Forbidden,
			[]string{`User "nobody-` + namespace, `cannot get resource "configmaps"`},
		},
		"a right that is missing, for a write": {
			func(ctx context.Context) error { _, err := nobody.Apply(ctx, settings, false); return err },
			kube.Forbidden,
			[]string{"applying ConfigMap", `cannot patch resource "configmaps"`},
		},
		"a right that is missing, to impersonate": {
			func(ctx context.Context) error {
				_, err := connect(t, kube.Options{Kubeconfig: server(t).KubeconfigFor(t, "nobody-"+namespace), As: "admin"}).Read(ctx, settings)
				return err
			},
			kube.Forbidden,
			[]string{"cannot impersonate"},
		},
		"rights that nobody may give away who has none": {
			func(ctx context.Context) error {
				role := object("rbac.authorization.k8s.io/v1", "Role", namespace, "too-much")
				role.Object["rules"] = []any{map[string]any{"apiGroups": []any{"*"}, "resources": []any{"*"}, "verbs": []any{"*"}}}
				_, err := roleWriter(t, namespace).Apply(ctx, role, false)
				return err
			},
			kube.Forbidden,
			[]string{"attempting to grant RBAC permissions not currently held"},
		},
		"Pod Security": {
			func(ctx context.Context) error {
				_, err := admin(t).CreatePod(ctx, pod(namespace, "rude", nil))
				return err
			},
			kube.Refused,
			[]string{"making pod " + namespace + "/rude", `violates PodSecurity "restricted`},
		},
		"a quota": {
			func(ctx context.Context) error { _, err := admin(t).CreatePod(ctx, pod(full, "late", nil)); return err },
			kube.Refused,
			[]string{"exceeded quota: none"},
		},
		"nothing of that name": {
			func(ctx context.Context) error {
				_, err := admin(t).ServiceAccountUID(ctx, namespace, "nobody")
				return err
			},
			kube.NotFound,
			[]string{"reading ServiceAccount " + namespace + "/nobody", "not found"},
		},
		"no such namespace": {
			func(ctx context.Context) error { _, err := admin(t).NamespaceUID(ctx, "nowhere"); return err },
			kube.NotFound,
			[]string{"reading namespace nowhere"},
		},
		"a field of another manager": {
			func(ctx context.Context) error { _, err := admin(t).Apply(ctx, settings, false); return err },
			kube.Conflict,
			[]string{"applying ConfigMap", `conflict with "kubectl-create"`, ".data.colour"},
		},
		"a name that is taken": {
			func(ctx context.Context) error {
				again := pod("default", "twin-"+namespace, nil)
				if _, err := admin(t).CreatePod(ctx, again); err != nil {
					return err
				}
				defer func() { _, _, _ = server(t).Kubectl(t.Context(), nil, "delete", "pod", again.Name, "--wait=false") }()
				_, err := admin(t).CreatePod(ctx, again)
				return err
			},
			kube.Conflict,
			[]string{"already exists"},
		},
		"an object that breaks the rules": {
			func(ctx context.Context) error {
				_, err := admin(t).Apply(ctx, configMap(namespace, "Not_A_Name", nil), false)
				return err
			},
			kube.Invalid,
			[]string{"Not_A_Name", "Invalid value"},
		},
		"a kind that we do not make": {
			func(ctx context.Context) error {
				_, err := admin(t).Apply(ctx, object("example.com/v1", "Gadget", namespace, "gadget"), true)
				return err
			},
			kube.Other,
			[]string{"tbotctl does not know objects of kind", "Gadget"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantError(t, row.call(t.Context()), row.kind, row.want...)
		})
	}
}

// roleWriter may write roles and nothing else.
func roleWriter(t *testing.T, namespace string) *kube.Cluster {
	t.Helper()
	user := "role-writer-" + namespace
	for _, args := range [][]string{
		{"create", "role", "role-writer", "--verb=get,create,patch", "--resource=roles"},
		{"create", "rolebinding", "role-writer", "--role=role-writer", "--user=" + user},
	} {
		if _, _, err := server(t).Kubectl(t.Context(), nil, append([]string{"-n", namespace}, args...)...); err != nil {
			t.Fatal(err)
		}
	}
	return connect(t, kube.Options{Kubeconfig: server(t).KubeconfigFor(t, user)})
}

func wantError(t *testing.T, err error, kind kube.Kind, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	var e *kube.Error
	switch {
	case errors.As(err, &e) && e.Kind != kind:
		t.Errorf("kind %d, want %d: %v", e.Kind, kind, err)
	case !errors.As(err, &e) && kind != kube.Other:
		t.Errorf("not an Error of this package: %v", err)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not say %q: %v", part, err)
		}
	}
	if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, secretWord) {
		t.Errorf("the error holds a secret: %s", text)
	}
}

func TestCredentialPlugins(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		exec api.ExecConfig
		want string
	}{
		"fails":            {api.ExecConfig{Command: "/bin/sh", Args: []string{"-c", "exit 7"}}, "exit code 7"},
		"is not installed": {api.ExecConfig{Command: "tbotctl-no-such-plugin"}, "tbotctl-no-such-plugin not found"},
		"gives no JSON":    {api.ExecConfig{Command: "/bin/sh", Args: []string{"-c", "echo " + secretWord}}, "getting credentials"},
		"gives a token that is refused": {
			api.ExecConfig{Command: "/bin/sh", Args: []string{"-c", `echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"` + secretWord + `"}}'`}},
			"does not accept the login",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			row.exec.APIVersion = "client.authentication.k8s.io/v1"
			row.exec.InteractiveMode = api.NeverExecInteractiveMode
			cluster := loginTo(t, api.AuthInfo{Exec: &row.exec})
			_, err := cluster.ServerVersion(t.Context())
			wantError(t, err, kube.Login, row.want)
			_, err = cluster.Read(t.Context(), configMap("default", "settings", nil))
			wantError(t, err, kube.Login, row.want)
		})
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	config := server(t).RESTConfig()
	for name, row := range map[string]struct {
		cluster api.Cluster
		timeout time.Duration
		want    string
	}{
		"nobody listens":              {api.Cluster{Server: "https://" + closedPort(t)}, 0, "connection refused"},
		"nobody answers":              {api.Cluster{Server: "https://" + silentPort(t)}, 200 * time.Millisecond, "exceeded"},
		"no such name":                {api.Cluster{Server: "https://api.invalid"}, 0, "api.invalid"},
		"a certificate of nobody's":   {api.Cluster{Server: config.Host}, 0, "x509"},
		"a certificate for elsewhere": {api.Cluster{Server: config.Host, CertificateAuthorityData: config.CAData, TLSServerName: "elsewhere.example.com"}, 0, "elsewhere.example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := connect(t, kube.Options{
				Kubeconfig: kubeconfig(t, "away", row.cluster, api.AuthInfo{Token: secretWord}), RequestTimeout: row.timeout,
			})
			start := time.Now()
			_, err := cluster.ServerVersion(t.Context())
			if waited := time.Since(start); waited > 15*time.Second {
				t.Errorf("the answer took %s: --request-timeout does not count", waited)
			}
			wantError(t, err, kube.Unreachable, row.want, "the API server cannot be reached")
			_, err = cluster.Read(t.Context(), configMap("default", "settings", nil))
			wantError(t, err, kube.Unreachable, row.want, "reading ConfigMap default/settings")
		})
	}
}

// A gateway in front of the API server ends the handshake itself where it does not take the client's certificate.
func TestClientCertificateRefusedInTheHandshake(t *testing.T) {
	t.Parallel()
	gateway := httptest.NewUnstartedServer(http.NotFoundHandler())
	gateway.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	gateway.Config.ErrorLog = quiet()
	gateway.StartTLS()
	t.Cleanup(gateway.Close)
	admin := server(t).RESTConfig()
	for name, user := range map[string]api.AuthInfo{
		"none":         {},
		"of elsewhere": {ClientCertificateData: admin.CertData, ClientKeyData: admin.KeyData},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := connect(t, kube.Options{Kubeconfig: kubeconfig(t, "gateway", api.Cluster{Server: gateway.URL, InsecureSkipTLSVerify: true}, user)})
			_, err := cluster.ServerVersion(t.Context())
			wantError(t, err, kube.Login, "tls:")
		})
	}
}

func TestCancelledIsNotUnreachable(t *testing.T) {
	t.Parallel()
	cluster := connect(t, kube.Options{Kubeconfig: kubeconfig(t, "away", api.Cluster{Server: "https://" + silentPort(t)}, api.AuthInfo{})})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := cluster.ServerVersion(ctx)
	wantError(t, err, kube.Other)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's own within", err)
	}
}

// An overloaded API server answers 503 or 504 itself, and a proxy in front of it does so in words of its own.
func TestUnavailable(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]metav1.Status{
		"503": {Code: http.StatusServiceUnavailable, Reason: metav1.StatusReasonServiceUnavailable, Message: "apiserver is shutting down"},
		"504": {Code: http.StatusGatewayTimeout, Reason: metav1.StatusReasonTimeout, Message: "request did not complete"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}
			status.Status = metav1.StatusFailure
			busy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(int(status.Code))
				if err := json.NewEncoder(w).Encode(status); err != nil {
					t.Error(err)
				}
			}))
			t.Cleanup(busy.Close)
			cluster := connect(t, kube.Options{Kubeconfig: kubeconfig(t, "busy", api.Cluster{Server: busy.URL}, api.AuthInfo{})})
			_, err := cluster.Read(t.Context(), configMap("default", "settings", nil))
			wantError(t, err, kube.Unreachable, status.Message)
		})
	}
}

// closedPort is an address of this machine where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	listener := listen(t)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	return listener.Addr().String()
}

// silentPort is an address of this machine where connections are taken and never answered.
func silentPort(t *testing.T) string {
	t.Helper()
	listener := listen(t)
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}
