package checks

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	headerv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/header/v1"
	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/types"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

const (
	labIssuer = "https://issuer.example.com/lab"
	labYAML   = `version: v2
proxy_server: teleport.example.com:443
onboarding:
  join_method: kubernetes
  token: door
storage:
  type: memory
outputs:
  - type: identity
    destination:
      type: kubernetes_secret
      name: tbot-out
`
)

// joining is a workload as the guides and tbotctl make it; text is its tbot.yaml.
func joining(t *testing.T, text string) Workload {
	t.Helper()
	config, problem := tbotconfig.Inspect([]byte(text))
	seconds := int64(600)
	return Workload{
		Deployment: &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Namespace: "machines", Name: "tbot"},
			Spec: appsv1.DeploymentSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
				ServiceAccountName: "tbot",
				Containers: []corev1.Container{{
					Name: "tbot", Image: "public.ecr.aws/gravitational/tbot-distroless:18.2.0",
					Env: []corev1.EnvVar{
						{Name: "KUBERNETES_TOKEN_PATH", Value: "/var/run/secrets/tokens/join-sa-token"},
						{Name: "POD_NAMESPACE", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.namespace"}}},
					},
					VolumeMounts: []corev1.VolumeMount{{Name: "join-sa-token", MountPath: "/var/run/secrets/tokens"}},
				}},
				Volumes: []corev1.Volume{{Name: "join-sa-token", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
					Sources: []corev1.VolumeProjection{{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{
						Path: "join-sa-token", ExpirationSeconds: &seconds, Audience: "lab.example.com",
					}}},
				}}}},
			}}},
		},
		ConfigMap: "tbot-config", Key: "tbot.yaml", Text: text, Config: config, Problem: problem,
	}
}

// labKeys are fresh keys with these kids.
func labKeys(t *testing.T, kids ...string) issuer.Keys {
	t.Helper()
	var keys issuer.Keys
	for _, kid := range kids {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, jose.JSONWebKey{Key: key.Public(), KeyID: kid, Algorithm: "ES256", Use: "sig"})
	}
	return keys
}

func jwksOf(t *testing.T, keys issuer.Keys) string {
	t.Helper()
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// door is a sound join token of type static_jwks.
func door(t *testing.T, keys issuer.Keys) *types.ProvisionTokenV2 {
	t.Helper()
	return &types.ProvisionTokenV2{
		Kind: types.KindToken, Version: types.V2, Metadata: types.Metadata{Name: "door", Labels: map[string]string{"team": "it's ours"}},
		Spec: types.ProvisionTokenSpecV2{
			Roles: types.SystemRoles{types.RoleBot}, BotName: "robot", JoinMethod: types.JoinMethodKubernetes,
			Kubernetes: &types.ProvisionTokenSpecV2Kubernetes{
				Type:       types.KubernetesJoinTypeStaticJWKS,
				StaticJWKS: &types.ProvisionTokenSpecV2Kubernetes_StaticJWKSConfig{JWKS: jwksOf(t, keys)},
				Allow:      []*types.ProvisionTokenSpecV2Kubernetes_Rule{{ServiceAccount: "machines:tbot"}},
			},
		},
	}
}

// ofType makes the token one of another type.
func ofType(token *types.ProvisionTokenV2, kind types.KubernetesJoinType, name string) *types.ProvisionTokenV2 {
	token.Spec.Kubernetes.Type, token.Spec.Kubernetes.StaticJWKS = kind, nil
	if kind == types.KubernetesJoinTypeOIDC {
		token.Spec.Kubernetes.OIDC = &types.ProvisionTokenSpecV2Kubernetes_OIDCConfig{Issuer: name}
	}
	return token
}

func robot(roles ...string) *machineidv1.Bot {
	return &machineidv1.Bot{Kind: types.KindBot, Version: types.V1, Metadata: &headerv1.Metadata{Name: "robot"}, Spec: &machineidv1.BotSpec{Roles: roles}}
}

// teleportSide is a sound setup as far as Teleport sees it; rows break one thing each.
type teleportSide struct {
	workload  Workload
	token     *types.ProvisionTokenV2
	names     []string
	bot       *machineidv1.Bot
	roles     []types.Role
	lock      string
	joins     []JoinEvent
	logs      []Log
	entry     Entry
	touch     bool
	proxy     Proxy
	cluster   issuer.Cluster
	public    issuer.PublicResult
	forbidden map[string]bool
}

func labNow() time.Time { return time.Now().UTC().Truncate(time.Second) }

func soundSide(t *testing.T) *teleportSide {
	t.Helper()
	keys := labKeys(t, "key-now")
	return &teleportSide{
		workload: joining(t, labYAML), token: door(t, keys), bot: robot("access"), roles: []types.Role{&types.RoleV6{Metadata: types.Metadata{Name: "access"}}},
		joins:   []JoinEvent{{Time: labNow().Add(-5 * time.Minute), Success: true, Bot: "robot", Token: "door", Method: "kubernetes", ServiceAccount: "machines/tbot"}},
		logs:    []Log{{Pod: "tbot-1", Lines: []string{"INFO [TBOT] Fetched new bot identity. tbot/tbot.go:1", "INFO [TBOT] Generated output. tbot/tbot.go:2"}}},
		entry:   Entry{PublicAddr: "teleport.example.com:443"},
		proxy:   Proxy{ClusterName: "lab.example.com", Version: "18.2.0"},
		cluster: issuer.Cluster{Issuer: labIssuer, Keys: keys},
		public:  issuer.PublicResult{Reachable: true, Issuer: labIssuer, Keys: keys, SeenFrom: "this machine"},
	}
}

func just[T any](value T) func(context.Context) (T, error) {
	return func(context.Context) (T, error) { return value, nil }
}

func (s *teleportSide) facts() *Facts {
	setup := spec.Default()
	setup.Kubernetes.Context = "lab"
	return &Facts{
		Setup: setup, Proxy: just(s.proxy), Issuer: just(s.cluster), Public: just(s.public),
		Login:       just(Login{User: "ann", Now: labNow()}),
		TeleportMay: s.may,
		Live: &Live{
			Workload: s.workload, Token: just(s.token), TokenNames: just(s.names), Bot: just(s.bot), BotRoles: just(s.roles), Lock: just(s.lock),
			Joins: just(s.joins), Logs: just(s.logs), Entry: just(s.entry), TouchWanted: just(s.touch),
			Instance: just[*machineidv1.BotInstance](nil),
		},
	}
}

func (s *teleportSide) may(_ context.Context, asked []TeleportAccess) ([]Verdict, error) {
	verdicts := make([]Verdict, len(asked))
	for i, access := range asked {
		verdicts[i].Allowed = !s.forbidden[access.Verb+" "+access.Kind]
	}
	return verdicts, nil
}

// teleportSideChecks are the checks of this side, in the order of the catalogue.
func teleportSideChecks() []Check {
	var all []Check
	for _, group := range [][]Check{liveIssuerChecks(), liveTeleportChecks(), liveTokenChecks(), liveJoinChecks(), auditChecks()} {
		all = append(all, group...)
	}
	return all
}

// wrote runs the command of a fix with a tctl that keeps what it is given, and reads that as a join token.
func wrote(t *testing.T, fix string) *types.ProvisionTokenV2 {
	t.Helper()
	dir := t.TempDir()
	kept := filepath.Join(dir, "kept.json")
	script := "#!/bin/sh\n[ \"$1\" = create ] || exit 9\ncat >'" + kept + "'\n"
	if err := os.WriteFile(filepath.Join(dir, "tctl"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	command, _, _ := strings.Cut(fix, ", with ")
	run := exec.CommandContext(t.Context(), "sh", "-c", command)
	run.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s\n%s", err, out, command)
	}
	text, err := os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	token := &types.ProvisionTokenV2{}
	if err := json.Unmarshal(text, token); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if err := token.CheckAndSetDefaults(); err != nil {
		t.Fatalf("Teleport would refuse it: %v: %s", err, text)
	}
	return token
}

var errForbiddenLook = errors.New("a look that is forbidden")
