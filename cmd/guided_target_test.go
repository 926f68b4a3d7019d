package cmd_test

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/prompt"
)

// TestGuidedTargetContext marks the context on its page: the plan names it, the binding is made, and the command lines for the next run and
// for the way back name it too.
func TestGuidedTargetContext(t *testing.T) {
	b := newTargetBench(t)
	script := prompt.NewScript(t, prompt.Default("join-type"), prompt.Choose("target-context", "prod eu"), prompt.Choose("roles"), prompt.Default("output-secret"),
		prompt.Answer("yes", "apply"), prompt.Answer("yes", "finish"))
	bot := "robot-" + b.namespace
	got := b.guide(t, script, "--kubeconfig", b.kubeconfig, "--context", b.plane.Flavour().String(), "--proxy", b.teleport.Addr(), "--namespace", b.namespace,
		"--service-account", "tbot", "--bot-name", bot, "--token-name", bot, "--access", "kubernetes", "--kube-cluster", "alpha",
		"--kube-groups", b.group(), "--cluster-role", "view", "--target-namespace", b.apps, "--no-wait", "--prove", "never")
	got.want(t, 0, "--target-context 'prod eu'", "tbotctl delete")
	says(t, script, "where tbot runs", strings.TrimSuffix(b.target.RESTConfig().Host, "/"), "+ RoleBinding "+b.apps+"/"+bot+"-kubernetes in context prod eu")
	if _, err := b.target.Client().RbacV1().RoleBindings(b.apps).Get(t.Context(), bot+"-kubernetes", metav1.GetOptions{}); err != nil {
		t.Error(err)
	}
	for line := range strings.Lines(got.stderr) {
		if strings.Contains(line, "tbotctl delete") && !strings.Contains(line, "--target-context 'prod eu'") {
			t.Errorf("what undoes it leaves the binding behind: %s", line)
		}
	}
}

// A cluster that says no leads back to the page of the contexts, with what it said; without the mark the way goes on to the command.
func TestGuidedTargetContextThatRefuses(t *testing.T) {
	b := newTargetBench(t)
	b.contexts(t, map[string]string{"powerless": b.target.KubeconfigFor(t, "nobody-at-all")})
	script := prompt.NewScript(t, prompt.Default("join-type"), prompt.Choose("target-context", "powerless"), prompt.Choose("roles"), prompt.Default("output-secret"),
		prompt.Answer("yes", "target-context"), prompt.Choose("target-context"), prompt.Answer("yes", "apply"), prompt.Answer("yes", "finish"))
	bot := "robot-" + b.namespace
	got := b.guide(t, script, "--kubeconfig", b.kubeconfig, "--context", b.plane.Flavour().String(), "--proxy", b.teleport.Addr(), "--namespace", b.namespace,
		"--service-account", "tbot", "--bot-name", bot, "--token-name", bot, "--access", "kubernetes", "--kube-cluster", "alpha",
		"--kube-groups", b.group(), "--cluster-role", "view", "--target-namespace", "", "--no-wait", "--prove", "never")
	got.want(t, 0, "kubectl --context CLUSTER create clusterrolebinding "+bot+"-kubernetes")
	says(t, script, "this login may not: get, patch, create clusterrolebindings", "Change: In which clusters does tbotctl make the binding itself?")
	b.nothingBound(t)
}
