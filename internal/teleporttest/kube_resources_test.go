package teleporttest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// TestKubeResources: what a role's version makes of kubernetes_resources (teleport-facts 9), in Teleport's words.
func TestKubeResources(t *testing.T) {
	t.Parallel()
	rule := func(kind, namespace, name, group string, verbs ...string) []types.KubernetesResource {
		return []types.KubernetesResource{{Kind: kind, Namespace: namespace, Name: name, APIGroup: group, Verbs: verbs}}
	}
	const (
		pods, pod, secret = "/api/v1/namespaces/default/pods", "/api/v1/namespaces/default/pods/web", "/api/v1/namespaces/default/secrets/s"
		deployments       = "/apis/apps/v1/namespaces/default/deployments"
		things            = "/apis/example.com/v1/namespaces/default/things/a"
		nodes             = "/api/v1/nodes"
	)
	forbidden := func(verb, resource, group, kind string) string {
		return `User "bot-example" cannot ` + verb + ` resource "` + resource + `" in API group "` + group + `" in the namespace "default"` +
			"\nAsk your Teleport admin to ensure that your Teleport role includes access to the " + kind + ` in "kubernetes_resources" field.`
	}
	inPart := "the roles allow "
	for name, row := range map[string]struct {
		version, role string
		rules, deny   []types.KubernetesResource
		method, path  string
		refused       string // part of the message; empty for a request that passes
	}{
		"v6 without pods, a pod":      {role: types.V6, path: pod, refused: forbidden("get", "pods", "", "pods")},
		"v6 without pods, pods":       {role: types.V6, path: pods, refused: forbidden("list", "pods", "", "pods")},
		"v6 without pods, a secret":   {role: types.V6, path: secret},
		"v6 with pods":                {role: types.V6, rules: rule("pod", "*", "*", ""), path: pod},
		"v7 with nothing":             {role: types.V7, path: pod},
		"v8 with nothing":             {role: types.V8, path: deployments},
		"v7 one kind":                 {role: types.V7, rules: rule("deployment", "*", "*", "", "*"), path: deployments},
		"v7 another kind":             {role: types.V7, rules: rule("deployment", "*", "*", "", "*"), path: pods, refused: forbidden("list", "pods", "", "pods")},
		"v7 another verb":             {role: types.V7, rules: rule("pod", "*", "*", "", "get"), method: http.MethodDelete, path: pod, refused: forbidden("delete", "pods", "", "pods")},
		"v7 a namespace":              {role: types.V7, rules: rule("pod", "default", "*", "", "*"), path: pods},
		"v7 a namespace of many":      {role: types.V7, rules: rule("pod", "default", "*", "", "*"), path: "/api/v1/pods", refused: inPart},
		"v7 a name of many":           {role: types.V7, rules: rule("pod", "*", "web-*", "", "*"), path: pods, refused: inPart},
		"v7 a name":                   {role: types.V7, rules: rule("pod", "*", "w*", "", "*"), path: pod},
		"v7 star and nodes":           {role: types.V7, rules: rule("*", "default", "*", "", "*"), path: nodes},
		"v8 star and nodes":           {role: types.V8, rules: rule("*", "default", "*", "*", "*"), path: nodes, refused: `cannot list resource "nodes" in API group "" at the cluster scope`},
		"v8 a group":                  {role: types.V8, rules: rule("*", "*", "*", "apps", "*"), path: deployments},
		"v8 another group":            {role: types.V8, rules: rule("*", "*", "*", "apps", "*"), path: things, refused: forbidden("get", "things", "example.com", "things")},
		"watch needs its verb":        {role: types.V8, rules: rule("pods", "*", "*", "", "list"), path: pods + "?watch=true", refused: forbidden("watch", "pods", "", "pods")},
		"denied":                      {role: types.V8, deny: rule("pods", "*", "*", "*", "*"), path: pod, refused: forbidden("get", "pods", "", "pods")},
		"discovery":                   {role: types.V6, path: "/apis/apps/v1"},
		"17 says it in the singular":  {version: "17.7.3", role: types.V6, path: pod, refused: forbidden("get", "pods", "", "pod")},
		"17 does not know this kind":  {version: "17.7.3", role: types.V7, rules: rule("pod", "*", "*", "", "*"), path: things},
		"18 judges a kind not listed": {role: types.V7, rules: rule("pod", "*", "*", "", "*"), path: things, refused: forbidden("get", "things", "example.com", "things")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := kubeOptions(t)
			options.Version = row.version
			j := join(t, options, "role")
			if row.rules != nil && row.role == types.V6 {
				row.rules[0].Verbs = nil // that version has none
			}
			j.cluster.AddRole(&types.RoleV6{Version: row.role, Metadata: types.Metadata{Name: "role"}, Spec: types.RoleSpecV6{
				Allow: types.RoleConditions{
					KubernetesLabels: types.Labels{"env": []string{"lab"}}, KubeGroups: []string{"g"}, KubernetesResources: row.rules,
				},
				Deny: types.RoleConditions{KubernetesResources: row.deny},
			}})
			if row.method == "" {
				row.method = http.MethodGet
			}
			got, status := j.target(t, "lab", "role").do(t, row.method, row.path, nil)
			if row.refused == "" && got.Path != row.path {
				t.Errorf("refused: %+v", status)
			}
			if row.refused != "" && (got.Path != "" || !strings.Contains(status.Message, row.refused)) {
				t.Errorf("got %+v %q, want %q", got, status.Message, row.refused)
			}
		})
	}
}

// TestKubeGroupsOfGrantingRoles: only the roles that allow the resource lend their groups to the request.
func TestKubeGroupsOfGrantingRoles(t *testing.T) {
	t.Parallel()
	j := join(t, kubeOptions(t), "readers", "writers", "elsewhere")
	for name, row := range map[string]struct {
		kind string
		env  string
	}{"readers": {"pods", "lab"}, "writers": {"secrets", "lab"}, "elsewhere": {"*", "other"}} {
		j.cluster.AddRole(&types.RoleV6{Version: types.V8, Metadata: types.Metadata{Name: name}, Spec: types.RoleSpecV6{Allow: types.RoleConditions{
			KubernetesLabels: types.Labels{"env": []string{row.env}}, KubeGroups: []string{name},
			KubernetesResources: []types.KubernetesResource{{Kind: row.kind, Namespace: "*", Name: "*", APIGroup: "*", Verbs: []string{"*"}}},
		}}})
	}
	target := j.target(t, "lab", "readers", "writers", "elsewhere")
	for path, want := range map[string]string{
		"/api/v1/pods": "readers system:authenticated", "/api/v1/secrets": "system:authenticated writers",
		"/version": "readers system:authenticated writers",
	} {
		if got, status := target.do(t, http.MethodGet, path, nil); strings.Join(got.Groups, " ") != want {
			t.Errorf("%s as %q %+v, want %q", path, got.Groups, status, want)
		}
	}
}

// TestKubeClustersComeAndGo: a cluster that is enrolled later is served, and one that is gone is not.
func TestKubeClustersComeAndGo(t *testing.T) {
	t.Parallel()
	j := join(t, kubeOptions(t), "example-role")
	target := j.target(t, "", "example-role")
	path := kubePath(clusterName, "new") + "/api/v1/pods"
	if _, status := target.do(t, http.MethodGet, path, nil); status.Code != http.StatusNotFound {
		t.Errorf("before: %+v", status)
	}
	j.cluster.PutKubeCluster(teleporttest.KubeCluster{Name: "new", Labels: map[string]string{"env": "lab"}, Upstream: apiServer(t)})
	if got, status := target.do(t, http.MethodGet, path, nil); got.Path != "/api/v1/pods" {
		t.Errorf("enrolled: %+v", status)
	}
	j.cluster.DeleteKubeCluster("new")
	if _, status := target.do(t, http.MethodGet, path, nil); status.Code != http.StatusNotFound {
		t.Errorf("gone: %+v", status)
	}
}
