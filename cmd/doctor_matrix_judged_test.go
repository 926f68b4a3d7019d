package cmd_test

import (
	"context"
	"slices"
	"testing"

	teleporttypes "github.com/gravitational/teleport/api/types"
	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/yaml"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// rotating is a setup on EKS, of which there is none here: its join token holds a copy of the cluster's keys; mended, it names the issuer.
func rotating(t *testing.T, mended bool) *checks.Facts {
	t.Helper()
	const (
		name = "https://oidc.eks.eu-central-1.amazonaws.com/id/5F3A"
		kid  = "5b0924f6f83c719514987954cf66683b370f7e79"
		jwks = `{"keys":[{"kty":"EC","use":"sig","alg":"ES256","kid":"` + kid + `","crv":"P-256",` +
			`"x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}`
	)
	keys, _, err := issuer.ParseJWKS(jwks)
	if err != nil {
		t.Fatal(err)
	}
	token := &teleporttypes.ProvisionTokenV2{
		Metadata: teleporttypes.Metadata{Name: "door"},
		Spec: teleporttypes.ProvisionTokenSpecV2{
			Roles: teleporttypes.SystemRoles{teleporttypes.RoleBot}, BotName: "robot", JoinMethod: teleporttypes.JoinMethodKubernetes,
			Kubernetes: &teleporttypes.ProvisionTokenSpecV2Kubernetes{
				Type: teleporttypes.KubernetesJoinTypeStaticJWKS, Allow: []*teleporttypes.ProvisionTokenSpecV2Kubernetes_Rule{{ServiceAccount: "machines:tbot"}},
				StaticJWKS: &teleporttypes.ProvisionTokenSpecV2Kubernetes_StaticJWKSConfig{JWKS: jwks},
			},
		},
	}
	if mended {
		token.Spec.Kubernetes.Type, token.Spec.Kubernetes.StaticJWKS = teleporttypes.KubernetesJoinTypeOIDC, nil
		token.Spec.Kubernetes.OIDC = &teleporttypes.ProvisionTokenSpecV2Kubernetes_OIDCConfig{Issuer: name}
	}
	deployment, text := guideMade(t)
	config, problem := tbotconfig.Inspect([]byte(text))
	return &checks.Facts{
		Issuer: func(context.Context) (issuer.Cluster, error) { return issuer.Cluster{Issuer: name, Keys: keys}, nil },
		Public: func(context.Context) (issuer.PublicResult, error) {
			return issuer.PublicResult{Issuer: name, Reachable: true, Keys: keys}, nil
		},
		Proxy: func(context.Context) (checks.Proxy, error) {
			return checks.Proxy{ClusterName: "lab.example.com", Version: "18.2.0"}, nil
		},
		Live: &checks.Live{
			Workload: checks.Workload{Deployment: deployment, ConfigMap: "tbot-config", Key: "tbot.yaml", Text: text, Config: config, Problem: problem},
			Token:    func(context.Context) (*teleporttypes.ProvisionTokenV2, error) { return token, nil },
			May: func(_ context.Context, asked []checks.Access) []checks.Verdict {
				return slices.Repeat([]checks.Verdict{{Allowed: true}}, len(asked))
			},
		},
	}
}

// guideMade is a Deployment as the guides make it, with its tbot.yaml.
func guideMade(t *testing.T) (*appsv1.Deployment, string) {
	t.Helper()
	deployment := new(appsv1.Deployment)
	err := yaml.UnmarshalStrict([]byte(`
metadata: {name: tbot, namespace: machines}
spec:
  replicas: 1
  strategy: {type: Recreate}
  template:
    spec:
      serviceAccountName: tbot
      containers:
      - name: tbot
        image: public.ecr.aws/gravitational/tbot-distroless:18.2.0
        args: [start, -c, /config/tbot.yaml, --diag-addr=0.0.0.0:3001]
        env:
        - {name: POD_NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
        - {name: KUBERNETES_TOKEN_PATH, value: /var/run/secrets/tokens/join-sa-token}
        livenessProbe: {httpGet: {path: /livez, port: 3001}}
        readinessProbe: {httpGet: {path: /readyz, port: 3001}}
        volumeMounts:
        - {name: config, mountPath: /config}
        - {name: join-token, mountPath: /var/run/secrets/tokens}
      volumes:
      - {name: config, configMap: {name: tbot-config}}
      - name: join-token
        projected:
          sources:
          - serviceAccountToken: {path: join-sa-token, expirationSeconds: 600, audience: lab.example.com}
`), deployment)
	if err != nil {
		t.Fatal(err)
	}
	return deployment, `version: v2
proxy_server: lab.example.com:443
onboarding: {join_method: kubernetes, token: door}
storage: {type: memory}
outputs:
- type: identity
  destination: {type: kubernetes_secret, name: tbot-out}
`
}
