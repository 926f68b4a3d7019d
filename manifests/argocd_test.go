package manifests_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/manifests"
)

// forArgoCD is a Setup for Argo CD in another namespace than tbot's, which matches two clusters.
func forArgoCD(version string) spec.Setup {
	s := reaching(version)
	s.Access, s.Reach.ClusterRole = spec.AccessArgoCD, "edit"
	s.Reach.Labels = []map[string]string{{"env": "prod"}}
	s.ArgoCD = spec.ArgoCD{Namespace: "argocd"}
	s.Resolved.KubeClusters = []spec.ResolvedCluster{{Name: "prod-us", Labels: map[string]string{"env": "prod"}}, {Name: "prod-eu", Labels: map[string]string{"env": "prod"}}}
	return s
}

// anyoneForArgoCD is one whose Argo CD acts as other users, and that is for clusters to come.
func anyoneForArgoCD() spec.Setup {
	s := forArgoCD("18.2.3")
	s.Reach.Groups, s.Resolved.KubeClusters = nil, nil
	s.ArgoCD = spec.ArgoCD{
		Project: "shop", Namespaces: []string{"shop", "web"}, ClusterResources: true, SecretLabels: map[string]string{"tier": "gold"},
		NameTemplate: "{{.KubeName}}", Impersonation: true, RBAC: spec.ArgoCDRBACNamespace,
	}
	s.Resolved.ArgoCDNamespace = s.Kubernetes.Namespace
	return s
}

func TestRenderGoldenForArgoCD(t *testing.T) {
	t.Parallel()
	wantGolden(t, map[string]spec.Setup{"argocd-18-named": forArgoCD("18.2.0"), "argocd-18-anyone": anyoneForArgoCD()})
}

func rules(t *testing.T, set manifests.Set) (role rbacv1.Role) {
	t.Helper()
	if err := yaml.UnmarshalStrict(resource(t, set, "Role").YAML, &role); err != nil {
		t.Fatal(err)
	}
	return role
}

// The Role is in Argo CD's namespace and names what tbot writes there; creating cannot be held to names (field-notes 8).
func TestTrap24RightsAreWhereTheSecretsGo(t *testing.T) {
	t.Parallel()
	setup := forArgoCD("18.2.0")
	set := render(t, setup)
	output, ok := config(t, set).Outputs[0].(*tbotconfig.ArgoCD)
	if !ok || output.SecretNamespace != "argocd" {
		t.Fatalf("output %+v", config(t, set).Outputs[0])
	}
	names := []string{output.SecretName(setup.Resolved.ClusterName, "prod-eu"), output.SecretName(setup.Resolved.ClusterName, "prod-us")}
	role := rules(t, set)
	want := []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"create"}},
		{APIGroups: []string{""}, Resources: []string{"secrets"}, ResourceNames: names, Verbs: []string{"get", "update"}},
	}
	if role.Namespace != "argocd" || len(role.Rules) != 2 {
		t.Fatalf("role %+v", role)
	}
	for i := range want {
		if got := role.Rules[i]; !slices.Equal(got.Verbs, want[i].Verbs) || !slices.Equal(got.ResourceNames, want[i].ResourceNames) {
			t.Errorf("rule %d is %+v, want %+v", i, got, want[i])
		}
	}
	var binding rbacv1.RoleBinding
	if err := yaml.UnmarshalStrict(resource(t, set, "RoleBinding").YAML, &binding); err != nil {
		t.Fatal(err)
	}
	if subject := binding.Subjects[0]; binding.Namespace != "argocd" || subject.Namespace != setup.Kubernetes.Namespace {
		t.Errorf("the binding is in %s for %+v", binding.Namespace, subject)
	}
	wide := rules(t, render(t, anyoneForArgoCD()))
	if len(wide.Rules) != 1 || !slices.Equal(wide.Rules[0].Verbs, []string{"get", "create", "update"}) || len(wide.Rules[0].ResourceNames) > 0 {
		t.Errorf("for the namespace: %+v", wide.Rules)
	}
}

// Impersonation by Argo CD wants any user and no groups; the guide's reader ends with a group beside them.
func TestTrap21ImpersonationIsWithoutGroups(t *testing.T) {
	t.Parallel()
	set := render(t, anyoneForArgoCD())
	allow := resource(t, set, "role").Role.Spec.Allow
	if !slices.Equal(allow.KubeUsers, []string{spec.AnyUser}) || len(allow.KubeGroups) > 0 {
		t.Errorf("users %v, groups %v", allow.KubeUsers, allow.KubeGroups)
	}
	// The guide's role for it names no clusters, and so grants none (trap 22).
	if len(allow.KubernetesLabels) == 0 || len(allow.KubernetesResources) != 1 || !slices.Equal(allow.KubernetesResources[0].Verbs, []string{"*"}) {
		t.Errorf("labels %v, resources %+v", allow.KubernetesLabels, allow.KubernetesResources)
	}
	subjects := resource(t, set, "ClusterRoleBinding").Object.Object["subjects"]
	if text := string(resource(t, set, "ClusterRoleBinding").YAML); !strings.Contains(text, `kind: "User"`) || !strings.Contains(text, "bot-") {
		t.Errorf("bound are %v", subjects)
	}
}

func TestArgoCDNeedsToKnow(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		change func(*spec.Setup)
		want   string
		kind   error
	}{
		"where Argo CD is":       {func(s *spec.Setup) { s.ArgoCD.Namespace = "" }, "missing --argocd-namespace", manifests.ErrNotReady},
		"which clusters match":   {func(s *spec.Setup) { s.Resolved.KubeClusters = nil }, "--argocd-rbac namespace", manifests.ErrNotReady},
		"a server that can":      {func(s *spec.Setup) { s.Resolved.ServerVersion = "17.6.0" }, "--access: Teleport 17.6.0 has no output for Argo CD; upgrade: Teleport 17.7.4, 18.1.7 and newer has it", nil},
		"a tbot that can":        {func(s *spec.Setup) { s.Resolved.Image = "public.ecr.aws/gravitational/tbot-distroless:18.1.0" }, "has no output for Argo CD", nil},
		"a tbot that names them": {func(s *spec.Setup) { s.ArgoCD.NameTemplate = "{{.KubeName}}" }, "--argocd-name-template: Teleport 18.2.0 does not know it", nil},
	} {
		setup := forArgoCD("18.2.0")
		row.change(&setup)
		_, err := manifests.Render(setup)
		var invalid *spec.Invalid
		if err == nil || !strings.Contains(err.Error(), row.want) || row.kind == nil != errors.As(err, &invalid) || row.kind != nil && !errors.Is(err, row.kind) {
			t.Errorf("%s: %v\nwant %s", name, err, row.want)
		}
	}
	byName := forArgoCD("18.2.0")
	byName.Reach.Labels, byName.Reach.Clusters, byName.Resolved.KubeClusters = nil, []string{"prod-eu"}, byName.Resolved.KubeClusters[1:]
	if role := rules(t, render(t, byName)); len(role.Rules[1].ResourceNames) != 1 {
		t.Errorf("role %+v", role)
	}
}
