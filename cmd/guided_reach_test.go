package cmd_test

import (
	"slices"
	"testing"

	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// reaching is a whole way to a bot for the Kubernetes clusters of newReachBench, up to the plan.
func (b *bench) reaching(more ...prompt.Step) []prompt.Step {
	steps := append(slices.Clone(b.answers()[:7]),
		prompt.Answer("access", "kubernetes"),
		prompt.Answer("kube-cluster", "labels"), prompt.Answer("kube-labels", "env=prod"), prompt.Default("kube-labels"),
		prompt.Default("kube-groups"), prompt.Default("kube-groups"), prompt.Default("cluster-role"), prompt.Answer("target-namespace", "apps"),
		prompt.Choose("target-context"), prompt.Choose("roles"), prompt.Default("output-secret"))
	steps[5] = prompt.Answer("bot-name", "robot")
	return append(steps, more...)
}

// TestGuidedKubernetes leads somebody who knows nothing but labels to a bot that acts as a group of its own: what they match is shown
// before anything is made, the role is as narrow as the answers, and the command line at the end says the same.
func TestGuidedKubernetes(t *testing.T) {
	t.Parallel()
	b, _ := newReachBench(t, teleporttest.Options{})
	b.play(t)
	script := prompt.NewScript(t, b.reaching(prompt.Answer("yes", "apply"), prompt.Answer("yes", "finish"))...)
	got := b.guide(t, script)
	got.want(t, 0, "Proof:", "--access kubernetes", "--kube-labels env=prod", "--target-namespace apps", "--cluster-role view")
	says(t, script,
		"alpha (env=prod); beta (env=dev)", "The labels match 1 of 2 clusters: alpha.", "Kubernetes clusters that this matches now: alpha.",
		"ClusterRole view has to be bound in their namespace apps")
	role := b.role(t, "robot-kubernetes")
	if role == nil {
		t.Fatal("the role was not made")
	}
	if groups := role.GetKubeGroups(types.Allow); !slices.Equal(groups, []string{"robot"}) {
		t.Errorf("the role is for groups %q, want that of the bot", groups)
	}
}

// TestGuidedKubernetesByRoles names a cluster and leaves what the bot may do in it to a role that is there: none is made.
func TestGuidedKubernetesByRoles(t *testing.T) {
	t.Parallel()
	b, _ := newReachBench(t, teleporttest.Options{})
	steps := slices.Clone(b.reaching()[:8])
	script := prompt.NewScript(t, append(steps,
		prompt.Answer("kube-cluster", "names"), prompt.Choose("kube-cluster", "beta"), prompt.Answer("kube-groups", "roles"),
		prompt.Choose("roles", "access"), prompt.Default("output-secret"), prompt.Answer("yes", "quit"))...)
	b.guide(t, script).want(t, 130, "--kube-cluster beta", "--roles access", "nothing has been changed")
	b.nothingWritten(t)
}

// TestGuidedKubernetesRolesTakenAway finds the roles of a bot that is there marked, takes the mark from one, and it does not come back.
func TestGuidedKubernetesRolesTakenAway(t *testing.T) {
	t.Parallel()
	b, _ := newReachBench(t, teleporttest.Options{})
	b.run(t, b.initArgs("--no-wait", "--prove", "never", "--bot-name", "robot", "--token-name", "robot", "--roles", "access,auditor")...).want(t, 0)
	script := prompt.NewScript(t,
		prompt.Choose("roles", "auditor"), prompt.Default("output-secret"), prompt.Answer("yes", "apply"), prompt.Answer("yes", "finish"))
	b.guide(t, script, "--context", b.plane.Flavour().String(), "--proxy", b.teleport.Addr(), "--namespace", b.namespace, "--service-account", "tbot", "--bot-name", "robot", "--token-name", "robot", "--join-type", "static_jwks",
		"--access", "kubernetes", "--kube-cluster", "alpha", "--kube-groups", "readers", "--cluster-role", "view", "--target-context", "", "--target-namespace", "",
		"--no-wait", "--prove", "never").want(t, 0)
	says(t, script, "Bot robot has these roles already, and loses those that you take the mark from: access, auditor.")
	stored, _ := b.teleport.Bot("robot")
	if roles := stored.GetSpec().GetRoles(); !slices.Equal(roles, []string{"auditor", "robot-kubernetes"}) {
		t.Errorf("the bot has the roles %v", roles)
	}
}
