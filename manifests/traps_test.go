package manifests_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gravitational/teleport/api/types"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/manifests"
)

// The traps of the guides (field-notes section 5), each as something that rendering cannot produce. They run on a Setup in
// which every name is given and differs from the defaults.

// config reads the tbot.yaml back out of the ConfigMap.
func config(t *testing.T, set manifests.Set) tbotconfig.Config {
	t.Helper()
	var object corev1.ConfigMap
	strictly(t, resource(t, set, "ConfigMap"), &object)
	read, err := tbotconfig.Decode([]byte(object.Data[manifests.ConfigFile]))
	if err != nil {
		t.Fatal(err)
	}
	return read
}

func strictly(t *testing.T, r manifests.Resource, into any) {
	t.Helper()
	if err := yaml.UnmarshalStrict(r.YAML, into); err != nil {
		t.Fatalf("%s: %v", r.ID(), err)
	}
}

// pod returns the pod template's spec and its projected token.
func pod(t *testing.T, set manifests.Set) (corev1.PodSpec, *corev1.ServiceAccountTokenProjection) {
	t.Helper()
	deployment, err := set.Deployment()
	if err != nil {
		t.Fatal(err)
	}
	podSpec := deployment.Spec.Template.Spec
	for _, volume := range podSpec.Volumes {
		if volume.Projected == nil {
			continue
		}
		for _, source := range volume.Projected.Sources {
			if source.ServiceAccountToken != nil {
				return podSpec, source.ServiceAccountToken
			}
		}
	}
	t.Fatal("the pod has no projected service account token")
	return corev1.PodSpec{}, nil
}

func env(podSpec corev1.PodSpec, name string) (corev1.EnvVar, bool) {
	for _, variable := range podSpec.Containers[0].Env {
		if variable.Name == name {
			return variable, true
		}
	}
	return corev1.EnvVar{}, false
}

func TestTrap01ConfigNamesTheTokenThatIsMade(t *testing.T) {
	t.Parallel()
	set := render(t, full())
	if got, want := config(t, set).Onboarding.Token, resource(t, set, "token").Token.GetName(); got != want || got != "ci+prod" {
		t.Errorf("tbot.yaml joins with token %q, the token made is %q", got, want)
	}
}

func TestTrap02TokenNamesTheBotThatIsMade(t *testing.T) {
	t.Parallel()
	set := render(t, full())
	bot := resource(t, set, "bot").Bot.GetMetadata().GetName()
	if got := resource(t, set, "token").Token.Spec.BotName; got != bot || got != "ci.prod" {
		t.Errorf("the token admits bot %q, the bot made is %q", got, bot)
	}
}

func TestTrap03AudienceIsTheClusterNameNotTheProxy(t *testing.T) {
	t.Parallel()
	for _, join := range []spec.JoinType{spec.JoinOIDC, spec.JoinStaticJWKS, spec.JoinInCluster} {
		_, token := pod(t, render(t, sample(join, spec.AccessIdentity)))
		if token.Audience != "main.example.com" {
			t.Errorf("%s: audience = %q, want the cluster name", join, token.Audience)
		}
	}
	// Field-notes P02: such a server's TokenReview knows only the API server's own audience.
	for _, server := range []string{"", "16.4.7", "17.0.2"} {
		setup := sample(spec.JoinInCluster, spec.AccessIdentity)
		setup.Resolved.ServerVersion = server
		if _, token := pod(t, render(t, setup)); token.Audience != "" {
			t.Errorf("in_cluster on server %q: audience = %q, want none", server, token.Audience)
		}
	}
}

func TestTrap04KeySetIsOneLineOfJSONWithoutPrivateKeys(t *testing.T) {
	t.Parallel()
	setup := sample(spec.JoinStaticJWKS, spec.AccessIdentity)
	setup.Resolved.JWKS = "{\n  \"keys\": [ {\"kty\": \"RSA\", \"kid\": \"a\"} ]\n}\n"
	token := resource(t, render(t, setup), "token").Token
	if got, want := token.Spec.Kubernetes.StaticJWKS.JWKS, `{"keys":[{"kty":"RSA","kid":"a"}]}`; got != want {
		t.Errorf("jwks = %s, want %s", got, want)
	}
	for text, want := range map[string]string{
		"# Place the data here\n" + sampleJWKS:            "is not JSON",
		sampleJWKS + "%":                                  "is not JSON",
		`{"keys":[]}`:                                     "holds no keys",
		`{"keys":[{"kty":"RSA","kid":"a","d":"secret"}]}`: `private material ("d")`,
	} {
		setup.Resolved.JWKS = text
		if _, err := manifests.Render(setup); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("jwks %q: error = %v, want %q in it", text, err, want)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("the error shows key material: %v", err)
		}
	}
}

func TestTrap12RoleHoldsThreeVerbsOnItsSecretsAlone(t *testing.T) {
	t.Parallel()
	var role rbacv1.Role
	strictly(t, resource(t, render(t, full()), "Role"), &role)
	if len(role.Rules) != 1 {
		t.Fatalf("rules = %+v, want one", role.Rules)
	}
	rule := role.Rules[0]
	if !slices.Equal(rule.Verbs, []string{"get", "patch", "create"}) || !slices.Equal(rule.Resources, []string{"secrets"}) ||
		!slices.Equal(rule.APIGroups, []string{""}) || !slices.Equal(rule.ResourceNames, []string{"ci-credentials"}) {
		t.Errorf("rule = %+v", rule)
	}
	if role.Name != "ci-output" {
		t.Errorf("role is named %q: a generic name meets other people's roles", role.Name)
	}
	for _, r := range render(t, sample(spec.JoinOIDC, spec.AccessNone)) {
		if r.Kind == "Role" || r.Kind == "RoleBinding" {
			t.Errorf("access none makes %s, with nothing to allow", r.ID())
		}
	}
}

func TestTrap13BindingNamesTheSubjectsNamespace(t *testing.T) {
	t.Parallel()
	var binding rbacv1.RoleBinding
	set := render(t, full())
	strictly(t, resource(t, set, "RoleBinding"), &binding)
	want := rbacv1.Subject{Kind: "ServiceAccount", Name: "ci-bot", Namespace: "machines"}
	if len(binding.Subjects) != 1 || binding.Subjects[0] != want {
		t.Errorf("subjects = %+v, want %+v", binding.Subjects, want)
	}
	if ref := binding.RoleRef; ref.Name != resource(t, set, "Role").Name || ref.Kind != "Role" || ref.APIGroup != rbacv1.GroupName {
		t.Errorf("roleRef = %+v", ref)
	}
}

func TestTrap14AllowRuleFollowsNamespaceAndServiceAccount(t *testing.T) {
	t.Parallel()
	set := render(t, full())
	podSpec, _ := pod(t, set)
	account := resource(t, set, "ServiceAccount")
	rules := resource(t, set, "token").Token.Spec.Kubernetes.Allow
	if want := account.Namespace + ":" + podSpec.ServiceAccountName; len(rules) != 1 || rules[0].ServiceAccount != want || want != "machines:ci-bot" {
		t.Errorf("allow = %v, want %s", rules, want)
	}
	if podSpec.ServiceAccountName != account.Name {
		t.Errorf("the pod runs as %q, the account made is %q", podSpec.ServiceAccountName, account.Name)
	}
	for _, r := range set {
		if r.System == manifests.Kubernetes && r.Kind != "Namespace" && r.Namespace != "machines" {
			t.Errorf("%s is in another namespace", r.ID())
		}
	}
}

func TestTrap15OutputWithoutRolesIsRefused(t *testing.T) {
	t.Parallel()
	setup := sample(spec.JoinOIDC, spec.AccessIdentity)
	setup.Teleport.Roles = nil
	if _, err := manifests.Render(setup); err == nil || !strings.Contains(err.Error(), "--roles") {
		t.Errorf("error = %v, want --roles in it", err)
	}
	set := render(t, sample(spec.JoinOIDC, spec.AccessIdentity))
	if roles := resource(t, set, "bot").Bot.GetSpec().GetRoles(); !slices.Equal(roles, []string{"access", "ci-deployer"}) {
		t.Errorf("bot roles = %v", roles)
	}
	if outputs := config(t, set).Outputs; len(outputs) != 1 {
		t.Errorf("outputs = %v, want one", outputs)
	}
}

func TestTrap16OutputsStandUnderTheKeyThatEveryTbotReads(t *testing.T) {
	t.Parallel()
	text := string(resource(t, render(t, full()), "ConfigMap").YAML)
	if !strings.Contains(text, "outputs:") || strings.Contains(text, "services:") {
		t.Errorf("the ConfigMap has no `outputs` or has `services`:\n%s", text)
	}
}

// The newer type where the server has it, one output for all clusters; the older one names each (field-notes 5.16).
func TestTrap16TheTypeOfTheOutputFollowsTheServer(t *testing.T) {
	t.Parallel()
	one, two := spec.ResolvedCluster{Name: "a", Labels: map[string]string{"n": "1"}}, spec.ResolvedCluster{Name: "B", Labels: map[string]string{"n": "2"}}
	for version, want := range map[string]int{"16.4.7": 2, "17.2.6": 2, "17.2.7": 1, "18.2.0": 1} {
		set := render(t, named(version, one, two))
		outputs := config(t, set).Outputs
		if len(outputs) != want {
			t.Errorf("%s: %d outputs, want %d", version, len(outputs), want)
		}
		var role rbacv1.Role
		strictly(t, resource(t, set, "Role"), &role)
		var secrets []string
		for _, output := range outputs {
			to, _ := tbotconfig.DestinationOf(output)
			secrets = append(secrets, to.Name)
		}
		if !slices.Equal(role.Rules[0].ResourceNames, secrets) {
			t.Errorf("%s: tbot writes %v and may write %v", version, secrets, role.Rules[0].ResourceNames)
		}
	}
}

// A kubeconfig in a Secret calls no tbot, which the pod that mounts it does not have (field-notes P22).
func TestTrap17KubeconfigInASecretNeedsNoPlugin(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"16.4.7", "18.2.0"} {
		outputs := config(t, render(t, named(version, spec.ResolvedCluster{Name: "a", Labels: map[string]string{"n": "1"}}))).Outputs
		switch output := outputs[0].(type) {
		case *tbotconfig.Kubernetes:
			if !output.DisableExecPlugin || output.Destination.Name != "tbot-output" {
				t.Errorf("%s: %+v", version, output)
			}
		case *tbotconfig.KubernetesV2:
			if !output.DisableExecPlugin || output.Destination.Name != "tbot-output" {
				t.Errorf("%s: %+v", version, output)
			}
		default:
			t.Errorf("%s: output %T", version, output)
		}
	}
}

func TestTrap17NothingIsWrittenToTheReadOnlyFileSystem(t *testing.T) {
	t.Parallel()
	set := render(t, full())
	read := config(t, set)
	identity, ok := read.Outputs[0].(*tbotconfig.Identity)
	if !ok || identity.Destination.Type != tbotconfig.DestinationSecret || identity.Destination.Name != "ci-credentials" {
		t.Errorf("output = %+v", read.Outputs[0])
	}
	if read.Storage.Type != tbotconfig.DestinationMemory {
		t.Errorf("storage = %+v, want memory", read.Storage)
	}
	podSpec, _ := pod(t, set)
	if variable, found := env(podSpec, "POD_NAMESPACE"); !found || variable.ValueFrom.FieldRef.FieldPath != "metadata.namespace" {
		t.Errorf("POD_NAMESPACE = %+v: tbot cannot tell where its Secret is (field-notes P19)", variable)
	}
}

// The bot is given roles that exist; only where Kubernetes groups or users are asked for is one made, and it is one that the API
// takes, in the version of the server (field-notes P24).
func TestTrap18NoTeleportRoleIsMadeUnasked(t *testing.T) {
	t.Parallel()
	byRoles := reaching("18.2.0")
	byRoles.Reach.Groups, byRoles.Teleport.Roles = nil, []string{"kube-access"}
	for _, setup := range []spec.Setup{full(), byRoles} {
		for _, r := range render(t, setup).Side(spec.SideTeleport) {
			if r.Bot == nil && r.Token == nil {
				t.Errorf("%s is neither the bot nor the token", r.ID())
			}
		}
	}
}

func TestTrap18RoleIsOfAVersionThatServerAndWildcardAgreeOn(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{"16.4.7": "v7", "17.7.4": "v7", "18.0.0-dev": "v7", "18.0.0": "v8", "19.1.0": "v8", "": "v7"} {
		setup := reaching("18.2.0")
		if setup.Resolved.ServerVersion = version; version == "16.4.7" {
			setup = named(version, spec.ResolvedCluster{Name: "a", Labels: map[string]string{"env": "prod"}})
		}
		role := resource(t, render(t, setup), "role").Role
		rules := role.Spec.Allow.KubernetesResources
		if role.Version != want || len(rules) != 1 || rules[0].Kind != types.Wildcard || (rules[0].APIGroup == types.Wildcard) != (want == "v8") {
			t.Errorf("server %q: version %s with %+v, want %s", version, role.Version, rules, want)
		}
		if !slices.Equal(rules[0].Verbs, []string{"get", "list", "watch"}) {
			t.Errorf("server %q: verbs %v for ClusterRole view", version, rules[0].Verbs)
		}
	}
}

func TestTrap26TokenNeverExpires(t *testing.T) {
	t.Parallel()
	r := resource(t, render(t, full()), "token")
	if expires := r.Token.Metadata.Expires; expires != nil {
		t.Errorf("expires = %v", expires)
	}
	if strings.Contains(string(r.YAML), "expires:") {
		t.Error("the text holds an expiry")
	}
}

func TestTrap27TypeOfTheJoinIsAlwaysWritten(t *testing.T) {
	t.Parallel()
	for join, want := range map[spec.JoinType]types.KubernetesJoinType{
		spec.JoinOIDC:       types.KubernetesJoinTypeOIDC,
		spec.JoinStaticJWKS: types.KubernetesJoinTypeStaticJWKS,
		spec.JoinInCluster:  types.KubernetesJoinTypeInCluster,
	} {
		r := resource(t, render(t, sample(join, spec.AccessIdentity)), "token")
		if !strings.Contains(string(r.YAML), `type: "`+string(want)+`"`) || r.Token.Spec.Kubernetes.Type != want {
			t.Errorf("%s: the type is not written:\n%s", join, r.YAML)
		}
		if has := r.Token.Spec.Kubernetes.OIDC != nil; has != (join == spec.JoinOIDC) {
			t.Errorf("%s: oidc block = %v", join, has)
		}
		if has := r.Token.Spec.Kubernetes.StaticJWKS != nil; has != (join == spec.JoinStaticJWKS) {
			t.Errorf("%s: static_jwks block = %v", join, has)
		}
	}
}

func TestTrap31DeploymentIsOperable(t *testing.T) {
	t.Parallel()
	set := render(t, full())
	deployment, err := set.Deployment()
	if err != nil {
		t.Fatal(err)
	}
	if *deployment.Spec.Replicas != 1 || deployment.Spec.Strategy.Type != "Recreate" {
		t.Errorf("replicas %d, strategy %s: two pods would overwrite each other's Secret", *deployment.Spec.Replicas, deployment.Spec.Strategy.Type)
	}
	container := deployment.Spec.Template.Spec.Containers[0]
	if container.LivenessProbe.HTTPGet.Path != "/livez" || container.ReadinessProbe.HTTPGet.Path != "/readyz" {
		t.Errorf("probes = %+v, %+v", container.LivenessProbe.HTTPGet, container.ReadinessProbe.HTTPGet)
	}
	port := container.Ports[0]
	if container.LivenessProbe.HTTPGet.Port.StrVal != port.Name || container.ReadinessProbe.HTTPGet.Port.StrVal != port.Name {
		t.Errorf("the probes ask another port than %q", port.Name)
	}
	if !slices.Contains(container.Args, "--diag-addr=0.0.0.0:3001") || port.ContainerPort != 3001 {
		t.Errorf("args %v do not listen where the probes ask", container.Args)
	}
	if container.Resources.Requests.Cpu().IsZero() || container.Resources.Requests.Memory().IsZero() || container.Resources.Limits.Memory().IsZero() {
		t.Errorf("resources = %+v", container.Resources)
	}
	if sum := deployment.Spec.Template.Annotations[spec.MarkChecksum]; len(sum) != 64 {
		t.Errorf("checksum = %q", sum)
	}
}

func TestTrap32TokenLivesTenMinutesAndIsWhereTbotLooks(t *testing.T) {
	t.Parallel()
	podSpec, token := pod(t, render(t, full()))
	if *token.ExpirationSeconds != 600 {
		t.Errorf("expirationSeconds = %d", *token.ExpirationSeconds)
	}
	variable, _ := env(podSpec, "KUBERNETES_TOKEN_PATH")
	var path string
	for _, mount := range podSpec.Containers[0].VolumeMounts {
		if mount.Name == "join-token" {
			path = mount.MountPath + "/" + token.Path
		}
	}
	if variable.Value != path || path == "" {
		t.Errorf("KUBERNETES_TOKEN_PATH = %q, the token is at %q (field-notes P10)", variable.Value, path)
	}
}

func TestTrap34TelemetryIsOffUnlessAsked(t *testing.T) {
	t.Parallel()
	setup := full()
	for _, asked := range []bool{true, false} {
		setup.Workload.Telemetry = asked
		podSpec, _ := pod(t, render(t, setup))
		if _, found := env(podSpec, "TELEPORT_ANONYMOUS_TELEMETRY"); found != asked {
			t.Errorf("asked %v, set %v", asked, found)
		}
	}
}
