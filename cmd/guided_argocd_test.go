package cmd_test

import (
	"slices"
	"testing"

	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// TestGuidedArgoCD leads somebody who knows where Argo CD is and the labels of the clusters to cluster Secrets that tbot writes: what they match
// is shown before anything is made, and the command line at the end says the same and changes nothing.
func TestGuidedArgoCD(t *testing.T) {
	t.Parallel()
	a := newArgoBench(t, teleporttest.Options{})
	a.play(t)
	steps := append(slices.Clone(a.answers()[:7]),
		prompt.Answer("access", "argocd"), prompt.Answer("argocd-namespace", a.argocd),
		prompt.Answer("kube-cluster", "labels"), prompt.Answer("kube-labels", "env=prod"), prompt.Default("kube-labels"),
		prompt.Answer("kube-groups", "anyone"), prompt.Answer("argocd-impersonation", "yes"),
		prompt.Answer("cluster-role", "edit"), prompt.Default("target-namespace"), prompt.Choose("target-context"), prompt.Default("argocd-rbac"), prompt.Choose("roles"),
		prompt.Answer("yes", "apply"), prompt.Answer("yes", "finish"))
	steps[5] = prompt.Answer("bot-name", "robot-"+a.namespace)
	script := prompt.NewScript(t, steps...)
	got := a.guide(t, script)
	got.want(t, 0, "Proof:", "--access argocd", "--argocd-namespace "+a.argocd, "--argocd-impersonation", "--kube-labels env=prod", "--cluster-role edit", "argocd-rbac named")
	says(t, script,
		"holds ConfigMap argocd-cm", "The labels match 1 of 2 clusters: alpha.", "treat it as cluster-admin. Go on?",
		"which tbot renews every 20 minutes and never deletes", "which, as user bot-robot-"+a.namespace+",", "would write 1 Secret for Argo CD")
	role := a.role(t, "robot-"+a.namespace+"-kubernetes")
	if role == nil {
		t.Fatal("the role was not made")
	}
	if users := role.GetKubeUsers(types.Allow); !slices.Equal(users, []string{"*"}) || len(role.GetKubeGroups(types.Allow)) > 0 {
		t.Errorf("the role is for users %q and groups %q", users, role.GetKubeGroups(types.Allow))
	}
	if secrets := a.clusterSecrets(t); len(secrets) != 1 || secrets[0].Name != argoName("alpha") {
		t.Errorf("%d cluster Secrets", len(secrets))
	}
	a.onlyThese(t, argoName("alpha"))
}
