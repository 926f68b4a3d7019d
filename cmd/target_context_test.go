package cmd_test

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// targetBench is a bench with a second control plane, and a kubeconfig in which both have contexts.
type targetBench struct {
	*bench
	target     *testkit.ControlPlane
	kubeconfig string
	// apps is a namespace of the target.
	apps string
}

func newTargetBench(t *testing.T) *targetBench {
	t.Helper()
	b, target := newReachBench(t, teleporttest.Options{})
	tb := &targetBench{bench: b, target: target, kubeconfig: b.path("kubeconfig"), apps: target.Namespace(t)}
	tb.contexts(t, map[string]string{"prod eu": target.KubeconfigFile()})
	t.Cleanup(func() {
		// A test that failed leaves no binding to the next one; the names are those of the shared source. The test's context has ended.
		_ = target.Client().RbacV1().ClusterRoleBindings().DeleteCollection(context.WithoutCancel(t.Context()), metav1.DeleteOptions{},
			metav1.ListOptions{LabelSelector: spec.LabelManagedBy + "=" + spec.ManagedBy})
	})
	return tb
}

// contexts writes the kubeconfig: the context of the bench's own cluster, one for each of the files under another name, and one whose
// cluster does not answer.
func (b *targetBench) contexts(t *testing.T, files map[string]string) {
	t.Helper()
	merged, err := clientcmd.LoadFromFile(b.plane.KubeconfigFile())
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range files {
		one, err := clientcmd.LoadFromFile(file)
		if err != nil {
			t.Fatal(err)
		}
		held := one.Contexts[one.CurrentContext]
		merged.Clusters[name], merged.AuthInfos[name] = one.Clusters[held.Cluster], one.AuthInfos[held.AuthInfo]
		merged.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	}
	merged.Clusters["dead"] = &clientcmdapi.Cluster{Server: "https://127.0.0.1:1"}
	merged.Contexts["dead"] = &clientcmdapi.Context{Cluster: "dead"}
	if err := clientcmd.WriteToFile(*merged, b.kubeconfig); err != nil {
		t.Fatal(err)
	}
}

// group is nobody else's in the shared target.
func (b *targetBench) group() string { return b.namespace + "-readers" }

func (b *targetBench) args(more ...string) []string {
	return b.reachArgs(append([]string{"--kubeconfig", b.kubeconfig, "--no-wait", "--kube-cluster", "alpha", "--kube-groups", b.group()}, more...)...)
}

// binding is the one in the target; nil where there is none.
func (b *targetBench) binding(t *testing.T, bot string) *rbacv1.ClusterRoleBinding {
	t.Helper()
	found, err := b.target.Client().RbacV1().ClusterRoleBindings().Get(t.Context(), spec.KubeRoleOf(bot), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// nothingBound fails the test where the target holds a binding of this bench.
func (b *targetBench) nothingBound(t *testing.T) {
	t.Helper()
	all, err := b.target.Client().RbacV1().ClusterRoleBindings().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	inNamespaces, err := b.target.Client().RbacV1().RoleBindings("").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, binding := range all.Items {
		if slices.ContainsFunc(binding.Subjects, func(s rbacv1.Subject) bool { return s.Name == b.group() }) {
			t.Errorf("ClusterRoleBinding %s was made", binding.Name)
		}
	}
	for _, binding := range inNamespaces.Items {
		if slices.ContainsFunc(binding.Subjects, func(s rbacv1.Subject) bool { return s.Name == b.group() }) {
			t.Errorf("RoleBinding %s/%s was made", binding.Namespace, binding.Name)
		}
	}
}

// sh runs a command that the program printed, with the kubeconfig of the bench and the real kubectl.
func (b *targetBench) sh(t *testing.T, command string) {
	t.Helper()
	assets, err := testkit.AssetsDir(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), "sh", "-c", command)
	c.Env = []string{"PATH=" + assets + ":/usr/bin:/bin", "KUBECONFIG=" + b.kubeconfig, "HOME=" + b.dir}
	if said, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, said)
	}
}

// counts waits until the target's API server has taken over what RBAC says of somebody.
func (b *targetBench) counts(t *testing.T, who kube.Options, access kube.Access) {
	t.Helper()
	who.Kubeconfig = b.target.KubeconfigFile()
	cluster, err := kube.Connect(who)
	if err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the rights to count", func(ctx context.Context) error {
		verdict := cluster.Can(ctx, []kube.Access{access})[0]
		if verdict.Err == nil && !verdict.Allowed {
			return errors.New(access.String() + " is not allowed")
		}
		return verdict.Err
	})
}

// target is what a document says of the target.
func (d initDocument) target(t *testing.T) initResource {
	t.Helper()
	i := slices.IndexFunc(d.Resources, func(r initResource) bool { return r.System == "target" })
	if i < 0 {
		t.Fatalf("the document holds no target: %+v", d.Resources)
	}
	return d.Resources[i]
}

// TestTargetContext goes to the end of the guide for Kubernetes access with one command: both clusters are written to, and the bot reads in
// the target through Teleport. The same again writes nothing, and delete leaves nothing in either.
func TestTargetContext(t *testing.T) {
	b := newTargetBench(t)
	got := b.run(t, b.args("--target-context", "prod eu", "-o", "json")...)
	got.want(t, 0, "The binding is made in context prod eu ("+strings.TrimSuffix(b.target.RESTConfig().Host, "/")+")", "TBC111", "TBC112", "TBC611",
		"-kubernetes in context prod eu: created", "tbotctl verify --context")
	b.noSecrets(t, got)
	bot := b.bot(t)
	document := got.document(t)
	made := document.target(t)
	if made.Context != "prod eu" || made.Kind != "ClusterRoleBinding" || made.Name != bot+"-kubernetes" || made.Action != "create" || !made.Applied {
		t.Errorf("the target is %+v", made)
	}
	if slices.ContainsFunc(document.Next, func(line string) bool { return strings.Contains(line, "create clusterrolebinding") }) {
		t.Errorf("what was bound is to be bound once more: %q", document.Next)
	}
	binding := b.binding(t, bot)
	if binding == nil || binding.RoleRef.Name != "view" || binding.Labels[spec.LabelManagedBy] != spec.ManagedBy || binding.Annotations[spec.MarkInstall] == "" {
		t.Fatalf("the binding is %+v", binding)
	}
	// The proof stands before the first write to a cluster that may be somebody else's, the binding before the pod that needs it.
	order := []string{"join: proven", "in context prod eu: created", "ConfigMap " + b.namespace + "/tbot-config: created"}
	for i, at := 1, strings.Index(got.stderr, order[0]); i < len(order); i++ {
		next := strings.Index(got.stderr, order[i])
		if at < 0 || next < at {
			t.Errorf("%q does not come before %q", order[i-1], order[i])
		}
		at = next
	}
	b.counts(t, kube.Options{As: "anybody", AsGroups: []string{b.group()}}, kube.Access{Verb: "list", Resource: "pods"})
	b.run(t, b.verifyArgs("--kubeconfig", b.kubeconfig, "--each-cluster", "-o", "json")...).want(t, 0, `"pods"`, b.group())
	b.run(t, b.args("--from", b.path("answers.yaml"), "--prove", "never")...).want(t, 0, "= ClusterRoleBinding "+bot+"-kubernetes in context prod eu")
	diff := append([]string{"diff", "--from", b.path("answers.yaml")}, b.deleteArgs("--kubeconfig", b.kubeconfig)[2:]...)
	diff = slices.DeleteFunc(diff, func(word string) bool { return word == "--yes" })
	b.run(t, diff...).want(t, 0, "= ClusterRoleBinding "+bot+"-kubernetes in context prod eu", "Kubernetes clusters that the bot reaches")
	// Without --target-context delete does not know of the target; the answers do.
	b.run(t, b.deleteArgs("--kubeconfig", b.kubeconfig, "--from", b.path("answers.yaml"))...).want(t, 0,
		"- ClusterRoleBinding "+bot+"-kubernetes in context prod eu", "in context prod eu: removed", "in any of the clusters")
	b.nothingBound(t)
}

// TestTargetContextInOneNamespace binds in one namespace of the target, with the flags that delete takes by themselves.
func TestTargetContextInOneNamespace(t *testing.T) {
	b := newTargetBench(t)
	b.run(t, b.args("--target-context", "prod eu", "--target-namespace", "shop", "--prove", "never")...).want(t, 3, "TBC112", "there is no namespace shop",
		`kubectl --context 'prod eu' create namespace shop`)
	b.nothingWritten(t)
	b.run(t, b.args("--target-context", "prod eu", "--target-namespace", b.apps, "--cluster-role", "nosuch", "--prove", "never")...).want(t, 3, "TBC112", "there is no ClusterRole nosuch")
	b.nothingWritten(t)
	b.nothingBound(t)
	b.run(t, b.args("--target-context", "prod eu", "--target-namespace", b.apps, "--prove", "never")...).want(t, 0,
		fmt.Sprintf("RoleBinding %s/", b.apps), "in context prod eu: created")
	if _, err := b.target.Client().RbacV1().RoleBindings(b.apps).Get(t.Context(), b.bot(t)+"-kubernetes", metav1.GetOptions{}); err != nil {
		t.Error(err)
	}
	b.run(t, b.deleteArgs("--kubeconfig", b.kubeconfig, "--target-context", "prod eu")...).want(t, 0, "in context prod eu: removed")
	b.nothingBound(t)
	b.run(t, b.deleteArgs("--kubeconfig", b.kubeconfig, "--target-context", "prod eu")...).want(t, 0, "Nothing to delete")
}

// Nothing is written anywhere where one of the contexts does not exist, does not answer, or does not let the login bind.
func TestTargetContextIsWholeOrNothing(t *testing.T) {
	b := newTargetBench(t)
	limited := b.namespace + "-limited"
	b.limited(t, limited)
	b.counts(t, kube.Options{As: limited}, kube.Access{Verb: "create", Group: rbacv1.GroupName, Resource: "clusterrolebindings"})
	b.contexts(t, map[string]string{"prod eu": b.target.KubeconfigFile(), "limited": b.target.KubeconfigFor(t, limited), "powerless": b.target.KubeconfigFor(t, "nobody-at-all")})
	for name, row := range map[string]struct {
		contexts string
		code     int
		says     []string
	}{
		"no such context": {"prod eu,nosuch", 2, []string{"--target-context", `context "nosuch" does not exist`, `"prod eu"`}},
		"twice":           {"prod eu,prod eu", 2, []string{"--target-context", "stands twice"}},
		"no answer":       {"prod eu,dead", 1, []string{"TBC111", `context "dead" (https://127.0.0.1:1)`, "cannot be reached"}},
		"no right to write": {"prod eu,powerless", 3, []string{
			"TBC611", `context "powerless"`, "this login may not: get, patch, create clusterrolebindings",
			`in the cluster of context "powerless" a cluster administrator grants it with:`, "kubectl create clusterrolebinding tbotctl-init",
		}},
		"no right to bind": {"prod eu,limited", 3, []string{"TBC611", `context "limited"`, "may not bind ClusterRole view", `resources: ["clusterroles"], resourceNames: ["view"], verbs: [bind]`}},
	} {
		t.Run(name, func(t *testing.T) {
			b.run(t, b.args("--target-context", row.contexts)...).want(t, row.code, row.says...)
			b.nothingWritten(t)
			b.nothingBound(t)
		})
	}
	t.Run("files need none of it", func(t *testing.T) {
		b.run(t, b.args("--target-context", "powerless", "--out-dir", b.path("files"))...).want(t, 0, "are not compared with what is there")
		b.nothingBound(t)
	})
}

// limited may write bindings in the target and holds nothing that could be bound.
func (b *targetBench) limited(t *testing.T, user string) {
	t.Helper()
	rbac, meta := b.target.Client().RbacV1(), metav1.ObjectMeta{Name: user}
	rules := []rbacv1.PolicyRule{{APIGroups: []string{rbacv1.GroupName}, Resources: []string{"clusterrolebindings"}, Verbs: []string{"get", "list", "patch", "create", "delete"}}}
	_, roleErr := rbac.ClusterRoles().Create(t.Context(), &rbacv1.ClusterRole{ObjectMeta: meta, Rules: rules}, metav1.CreateOptions{})
	_, bindingErr := rbac.ClusterRoleBindings().Create(t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: meta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: user},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	}, metav1.CreateOptions{})
	if err := errors.Join(roleErr, bindingErr); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// The test's context has ended by now.
		ctx := context.WithoutCancel(t.Context())
		_ = rbac.ClusterRoleBindings().Delete(ctx, user, metav1.DeleteOptions{})
		_ = rbac.ClusterRoles().Delete(ctx, user, metav1.DeleteOptions{})
	})
}

// What somebody else made in the target is shown and left alone, and a binding to another role is for a person to remove.
func TestTargetContextConflicts(t *testing.T) {
	b := newTargetBench(t)
	const bot = "robot"
	name := spec.KubeRoleOf(bot + b.namespace)
	args := func(more ...string) []string {
		return b.args(append([]string{"--bot-name", bot + b.namespace, "--target-context", "prod eu", "--prove", "never"}, more...)...)
	}
	b.sh(t, "kubectl --context 'prod eu' create clusterrolebinding "+name+" --clusterrole=edit --group=others")
	t.Cleanup(func() {
		_ = b.target.Client().RbacV1().ClusterRoleBindings().Delete(context.WithoutCancel(t.Context()), name, metav1.DeleteOptions{})
	})
	unbind := "kubectl --context 'prod eu' delete clusterrolebinding " + name
	b.run(t, args()...).want(t, 3, "! ClusterRoleBinding "+name+" in context prod eu: not made by tbotctl; it binds ClusterRole edit, which nobody can change", "what it allows now ends with: "+unbind)
	b.run(t, args("--take-over")...).want(t, 3, unbind)
	b.nothingWritten(t)
	b.sh(t, unbind)

	b.sh(t, "kubectl --context 'prod eu' create clusterrolebinding "+name+" --clusterrole=view --group=others")
	b.run(t, args()...).want(t, 3, "! ClusterRoleBinding "+name+" in context prod eu: not made by tbotctl", "--take-over", "others -> "+b.group())
	b.nothingWritten(t)
	b.run(t, args("--take-over")...).want(t, 0, "in context prod eu: updated")
	if held := b.binding(t, bot+b.namespace); len(held.Subjects) != 1 || held.Subjects[0].Name != b.group() {
		t.Errorf("the binding is for %+v", held.Subjects)
	}
	b.sh(t, "kubectl --context 'prod eu' patch clusterrolebinding "+name+` --type merge -p '{"subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"Group","name":"`+b.group()+`-too"}]}'`)
	b.run(t, args()...).want(t, 3, "! ClusterRoleBinding "+name+" in context prod eu", `conflict with "kubectl-patch"`, "--force-conflicts")
	b.run(t, args("--force-conflicts")...).want(t, 0, "in context prod eu: updated")
	if held := b.binding(t, bot+b.namespace); len(held.Subjects) != 1 || held.Subjects[0].Name != b.group() {
		t.Errorf("the binding is for %+v", held.Subjects)
	}
	b.run(t, b.deleteArgs("--kubeconfig", b.kubeconfig, "--bot-name", bot+b.namespace, "--target-context", "prod eu")...).want(t, 0)
	b.nothingBound(t)
}

// A deletion that a target refuses is known before the first one anywhere; without the flag delete says what it does not look for.
func TestDeleteWithoutTheRightInATarget(t *testing.T) {
	b := newTargetBench(t)
	b.run(t, b.args("--target-context", "prod eu", "--prove", "never")...).want(t, 0)
	viewer := b.namespace + "-viewer"
	b.sh(t, "kubectl --context 'prod eu' create clusterrole "+viewer+" --verb=get,list --resource=clusterrolebindings,rolebindings && "+
		"kubectl --context 'prod eu' create clusterrolebinding "+viewer+" --clusterrole="+viewer+" --user="+viewer)
	t.Cleanup(func() {
		_, _, _ = b.target.Kubectl(context.WithoutCancel(t.Context()), nil, "delete", "clusterrole,clusterrolebinding", viewer)
	})
	b.contexts(t, map[string]string{"prod eu": b.target.KubeconfigFile(), "viewer": b.target.KubeconfigFor(t, viewer)})
	b.counts(t, kube.Options{As: viewer}, kube.Access{Verb: "list", Group: rbacv1.GroupName, Resource: "clusterrolebindings"})
	b.run(t, b.deleteArgs("--kubeconfig", b.kubeconfig, "--target-context", "viewer")...).want(t, 3, "these deletions are refused, so nothing was deleted",
		`in the cluster of context "viewer" a cluster administrator grants it with:`, "clusterrolebindings", "verbs: [delete]")
	if b.binding(t, b.bot(t)) == nil {
		t.Error("the binding is gone")
	}
	if _, there := b.teleport.Bot(b.bot(t)); !there {
		t.Error("the bot is gone")
	}
	b.run(t, b.deleteArgs("--kubeconfig", b.kubeconfig)...).want(t, 0, "Bindings in the clusters that the bot reached are not looked for; --target-context names such clusters.")
}

// The cluster that tbot runs in can be a target too, and delete does not take its own RoleBinding for one (trap 20).
func TestTargetContextOfTheSource(t *testing.T) {
	b := newTargetBench(t)
	source := b.plane.Flavour().String()
	b.run(t, b.args("--target-context", source, "--target-namespace", b.namespace, "--prove", "never")...).want(t, 0,
		"Context "+source+" leads to the cluster that tbot runs in. It needs the binding only where the bot reaches it through Teleport as well")
	got := b.run(t, b.deleteArgs("--kubeconfig", b.kubeconfig, "--target-context", source, "-o", "json")...)
	got.want(t, 0)
	bindings := 0
	for _, resource := range deleteOf(t, got).Resources {
		if resource.Kind == "RoleBinding" {
			bindings++
		}
	}
	if bindings != 2 {
		t.Errorf("delete names %d RoleBindings, want that of the Secret and that of the target, each once", bindings)
	}
}

// Without the flag the binding is a kustomization that any cluster takes as it is, by the command that is printed.
func TestTargetsAsAKustomization(t *testing.T) {
	b := newTargetBench(t)
	got := b.run(t, b.args("--out-dir", b.path("files"), "-o", "json")...)
	got.want(t, 0)
	b.nothingBound(t)
	next := got.document(t).Next
	i := slices.IndexFunc(next, func(line string) bool { return strings.Contains(line, " -k ") })
	if i < 0 || strings.Contains(strings.Join(next[:i], "\n"), filepath.Join("files", "targets")) {
		t.Fatalf("the commands are %q", next)
	}
	b.sh(t, strings.Replace(next[i], "CLUSTER", "'prod eu'", 1))
	if held := b.binding(t, b.bot(t)); held == nil || held.Annotations[spec.MarkInstall] == "" {
		t.Errorf("the binding is %+v", held)
	}
	// It is known as this installation's by its mark.
	b.run(t, b.args("--target-context", "prod eu", "--prove", "never")...).want(t, 0, "= ClusterRoleBinding")
	b.run(t, b.deleteArgs("--kubeconfig", b.kubeconfig, "--target-context", "prod eu")...).want(t, 0)
	b.nothingBound(t)
}
