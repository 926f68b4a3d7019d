package checks

import (
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/spec"
)

func TestJudgeKubeClusters(t *testing.T) {
	t.Parallel()
	all := []spec.ResolvedCluster{
		{Name: "prod-eu", Labels: map[string]string{"env": "prod", "region": "eu"}}, {Name: "prod-us", Labels: map[string]string{"env": "prod"}}, {Name: "dev"},
	}
	for name, row := range map[string]struct {
		reach  spec.Reach
		all    []spec.ResolvedCluster
		status Status
		says   string
	}{
		"a name":                     {spec.Reach{Clusters: []string{"dev"}}, all, Pass, "dev"},
		"labels":                     {spec.Reach{Labels: []map[string]string{{"env": "prod"}}}, all, Pass, "prod-eu, prod-us"},
		"all labels of a selector":   {spec.Reach{Labels: []map[string]string{{"env": "prod", "region": "eu"}}}, all, Pass, "prod-eu"},
		"selectors add up":           {spec.Reach{Clusters: []string{"dev"}, Labels: []map[string]string{{"region": "eu"}}}, all, Pass, "dev, prod-eu"},
		"an unknown name":            {spec.Reach{Clusters: []string{"dev", "gone"}}, all, Fail, `no cluster "gone"; there are dev, prod-eu, prod-us`},
		"labels that match nothing":  {spec.Reach{Labels: []map[string]string{{"env": "staging"}}}, all, Fail, "no cluster with env=staging"},
		"one selector of two is off": {spec.Reach{Labels: []map[string]string{{"env": "prod"}, {"env": "staging"}}}, all, Fail, "env=staging"},
		"a login that sees none":     {spec.Reach{Labels: []map[string]string{{"env": "prod"}}}, nil, Warn, "sees no Kubernetes cluster"},
		"nothing is enrolled":        {spec.Reach{Clusters: []string{"dev"}}, nil, Fail, "sees no Kubernetes cluster"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := judgeKubeClusters(row.reach, row.all)
			if got.Status != row.status || !strings.Contains(got.Observed, row.says) {
				t.Errorf("%s: %s; want %s with %q", got.Status, got.Observed, row.status, row.says)
			}
			if got.Status == Fail && got.Fix == "" {
				t.Error("no way out is told")
			}
		})
	}
}
