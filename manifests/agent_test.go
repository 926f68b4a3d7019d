package manifests_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gravitational/teleport/api/types"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/manifests"
)

// agent is a Setup for an agent on a server of that version, as a finished discovery leaves it.
func agent(join spec.JoinType, version string, roles ...string) spec.Setup {
	s := sample(join, spec.AccessNone)
	s.Name, s.Workload.Kind = "edge", spec.WorkloadAgent
	s.Teleport.BotName, s.Teleport.TokenName = "", "edge-1a2b3c4d"
	s.Agent = spec.Agent{Roles: roles, Release: "teleport-app-service"}
	if slices.Contains(roles, spec.RoleApp) {
		s.Agent.Apps = []spec.AgentApp{{Name: "demo-app", URI: "http://demo-app.demo-app.svc.cluster.local:80"}}
	}
	if s.Agent.NeedsDatabases() {
		s.Agent.Databases = []spec.AgentDatabase{{Name: "orders", Protocol: "postgres", URI: "orders.db.svc:5432"}}
	}
	if s.Agent.NeedsKubeName() {
		s.Agent.KubeName = "prod-eu"
	}
	s.Resolved.ServerVersion, s.Resolved.Image = version, s.Workload.ImageFor(version, false)
	return s
}

// values reads the chart's values back, as Helm does.
func values(t *testing.T, set manifests.Set) chartValues {
	t.Helper()
	var read chartValues
	if err := yaml.UnmarshalStrict(set.Values(), &read); err != nil {
		t.Fatalf("%v in\n%s", err, set.Values())
	}
	return read
}

// chartValues are those of the chart that tbotctl sets (teleport-facts 8.3).
type chartValues struct {
	ProxyAddr  string `json:"proxyAddr"`
	Roles      string `json:"roles"`
	JoinParams struct {
		Method    string `json:"method"`
		TokenName string `json:"tokenName"`
	} `json:"joinParams"`
	ServiceAccount struct {
		Create bool   `json:"create"`
		Name   string `json:"name"`
	} `json:"serviceAccount"`
	TeleportClusterName string            `json:"teleportClusterName"`
	Enterprise          bool              `json:"enterprise"`
	EnterpriseImage     string            `json:"enterpriseImage"`
	KubeClusterName     string            `json:"kubeClusterName"`
	Labels              map[string]string `json:"labels"`
	Apps                []struct {
		Name   string            `json:"name"`
		URI    string            `json:"uri"`
		Labels map[string]string `json:"labels"`
	} `json:"apps"`
	Databases []struct {
		Name         string            `json:"name"`
		Protocol     string            `json:"protocol"`
		URI          string            `json:"uri"`
		StaticLabels map[string]string `json:"static_labels"`
	} `json:"databases"`
	ExtraVolumes      []corev1.Volume      `json:"extraVolumes"`
	ExtraVolumeMounts []corev1.VolumeMount `json:"extraVolumeMounts"`
	ExtraEnv          []corev1.EnvVar      `json:"extraEnv"`
}

func TestAgentGolden(t *testing.T) {
	t.Parallel()
	everything := agent(spec.JoinStaticJWKS, "17.7.0", "App", "Kube", "Db", "Discovery")
	everything.Agent.Labels = map[string]string{"env": "prod"}
	everything.Kubernetes.CreateNamespace = true
	fips := agent(spec.JoinOIDC, "18.2.0", "Kube")
	fips.Resolved.Image = fips.Workload.ImageFor("18.2.0", true)
	wantGolden(t, map[string]spec.Setup{
		"agent-18-oidc-app":        agent(spec.JoinOIDC, "18.2.0", "App"),
		"agent-17-static_jwks-all": everything,
		"agent-16-in_cluster-app":  agent(spec.JoinInCluster, "16.4.7", "App"),
		"agent-18-oidc-kube-fips":  fips,
		"agent-18-in_cluster-kube": agent(spec.JoinInCluster, "18.2.0", "App", "Kube"),
	})
}

// The values and the token agree with each other in every join type: token name, allow rule, roles, and the audience of the token that
// the agent's pod presents.
func TestAgentValuesAgreeWithToken(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"16.4.7", "17.7.0", "18.1.4", "18.1.5", "18.2.0", "19.0.0"} {
		for _, join := range []spec.JoinType{spec.JoinOIDC, spec.JoinStaticJWKS, spec.JoinInCluster} {
			s := agent(join, version, "App", "Kube")
			set := render(t, s)
			token, read := resource(t, set, "token").Token, values(t, set)
			account := resource(t, set, "ServiceAccount").Object
			if rule := token.Spec.Kubernetes.Allow[0].ServiceAccount; rule != account.GetNamespace()+":"+account.GetName() || read.ServiceAccount.Name != account.GetName() {
				t.Errorf("%s %s: the rule is %s, the chart's account %s, ours %s", version, join, rule, read.ServiceAccount.Name, account.GetName())
			}
			if read.JoinParams.TokenName != token.GetName() || read.JoinParams.Method != string(token.GetJoinMethod()) {
				t.Errorf("%s %s: the chart joins by %s %s, the token is %s", version, join, read.JoinParams.Method, read.JoinParams.TokenName, token.GetName())
			}
			pod, err := manifests.AgentPod(s)
			if err != nil {
				t.Fatal(err)
			}
			proven := pod.Spec.Template.Spec.Volumes[0].Projected.Sources[0].ServiceAccountToken.Audience
			if presented := presented(read); presented != proven || presented != s.Resolved.TokenAudience() {
				t.Errorf("%s %s: the agent presents a token for %q, the proof one for %q", version, join, presented, proven)
			}
		}
	}
}

// presented is the audience of the token that the chart's pod joins with; empty is the pod's own token.
func presented(read chartValues) string {
	if read.TeleportClusterName != "" {
		return read.TeleportClusterName
	}
	for _, volume := range read.ExtraVolumes {
		if volume.Projected != nil {
			return volume.Projected.Sources[0].ServiceAccountToken.Audience
		}
	}
	return ""
}

// A chart that mounts the token is told the cluster's name, one that does not gets the volume; never both, for a path is mounted once.
func TestAgentMountsTokenOnce(t *testing.T) {
	t.Parallel()
	for version, chartMounts := range map[string]bool{"16.4.7": false, "17.7.9": false, "18.1.4": false, "18.1.5": true, "18.10.0": true, "19.0.0": true} {
		read := values(t, render(t, agent(spec.JoinStaticJWKS, version, "App")))
		if named, mounted := read.TeleportClusterName != "", len(read.ExtraVolumes) == 1; named != chartMounts || mounted == chartMounts {
			t.Errorf("%s: cluster named %v, volume given %v", version, named, mounted)
		}
		if chartMounts {
			continue
		}
		mounted := read.ExtraVolumes[0].Projected.Sources[0].ServiceAccountToken
		if *mounted.ExpirationSeconds != 600 || read.ExtraEnv[0].Name != "KUBERNETES_TOKEN_PATH" || read.ExtraEnv[0].Value != read.ExtraVolumeMounts[0].MountPath+"/"+mounted.Path {
			t.Errorf("%s: the token is for %d s at %s/%s, and %s says %s", version, *mounted.ExpirationSeconds, read.ExtraVolumeMounts[0].MountPath, mounted.Path, read.ExtraEnv[0].Name, read.ExtraEnv[0].Value)
		}
	}
}

// Traps 26 to 28 and 30 of the guide (field-notes section 5): a date in 2050 as the end of the token, the default type, a rule that a
// renamed release breaks, a proxy without its port, roles in two spellings, and an application without a label that a role could match.
func TestAgentTraps(t *testing.T) {
	t.Parallel()
	s := agent(spec.JoinStaticJWKS, "18.2.0", "Db", "App")
	s.Agent.Labels = map[string]string{"app": "demo-app"}
	set := render(t, s)
	token, read := resource(t, set, "token").Token, values(t, set)
	if !token.Expiry().IsZero() {
		t.Errorf("trap 26: the token ends %s", token.Expiry())
	}
	if token.Spec.Kubernetes.Type != types.KubernetesJoinTypeStaticJWKS || !bytes.Contains(resource(t, set, "token").YAML, []byte(`type: "static_jwks"`)) {
		t.Errorf("trap 27: the type is %q", token.Spec.Kubernetes.Type)
	}
	if rule := token.Spec.Kubernetes.Allow[0].ServiceAccount; rule != "machines:teleport-app-service" || read.ServiceAccount.Create {
		t.Errorf("trap 28: the rule is %s, and the chart makes an account: %v", rule, read.ServiceAccount.Create)
	}
	if !strings.HasSuffix(read.ProxyAddr, ":443") {
		t.Errorf("trap 28: the proxy is %s", read.ProxyAddr)
	}
	if roles := token.GetRoles().StringSlice(); read.Roles != "db,app" || !slices.Equal(roles, []string{"Db", "App"}) {
		t.Errorf("trap 28: the chart runs %s, the token allows %v", read.Roles, roles)
	}
	if token.Spec.BotName != "" || slices.Contains(token.GetRoles(), types.RoleBot) {
		t.Error("the token lets a bot in")
	}
	if read.Apps[0].Labels["app"] != "demo-app" || read.Databases[0].StaticLabels["app"] != "demo-app" {
		t.Errorf("trap 30: the labels are %v and %v", read.Apps[0].Labels, read.Databases[0].StaticLabels)
	}
}

// A private authority of the proxy is mounted from a ConfigMap of ours, which is all that the agent has of one.
func TestAgentProxyCA(t *testing.T) {
	t.Parallel()
	s := agent(spec.JoinOIDC, "18.2.0", "App")
	s.Teleport.ProxyCA = authority(t)
	set := render(t, s)
	config, read := resource(t, set, "ConfigMap"), values(t, set)
	data, _, _ := strings.Cut(string(config.YAML), manifests.ProxyCAFile)
	if strings.Contains(data, "tbot.yaml") || read.ExtraVolumes[0].ConfigMap.Name != config.Name {
		t.Errorf("the volume holds %s, the ConfigMap is %s", read.ExtraVolumes[0].ConfigMap.Name, config.Name)
	}
	if want := read.ExtraVolumeMounts[0].MountPath + "/" + manifests.ProxyCAFile; read.ExtraEnv[0].Name != "SSL_CERT_FILE" || read.ExtraEnv[0].Value != want {
		t.Errorf("%s is %s, want %s", read.ExtraEnv[0].Name, read.ExtraEnv[0].Value, want)
	}
}

// Teleport Cloud asks for the enterprise image.
func TestAgentOnCloud(t *testing.T) {
	t.Parallel()
	s := agent(spec.JoinOIDC, "18.2.0", "App")
	s.Teleport.Proxy = "example.teleport.sh:443"
	if !values(t, render(t, s)).Enterprise {
		t.Error("not the enterprise image")
	}
}

func TestAgentNotReady(t *testing.T) {
	t.Parallel()
	for flag, change := range map[string]func(*spec.Setup){
		"--agent-roles":     func(s *spec.Setup) { s.Agent.Roles, s.Agent.Apps = nil, nil },
		"--agent-app":       func(s *spec.Setup) { s.Agent.Apps = nil },
		"--agent-database":  func(s *spec.Setup) { s.Agent.Roles, s.Agent.Apps = []string{"Db"}, nil },
		"--agent-kube-name": func(s *spec.Setup) { s.Agent.Roles, s.Agent.Apps = []string{"Discovery"}, nil },
		"--token-name":      func(s *spec.Setup) { s.Teleport.TokenName = "" },
	} {
		s := agent(spec.JoinOIDC, "18.2.0", "App")
		change(&s)
		if _, err := manifests.Render(s); !errors.Is(err, manifests.ErrNotReady) || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s: %v", flag, err)
		}
	}
	// Discovery finds the applications.
	s := agent(spec.JoinOIDC, "18.2.0", "App", "Discovery")
	s.Agent.Apps = nil
	render(t, s)
}
