package manifests_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gravitational/teleport/api/types"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/manifests"
)

func cluster(name string, pairs ...string) spec.ResolvedCluster {
	labels := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		labels[pairs[i]] = pairs[i+1]
	}
	return spec.ResolvedCluster{Name: name, Labels: labels}
}

// The role reaches the clusters that were asked for by the narrowest thing that a role can say.
func TestRoleReachesWhatWasAsked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		clusters   []spec.ResolvedCluster
		selectors  []map[string]string
		labels     types.Labels
		expression string
	}{
		"one selector": {
			selectors: []map[string]string{{"env": "prod", "team": "shop"}},
			labels:    types.Labels{"env": {"prod"}, "team": {"shop"}},
		},
		"selectors that differ in one value": {
			selectors: []map[string]string{{"env": "prod", "team": "shop"}, {"env": "test", "team": "shop"}},
			labels:    types.Labels{"env": {"prod", "test"}, "team": {"shop"}},
		},
		"selectors that differ in two values": {
			selectors:  []map[string]string{{"env": "prod", "team": "a"}, {"env": "test", "team": "b"}},
			expression: `(labels["env"] == "prod" && labels["team"] == "a") || (labels["env"] == "test" && labels["team"] == "b")`,
		},
		"selectors over other labels": {
			selectors:  []map[string]string{{"env": "prod"}, {"team": "b"}},
			expression: `(labels["env"] == "prod") || (labels["team"] == "b")`,
		},
		"a selector that covers another, and one twice": {
			selectors: []map[string]string{{"env": "prod", "team": "a"}, {"env": "prod"}, {"env": "prod"}},
			labels:    types.Labels{"env": {"prod"}},
		},
		"names": {
			clusters: []spec.ResolvedCluster{cluster("eu", "env", "prod", "region", "eu"), cluster("us", "env", "prod", "region", "us")},
			labels:   types.Labels{"env": {"prod"}, "region": {"eu", "us"}},
		},
		"a name that a selector matches anyway": {
			clusters:  []spec.ResolvedCluster{cluster("eu", "env", "prod", "region", "eu")},
			selectors: []map[string]string{{"env": "prod"}},
			labels:    types.Labels{"env": {"prod"}},
		},
		"labels that a role would read as patterns": {
			clusters: []spec.ResolvedCluster{cluster("eu", "env", "prod", "note", "*", "owner", "{{external.x}}", "re", "^a$")},
			labels:   types.Labels{"env": {"prod"}},
		},
		"quotes": {
			selectors:  []map[string]string{{`a"b`: `c\d`}, {"e": "f"}},
			expression: `(labels["a\"b"] == "c\\d") || (labels["e"] == "f")`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			setup := named("18.2.0", c.clusters...)
			setup.Reach.Labels = c.selectors
			allow := resource(t, render(t, setup), "role").Role.Spec.Allow
			if diff := cmp.Diff(c.labels, allow.KubernetesLabels); diff != "" || allow.KubernetesLabelsExpression != c.expression {
				t.Errorf("expression %s, want %s; labels (-want +got):\n%s", allow.KubernetesLabelsExpression, c.expression, diff)
			}
		})
	}
}

func TestRoleOfClustersWithoutLabelsIsRefused(t *testing.T) {
	t.Parallel()
	var invalid *spec.Invalid
	if _, err := manifests.Render(named("18.2.0", cluster("bare"))); !errors.As(err, &invalid) || !strings.Contains(err.Error(), "carries no label") {
		t.Errorf("no labels: error = %v", err)
	}
	unknown := named("18.2.0", cluster("eu", "env", "prod"))
	unknown.Reach.Clusters = []string{"us"}
	if _, err := manifests.Render(unknown); !errors.Is(err, manifests.ErrNotReady) || !strings.Contains(err.Error(), `--kube-cluster "us"`) {
		t.Errorf("not looked up: error = %v", err)
	}
	// Whoever may not ask Teleport renders the other side all the same.
	unknown.Side, unknown.Resolved.KubeClusters = spec.SideKubernetes, nil
	if got := ids(render(t, unknown)); slices.Contains(got, "role tbot-1a2b3c4d-kubernetes") || !slices.Contains(got, "ClusterRoleBinding tbot-1a2b3c4d-kubernetes") {
		t.Errorf("the Kubernetes side alone: %v", got)
	}
}

func TestBindingIsForWhomTeleportImpersonates(t *testing.T) {
	t.Parallel()
	group := func(names ...string) (all []rbacv1.Subject) {
		for _, name := range names {
			all = append(all, rbacv1.Subject{Kind: "Group", APIGroup: rbacv1.GroupName, Name: name})
		}
		return all
	}
	user := func(name string) []rbacv1.Subject {
		return []rbacv1.Subject{{Kind: "User", APIGroup: rbacv1.GroupName, Name: name}}
	}
	for name, c := range map[string]struct {
		groups, users []string
		want          []rbacv1.Subject
	}{
		"groups":           {groups: []string{"a", "oidc:b"}, want: group("a", "oidc:b")},
		"users":            {users: []string{"jane@example.com"}, want: user("jane@example.com")},
		"groups and users": {groups: []string{"a"}, users: []string{"jane"}, want: group("a")},
		"anyone":           {users: []string{"*"}, want: user("bot-tbot-1a2b3c4d")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			setup := reaching("18.2.0")
			setup.Reach.Groups, setup.Reach.Users = c.groups, c.users
			var everywhere rbacv1.ClusterRoleBinding
			strictly(t, resource(t, render(t, setup), "ClusterRoleBinding"), &everywhere)
			if diff := cmp.Diff(c.want, everywhere.Subjects); diff != "" || everywhere.RoleRef.Name != "view" || everywhere.RoleRef.Kind != "ClusterRole" {
				t.Errorf("bound to %+v (-want +got):\n%s", everywhere.RoleRef, diff)
			}
			setup.Reach.Namespace, setup.Reach.ClusterRole = "shop", "edit"
			for _, target := range render(t, setup).Targets() {
				var there rbacv1.RoleBinding
				strictly(t, target, &there)
				if target.ID() != "RoleBinding shop/tbot-1a2b3c4d-kubernetes" || there.RoleRef.Name != "edit" || there.RoleRef.Kind != "ClusterRole" {
					t.Errorf("%s is bound to %+v", target.ID(), there.RoleRef)
				}
			}
		})
	}
}

// What a namespace or a ClusterRole was given for, the Teleport role holds too.
func TestRoleIsHeldToNamespaceAndVerbs(t *testing.T) {
	t.Parallel()
	setup := reaching("18.2.0")
	setup.Reach.Namespace, setup.Reach.ClusterRole = "shop", "edit"
	set := render(t, setup)
	got := resource(t, set, "role").Role.Spec.Allow.KubernetesResources
	want := []types.KubernetesResource{{Kind: "*", APIGroup: "*", Namespace: "shop", Name: "*", Verbs: []string{"*"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if roles := resource(t, set, "bot").Bot.GetSpec().GetRoles(); !slices.Equal(roles, []string{"tbot-1a2b3c4d-kubernetes"}) {
		t.Errorf("the bot has the roles %v", roles)
	}
}

// Targets are nobody's side: they go to a file and to no cluster that a run writes to.
func TestTargetsGoToTheirOwnFileAlone(t *testing.T) {
	t.Parallel()
	set := render(t, reaching("18.2.0"))
	for _, side := range []spec.Side{spec.SideBoth, spec.SideKubernetes, spec.SideTeleport} {
		for _, r := range set.Side(side) {
			if r.System == manifests.Target {
				t.Errorf("side %s holds %s", side, r.ID())
			}
		}
	}
	var paths []string
	for _, file := range set.Files() {
		paths = append(paths, file.Path)
	}
	want := []string{"kubernetes/rbac.yaml", "kubernetes/config.yaml", "kubernetes/deployment.yaml", "teleport/resources.yaml", "targets/kubernetes-access.yaml", "targets/kustomization.yaml"}
	if !slices.Equal(paths, want) || len(set.Targets()) != 1 {
		t.Errorf("files %v, targets %v", paths, ids(set.Targets()))
	}
	if !slices.IsSortedFunc(set, func(a, b manifests.Resource) int { return int(a.Stage - b.Stage) }) {
		t.Errorf("the stages are not in order: %v", ids(set))
	}
}

func TestReachThatTheServerIsTooOldFor(t *testing.T) {
	t.Parallel()
	byLabels := reaching("17.2.6")
	byLabels.Teleport.Roles = []string{"kube-access"}
	anyone := reaching("17.7.2")
	anyone.Reach.Groups, anyone.Reach.Users = nil, []string{"*"}
	for want, setup := range map[string]spec.Setup{
		"--kube-labels: Teleport 17.2.6 with image public.ecr.aws/gravitational/tbot-distroless:17.2.6 has no output that matches clusters by labels; " +
			"name the clusters with --kube-cluster, or upgrade: Teleport 17.2.7 and newer can": byLabels,
		"--kube-users: Teleport 17.7.2 does not take * for any user; name the users, or upgrade: Teleport 17.7.3 and newer does": anyone,
	} {
		var invalid *spec.Invalid
		if _, err := manifests.Render(setup); !errors.As(err, &invalid) || err.Error() != want {
			t.Errorf("error = %v, want %s", err, want)
		}
	}
}

func TestWidensNamesWhatNobodyAskedFor(t *testing.T) {
	t.Parallel()
	all := []spec.ResolvedCluster{cluster("eu", "env", "prod"), cluster("twin", "env", "prod", "more", "x"), cluster("dev", "env", "dev"), cluster("bare")}
	got, err := manifests.Widens(named("18.2.0", all[0]), all)
	if err != nil || !slices.Equal(got, []string{"twin"}) {
		t.Errorf("by name: %v, %v", got, err)
	}
	labels := reaching("18.2.0")
	labels.Reach.Labels = []map[string]string{{"env": "prod"}}
	if got, err := manifests.Widens(labels, all); err != nil || len(got) != 0 {
		t.Errorf("by labels: %v, %v", got, err)
	}
	labels.Reach.Groups, labels.Teleport.Roles = nil, []string{"kube-access"}
	if got, err := manifests.Widens(labels, all); err != nil || len(got) != 0 {
		t.Errorf("with somebody else's role: %v, %v", got, err)
	}
}
