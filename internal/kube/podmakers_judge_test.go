package kube

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func rule(groups, resources, verbs []string, names ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: groups, Resources: resources, Verbs: verbs, ResourceNames: names}
}

type list = []string

func TestPowerOf(t *testing.T) {
	t.Parallel()
	none, runs, mints := power{}, power{runsPods: true}, power{mintsTokens: true}
	for name, row := range map[string]struct {
		rules []rbacv1.PolicyRule
		want  power
	}{
		"nothing":               {nil, none},
		"pods":                  {[]rbacv1.PolicyRule{rule(list{""}, list{"pods"}, list{"create"})}, runs},
		"to read pods":          {[]rbacv1.PolicyRule{rule(list{""}, list{"pods"}, list{"get", "list", "watch", "delete"})}, none},
		"to change pods":        {[]rbacv1.PolicyRule{rule(list{""}, list{"pods"}, list{"update", "patch"})}, none},
		"to run in a pod":       {[]rbacv1.PolicyRule{rule(list{""}, list{"pods/exec"}, list{"create"})}, none},
		"pods of another group": {[]rbacv1.PolicyRule{rule(list{"metrics.k8s.io"}, list{"pods"}, list{"create"})}, none},
		"deployments":           {[]rbacv1.PolicyRule{rule(list{"apps"}, list{"deployments"}, list{"create"})}, runs},
		"deployments of yore":   {[]rbacv1.PolicyRule{rule(list{"extensions"}, list{"deployments"}, list{"create"})}, none},
		"to scale deployments":  {[]rbacv1.PolicyRule{rule(list{"apps"}, list{"deployments/scale"}, list{"update"})}, none},
		"to change deployments": {[]rbacv1.PolicyRule{rule(list{"apps"}, list{"deployments"}, list{"patch"})}, runs},
		"to change one":         {[]rbacv1.PolicyRule{rule(list{"apps"}, list{"statefulsets"}, list{"update"}, "db")}, runs},
		"to change jobs":        {[]rbacv1.PolicyRule{rule(list{"batch"}, list{"jobs"}, list{"patch"})}, none},
		"jobs":                  {[]rbacv1.PolicyRule{rule(list{"batch"}, list{"jobs"}, list{"create"})}, runs},
		"cron jobs":             {[]rbacv1.PolicyRule{rule(list{"batch"}, list{"cronjobs"}, list{"create"})}, runs},
		"daemon sets":           {[]rbacv1.PolicyRule{rule(list{"apps"}, list{"daemonsets"}, list{"create"})}, runs},
		"replica sets":          {[]rbacv1.PolicyRule{rule(list{"apps"}, list{"replicasets"}, list{"create"})}, runs},
		"controllers of yore":   {[]rbacv1.PolicyRule{rule(list{""}, list{"replicationcontrollers"}, list{"create"})}, runs},
		"every verb":            {[]rbacv1.PolicyRule{rule(list{""}, list{"configmaps", "pods"}, list{"*"})}, runs},
		"every group":           {[]rbacv1.PolicyRule{rule(list{"*"}, list{"deployments"}, list{"create"})}, runs},
		"every resource":        {[]rbacv1.PolicyRule{rule(list{""}, list{"*"}, list{"create"})}, power{runsPods: true, mintsTokens: true}},
		"every of another":      {[]rbacv1.PolicyRule{rule(list{"example.com"}, list{"*"}, list{"*"})}, none},
		"everything":            {[]rbacv1.PolicyRule{rule(list{"*"}, list{"*"}, list{"*"})}, power{runsPods: true, mintsTokens: true}},
		"paths":                 {[]rbacv1.PolicyRule{{NonResourceURLs: list{"*"}, Verbs: list{"*"}}}, none},
		"verbs do not mix":      {[]rbacv1.PolicyRule{rule(list{""}, list{"pods"}, list{"get"}), rule(list{""}, list{"secrets"}, list{"create"})}, none},
		"named pods":            {[]rbacv1.PolicyRule{rule(list{""}, list{"pods"}, list{"create"}, "one")}, none},
		"a named pod by apply":  {[]rbacv1.PolicyRule{rule(list{""}, list{"pods"}, list{"create", "patch"}, "one")}, runs},
		"by apply, in two rules": {
			[]rbacv1.PolicyRule{rule(list{""}, list{"pods"}, list{"create"}, "one"), rule(list{""}, list{"pods"}, list{"patch"})}, runs,
		},
		"one to make, another to patch": {
			[]rbacv1.PolicyRule{rule(list{""}, list{"pods"}, list{"create"}, "one"), rule(list{""}, list{"pods"}, list{"patch"}, "two")}, none,
		},
		"tokens":                     {[]rbacv1.PolicyRule{rule(list{""}, list{"serviceaccounts/token"}, list{"create"})}, mints},
		"its tokens":                 {[]rbacv1.PolicyRule{rule(list{""}, list{"serviceaccounts/token"}, list{"create"}, "other", "tbot")}, mints},
		"tokens of another":          {[]rbacv1.PolicyRule{rule(list{""}, list{"serviceaccounts/token"}, list{"create"}, "other")}, none},
		"tokens of every kind":       {[]rbacv1.PolicyRule{rule(list{""}, list{"*/token"}, list{"create"})}, mints},
		"what is like a wildcard":    {[]rbacv1.PolicyRule{rule(list{""}, list{"serviceaccounts/*"}, list{"create"})}, none},
		"service accounts":           {[]rbacv1.PolicyRule{rule(list{""}, list{"serviceaccounts"}, list{"create"})}, none},
		"to read what is no subject": {[]rbacv1.PolicyRule{rule(list{""}, list{"serviceaccounts/token"}, list{"get"})}, none},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := powerOf(row.rules, "tbot"); got != row.want {
				t.Errorf("%+v, want %+v", got, row.want)
			}
		})
	}
	if got := powerOf([]rbacv1.PolicyRule{rule(list{""}, list{"serviceaccounts/token"}, list{"create"}, "other")}, ""); got != mints {
		t.Errorf("%+v, want %+v where any service account is meant", got, mints)
	}
}

func TestJudgePodMakers(t *testing.T) {
	t.Parallel()
	const place = "machines"
	maker := []rbacv1.PolicyRule{rule(list{""}, list{"pods"}, list{"create"})}
	minter := []rbacv1.PolicyRule{rule(list{""}, list{"serviceaccounts/token"}, list{"create"})}
	ref := func(kind, name string) rbacv1.RoleRef {
		return rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: name}
	}
	user := func(name string) rbacv1.Subject {
		return rbacv1.Subject{Kind: "User", APIGroup: rbacv1.GroupName, Name: name}
	}
	group := func(name string) rbacv1.Subject {
		return rbacv1.Subject{Kind: "Group", APIGroup: rbacv1.GroupName, Name: name}
	}
	account := func(namespace, name string) rbacv1.Subject {
		return rbacv1.Subject{Kind: "ServiceAccount", Namespace: namespace, Name: name}
	}
	binding := func(name string, role rbacv1.RoleRef, subjects ...rbacv1.Subject) rbacv1.RoleBinding {
		return rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: place}, RoleRef: role, Subjects: subjects}
	}
	everywhere := func(name string, role rbacv1.RoleRef, subjects ...rbacv1.Subject) rbacv1.ClusterRoleBinding {
		return rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: name}, RoleRef: role, Subjects: subjects}
	}
	roles := []rbacv1.Role{
		{ObjectMeta: metav1.ObjectMeta{Name: "make"}, Rules: maker},
		{ObjectMeta: metav1.ObjectMeta{Name: "mint"}, Rules: minter},
		{ObjectMeta: metav1.ObjectMeta{Name: "idle"}},
	}
	clusterRoles := []rbacv1.ClusterRole{
		{ObjectMeta: metav1.ObjectMeta{Name: "edit"}, Rules: append(append([]rbacv1.PolicyRule{}, maker...), minter...)},
		{ObjectMeta: metav1.ObjectMeta{Name: "idle"}},
	}
	for name, row := range map[string]struct {
		bindings        []rbacv1.RoleBinding
		clusterBindings []rbacv1.ClusterRoleBinding
		want            []Subject
	}{
		"nobody": {want: []Subject{}},
		"a role that gives nothing": {
			bindings: []rbacv1.RoleBinding{binding("a", ref("Role", "idle"), user("ann"))}, want: []Subject{},
		},
		"a role that is gone": {
			bindings:        []rbacv1.RoleBinding{binding("a", ref("Role", "gone"), user("ann"))},
			clusterBindings: []rbacv1.ClusterRoleBinding{everywhere("b", ref("ClusterRole", "gone"), user("ann"))}, want: []Subject{},
		},
		"a role and a cluster role of one name": {
			bindings: []rbacv1.RoleBinding{binding("a", ref("ClusterRole", "make"), user("ann"))}, want: []Subject{},
		},
		"all ways of one, once": {
			bindings: []rbacv1.RoleBinding{
				binding("b", ref("Role", "mint"), user("ann")), binding("a", ref("Role", "make"), user("ann"), user("ann")),
				binding("c", ref("Role", "idle"), user("ann")),
			},
			clusterBindings: []rbacv1.ClusterRoleBinding{everywhere("a", ref("ClusterRole", "edit"), user("ann"))},
			want: []Subject{{
				Kind: "User", Name: "ann", RunsPods: true, MintsTokens: true, By: list{"ClusterRoleBinding a", "RoleBinding a", "RoleBinding b"},
			}},
		},
		"only what the role gives": {
			bindings: []rbacv1.RoleBinding{binding("a", ref("Role", "make"), user("ann")), binding("b", ref("Role", "mint"), user("bob"))},
			want: []Subject{
				{Kind: "User", Name: "ann", RunsPods: true, By: list{"RoleBinding a"}},
				{Kind: "User", Name: "bob", MintsTokens: true, By: list{"RoleBinding b"}},
			},
		},
		"service accounts by every name": {
			bindings: []rbacv1.RoleBinding{binding("a", ref("Role", "make"),
				account("", "near"), account(place, "near"), user("system:serviceaccount:"+place+":near"), account("ci", "far"))},
			want: []Subject{
				{Kind: "ServiceAccount", Namespace: "ci", Name: "far", RunsPods: true, By: list{"RoleBinding a"}},
				{Kind: "ServiceAccount", Namespace: place, Name: "near", RunsPods: true, By: list{"RoleBinding a"}},
			},
		},
		"the control plane is left out": {
			clusterBindings: []rbacv1.ClusterRoleBinding{
				everywhere("cluster-admin", ref("ClusterRole", "edit"), group("system:masters"), group("system:nodes"), user("system:kube-scheduler")),
				everywhere("system:controller:job-controller", ref("ClusterRole", "edit"), account("kube-system", "job-controller")),
			},
			want: []Subject{},
		},
		"everybody is not": {
			clusterBindings: []rbacv1.ClusterRoleBinding{
				everywhere("open", ref("ClusterRole", "edit"), group("system:authenticated"), group("system:unauthenticated"), group("system:serviceaccounts"),
					group("system:serviceaccounts:ci"), group("system:authenticated:oauth"), user("system:anonymous"), account("kube-system", "tiller")),
				everywhere("system:mine", ref("ClusterRole", "edit"), account("ci", "job-controller")),
			},
			want: []Subject{
				{Kind: "Group", Name: "system:authenticated", RunsPods: true, MintsTokens: true, By: list{"ClusterRoleBinding open"}},
				{Kind: "Group", Name: "system:authenticated:oauth", RunsPods: true, MintsTokens: true, By: list{"ClusterRoleBinding open"}},
				{Kind: "Group", Name: "system:serviceaccounts", RunsPods: true, MintsTokens: true, By: list{"ClusterRoleBinding open"}},
				{Kind: "Group", Name: "system:serviceaccounts:ci", RunsPods: true, MintsTokens: true, By: list{"ClusterRoleBinding open"}},
				{Kind: "Group", Name: "system:unauthenticated", RunsPods: true, MintsTokens: true, By: list{"ClusterRoleBinding open"}},
				{Kind: "ServiceAccount", Namespace: "ci", Name: "job-controller", RunsPods: true, MintsTokens: true, By: list{"ClusterRoleBinding system:mine"}},
				{Kind: "ServiceAccount", Namespace: "kube-system", Name: "tiller", RunsPods: true, MintsTokens: true, By: list{"ClusterRoleBinding open"}},
				{Kind: "User", Name: "system:anonymous", RunsPods: true, MintsTokens: true, By: list{"ClusterRoleBinding open"}},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := judgePodMakers(grants{
				namespace: place, account: "tbot", roles: roles, clusterRoles: clusterRoles, bindings: row.bindings, clusterBindings: row.clusterBindings,
			})
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("subjects (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSubjectText(t *testing.T) {
	t.Parallel()
	for want, subject := range map[string]Subject{
		"user ann":                 {Kind: "User", Name: "ann"},
		"group devs":               {Kind: "Group", Name: "devs"},
		"service account ci/maker": {Kind: "ServiceAccount", Namespace: "ci", Name: "maker"},
	} {
		if got := subject.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
