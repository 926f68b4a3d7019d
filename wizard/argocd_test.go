package wizard_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/wizard"
)

// TestArgoCD leads through the pages of --access argocd: each row is a change of the ground, the way that follows from it, what must be
// said, and which answers come out.
func TestArgoCD(t *testing.T) {
	t.Parallel()
	byLabels := []prompt.Step{prompt.Answer("kube-cluster", "labels"), prompt.Answer("kube-labels", "env=prod"), prompt.Default("kube-labels")}
	way := func(parts ...[]prompt.Step) []prompt.Step {
		steps := []prompt.Step{prompt.Answer("access", "argocd")}
		for _, part := range parts {
			steps = append(steps, part...)
		}
		return append(steps, prompt.Choose("roles"), prompt.Answer("yes", "quit"))
	}
	group := []prompt.Step{prompt.Default("kube-groups"), prompt.Default("kube-groups"), prompt.Answer("cluster-role", "edit"), prompt.Default("target-namespace"), prompt.Choose("target-context")}
	prod, named := []map[string]string{env("prod")}, []prompt.Step{prompt.Default("argocd-rbac")}

	for name, row := range map[string]struct {
		change func(*ground)
		given  map[string]string
		steps  []prompt.Step
		says   []string
		reach  spec.Reach
		argo   spec.ArgoCD
	}{
		"the least": {
			steps: way([]prompt.Step{prompt.Default("argocd-namespace")}, byLabels, group, named),
			says: []string{
				"argocd | the same clusters for Argo CD", "argocd | holds ConfigMap argocd-cm", "The labels match 2 of 3 clusters: prod-eu; prod-us.",
				"tbot runs in namespace machines and gets rights on Argo CD's cluster Secrets in argocd.",
			},
			reach: spec.Reach{Labels: prod, Groups: []string{"robot"}, ClusterRole: "edit"},
			argo:  spec.ArgoCD{Namespace: "argocd", RBAC: spec.ArgoCDRBACNamed},
		},
		"as any user, for clusters to come": {
			steps: way([]prompt.Step{prompt.Answer("argocd-namespace", "another namespace"), prompt.Answer("argocd-namespace", "gitops")}, byLabels,
				[]prompt.Step{
					prompt.Answer("kube-groups", "anyone"), prompt.Answer("argocd-impersonation", "no"), prompt.Answer("kube-groups", "anyone"), prompt.Answer("argocd-impersonation", "yes"),
					prompt.Answer("cluster-role", "edit"), prompt.Default("target-namespace"), prompt.Choose("target-context"),
					prompt.Answer("argocd-rbac", "namespace"), prompt.Answer("argocd-rbac", "no"), prompt.Answer("argocd-rbac", "namespace"), prompt.Answer("argocd-rbac", "yes"),
				}),
			says:  []string{"This bot can act as any user in the matched clusters: treat it as cluster-admin. Go on?", "the credentials of all its repositories"},
			reach: spec.Reach{Labels: prod, ClusterRole: "edit"},
			argo:  spec.ArgoCD{Namespace: "gitops", Impersonation: true, RBAC: spec.ArgoCDRBACNamespace},
		},
		"it may not be looked for": {
			change: func(g *ground) { g.argoCDs = func() ([]string, error) { return nil, errDenied } },
			steps:  way([]prompt.Step{prompt.Answer("argocd-namespace", "argocd")}, byLabels, group, named),
			says:   []string{"Argo CD could not be looked for, so type its namespace: denied"},
			reach:  spec.Reach{Labels: prod, Groups: []string{"robot"}, ClusterRole: "edit"},
			argo:   spec.ArgoCD{Namespace: "argocd", RBAC: spec.ArgoCDRBACNamed},
		},
		"clusters that nobody can list leave the namespace": {
			change: func(g *ground) { g.clusters = func() ([]spec.ResolvedCluster, error) { return nil, errDenied } },
			steps: way([]prompt.Step{prompt.Default("argocd-namespace"), prompt.Default("kube-cluster"), prompt.Answer("kube-labels", "env=prod")}, group,
				[]prompt.Step{prompt.Default("argocd-rbac"), prompt.Answer("argocd-rbac", "yes")}),
			says:  []string{"which clusters the labels match could not be looked up"},
			reach: spec.Reach{Labels: prod, Groups: []string{"robot"}, ClusterRole: "edit"},
			argo:  spec.ArgoCD{Namespace: "argocd", RBAC: spec.ArgoCDRBACNamespace},
		},
		"all of it given": {
			given: upToPurpose("access", "argocd", "argocd-namespace", "argocd", "kube-labels", "env=prod", "argocd-impersonation", "true", "cluster-role", "edit",
				"target-namespace", "apps", "target-context", "", "argocd-rbac", "named", "roles", "access"),
			steps: []prompt.Step{prompt.Answer("yes", "quit")},
			reach: spec.Reach{Labels: prod, ClusterRole: "edit", Namespace: "apps"},
			argo:  spec.ArgoCD{Namespace: "argocd", Impersonation: true, RBAC: spec.ArgoCDRBACNamed},
		},
		"beside Argo CD": {
			change: func(g *ground) { g.namespaces = func() ([]string, error) { return []string{"argocd", "default"}, nil } },
			given:  without(upToPurpose("access", "argocd", "argocd-rbac", "named", "roles", "access", "kube-labels", "env=prod", "kube-groups", "robot", "cluster-role", "edit", "target-namespace", "apps", "target-context", ""), "namespace"),
			steps:  []prompt.Step{prompt.Default("namespace"), prompt.Default("argocd-namespace"), prompt.Answer("yes", "quit")},
			says:   []string{"argocd | Argo CD runs here"},
			reach:  spec.Reach{Labels: prod, Groups: []string{"robot"}, ClusterRole: "edit", Namespace: "apps"},
			argo:   spec.ArgoCD{Namespace: "argocd", RBAC: spec.ArgoCDRBACNamed},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGround()
			if row.change != nil {
				row.change(g)
			}
			if row.given == nil {
				row.given = upToPurpose()
			}
			answers, script, err := g.lead(t, row.given, row.steps...)
			if !errors.Is(err, wizard.ErrQuit) {
				t.Fatalf("ended with %v\n%s", err, script.Shown())
			}
			says(t, script, row.says...)
			if !reflect.DeepEqual(answers.Setup.Reach, row.reach) || !reflect.DeepEqual(answers.Setup.ArgoCD, row.argo) {
				t.Errorf("reaches %+v for %+v, want %+v for %+v", answers.Setup.Reach, answers.Setup.ArgoCD, row.reach, row.argo)
			}
			if err := answers.Setup.Validate(); err != nil {
				t.Error(err)
			}
		})
	}
}

func without(given map[string]string, flag string) map[string]string {
	delete(given, flag)
	return given
}

// TestArgoCDIsPutAway holds that what Argo CD alone has a use for outlasts a look at another purpose and is not in that one's answers, and that
// users among whom Argo CD could not choose are asked for anew.
func TestArgoCDIsPutAway(t *testing.T) {
	t.Parallel()
	g := newGround()
	answers, script, err := g.lead(t, upToPurpose("kube-labels", "env=prod", "cluster-role", "edit", "target-namespace", "apps", "target-context", ""),
		prompt.Answer("access", "kubernetes"), prompt.Answer("kube-groups", "users"), prompt.Answer("kube-users", "jane,joe"), prompt.Choose("roles"), prompt.Answer("output-secret", "creds"),
		prompt.Answer("yes", "change"), prompt.Answer("change", "access"), prompt.Answer("access", "argocd"),
		prompt.Default("argocd-namespace"), prompt.Answer("kube-groups", "users"), prompt.Answer("kube-users", "jane"), prompt.Default("argocd-rbac"), prompt.Default("roles"),
		prompt.Answer("yes", "change"), prompt.Answer("change", "access"), prompt.Answer("access", "kubernetes"), prompt.Default("roles"), prompt.Default("output-secret"),
		prompt.Answer("yes", "change"), prompt.Answer("change", "access"), prompt.Answer("access", "argocd"), prompt.Default("roles"),
		prompt.Answer("yes", "quit"))
	if !errors.Is(err, wizard.ErrQuit) {
		t.Fatalf("ended with %v\n%s", err, script.Shown())
	}
	if want := (spec.ArgoCD{Namespace: "argocd", RBAC: spec.ArgoCDRBACNamed}); !reflect.DeepEqual(answers.Setup.ArgoCD, want) || answers.Setup.Output.Secret != "" {
		t.Errorf("answers %+v, Secret %q", answers.Setup.ArgoCD, answers.Setup.Output.Secret)
	}
	if err := answers.Setup.Validate(); err != nil {
		t.Error(err)
	}
}

// A load balancer that ends TLS refuses the purpose before anything is asked about it.
func TestArgoCDBehindALoadBalancer(t *testing.T) {
	t.Parallel()
	g := newGround()
	g.proxy = func(string) (wizard.Proxy, error) {
		return wizard.Proxy{ClusterName: "example", Version: "18.2.0", LoadBalancer: true}, nil
	}
	given := without(upToPurpose("roles", "access", "output-secret", "creds"), "proxy")
	_, script, err := g.lead(t, given, prompt.Answer("proxy", "example.teleport.sh:443"), prompt.Answer("access", "identity"), prompt.Answer("yes", "quit"))
	if !errors.Is(err, wizard.ErrQuit) {
		t.Fatalf("ended with %v\n%s", err, script.Shown())
	}
	says(t, script, "a load balancer before the proxy ends TLS")
}
