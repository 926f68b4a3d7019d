package main

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/gravitational/trace"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// ground is what all tries share: the control plane, the program and a token of an administrator, because a client certificate
// does not pass a proxy that ends TLS.
type ground struct {
	plane   *testkit.ControlPlane
	binary  string
	token   string
	backend *url.URL
	through http.RoundTripper
}

func newGround(ctx context.Context, plane *testkit.ControlPlane, binary string) (*ground, error) {
	g := &ground{plane: plane, binary: binary}
	client := plane.Client()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "faults", Namespace: "default"}}
	if _, err := client.CoreV1().ServiceAccounts("default").Create(ctx, account, metav1.CreateOptions{}); err != nil {
		return nil, err
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "faults"},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Name: "faults", Namespace: "default"}},
		RoleRef:    rbacv1.RoleRef{APIGroup: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: "cluster-admin"},
	}
	if _, err := client.RbacV1().ClusterRoleBindings().Create(ctx, binding, metav1.CreateOptions{}); err != nil {
		return nil, err
	}
	hours := int64(3 * 3600)
	granted, err := client.CoreV1().ServiceAccounts("default").CreateToken(ctx, "faults", &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &hours},
	}, metav1.CreateOptions{})
	if err != nil {
		return nil, err
	}
	g.token = granted.Status.Token
	config := plane.RESTConfig()
	if g.backend, err = url.Parse(config.Host); err != nil {
		return nil, err
	}
	anonymous := rest.AnonymousClientConfig(config)
	g.through, err = rest.TransportFor(anonymous)
	return g, err
}

// kubernetes puts an injector before the API server and writes a kubeconfig that leads through it.
func (g *ground) kubernetes(dir string, i *injector) (path string, stop func(), err error) {
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(g.backend) },
		Transport: g.through, ErrorLog: log.New(io.Discard, "", 0),
	}
	server := httptest.NewUnstartedServer(i.wrap(proxy))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	server.StartTLS()
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	ca := filepath.Join(dir, "api-ca.pem")
	path = filepath.Join(dir, "kubeconfig")
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: %q, certificate-authority: %q}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
users: [{name: u, user: {token: %q}}]
`, server.URL, ca, g.token)
	err = errors.Join(os.WriteFile(ca, authority, 0o600), os.WriteFile(path, []byte(text), 0o600))
	return path, func() { server.CloseClientConnections(); server.Close() }, err
}

// teleport starts a test cluster in which one request goes wrong. Its one port carries TLS to its very end, so faults are made
// where the cluster is about to serve.
func (g *ground) teleport(dir string, i *injector) (*teleporttest.Cluster, error) {
	cluster, err := teleporttest.Start(teleporttest.Options{Before: func(ctx context.Context, _ teleporttest.Request) error {
		switch i.next() {
		case limited:
			return trace.LimitExceeded("too many requests, try again in a second")
		case broken:
			return trace.Errorf("an internal error")
		case stall:
			select {
			case <-time.After(stalled):
			case <-ctx.Done():
			}
			return trace.ConnectionProblem(nil, "stalled")
		case reset, truncated:
			return trace.ConnectionProblem(nil, "connection reset by peer")
		case interrupt, terminate, kill:
			// The injector itself strikes; the request is served.
		}
		return nil
	}})
	if err != nil {
		return nil, err
	}
	identity, err := cluster.IdentityFile("admin", time.Hour)
	err = errors.Join(err, os.WriteFile(filepath.Join(dir, "admin.identity"), identity, 0o600), os.WriteFile(filepath.Join(dir, "web-ca.pem"), cluster.WebCAPEM(), 0o600))
	return cluster, err
}
