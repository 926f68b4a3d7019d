package checks

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// running is a Deployment of one image with one tbot.yaml, as the official guide has it.
func running(t *testing.T, tag, audience, config string) Workload {
	t.Helper()
	read, err := tbotconfig.Inspect([]byte(config))
	if err != nil {
		t.Fatalf("the tbot.yaml of the test: %v", err)
	}
	expiration := int64(600)
	return Workload{
		Deployment: &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Namespace: "machines", Name: "tbot"},
			Spec: appsv1.DeploymentSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
				Containers: []corev1.Container{{
					Name: "tbot", Image: "public.ecr.aws/gravitational/tbot-distroless:" + tag,
					Env:          []corev1.EnvVar{{Name: "KUBERNETES_TOKEN_PATH", Value: "/var/run/secrets/tokens/join-sa-token"}},
					VolumeMounts: []corev1.VolumeMount{{Name: "join-sa-token", MountPath: "/var/run/secrets/tokens"}},
				}},
				Volumes: []corev1.Volume{{Name: "join-sa-token", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{{
					ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "join-sa-token", ExpirationSeconds: &expiration, Audience: audience},
				}}}}}},
			}}},
		},
		ConfigMap: "tbot-config", Key: "tbot.yaml", Text: config, Config: read,
	}
}

const (
	plainConfig = "version: v2\nproxy_server: teleport.example.com:443\nonboarding: {token: t, join_method: kubernetes}\nstorage: {type: memory}\n"
	authConfig  = "version: v2\nauth_server: teleport.example.com:443\nonboarding: {token: t, join_method: kubernetes}\nstorage: {type: memory}\n"
	ownConfig   = "version: v2\nauth_server: auth.example.com:3025\nonboarding: {token: t, join_method: kubernetes}\nstorage: {type: memory}\n"
	rolesConfig = plainConfig + "outputs: [{type: identity, roles: [access], destination: {type: kubernetes_secret, name: out}}]\n"
	v2Config    = plainConfig + "outputs: [{type: kubernetes/v2, disable_exec_plugin: true, selectors: [{name: a}], destination: {type: kubernetes_secret, name: out}}]\n"
	argoConfig  = plainConfig + "services: [{type: kubernetes/argo-cd, selectors: [{name: a}]}]\n"
)

func TestJudgeUpgrade(t *testing.T) {
	t.Parallel()
	const name = "main.example.com"
	for title, row := range map[string]struct {
		tag, audience, config string
		join                  spec.JoinType
		from, to              string
		gate                  ID
		want                  Status
		says                  string
	}{
		"one step":                          {"18.2.0", name, plainConfig, "", "18.2.0", "19.0.0", UpgradeStep, Pass, "from 18.2.0 to 19.0.0"},
		"a patch":                           {"18.2.0", name, plainConfig, "", "18.2.0", "18.4.1", UpgradeStep, Pass, "from 18.2.0"},
		"two steps":                         {"18.2.0", name, plainConfig, "", "17.5.0", "19.0.0", UpgradeStep, Fail, "from 17.5.0 to 19.0.0"},
		"back":                              {"18.2.0", name, plainConfig, "", "18.2.0", "17.7.0", UpgradeStep, Warn, "back to 17.7.0"},
		"from nobody knows where":           {"18.2.0", name, plainConfig, "", "", "19.0.0", UpgradeStep, Skip, "not known"},
		"tbot of the same major version":    {"19.0.1", name, plainConfig, "", "18.2.0", "19.0.0", UpgradeImage, Pass, "tbot 19.0.1"},
		"tbot one behind":                   {"18.2.0", name, plainConfig, "", "18.2.0", "19.0.0", UpgradeImage, Pass, "19 takes and 20 does not"},
		"tbot two behind":                   {"17.5.0", name, plainConfig, "", "18.2.0", "19.0.0", UpgradeImage, Fail, "turns away"},
		"tbot ahead":                        {"18.2.0", name, plainConfig, "", "18.2.0", "17.7.0", UpgradeImage, Fail, "newer than Teleport 17.7.0"},
		"tbot of a digest":                  {"latest", name, plainConfig, "", "18.2.0", "19.0.0", UpgradeImage, Unknown, "no release"},
		"proxy_server":                      {"18.2.0", name, plainConfig, "", "18.2.0", "20.0.0", UpgradeProxy, Pass, "teleport.example.com:443"},
		"a proxy as auth_server, 18 to 19":  {"18.2.0", name, authConfig, "", "18.2.0", "19.0.0", UpgradeProxy, Warn, "one of 19 does not"},
		"a proxy as auth_server, tbot 19":   {"19.0.0", name, authConfig, "", "18.2.0", "19.0.0", UpgradeProxy, Fail, "proxy's address"},
		"a proxy as auth_server, 19 to 20":  {"18.2.0", name, authConfig, "", "19.0.0", "20.0.0", UpgradeProxy, Fail, "proxy's address"},
		"a proxy as auth_server, 17 to 18":  {"17.2.0", name, authConfig, "", "17.2.0", "18.0.0", UpgradeProxy, Pass, "until 19"},
		"an Auth Service as auth_server":    {"19.0.0", name, ownConfig, "", "18.2.0", "19.0.0", UpgradeProxy, Pass, "own address"},
		"roles on an output, 18 to 19":      {"18.2.0", name, rolesConfig, "", "18.2.0", "19.0.0", UpgradeRoles, Warn, `names the roles "access"`},
		"roles on an output, tbot 19":       {"19.0.0", name, rolesConfig, "", "18.2.0", "19.0.0", UpgradeRoles, Fail, `names the roles "access"`},
		"no roles on an output":             {"19.0.0", name, v2Config, "", "18.2.0", "19.0.0", UpgradeRoles, Pass, "none does"},
		"the legacy service in 19":          {"18.2.0", name, plainConfig, "", "18.2.0", "19.0.0", UpgradeJoin, Pass, "has both"},
		"the legacy service in 20":          {"18.4.9", name, plainConfig, "", "19.0.0", "20.0.0", UpgradeJoin, Fail, "legacy service"},
		"the new service in 20":             {"18.5.0", name, plainConfig, "", "19.0.0", "20.0.0", UpgradeJoin, Pass, "by the new one"},
		"oidc in 18.1.5":                    {"18.2.0", name, plainConfig, spec.JoinOIDC, "18.2.0", "18.1.5", UpgradeType, Pass, "oidc"},
		"oidc in 18.1.4":                    {"18.2.0", name, plainConfig, spec.JoinOIDC, "18.2.0", "18.1.4", UpgradeType, Fail, "does not know"},
		"oidc in 17.6.9":                    {"18.2.0", name, plainConfig, spec.JoinOIDC, "18.2.0", "17.6.9", UpgradeType, Fail, "does not know"},
		"oidc in 20":                        {"18.2.0", name, plainConfig, spec.JoinOIDC, "19.2.0", "20.0.0", UpgradeType, Pass, "oidc"},
		"static_jwks in 13":                 {"14.2.0", name, plainConfig, spec.JoinStaticJWKS, "14.2.0", "13.0.0", UpgradeType, Fail, "does not know"},
		"a type that is not known":          {"18.2.0", name, plainConfig, "", "18.2.0", "19.0.0", UpgradeType, Skip, "not known"},
		"kubernetes/v2 in 17.1":             {"17.2.0", name, v2Config, "", "17.2.0", "17.1.9", UpgradeOutputs, Fail, "kubernetes/v2"},
		"kubernetes/v2 in 18":               {"17.2.0", name, v2Config, "", "17.2.0", "18.0.0", UpgradeOutputs, Pass, "1 of 1"},
		"argo-cd in 18.1.6":                 {"18.2.0", name, argoConfig, "", "18.2.0", "18.1.6", UpgradeOutputs, Fail, "a tbot of 18.1.6 does not know"},
		"argo-cd in 18.1.7":                 {"18.2.0", name, argoConfig, "", "18.2.0", "18.1.7", UpgradeOutputs, Pass, "1 of 1"},
		"argo-cd in 17.7.4":                 {"18.2.0", name, argoConfig, "", "18.2.0", "17.7.4", UpgradeOutputs, Pass, "1 of 1"},
		"in_cluster, own audience in 16":    {"17.2.0", name, plainConfig, spec.JoinInCluster, "17.2.0", "16.4.8", UpgradeAudience, Fail, "does not take"},
		"in_cluster, own audience in 17":    {"17.2.0", name, plainConfig, spec.JoinInCluster, "16.5.0", "17.0.3", UpgradeAudience, Pass, name},
		"in_cluster, own audience in 15.4":  {"17.2.0", name, plainConfig, spec.JoinInCluster, "16.5.0", "15.4.9", UpgradeAudience, Unknown, "late patches"},
		"in_cluster, no audience in 16":     {"17.2.0", "", plainConfig, spec.JoinInCluster, "17.2.0", "16.4.8", UpgradeAudience, Pass, "every release"},
		"static_jwks, own audience in 16":   {"17.2.0", name, plainConfig, spec.JoinStaticJWKS, "17.2.0", "16.4.8", UpgradeAudience, Pass, "every release"},
		"a release that cannot be read":     {"17.2.0", name, plainConfig, spec.JoinStaticJWKS, "17.2.0", "next", UpgradeImage, Unknown, `"next"`},
		"a release that is cut short":       {"17.2.0", name, plainConfig, "", "17.2.0", "18", UpgradeStep, Pass, "to 18.0.0"},
		"a release with a leading v":        {"17.2.0", name, plainConfig, "", "v17.2.0", "v18.0.1", UpgradeStep, Pass, "to 18.0.1"},
		"a proxy as auth_server, no tag":    {"latest", name, authConfig, "", "18.2.0", "19.0.0", UpgradeProxy, Warn, "one of 19 does not"},
		"the legacy service, no tag, in 20": {"latest", name, plainConfig, "", "19.0.0", "20.0.0", UpgradeJoin, Unknown, "no release"},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			results := JudgeUpgrade(running(t, row.tag, row.audience, row.config), row.join, row.from, row.to)
			if len(results) != len(gates()) {
				t.Fatalf("%d results for %d gates", len(results), len(gates()))
			}
			for _, result := range results {
				if result.Check.ID != row.gate {
					continue
				}
				if f := result.Finding; f.Status != row.want || !strings.Contains(f.Observed, row.says) {
					t.Errorf("%s: %+v, want %s with %q", row.gate, f, row.want, row.says)
				}
			}
		})
	}
}

// A failed gate is worth nothing without the way out.
func TestUpgradeFindingsSayWhatIsExpected(t *testing.T) {
	t.Parallel()
	for _, config := range []string{plainConfig, authConfig, rolesConfig, v2Config, argoConfig} {
		for _, to := range []string{"13.0.0", "15.0.0", "17.0.0", "19.0.0", "20.0.0"} {
			for _, join := range []spec.JoinType{spec.JoinOIDC, spec.JoinStaticJWKS, spec.JoinInCluster} {
				for _, result := range JudgeUpgrade(running(t, "18.2.0", "main.example.com", config), join, "18.2.0", to) {
					if f := result.Finding; f.Status == "" || f.Observed == "" || f.Status == Fail && f.Expected == "" {
						t.Errorf("%s to %s: %+v", result.Check.ID, to, f)
					}
				}
			}
		}
	}
}

func TestJudgeUpgradeWithoutATbot(t *testing.T) {
	t.Parallel()
	for _, result := range JudgeUpgrade(Workload{}, "", "18.2.0", "19.0.0") {
		if result.Finding.Status != Skip {
			t.Errorf("%s: %+v", result.Check.ID, result.Finding)
		}
	}
}

func TestUpgradeOfAnUnreadableConfig(t *testing.T) {
	t.Parallel()
	w := running(t, "18.2.0", "main.example.com", plainConfig)
	_, w.Problem = tbotconfig.Inspect([]byte("version: v2\nproxy_servr: x\n"))
	for _, result := range JudgeUpgrade(w, "", "18.2.0", "19.0.0") {
		id, finding := result.Check.ID, result.Finding
		if !slices.Contains([]ID{UpgradeProxy, UpgradeRoles, UpgradeOutputs}, id) {
			continue
		}
		if finding.Status != Unknown || !strings.Contains(finding.Observed, string(ConfigReads)) {
			t.Errorf("%s: %+v, want unknown", id, finding)
		}
	}
}
