package spec_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// reaching is a valid Setup of access kubernetes.
func reaching() spec.Setup {
	s := spec.Default()
	s.Access = spec.AccessKubernetes
	s.Reach = spec.Reach{Clusters: []string{"prod-eu"}, Groups: []string{"tbot-readers"}}
	return s
}

func TestValidateReachMessages(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		change func(*spec.Reach)
		want   string
	}{
		{func(r *spec.Reach) { r.Clusters = []string{"prod*"} }, `--kube-cluster: "prod*" is no cluster name; give names separated by commas, without spaces`},
		{func(r *spec.Reach) { r.Clusters = []string{"a", "b", "a"} }, `--kube-cluster: "a" stands twice; name each once`},
		{func(r *spec.Reach) { r.Groups = []string{"a b"} }, `--kube-groups: "a b" is no group name; give names separated by commas, without spaces`},
		{func(r *spec.Reach) { r.Groups = []string{"system:masters"} }, "--kube-groups: system:masters is everything in every matched cluster: the API server asks no RBAC for it, so no binding limits it and none revokes it; " +
			"give a group of your own and bind it, for example --kube-groups tbot-readers"},
		{func(r *spec.Reach) { r.Groups = []string{"*"} }, `--kube-groups: "*" holds a wildcard, which Teleport does not match in names; write the names out`},
		{func(r *spec.Reach) { r.Users = []string{"dev-*"} }, `--kube-users: "dev-*" holds a wildcard, which Teleport does not match in names; write the names out`},
		{func(r *spec.Reach) { r.Users = []string{"{{internal.kubernetes_users}}"} }, `--kube-users: "{{internal.kubernetes_users}}" is a template over a user's traits, of which a bot has none; write the names out`},
		{func(r *spec.Reach) { r.Groups, r.Users = nil, []string{"*", "jane"} }, "--kube-users: * stands for every user, and others are named beside it; give * alone, or the names alone"},
		{func(r *spec.Reach) { r.Users = []string{"*"} }, "--kube-groups: given together with --kube-users '*': the groups would go along with whoever the bot acts as; leave one of the two out"},
		{func(r *spec.Reach) { r.Labels = []map[string]string{{}} }, "--kube-labels: a selector without labels matches no cluster; write for example env=prod"},
		{func(r *spec.Reach) { r.Labels = []map[string]string{{"env": ""}} }, `--kube-labels: "env=" lacks a key or a value; write for example env=prod`},
		{func(r *spec.Reach) { r.Labels = []map[string]string{{"*": "*"}} }, "--kube-labels: \"*=*\" is a pattern, and tbot compares labels letter by letter; write the label as `tctl get kube_server` shows it"},
		{func(r *spec.Reach) { r.Labels = []map[string]string{{"env": "^prod$"}} }, "--kube-labels: \"env=^prod$\" is a pattern, and tbot compares labels letter by letter; write the label as `tctl get kube_server` shows it"},
		{func(r *spec.Reach) { r.Labels = []map[string]string{{"env": "a\x00b"}} }, `--kube-labels: "env=a\x00b" holds a NUL character`},
		{func(r *spec.Reach) { r.Namespace = "a.b" }, `--target-namespace: "a.b" is no name that Kubernetes takes; must not contain dots`},
		{func(r *spec.Reach) { r.ClusterRole = "a/b" }, "--cluster-role: \"a/b\" is no name of a ClusterRole; write it as `kubectl get clusterroles` does"},
		{func(r *spec.Reach) { r.Contexts = []string{"prod\n"} }, `--target-context: "prod\n" is no context name; give names separated by commas, without spaces`},
		{func(r *spec.Reach) { r.Contexts = []string{"prod", "prod"} }, `--target-context: "prod" stands twice; name each once`},
	} {
		setup := reaching()
		c.change(&setup.Reach)
		var invalid *spec.Invalid
		if err := setup.Validate(); !errors.As(err, &invalid) || err.Error() != c.want {
			t.Errorf("Validate says\n  %v\nwant\n  %s", err, c.want)
		}
	}
}

// What is said of a binding is judged apart: whom it is for can still be asked.
func TestValidateBinding(t *testing.T) {
	t.Parallel()
	for flag, change := range map[string]func(*spec.Reach){
		"cluster-role":     func(r *spec.Reach) { r.ClusterRole = "edit" },
		"target-namespace": func(r *spec.Reach) { r.Namespace = "shop" },
		"target-context":   func(r *spec.Reach) { r.Contexts = []string{"arn:aws:eks:eu-west-1:1:cluster/prod"} },
	} {
		setup := reaching()
		change(&setup.Reach)
		if err := errors.Join(setup.Validate(), setup.ValidateBinding()); err != nil {
			t.Errorf("with a group: %v", err)
		}
		setup.Reach.Groups = nil
		if err := setup.Validate(); err != nil {
			t.Errorf("before anybody was asked for a group: %v", err)
		}
		want := "--" + flag + ": given, but neither --kube-groups nor --kube-users says whom it is for; give one of them, or leave it out"
		var invalid *spec.Invalid
		if err := setup.ValidateBinding(); !errors.As(err, &invalid) || err.Error() != want {
			t.Errorf("ValidateBinding says\n  %v\nwant\n  %s", err, want)
		}
	}
}

func TestReachIsForAccessKubernetesAlone(t *testing.T) {
	t.Parallel()
	setup := everything()
	setup.Access, setup.Workload, setup.Teleport.ProxyCA = spec.AccessIdentity, spec.Default().Workload, ""
	err := setup.Validate()
	for _, flag := range []string{"cluster-role", "kube-cluster", "kube-groups", "kube-labels", "kube-users", "target-context", "target-namespace"} {
		want := "--" + flag + ": given, but --access identity reaches no Kubernetes cluster; leave it out, or choose --access kubernetes or argocd"
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v\nlacks %s", err, want)
		}
	}
}

func TestValidateAcceptsWhoPeopleAre(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*spec.Reach){
		"names": func(*spec.Reach) {},
		"labels": func(r *spec.Reach) {
			r.Clusters, r.Labels = nil, []map[string]string{{"teleport.dev/origin": "cloud", "env": "prod"}}
		},
		"system groups": func(r *spec.Reach) { r.Groups = []string{"system:authenticated", "oidc:/org/team", "équipe"} },
		"users": func(r *spec.Reach) {
			r.Groups, r.Users = nil, []string{"jane@example.com", "https://issuer.example.com#jane"}
		},
		"anyone":           func(r *spec.Reach) { r.Groups, r.Users = nil, []string{"*"} },
		"bound elsewhere":  func(r *spec.Reach) { r.Namespace, r.ClusterRole = "shop", "system:node-reader" },
		"somebody's role":  func(r *spec.Reach) { r.Groups = nil },
		"nothing said yet": func(r *spec.Reach) { *r = spec.Reach{} },
	} {
		setup := reaching()
		change(&setup.Reach)
		if err := setup.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRoleIsMadeWhereGroupsOrUsersAreAskedFor(t *testing.T) {
	t.Parallel()
	setup := reaching()
	setup.Teleport.Roles = []string{"z", "a"}
	if role := setup.Names().KubeRole; role != "" {
		t.Errorf("before the bot has a name the role is called %q", role)
	}
	setup = setup.WithClusterID("1a2b3c4d")
	if !setup.MakesRole() || setup.Names().KubeRole != "tbot-1a2b3c4d-kubernetes" || !slices.Equal(setup.BotRoles(), []string{"z", "a", "tbot-1a2b3c4d-kubernetes"}) {
		t.Errorf("makes %v, role %q, bot roles %v", setup.MakesRole(), setup.Names().KubeRole, setup.BotRoles())
	}
	if !slices.Equal(setup.Teleport.Roles, []string{"z", "a"}) {
		t.Errorf("BotRoles changes the answers: %v", setup.Teleport.Roles)
	}
	for name, change := range map[string]func(*spec.Setup){
		"nobody to act as": func(s *spec.Setup) { s.Reach.Groups = nil },
		"another access":   func(s *spec.Setup) { s.Access = spec.AccessIdentity },
	} {
		other := setup
		change(&other)
		if other.MakesRole() || other.Names().KubeRole != "" || !slices.Equal(other.BotRoles(), []string{"z", "a"}) {
			t.Errorf("%s: role %q, bot roles %v", name, other.Names().KubeRole, other.BotRoles())
		}
	}
}

func TestReachMatches(t *testing.T) {
	t.Parallel()
	reach := spec.Reach{Clusters: []string{"eu"}, Labels: []map[string]string{{"env": "prod", "team": "a"}}}
	for name, c := range map[string]struct {
		cluster spec.ResolvedCluster
		want    bool
	}{
		"by name":      {spec.ResolvedCluster{Name: "eu"}, true},
		"all labels":   {spec.ResolvedCluster{Name: "us", Labels: map[string]string{"env": "prod", "team": "a", "more": "x"}}, true},
		"one label":    {spec.ResolvedCluster{Name: "us", Labels: map[string]string{"env": "prod"}}, false},
		"other letter": {spec.ResolvedCluster{Name: "EU", Labels: map[string]string{"env": "Prod", "team": "a"}}, false},
		"bare":         {spec.ResolvedCluster{Name: "us"}, false},
	} {
		if got := reach.Matches(c.cluster); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	if (spec.ResolvedCluster{Name: "us"}).Carries(nil) {
		t.Error("to want no label matches")
	}
}

func TestReachSaysWhatItMeans(t *testing.T) {
	t.Parallel()
	for want, reach := range map[string]spec.Reach{
		"":                       {Groups: []string{"a"}},
		spec.AnyUserMeans:        {Users: []string{"*"}},
		spec.EveryRightMeans:     {Groups: []string{"a"}, ClusterRole: "cluster-admin"},
		"to act as system:nodes": {Groups: []string{"a", "system:nodes"}},
		"kubectl --as":           {Users: []string{"a", "b"}},
		"reading Secrets":        {Groups: []string{"a"}, ClusterRole: "edit"},
		"up to each matched":     {Groups: []string{"a"}, ClusterRole: "custom"},
		"treat it as cluster":    {Users: []string{"*"}, ClusterRole: "custom"},
	} {
		got := strings.Join(reach.Means(), "; ")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%+v means %q, want %q in it", reach, got, want)
		}
	}
}

func TestSelectorsAreRepeated(t *testing.T) {
	t.Parallel()
	f := field(t, "kube-labels")
	var setup spec.Setup
	if err := f.Set(&setup, "env=prod,team=a; env=test;"); err != nil || f.Repeat != ";" {
		t.Fatalf("%v, repeated by %q", err, f.Repeat)
	}
	if len(setup.Reach.Labels) != 2 || setup.Reach.Labels[0]["team"] != "a" || setup.Reach.Labels[1]["env"] != "test" {
		t.Errorf("labels = %v", setup.Reach.Labels)
	}
	if err := f.Set(&setup, "env=prod;x"); err == nil || err.Error() != `"x" is not key=value` {
		t.Errorf("error = %v", err)
	}
	if field(t, "kube-cluster").Repeat != "," {
		t.Error("--kube-cluster cannot stand twice")
	}
}
