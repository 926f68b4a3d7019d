package cmd_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// TestPermissionsForArgoCD holds that init and delete run with what is printed for access argocd, which is in two namespaces.
func TestPermissionsForArgoCD(t *testing.T) {
	t.Parallel()
	a := newArgoBench(t, teleporttest.Options{})
	answers := []string{
		"--access", "argocd", "--argocd-namespace", a.argocd, "--kube-labels", "env=prod", "--kube-groups", a.namespace + "-deployers",
		"--bot-name", "robot", "--token-name", "robot",
	}
	kubeconfig, identity := a.grantedAsPrinted(t, "argo-"+a.namespace, a.permissions(t, "init", answers...), "access")
	a.mayIdentify(t, kubeconfig, "argo-"+a.namespace)
	a.run(t, a.reachArgs(append(answers, "--no-wait", "--kubeconfig", kubeconfig, "--identity", identity)...)...).want(t, 0)

	text := a.permissions(t, "delete", answers...)
	kubeconfig, identity = a.grantedAsPrinted(t, "argo-remover-"+a.namespace, text)
	a.run(t, a.deleteArgs("--from", a.path("answers.yaml"), "--kubeconfig", kubeconfig, "--identity", identity)...).want(t, 0, "Role "+a.argocd+"/tbot-output: removed")

	// Answers that know which clusters match name their Secrets, so that nothing else of Argo CD's is read.
	saved := []string{"--from", a.path("answers.yaml")}
	text = a.permissions(t, "init", saved...)
	if !strings.Contains(text, `resourceNames: ["teleport.argocd-cluster.`) {
		t.Errorf("the roles name no Secret of Argo CD:\n%s", text)
	}
	kubeconfig, identity = a.grantedAsPrinted(t, "argo-again-"+a.namespace, text, "access")
	a.mayIdentify(t, kubeconfig, "argo-again-"+a.namespace)
	a.run(t, a.argoArgs(append(saved, "--no-wait", "--kubeconfig", kubeconfig, "--identity", identity)...)...).want(t, 0)
}

// TestPermissionsInTargets holds the same of the clusters of --target-context, and that each verb there is needed by init.
func TestPermissionsInTargets(t *testing.T) {
	t.Parallel()
	b := newTargetBench(t)
	answers := []string{
		"--access", "kubernetes", "--kube-cluster", "alpha", "--kube-groups", b.group(), "--bot-name", b.namespace, "--token-name", b.namespace,
		"--target-context", "prod eu",
	}
	user := 0
	// held makes a user of the target with these rights, whom the context leads to.
	held := func(t *testing.T, rights []right) {
		t.Helper()
		user++
		name := fmt.Sprintf("binder-%d-%s", user, b.namespace)
		role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: []rbacv1.PolicyRule{{NonResourceURLs: []string{"/" + sentinel}, Verbs: []string{"get"}}}}
		for _, r := range rights {
			role.Rules = append(role.Rules, r.rule)
		}
		rbac := b.target.Client().RbacV1()
		if _, err := rbac.ClusterRoles().Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := rbac.ClusterRoleBindings().Create(t.Context(), &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: name}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
			Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}},
		}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		b.counts(t, kube.Options{As: name}, kube.Access{Verb: "get", Path: "/" + sentinel})
		b.contexts(t, map[string]string{"prod eu": b.target.KubeconfigFor(t, name)})
	}
	least, _ := printed(t, b.permissions(t, "init", append(answers, "--for-targets")...))
	run := b.reachArgs(append(answers, "--kubeconfig", b.kubeconfig, "--no-wait")...)
	for i, dropped := range least {
		t.Run("without "+dropped.text, func(t *testing.T) {
			held(t, slices.Delete(slices.Clone(least), i, i+1))
			b.run(t, run...).want(t, 3, strings.Fields(dropped.text)[0])
			b.nothingBound(t)
		})
	}
	held(t, least)
	b.run(t, run...).want(t, 0)
	if b.binding(t, b.namespace) == nil {
		t.Error("there is no binding")
	}

	least, _ = printed(t, b.permissions(t, "delete", append(answers, "--for-targets")...))
	held(t, least)
	b.run(t, b.deleteArgs("--bot-name", b.namespace, "--token-name", b.namespace, "--kubeconfig", b.kubeconfig, "--target-context", "prod eu")...).want(t, 0)
	b.nothingBound(t)
}
