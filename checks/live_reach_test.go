package checks

import (
	"testing"

	"github.com/gravitational/teleport/api/types"
)

func TestJudgeReach(t *testing.T) {
	t.Parallel()
	identity := joining(t, labYAML)
	kube := joining(t, labYAML+"  - type: kubernetes\n    kubernetes_cluster: prod\n    disable_exec_plugin: true\n    destination: {type: kubernetes_secret, name: kube-out}\n")
	argo := joining(t, labYAML+"  - type: kubernetes/argo-cd\n    selectors: [{name: prod}]\n")
	none := joining(t, "version: v2\nproxy_server: teleport.example.com:443\nonboarding: {join_method: kubernetes, token: door}\nstorage: {type: memory}\n")
	access := &types.RoleV6{Metadata: types.Metadata{Name: "access"}}
	broken := reaching("access", nil, []string{"viewers"})
	broken.Version = types.V6
	broken.Spec.Allow.KubernetesResources = []types.KubernetesResource{{Kind: types.Wildcard, Name: types.Wildcard, Namespace: types.Wildcard, Verbs: []string{types.Wildcard}}}
	edit := "tctl edit role/access"
	users := func(kinds Workload) Finding {
		return judgeReach(kinds, robot("access"), []types.Role{reaching("access", []string{"alice", "bob"}, nil)}, nil)
	}
	several := func(status Status) Finding {
		return Finding{
			Status: status, Observed: `P26: the roles name several kubernetes_users, "alice", "bob", and a client that names none is refused`, Expected: "one of them, or *",
			Fix: edit + ", and leave one of kubernetes_users",
		}
	}
	check(t, map[string]judged{
		"no outputs": {judgeReach(none, robot(), nil, nil), Finding{Status: Skip, Observed: "tbot.yaml has no outputs"}},
		"no bot":     {judgeReach(identity, nil, nil, nil), Finding{Status: Skip, Observed: "the bot does not exist"}},
		"identity":   {judgeReach(identity, robot("access"), []types.Role{access}, nil), Finding{Status: Pass, Observed: `the roles "access"`}},
		"P23: no roles": {judgeReach(identity, robot(), nil, nil), Finding{
			Status: Fail, Observed: `P23: bot "robot" has no roles, and tbot.yaml has outputs`, Expected: "at least one role",
			Fix: "tctl bots update robot --set-roles ROLE, with a role of `tctl get roles` that the output is for",
		}},
		"P23: no roles any more": {judgeReach(identity, robot(), nil, []string{"access", "ci"}), Finding{
			Status: Fail, Observed: `P23: bot "robot" has no roles, and tbot.yaml has outputs`, Expected: "at least one role",
			Fix: "tctl bots update robot --set-roles access,ci",
		}},
		"P23: a role that is gone": {judgeReach(identity, robot("access", "gone"), []types.Role{access}, nil), Finding{
			Status: Fail, Observed: `P23: bot "robot" carries "gone", which does not exist`, Expected: "roles that exist",
			Fix: "tctl bots update robot --set-roles access",
		}},
		"P23: all roles are gone": {judgeReach(identity, robot("gone"), nil, nil), Finding{
			Status: Fail, Observed: `P23: bot "robot" carries "gone", which does not exist`, Expected: "roles that exist",
			Fix: "tctl bots update robot --set-roles ROLE, with a role of `tctl get roles` that the output is for",
		}},
		"P23: no labels": {judgeReach(kube, robot("access"), []types.Role{access}, nil), Finding{
			Status:   Fail,
			Observed: `P23: none of the roles "access" has kubernetes_labels, so bot "robot" sees no cluster for the outputs kubernetes`,
			Expected: "a role with kubernetes_labels that match the clusters", Fix: edit + ", and add kubernetes_labels and kubernetes_groups",
		}},
		"P24": {judgeReach(kube, robot("access"), []types.Role{broken}, nil), Finding{
			Status: Fail, Observed: `P24: role "access": KubernetesResource kind "*" is not supported in role version "v6". Upgrade the role version to "v8"`,
			Expected: "kubernetes_resources that its version knows", Fix: edit + ", and raise its version",
		}},
		"P25: nobody to act as": {judgeReach(kube, robot("access"), []types.Role{reaching("access", nil, nil)}, nil), Finding{
			Status: Fail, Observed: "P25: no role that reaches a cluster has kubernetes_groups or kubernetes_users", Expected: "a group that is bound in the cluster",
			Fix: edit + ", and add kubernetes_groups",
		}},
		"P25: masters": {judgeReach(kube, robot("access"), []types.Role{reaching("access", nil, []string{"system:masters"})}, nil), Finding{
			Status: Warn, Observed: "P25: the roles act as group system:masters, which no RBAC limits and GKE Autopilot forbids", Expected: "a group of your own that is bound in the cluster",
			Fix: edit + ", and put a group of your own in the place of system:masters",
		}},
		"P25: names of Kubernetes": {judgeReach(kube, robot("access"), []types.Role{reaching("access", []string{"system:admin"}, []string{"viewers"})}, nil), Finding{
			Status: Warn, Observed: `P25: the roles act as "system:admin", names that Kubernetes keeps for itself and GKE Autopilot forbids`, Expected: "a group of your own that is bound in the cluster",
			Fix: edit + ", and put names of your own in the place of those with system:",
		}},
		"P26: in the second role": {judgeReach(kube, robot("one", "two"), []types.Role{reaching("one", nil, []string{"viewers"}), reaching("two", []string{"alice", "bob"}, nil)}, nil), Finding{
			Status: Warn, Observed: `P26: the roles name several kubernetes_users, "alice", "bob", and a client that names none is refused`, Expected: "one of them, or *",
			Fix: "tctl edit role/two, and leave one of kubernetes_users",
		}},
		"P26: Argo CD": {users(argo), several(Fail)},
		"P26: kubectl": {users(kube), several(Warn)},
		"anybody":      {judgeReach(argo, robot("access"), []types.Role{reaching("access", []string{"*", "bob"}, nil)}, nil), Finding{Status: Pass, Observed: `the roles "access", as groups none and users "*", "bob"`}},
	})
	if broken.Version != types.V6 || len(broken.Spec.Allow.KubernetesResources) != 1 {
		t.Errorf("the judge changed the role: %+v", broken)
	}
}
