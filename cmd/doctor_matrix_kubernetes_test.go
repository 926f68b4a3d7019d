package cmd_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	teleporttypes "github.com/gravitational/teleport/api/types"
	"sigs.k8s.io/yaml"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// kubeRoleEdited changes the Teleport role that init made, as somebody else would.
func (s *scene) kubeRoleEdited(t *testing.T, change func(*teleporttypes.RoleConditions)) {
	t.Helper()
	held, ok := s.role(t, s.made.Setup.Bot+"-kubernetes").(*teleporttypes.RoleV6)
	if !ok {
		t.Fatal("init made no role")
	}
	change(&held.Spec.Allow)
	s.teleport.AddRole(held)
}

// guideRole is the role of Teleport's guide for Kubernetes access: of a version that knows pods alone.
const guideRole = `kind: role
version: v6
metadata: {name: kube-guide}
spec:
  allow:
    kubernetes_labels: {'*': '*'}
    kubernetes_groups: [editor]
    kubernetes_resources: [{kind: '*', namespace: '*', name: '*'}]
`

// refusedRole hands a role to Teleport's own rules, which refuse it before it is stored, and gives their words.
func refusedRole(t *testing.T, text string) string {
	t.Helper()
	encoded, err := yaml.YAMLToJSONStrict([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	role := new(teleporttypes.RoleV6)
	if err := json.Unmarshal(encoded, role); err != nil {
		t.Fatal(err)
	}
	if err := role.CheckAndSetDefaults(); err != nil {
		return err.Error()
	}
	t.Fatal("Teleport takes this role")
	return ""
}

// faultsOfReach are P22 to P26 as they come to setups that `--access kubernetes` made.
func faultsOfReach(t *testing.T) []fault {
	t.Helper()
	enrolled := []teleporttest.KubeCluster{{Name: "alpha", Labels: map[string]string{"env": "prod"}, Upstream: testkit.Shared(t, testkit.CloudLike).RESTConfig()}}
	options := teleporttest.Options{KubeClusters: enrolled}
	made := func(more ...string) []string {
		return append([]string{"--access", "kubernetes", "--roles=", "--kube-groups", "readers", "--no-wait"}, more...)
	}
	labelled := made("--kube-labels", "env=prod")
	return []fault{
		{
			problem: "P22", want: checks.NoExecPlugin, says: []string{"output kubernetes", "a kubeconfig into Secret tbot-output that calls tbot"}, unplayed: true,
			options: teleporttest.Options{Version: "16.0.3", KubeClusters: enrolled}, init: made("--kube-cluster", "alpha"),
			log: []string{"ERROR: Destination kubernetes_secret: tbot-output must be a directory in exec plugin mode"},
			breaks: func(t *testing.T, s *scene) {
				t.Helper()
				s.laid(t, func(text string) string { return strings.Replace(text, "    disable_exec_plugin: true\n", "", 1) })
			},
		},
		{
			problem: "P23", want: checks.RolesReach, says: []string{"has no roles"}, unplayed: true, fix: byInit, options: options, init: labelled,
			breaks: func(t *testing.T, s *scene) { t.Helper(); s.botRoles(t) },
		},
		{
			problem: "P23", want: checks.RolesReach, says: []string{"kubernetes_labels that match", `"alpha" with env=prod`}, unplayed: true, fix: byInit, options: options, init: labelled,
			breaks: func(t *testing.T, s *scene) {
				t.Helper()
				s.kubeRoleEdited(t, func(allow *teleporttypes.RoleConditions) {
					allow.KubernetesLabels = teleporttypes.Labels{"env": {"staging"}}
				})
			},
		},
		{
			// Teleport refuses the role itself, so that what is left is a bot with a role that is not there.
			problem: "P24", want: checks.RolesReach, says: []string{`"kube-guide", which does not exist`}, unplayed: true, options: options, init: labelled,
			breaks: func(t *testing.T, s *scene) {
				t.Helper()
				if words := refusedRole(t, guideRole); !strings.Contains(words, `KubernetesResource kind "*" is not supported in role version "v6"`) {
					t.Fatalf("Teleport says %s", words)
				}
				s.botRoles(t, s.made.Setup.Bot+"-kubernetes", "kube-guide")
			},
		},
		{
			problem: "P25", want: checks.RolesReach, says: []string{"kubernetes_groups or kubernetes_users"}, unplayed: true, fix: byInit, options: options, init: labelled,
			breaks: func(t *testing.T, s *scene) {
				t.Helper()
				s.kubeRoleEdited(t, func(allow *teleporttypes.RoleConditions) { allow.KubeGroups = nil })
			},
		},
		{
			problem: "P25", want: checks.RolesReach, warns: true, says: []string{`"system:nodes"`, "GKE Autopilot forbids"}, unplayed: true, fix: byHand, options: options, init: made("--kube-labels", "env=prod", "--kube-groups", "system:nodes"),
			breaks: func(*testing.T, *scene) {},
			mends: func(t *testing.T, s *scene, fix string) {
				t.Helper()
				if !strings.HasPrefix(fix, "run tbotctl init again with --kube-groups of your own, ") {
					t.Fatalf("the fix is %s", fix)
				}
				s.run(t, s.initArgs(labelled...)...).want(t, 0)
			},
		},
		{
			problem: "P26", want: checks.RolesReach, warns: true, says: []string{`"alice", "bob"`}, unplayed: true, fix: byHand, options: options, init: labelled,
			breaks: func(t *testing.T, s *scene) {
				t.Helper()
				s.teleport.AddRole(kubeRole(nil, []string{"alice", "bob"}))
				s.botRoles(t, s.made.Setup.Bot+"-kubernetes", "kube")
			},
			mends: func(t *testing.T, s *scene, fix string) {
				t.Helper()
				editsRole(t, fix)
				s.teleport.AddRole(kubeRole(nil, []string{"alice"}))
			},
		},
	}
}

// TestDoctorMatrixKubernetes makes the failures of Kubernetes access on setups that init made for it.
func TestDoctorMatrixKubernetes(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	for _, row := range faultsOfReach(t) {
		seen[row.problem]++
		t.Run(row.problem, func(t *testing.T) {
			t.Parallel()
			line := row.run(t)
			t.Log(line)
		})
	}
	for _, problem := range []string{"P22", "P23", "P24", "P25", "P26"} {
		if seen[problem] == 0 {
			t.Errorf("no row makes %s", problem)
		}
	}
}

// TestDoctorMatrixUnbound makes the P25 that only the target cluster can tell of: nobody has bound the group. doctor says who can, by a
// command that finds it, and whose own fix mends it.
func TestDoctorMatrixUnbound(t *testing.T) {
	t.Parallel()
	b, target := newReachBench(t, teleporttest.Options{})
	b.node(t)
	b.play(t)
	group := b.namespace + "-readers"
	b.run(t, b.reachArgs("--kube-labels", "env=prod", "--kube-groups", group)...).want(t, 0)
	look := func() lookedCheck {
		got := lookedOf(t, b.run(t, b.lookArgs("-o", "json")...))
		if len(got.Causes) > 0 || got.Summary.Fail+got.Summary.Unknown > 0 {
			t.Errorf("doctor finds what it cannot see: %+v\n%s", got.Causes, got.table())
		}
		i := slices.IndexFunc(got.Checks, func(c lookedCheck) bool { return c.ID == string(checks.TargetsAllow) })
		if i < 0 {
			t.Fatalf("no %s in\n%s", checks.TargetsAllow, got.table())
		}
		return got.Checks[i]
	}
	found := look()
	if found.Status != string(checks.Skip) || !strings.Contains(found.Observed, "only they can tell") {
		t.Errorf("%s is %s: %s", found.ID, found.Status, found.Observed)
	}
	words := strings.Fields(found.Fix)
	if len(words) < 2 || words[0] != "tbotctl" || words[1] != "verify" || !slices.Contains(words, b.plane.Flavour().String()) {
		t.Fatalf("the fix is %s", found.Fix)
	}
	asked := b.run(t, b.verifyArgs(append(words[2:], "-o", "json")...)...)
	asked.want(t, 3)
	var document struct{ Clusters []askedCluster }
	if err := json.Unmarshal([]byte(asked.stdout), &document); err != nil || len(document.Clusters) != 1 || document.Clusters[0].Cause == nil {
		t.Fatalf("%v: %s", err, asked.stdout)
	}
	cause := document.Clusters[0].Cause
	bind, isThere := strings.CutPrefix(cause.Fix, "kubectl --context CLUSTER ")
	if cause.ID != "P25" || !isThere {
		t.Fatalf("%+v", *cause)
	}
	b.run(t, b.verifyArgs(words[2:]...)...).want(t, 3, "P25", "nothing there binds group", group, "kubectl --context CLUSTER create clusterrolebinding")
	if _, said, err := target.Kubectl(t.Context(), nil, strings.Fields(bind)...); err != nil {
		t.Fatalf("%s: %v: %s", cause.Fix, err, said)
	}
	t.Cleanup(func() {
		_, _, _ = target.Kubectl(context.Background(), nil, "delete", "clusterrolebinding", b.bot(t)+"-kubernetes")
	})
	b.run(t, b.verifyArgs(words[2:]...)...).want(t, 0, "alpha", "bot-"+b.bot(t))
	look()
}
