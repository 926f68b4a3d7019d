package tbot_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	headerv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/header/v1"
	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbot"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

const (
	clusterName = "lab.example.com"
	tokenName   = "example-bot"
)

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

// sign makes a projected token of service account default:tbot, bound to a pod, for ten minutes, with some claims changed.
func (i issuer) sign(t *testing.T, with map[string]any) spec.Secret {
	t.Helper()
	now := time.Now()
	claims := map[string]any{
		"iss": "https://kubernetes.example.com",
		"sub": "system:serviceaccount:default:tbot",
		"aud": []string{clusterName},
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(10 * time.Minute).Unix(),
		"kubernetes.io": map[string]any{
			"namespace":      "default",
			"pod":            map[string]string{"name": "probe", "uid": "99915076-5730-4824-80d8-37441d46af16"},
			"serviceaccount": map[string]string{"name": "tbot", "uid": "49789db3-b781-4bae-a3f5-94689567300a"},
		},
	}
	for claim, value := range with {
		claims[claim] = value
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: i.key, KeyID: i.kid}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return spec.NewSecret(out)
}

// staticToken is a join token for bot "example" that admits default:tbot by the keys of an issuer.
func staticToken(t *testing.T, by issuer) *types.ProvisionTokenV2 {
	t.Helper()
	return &types.ProvisionTokenV2{
		Kind: types.KindToken, Version: types.V2,
		Metadata: types.Metadata{Name: tokenName},
		Spec: types.ProvisionTokenSpecV2{
			Roles:      []types.SystemRole{types.RoleBot},
			BotName:    "example",
			JoinMethod: types.JoinMethodKubernetes,
			Kubernetes: &types.ProvisionTokenSpecV2Kubernetes{
				Type:       types.KubernetesJoinTypeStaticJWKS,
				Allow:      []*types.ProvisionTokenSpecV2Kubernetes_Rule{{ServiceAccount: "default:tbot"}},
				StaticJWKS: &types.ProvisionTokenSpecV2Kubernetes_StaticJWKSConfig{JWKS: by.jwks(t)},
			},
		},
	}
}

func bot(name string, roles ...string) *machineidv1.Bot {
	return &machineidv1.Bot{
		Kind: types.KindBot, Version: types.V1,
		Metadata: &headerv1.Metadata{Name: name},
		Spec:     &machineidv1.BotSpec{Roles: roles},
	}
}

// lab is a test cluster with bot "example" and a token that admits what the issuer signs.
type lab struct {
	*teleporttest.Cluster

	issuer  issuer
	cluster tbot.Cluster
}

func newLab(t *testing.T, o teleporttest.Options, roles ...string) lab {
	t.Helper()
	c := teleporttest.New(t, o)
	by := newIssuer(t, "kid-1")
	c.PutBot(bot("example", roles...))
	c.PutToken(staticToken(t, by))
	return lab{Cluster: c, issuer: by, cluster: clusterOf(c, o)}
}

// clusterOf is what a look at the proxy gives; suite and version are those of the options.
func clusterOf(c *teleporttest.Cluster, o teleporttest.Options) tbot.Cluster {
	cluster := tbot.Cluster{Proxy: c.Addr(), Name: c.ClusterName(), Version: o.Version, Suite: "balanced-v1", TLSRouting: true, CAs: c.WebCAs()}
	switch {
	case strings.HasPrefix(o.Version, "16."):
		cluster.Suite = ""
	case o.Suite == types.SignatureAlgorithmSuite_SIGNATURE_ALGORITHM_SUITE_LEGACY:
		cluster.Suite = "legacy"
	}
	return cluster
}

// request is a join that succeeds.
func (l lab) request(t *testing.T) tbot.JoinRequest {
	t.Helper()
	return tbot.JoinRequest{Cluster: l.cluster, Token: tokenName, IDToken: l.issuer.sign(t, nil)}
}

// run is one round of tbot that succeeds, with an output for each destination.
func (l lab) run(t *testing.T, to ...tbotconfig.Destination) tbot.Run {
	t.Helper()
	config := tbotconfig.Config{
		Version: tbotconfig.Version, ProxyServer: l.cluster.Proxy,
		Onboarding: tbotconfig.Onboarding{JoinMethod: tbotconfig.JoinMethodKubernetes, Token: tokenName},
	}
	for _, destination := range to {
		config.Outputs = append(config.Outputs, tbotconfig.NewIdentity(destination))
	}
	return tbot.Run{Config: config, Cluster: l.cluster, IDToken: l.issuer.sign(t, nil)}
}

// methods are the calls that reached the cluster, HTTP and gRPC, by their last words.
func (l lab) methods() []string {
	var out []string
	for _, request := range l.Requests() {
		out = append(out, request.Method[strings.LastIndexByte(request.Method, '/')+1:])
	}
	return out
}

// saysNothingSecret checks a text for key material and for the token's signature.
func saysNothingSecret(t *testing.T, what, text string, token spec.Secret) {
	t.Helper()
	signature := token.Reveal()[strings.LastIndexByte(token.Reveal(), '.')+1:]
	for _, never := range []string{"PRIVATE KEY", "-----BEGIN", signature} {
		if strings.Contains(text, never) {
			t.Errorf("%s: %.20q is in %.300q", what, never, text)
		}
	}
}
