package report_test

import (
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/internal/report"
	"github.com/tbotctl/tbotctl/manifests"
)

// Targets stand below the two systems, side by side or not, each with its context; a plan without any has no head for them.
func TestPlanOfTargets(t *testing.T) {
	t.Parallel()
	heads := map[manifests.System]string{"kubernetes": "Kubernetes, context prod", "teleport": "Teleport, cluster main", "target": "Kubernetes clusters that the bot reaches"}
	items := []plan.Item{
		{Action: plan.Create, Resource: manifests.Resource{System: manifests.Kubernetes, Kind: "Deployment", Namespace: "machines", Name: "tbot"}},
		{Action: plan.Create, Resource: manifests.Resource{System: manifests.Teleport, Kind: "bot", Name: "robot"}},
	}
	target := plan.Item{
		Action: plan.Update, Resource: manifests.Resource{System: manifests.Target, Kind: "ClusterRoleBinding", Name: "robot-kubernetes", Context: "east"},
		Changes: []plan.Change{{Path: "subjects[0].name", Live: "others", Wanted: "readers"}},
	}
	for name, on := range map[string]terminal{"a log": {}, "a terminal": {tty: true}} {
		with := printed(t, on, func(p *report.Progress) { p.Plan(plan.Plan{Items: append(items[:2:2], target)}, heads) })
		before, after, found := strings.Cut(with, heads["target"])
		if !found || !strings.Contains(before, "bot robot") || !strings.Contains(after, "~ ClusterRoleBinding robot-kubernetes in context east") || !strings.Contains(after, "others -> readers") {
			t.Errorf("%s:\n%s", name, with)
		}
		if without := printed(t, on, func(p *report.Progress) { p.Plan(plan.Plan{Items: items}, heads) }); strings.Contains(without, heads["target"]) {
			t.Errorf("%s, without targets:\n%s", name, without)
		}
	}
}
