package teleporttest_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/gravitational/teleport/api/client"
	"github.com/gravitational/teleport/api/client/proto"
	headerv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/header/v1"
	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/types"
	"golang.org/x/crypto/ssh"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

const clusterName = "lab.example.com"

// issuer signs service account tokens as a Kubernetes API server does.
type issuer struct {
	key *ecdsa.PrivateKey
	kid string
}

func newIssuer(t *testing.T, kid string) issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return issuer{key: key, kid: kid}
}

func (i issuer) jwks(t *testing.T) string {
	t.Helper()
	out, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{
		Key: i.key.Public(), KeyID: i.kid, Algorithm: "ES256", Use: "sig",
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func (i issuer) sign(t *testing.T, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{
		Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: i.key, KeyID: i.kid},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// goodClaims are those of a projected token of service account default:tbot, bound to a pod, for ten minutes. A nil
// value in with removes a claim.
func goodClaims(with map[string]any) map[string]any {
	now := time.Now()
	claims := map[string]any{
		"iss": "https://kubernetes.example.com",
		"sub": "system:serviceaccount:default:tbot",
		"aud": []string{clusterName},
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(10 * time.Minute).Unix(),
		"jti": "4326fbb7-ad60-4c5e-83f5-06062f04429b",
		"kubernetes.io": map[string]any{
			"namespace":      "default",
			"pod":            map[string]string{"name": "probe", "uid": "99915076-5730-4824-80d8-37441d46af16"},
			"serviceaccount": map[string]string{"name": "tbot", "uid": "49789db3-b781-4bae-a3f5-94689567300a"},
		},
	}
	for k, v := range with {
		if v == nil {
			delete(claims, k)
			continue
		}
		claims[k] = v
	}
	return claims
}

// subjectKeys is the key of a joining bot in the forms that a request carries.
type subjectKeys struct {
	key      *ecdsa.PrivateKey
	tls, ssh []byte
}

func newSubjectKeys(t *testing.T) subjectKeys {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	public, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return subjectKeys{
		key: key,
		tls: pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}),
		ssh: ssh.MarshalAuthorizedKey(public),
	}
}

// pem is the private key.
func (k subjectKeys) pem(t *testing.T) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(k.key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func (k subjectKeys) request(token, idToken string) *types.RegisterUsingTokenRequest {
	return &types.RegisterUsingTokenRequest{
		Role: types.RoleBot, Token: token, IDToken: idToken, PublicTLSKey: k.tls, PublicSSHKey: k.ssh,
	}
}

// kubernetesToken is a join token for bot "example" that admits default:tbot.
func kubernetesToken(name string, change func(*types.ProvisionTokenV2)) *types.ProvisionTokenV2 {
	token := &types.ProvisionTokenV2{
		Kind: types.KindToken, Version: types.V2,
		Metadata: types.Metadata{Name: name},
		Spec: types.ProvisionTokenSpecV2{
			Roles:      []types.SystemRole{types.RoleBot},
			BotName:    "example",
			JoinMethod: types.JoinMethodKubernetes,
			Kubernetes: &types.ProvisionTokenSpecV2Kubernetes{
				Type:  types.KubernetesJoinTypeInCluster,
				Allow: []*types.ProvisionTokenSpecV2Kubernetes_Rule{{ServiceAccount: "default:tbot"}},
			},
		},
	}
	if change != nil {
		change(token)
	}
	return token
}

func staticToken(name, jwks string) *types.ProvisionTokenV2 {
	return kubernetesToken(name, func(t *types.ProvisionTokenV2) {
		t.Spec.Kubernetes.Type = types.KubernetesJoinTypeStaticJWKS
		t.Spec.Kubernetes.StaticJWKS = &types.ProvisionTokenSpecV2Kubernetes_StaticJWKSConfig{JWKS: jwks}
	})
}

func bot(name string, roles ...string) *machineidv1.Bot {
	return &machineidv1.Bot{
		Kind: types.KindBot, Version: types.V1,
		Metadata: &headerv1.Metadata{Name: name},
		Spec:     &machineidv1.BotSpec{Roles: roles},
	}
}

// webClient trusts the proxy's web CA and nothing else.
func webClient(c *teleporttest.Cluster) *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.WebCAs()}}}
}

func get(t *testing.T, c *teleporttest.Cluster, path string) (status int, body []byte, header http.Header) {
	t.Helper()
	return do(t, c, http.MethodGet, path, nil)
}

func do(t *testing.T, c *teleporttest.Cluster, method, path string, body []byte) (int, []byte, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "https://"+c.Addr()+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	web := webClient(c)
	defer web.CloseIdleConnections()
	resp, err := web.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // a body that was read
	out, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, out, resp.Header
}

func joinOverHTTP(t *testing.T, c *teleporttest.Cluster, req *types.RegisterUsingTokenRequest) (int, []byte) {
	t.Helper()
	body, err := json.Marshal(req)
	if err != nil {
		t.Fatal(err)
	}
	status, out, _ := do(t, c, http.MethodPost, "/v1/webapi/host/credentials", body)
	return status, out
}

// clientAs connects the real api client with a user's identity file, over TLS routing.
func clientAs(t *testing.T, c *teleporttest.Cluster, user string) *client.Client {
	t.Helper()
	return connect(t, c, client.LoadIdentityFile(identityFile(t, c, user)))
}

func identityFile(t *testing.T, c *teleporttest.Cluster, user string) string {
	t.Helper()
	content, err := c.IdentityFile(user, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "identity")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func connect(t *testing.T, c *teleporttest.Cluster, creds client.Credentials) *client.Client {
	t.Helper()
	clt, err := client.New(t.Context(), client.Config{
		Addrs:                      []string{c.Addr()},
		Credentials:                []client.Credentials{creds},
		ALPNSNIAuthDialClusterName: c.ClusterName(),
		DialInBackground:           true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := clt.Close(); err != nil {
			t.Errorf("closing the client: %v", err)
		}
	})
	return clt
}

// botCredentials are what a bot has after a join.
func botCredentials(t *testing.T, keys subjectKeys, certs *proto.Certs) client.Credentials {
	t.Helper()
	creds, err := client.KeyPair(certs.TLS, keys.pem(t), bytes.Join(certs.TLSCACerts, nil))
	if err != nil {
		t.Fatal(err)
	}
	return creds
}

// withTimeout bounds a call that could wait for a connection for ever.
func withTimeout(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}
