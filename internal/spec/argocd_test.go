package spec_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// forArgoCD is a bot for Argo CD that acts as a group.
func forArgoCD() spec.Setup {
	s := spec.Default()
	s.Access, s.Kubernetes.Namespace = spec.AccessArgoCD, "machines"
	s.Reach = spec.Reach{Labels: []map[string]string{{"env": "prod"}}, Groups: []string{"deployers"}, ClusterRole: "edit"}
	s.ArgoCD = spec.ArgoCD{Namespace: "argocd"}
	return s
}

func TestValidateArgoCD(t *testing.T) {
	t.Parallel()
	as := func(groups, users []string, anyone bool) func(*spec.Setup) {
		return func(s *spec.Setup) {
			s.Reach.Groups, s.Reach.Users, s.ArgoCD.Impersonation = groups, users, anyone
		}
	}
	for _, c := range []struct {
		change func(*spec.Setup)
		want   string
	}{
		{func(s *spec.Setup) { s.ArgoCD.Namespace = "Argo" }, `--argocd-namespace: "Argo" is no name that Kubernetes takes`},
		{func(s *spec.Setup) { s.ArgoCD.Project = "a b" }, `--argocd-project: "a b" is no name that Kubernetes takes`},
		{func(s *spec.Setup) { s.ArgoCD.Namespaces = []string{"a", "a.b"} }, `--argocd-namespaces: "a.b" is no name of a namespace`},
		{func(s *spec.Setup) { s.ArgoCD.Namespaces = []string{"a", "a"} }, `--argocd-namespaces: "a" stands twice`},
		{func(s *spec.Setup) { s.ArgoCD.ClusterResources = true }, "--argocd-cluster-resources: given without --argocd-namespaces"},
		{func(s *spec.Setup) { s.ArgoCD.SecretLabels = map[string]string{"argocd.argoproj.io/secret-type": "x"} }, "tbot sets this label itself"},
		{func(s *spec.Setup) { s.ArgoCD.SecretLabels = map[string]string{"a b": "x"} }, `--argocd-secret-labels: "a b=x" has no key that Kubernetes takes`},
		{func(s *spec.Setup) { s.ArgoCD.SecretLabels = map[string]string{"a": "{{.KubeName}}"} }, `--argocd-secret-labels: "a={{.KubeName}}" has no value`},
		{func(s *spec.Setup) { s.ArgoCD.NameTemplate = "{{.Nobody}}" }, `--argocd-name-template: "{{.Nobody}}" is no template`},
		{func(s *spec.Setup) { s.ArgoCD.NameTemplate = "{{" }, `--argocd-name-template: "{{" is no template`},
		{func(s *spec.Setup) { s.ArgoCD.NameTemplate = "prod" }, `--argocd-name-template: "prod" gives all clusters one name; let it hold {{.KubeName}}`},
		{func(s *spec.Setup) { s.ArgoCD.RBAC = "all" }, `--argocd-rbac: "all" is not known; use one of named, namespace`},
		{func(s *spec.Setup) { s.Output.Secret = "mine" }, "--output-secret: given, but --access argocd writes one Secret for each cluster"},
		{as([]string{"deployers"}, nil, true), "--kube-groups: given together with --argocd-impersonation"},
		{as(nil, []string{"jane"}, true), "--kube-users: given together with --argocd-impersonation"},
		{as(nil, []string{"*"}, false), "--kube-users: * lets Argo CD act as any user, and nothing says that it is to; give --argocd-impersonation"},
		{as(nil, []string{"jane", "joe"}, false), "--kube-users: 2 users are named, and Argo CD's requests for a whole cluster do not say which one they are for"},
	} {
		setup := forArgoCD()
		c.change(&setup)
		var invalid *spec.Invalid
		if err := setup.Validate(); !errors.As(err, &invalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Validate says\n  %v\nwant\n  %s", err, c.want)
		}
	}
	for name, change := range map[string]func(*spec.Setup){
		"a group":      func(*spec.Setup) {},
		"one user":     as(nil, []string{"argocd"}, false),
		"anyone":       as(nil, nil, true),
		"anyone twice": as(nil, []string{"*"}, true),
		"all of it": func(s *spec.Setup) {
			s.ArgoCD = spec.ArgoCD{
				Namespace: "argocd", Project: "shop", Namespaces: []string{"shop"}, ClusterResources: true, RBAC: spec.ArgoCDRBACNamed,
				SecretLabels: map[string]string{"example.com/tier": "gold"}, NameTemplate: "{{.KubeName}} of {{.ClusterName}}",
			}
		},
	} {
		setup := forArgoCD()
		change(&setup)
		if err := setup.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestArgoCDIsForItsAccessAlone(t *testing.T) {
	t.Parallel()
	setup := everything()
	setup.Workload, setup.Teleport.ProxyCA = spec.Default().Workload, ""
	err := setup.Validate()
	for _, field := range spec.Fields() {
		if !strings.HasPrefix(field.Flag, "argocd-") {
			continue
		}
		want := "--" + field.Flag + ": given, but --access kubernetes writes nothing for Argo CD; leave it out, or choose --access argocd"
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v\nlacks %s", err, want)
		}
	}
}

// The one answer about impersonation says all that the guide's reader has to put together: any user, no groups, and the bot's own user
// bound.
func TestImpersonationIsWrittenOut(t *testing.T) {
	t.Parallel()
	setup := forArgoCD().WithClusterID("1a2b3c4d")
	setup.Reach.Groups, setup.ArgoCD.Impersonation = nil, true
	if acting := setup.Acting(); !acting.AsAnyone() || len(acting.Groups) > 0 || !setup.MakesRole() {
		t.Errorf("acts as %+v, makes a role: %v", acting, setup.MakesRole())
	}
	if groups, users := setup.Subjects(); len(groups) > 0 || !slices.Equal(users, []string{"bot-tbot-1a2b3c4d"}) {
		t.Errorf("bound to groups %v and users %v", groups, users)
	}
	if means := setup.Means(); !slices.Contains(means, spec.AnyUserMeans) {
		t.Errorf("says %q", means)
	}
	if len(setup.Reach.Users) > 0 {
		t.Error("Acting changes the answers")
	}
}

func TestNamesForArgoCD(t *testing.T) {
	t.Parallel()
	setup := forArgoCD()
	if n := setup.Names(); n.OutputSecret != "" || n.RoleNamespace != "argocd" || n.Namespace != "machines" {
		t.Errorf("names %+v", n)
	}
	setup.ArgoCD.Namespace, setup.Resolved = "", &spec.Resolved{ArgoCDNamespace: "gitops"}
	if n := setup.Names(); n.RoleNamespace != "gitops" || setup.ArgoCDNamespace() != "gitops" {
		t.Errorf("where it was found: %+v", n)
	}
	setup.Access = spec.AccessIdentity
	if n := setup.Names(); n.RoleNamespace != "machines" || setup.ArgoCDNamespace() != "" {
		t.Errorf("another access: %+v", n)
	}
	setup = forArgoCD()
	setup.Reach.ClusterRole, setup.ArgoCD.RBAC = "", spec.ArgoCDRBACNamespace
	if means := setup.Means(); !slices.Contains(means, spec.ReadOnlyMeans) || !slices.Contains(means, spec.ArgoCDRBACNamespaceMeans) {
		t.Errorf("says %q", means)
	}
}
