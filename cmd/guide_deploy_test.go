package cmd_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/gravitational/teleport/api/types"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// lives reads one object of the bench's namespace as kubectl shows it.
func lives[T any](t *testing.T, b *bench, kind, name string) (object T) {
	t.Helper()
	text, stderr, err := b.plane.Kubectl(t.Context(), nil, "--namespace", b.namespace, "get", kind, name, "-o", "json")
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", kind, name, err, stderr)
	}
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		t.Fatalf("%s %s: %v", kind, name, err)
	}
	return object
}

// TestGuideDeploy reaches the end of Teleport's two guides for tbot on Kubernetes, the one with a static key set and the one with
// OIDC, by one command and by the wizard: a running tbot that keeps an identity in a Secret. What it holds each of them to are the
// guides' own traps (field-notes 5), by their numbers; a Teleport cluster that is not called as its proxy is (3) is what every bench has.
func TestGuideDeploy(t *testing.T) {
	t.Parallel()
	for guide, row := range map[string]struct {
		flavour testkit.Flavour
		join    types.KubernetesJoinType
	}{
		"static_jwks": {testkit.SelfManaged, types.KubernetesJoinTypeStaticJWKS},
		"oidc":        {testkit.CloudLike, types.KubernetesJoinTypeOIDC},
	} {
		for way, reach := range map[string]func(t *testing.T, b *bench) outcome{
			"by flags": func(t *testing.T, b *bench) outcome { t.Helper(); return b.run(t, b.initArgs()...) },
			"by the wizard": func(t *testing.T, b *bench) outcome {
				t.Helper()
				return b.guide(t, prompt.NewScript(t, b.answers(prompt.Answer("yes", "apply"), prompt.Answer("yes", "finish"))...))
			},
		} {
			t.Run(guide+" "+way, func(t *testing.T) {
				t.Parallel()
				b := newBench(t, row.flavour, teleporttest.Options{})
				b.play(t)
				reach(t, b).want(t, 0)
				b.standsAsTheGuideWants(t, row.join)
			})
		}
	}
}

func (b *bench) standsAsTheGuideWants(t *testing.T, join types.KubernetesJoinType) {
	t.Helper()
	deployment := lives[appsv1.Deployment](t, b, "deployment", "tbot")
	config, err := tbotconfig.Decode([]byte(lives[corev1.ConfigMap](t, b, "configmap", "tbot-config").Data["tbot.yaml"]))
	if err != nil {
		t.Fatal(err)
	}
	stored, found := b.teleport.Token(config.Onboarding.Token)
	if !found {
		t.Fatalf("trap 1: tbot.yaml names the join token %q, which is not there", config.Onboarding.Token)
	}
	token, ok := stored.(*types.ProvisionTokenV2)
	if !ok {
		t.Fatalf("the join token is a %T", stored)
	}
	bot, found := b.teleport.Bot(token.Spec.BotName)
	if !found {
		t.Fatalf("trap 2: the join token names the bot %q, which is not there", token.Spec.BotName)
	}
	if config.Storage.Type != tbotconfig.DestinationMemory {
		t.Errorf("trap 33: tbot keeps its own state in %s", config.Storage)
	}
	pod := deployment.Spec.Template.Spec
	b.tokenAsTheGuideWants(t, token, join, pod.ServiceAccountName)
	b.podAsTheGuideWants(t, deployment)

	secret := config.Secrets()
	if len(bot.GetSpec().GetRoles()) == 0 || !slices.Equal(secret, []string{"tbot-output"}) {
		t.Errorf("trap 15: the bot has the roles %v, and the output writes %v", bot.GetSpec().GetRoles(), secret)
	}
	if files := lives[corev1.Secret](t, b, "secret", "tbot-output").Data; len(files["identity"]) == 0 {
		t.Error("the Secret that consumers mount holds no identity")
	}
	rules := lives[rbacv1.Role](t, b, "role", "tbot-output").Rules
	for _, rule := range rules {
		if slices.Contains(rule.Verbs, "*") || !slices.Equal(rule.ResourceNames, []string{"tbot-output"}) {
			t.Errorf("trap 12: the Role allows %v on %v", rule.Verbs, rule.ResourceNames)
		}
	}
	for _, subject := range lives[rbacv1.RoleBinding](t, b, "rolebinding", "tbot-output").Subjects {
		if subject.Namespace != b.namespace {
			t.Errorf("trap 13: the subject's namespace is %q", subject.Namespace)
		}
	}
}

func (b *bench) tokenAsTheGuideWants(t *testing.T, token *types.ProvisionTokenV2, join types.KubernetesJoinType, account string) {
	t.Helper()
	kubernetes := token.Spec.Kubernetes
	if kubernetes == nil || kubernetes.Type != join {
		t.Fatalf("trap 27: the join token's type is %+v, want %s", kubernetes, join)
	}
	switch join {
	case types.KubernetesJoinTypeStaticJWKS:
		keys, _, err := issuer.ParseJWKS(kubernetes.StaticJWKS.JWKS)
		if err != nil {
			t.Fatalf("trap 4: the key set is none: %v", err)
		}
		if signer := b.signer(t); !keys.Has(signer) {
			t.Errorf("trap 6: the cluster signs with key %q, and the join token has %q", signer, keys.IDs())
		}
	case types.KubernetesJoinTypeOIDC:
		if kubernetes.OIDC.Issuer != b.plane.Issuer() {
			t.Errorf("trap 7: the issuer is %q, and the cluster says %q", kubernetes.OIDC.Issuer, b.plane.Issuer())
		}
	}
	if len(kubernetes.Allow) != 1 || kubernetes.Allow[0].ServiceAccount != b.namespace+":"+account {
		t.Errorf("trap 14: the allow rules are %+v", kubernetes.Allow)
	}
	if token.Metadata.Expires != nil {
		t.Errorf("trap 26: the join token expires %v", token.Metadata.Expires)
	}
}

// signer is the key that signs a token of this moment, by the token's own header.
func (b *bench) signer(t *testing.T) string {
	t.Helper()
	granted, err := b.plane.Client().CoreV1().ServiceAccounts(b.namespace).CreateToken(t.Context(), "default", &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	claims, err := issuer.TokenClaims(spec.NewSecret(granted.Status.Token))
	if err != nil {
		t.Fatal(err)
	}
	return claims.KeyID
}

func (b *bench) podAsTheGuideWants(t *testing.T, deployment appsv1.Deployment) {
	t.Helper()
	pod := deployment.Spec.Template.Spec
	container := pod.Containers[0]
	if !strings.HasSuffix(container.Image, ":18.2.0") {
		t.Errorf("trap 11: image %s is no release of the server", container.Image)
	}
	env := map[string]string{}
	for _, variable := range container.Env {
		env[variable.Name] = variable.Value
	}
	var projected *corev1.ServiceAccountTokenProjection
	for _, volume := range pod.Volumes {
		if volume.Projected != nil {
			projected = volume.Projected.Sources[0].ServiceAccountToken
		}
	}
	switch {
	case projected == nil:
		t.Error("no token is projected")
	case projected.Audience != b.teleport.ClusterName() || strings.Contains(b.teleport.Addr(), projected.Audience):
		t.Errorf("trap 3: the audience is %q", projected.Audience)
	case *projected.ExpirationSeconds != 600 || !strings.HasSuffix(env["KUBERNETES_TOKEN_PATH"], "/"+projected.Path):
		t.Errorf("trap 32: %d s at %s, and tbot reads %s", *projected.ExpirationSeconds, projected.Path, env["KUBERNETES_TOKEN_PATH"])
	}
	if *deployment.Spec.Replicas != 1 || deployment.Spec.Strategy.Type != appsv1.RecreateDeploymentStrategyType ||
		container.SecurityContext == nil || container.ReadinessProbe == nil || len(container.Resources.Requests) == 0 {
		t.Error("trap 31: two tbots could run at once, or nothing limits or watches the pod")
	}
	if value, on := env["TELEPORT_ANONYMOUS_TELEMETRY"]; on && value != "0" {
		t.Errorf("trap 34: telemetry is %q", value)
	}
}
