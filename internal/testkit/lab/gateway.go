package lab

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

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/tbotctl/tbotctl/internal/testkit"
)

// Gateway is a way to a plane's API server on which each request can be seen, held up or spoiled. It ends TLS, so whoever comes
// through logs in with an administrator's token: a client certificate does not pass. Teleport has no such gateway, for its one
// port carries TLS to its very end; teleporttest.Options.Before does the same there.
type Gateway struct {
	backend *url.URL
	through http.RoundTripper
	token   string
}

// GatewayContext is the one context of a gateway's kubeconfig.
const GatewayContext = "gateway"

// gatewayToken is how long the administrator's token lives, in seconds: longer than any run of tests.
const gatewayToken = int64(3 * 3600)

// NewGateway makes the administrator that Open's kubeconfigs log in as.
func NewGateway(ctx context.Context, plane *testkit.ControlPlane) (*Gateway, error) {
	const namespace = "default"
	accounts := plane.Client().CoreV1().ServiceAccounts(namespace)
	account, err := accounts.Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{GenerateName: "gateway-"}}, metav1.CreateOptions{})
	if err != nil {
		return nil, err
	}
	_, err = plane.Client().RbacV1().ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: account.Name},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Name: account.Name, Namespace: namespace}},
		RoleRef:    rbacv1.RoleRef{APIGroup: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: "cluster-admin"},
	}, metav1.CreateOptions{})
	if err != nil {
		return nil, err
	}
	seconds := gatewayToken
	granted, err := accounts.CreateToken(ctx, account.Name, &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds},
	}, metav1.CreateOptions{})
	if err != nil {
		return nil, err
	}
	config := plane.RESTConfig()
	backend, err := url.Parse(config.Host)
	if err != nil {
		return nil, err
	}
	through, err := rest.TransportFor(rest.AnonymousClientConfig(config))
	return &Gateway{backend: backend, through: through, token: granted.Status.Token}, err
}

// Open listens, and writes into dir the kubeconfig that leads through. Each request passes what wrap makes of the handler that
// carries it on; there is one connection a request in flight (HTTP/1.1), so that a handler may cut its own.
func (g *Gateway) Open(dir string, wrap func(http.Handler) http.Handler) (kubeconfig string, closeIt func(), err error) {
	quiet := log.New(io.Discard, "", 0)
	server := httptest.NewUnstartedServer(wrap(&httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(g.backend) },
		Transport: g.through, ErrorLog: quiet,
	}))
	server.Config.ErrorLog = quiet
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	server.StartTLS()
	ca := filepath.Join(dir, "gateway-ca.pem")
	kubeconfig = filepath.Join(dir, "gateway-kubeconfig")
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: %q, certificate-authority: %q}}]
contexts: [{name: %s, context: {cluster: c, user: u}}]
users: [{name: u, user: {token: %q}}]
`, server.URL, ca, GatewayContext, g.token)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	closeIt = func() { server.CloseClientConnections(); server.Close() }
	if err := errors.Join(os.WriteFile(ca, authority, 0o600), os.WriteFile(kubeconfig, []byte(text), 0o600)); err != nil {
		closeIt()
		return "", nil, err
	}
	return kubeconfig, closeIt, nil
}
