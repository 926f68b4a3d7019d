package checks

import (
	"context"
	"errors"
	"testing"

	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/spec"
)

func TestJudgeMatches(t *testing.T) {
	t.Parallel()
	to := "    destination: {type: kubernetes_secret, name: kube-out}\n"
	named := joining(t, labYAML+"  - type: kubernetes\n    kubernetes_cluster: alpha\n"+to)
	labelled := joining(t, labYAML+"  - type: kubernetes/v2\n    selectors: [{labels: {env: prod}}]\n"+to)
	both := joining(t, labYAML+"  - type: kubernetes/argo-cd\n    selectors: [{labels: {env: prod}}, {name: beta}]\n")
	enrolled := []spec.ResolvedCluster{
		{Name: "alpha", Labels: map[string]string{"env": "prod", "region": "eu-1"}},
		{Name: "beta", Labels: map[string]string{"env": "dev"}},
	}
	role := func(labels types.Labels, expression string) []types.Role {
		made := reaching("kube", nil, []string{"readers"})
		made.Spec.Allow.KubernetesLabels, made.Spec.Allow.KubernetesLabelsExpression = labels, expression
		return []types.Role{reachingNothing("access"), made}
	}
	labels := func(pairs ...string) types.Labels {
		all := types.Labels{}
		for i := 0; i < len(pairs); i += 2 {
			all[pairs[i]] = append(all[pairs[i]], pairs[i+1])
		}
		return all
	}
	for name, row := range map[string]struct {
		workload Workload
		roles    []types.Role
		enrolled []spec.ResolvedCluster
		missed   string
	}{
		"the same label":               {labelled, role(labels("env", "prod"), ""), enrolled, ""},
		"one of two values":            {labelled, role(labels("env", "test", "env", "prod"), ""), enrolled, ""},
		"any label":                    {named, role(labels("*", "*"), ""), enrolled, ""},
		"a star in the value":          {named, role(labels("region", "eu-*"), ""), enrolled, ""},
		"a regular expression":         {named, role(labels("region", "^eu-[0-9]$"), ""), enrolled, ""},
		"a template is not judged":     {named, role(labels("team", "{{internal.team}}"), ""), enrolled, ""},
		"an expression is not judged":  {named, role(nil, `labels["env"] == "dev"`), enrolled, ""},
		"a cluster that is not seen":   {named, role(labels("env", "dev"), ""), enrolled[1:], ""},
		"nothing is seen":              {labelled, role(labels("env", "dev"), ""), nil, ""},
		"another value":                {labelled, role(labels("env", "dev"), ""), enrolled, `"alpha" with env=prod,region=eu-1`},
		"another value of a named one": {named, role(labels("env", "dev"), ""), enrolled, `"alpha" with env=prod,region=eu-1`},
		"one label more":               {named, role(labels("env", "prod", "tier", "gold"), ""), enrolled, `"alpha" with env=prod,region=eu-1`},
		"one of two selectors":         {both, role(labels("env", "prod"), ""), enrolled, `"beta" with env=dev`},
		"both selectors":               {both, role(labels("env", "prod", "env", "dev"), ""), enrolled, ""},
	} {
		finding := judgeMatches(row.workload, row.roles, row.enrolled)
		switch {
		case row.missed == "" && finding != nil:
			t.Errorf("%s: %+v", name, *finding)
		case row.missed != "" && (finding == nil || finding.Status != Fail || finding.Observed != "P23: no role of the bot has kubernetes_labels that match what "+
			describe(row.workload.Config.Outputs[1])+" is for: "+row.missed || finding.Fix != "tctl edit role/kube, and put labels of that cluster into kubernetes_labels"):
			t.Errorf("%s: %+v", name, finding)
		}
	}
}

// A role that tbotctl made is put right by tbotctl.
func TestEditRoleOfOurs(t *testing.T) {
	t.Parallel()
	made := reaching("kube", nil, nil)
	made.Metadata.Labels = map[string]string{spec.MarkInstall: "1/lab/machines/tbot"}
	const want = "run the same tbotctl init again: it makes role kube as the answers have it; or tctl edit role/kube, and add kubernetes_groups"
	if got := editRole(made, "add kubernetes_groups"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	const other = "run tbotctl init again with one of --kube-users, which changes role kube; or tctl edit role/kube, and leave one"
	if got := answerRole(made, "one of --kube-users", "leave one"); got != other {
		t.Errorf("%s, want %s", got, other)
	}
	if got := likeliest([]types.Role{reachingNothing("access"), made}); got.GetName() != "kube" {
		t.Errorf("%s is likeliest", got.GetName())
	}
	made.Spec.Allow.KubernetesLabels = nil
	if got := likeliest([]types.Role{reachingNothing("access"), made}); got.GetName() != "kube" {
		t.Errorf("without labels %s is likeliest", got.GetName())
	}
}

func TestJudgeTargets(t *testing.T) {
	t.Parallel()
	kube := joining(t, labYAML+"  - type: kubernetes\n    kubernetes_cluster: alpha\n    destination: {type: kubernetes_secret, name: kube-out}\n")
	kube.Deployment.Namespace, kube.Deployment.Name = "machines", "tbot"
	if got := judgeTargets(kube); got.Status != Skip || got.Fix != "tbotctl verify --namespace machines --name tbot --each-cluster" {
		t.Errorf("%+v", got)
	}
	if got := judgeTargets(joining(t, labYAML)); got.Status != Skip || got.Fix != "" {
		t.Errorf("%+v", got)
	}
}

func reachingNothing(name string) *types.RoleV6 {
	return &types.RoleV6{Metadata: types.Metadata{Name: name}}
}

// What the login could not list is not taken for matched.
func TestRolesReachIsUnknownWhereClustersAre(t *testing.T) {
	t.Parallel()
	kube := joining(t, labYAML+"  - type: kubernetes\n    kubernetes_cluster: alpha\n    destination: {type: kubernetes_secret, name: kube-out}\n")
	role := reaching("kube", nil, []string{"readers"})
	seen := []spec.ResolvedCluster{{Name: "alpha", Labels: map[string]string{"env": "prod"}}}
	facts := func(roles []string, clusters func(context.Context) ([]spec.ResolvedCluster, error)) *Facts {
		return &Facts{KubeClusters: clusters, Live: &Live{Workload: kube, Bot: kept(robot(roles...)), BotRoles: kept([]types.Role{role})}}
	}
	failing := func(context.Context) ([]spec.ResolvedCluster, error) { return nil, errors.New("access denied") }
	for name, row := range map[string]struct {
		facts *Facts
		want  Status
	}{
		"listed":           {facts([]string{"kube"}, kept(seen)), Pass},
		"not listed":       {facts([]string{"kube"}, failing), Unknown},
		"wrong all alone":  {facts(nil, failing), Fail},
		"nobody is asking": {facts([]string{"kube"}, nil), Pass},
	} {
		if got := runRolesReach(t.Context(), row.facts, row.facts.Live); got.Status != row.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
