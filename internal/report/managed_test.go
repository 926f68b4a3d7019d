package report_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/owner"
	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/internal/report"
	"github.com/tbotctl/tbotctl/manifests"
)

// kept is an item that a tool keeps and that differs in more fields than are shown of ours.
func kept() plan.Item {
	item := plan.Item{
		Resource: resource(manifests.Kubernetes, "Deployment", "machines", "tbot"), Action: plan.Conflict, Reason: plan.Managed,
		Manager: owner.Owner{Tool: owner.ArgoCD, Of: "application shop"}, Owner: "managed by Argo CD application shop",
	}
	item.Resource.YAML = []byte("kind: Deployment\n")
	for n := range 12 {
		item.Changes = append(item.Changes, plan.Change{Path: fmt.Sprintf("spec.f%d", n), Live: "1", Wanted: "2", Manager: `"argocd-controller"`})
	}
	return item
}

// What is another's is shown with every field that differs and with who holds it, and so is what is taken over.
func TestEveryFieldOfOthers(t *testing.T) {
	t.Parallel()
	taken := kept()
	taken.Action, taken.Force = plan.Update, true
	for name, item := range map[string]plan.Item{"! Deployment machines/tbot: managed by": kept(), "~ Deployment machines/tbot, taken over: managed by": taken} {
		planned := plan.Plan{Items: []plan.Item{item}}
		shown := printed(t, terminal{}, func(p *report.Progress) {
			p.Plan(planned, map[manifests.System]string{"kubernetes": "K", "teleport": "T"})
		})
		if strings.Count(shown, `: 1 -> 2, held by "argocd-controller"`) != 12 || !strings.Contains(shown, name+" Argo CD application shop") {
			t.Errorf("%s:\n%s", name, shown)
		}
	}
	var table bytes.Buffer
	if err := (report.Diff{Setup: sampleSetup(), Plan: plan.Plan{Items: []plan.Item{kept()}}}).Table(&table); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(table.String(), "  ! Deployment machines/tbot: managed by Argo CD application shop\n      spec.f0: 1 -> 2, held by \"argocd-controller\"\n") {
		t.Errorf("table:\n%s", table.String())
	}
}

// The document is in JSON where it is to be changed elsewhere, and only there.
func TestManifestForGit(t *testing.T) {
	t.Parallel()
	same, read := kept(), kept()
	same.Action, same.Changes, same.Reason, same.Owner = plan.Same, nil, "", ""
	read.Manager, read.Reason, read.Read = owner.Owner{}, plan.HeldFields, true
	for want, item := range map[string]plan.Item{
		`"reason": "managed","owner": "managed by Argo CD application shop","manager": "Argo CD application shop","manifest": "kind: Deployment\n"`: kept(),
		`"action": "same","applied": false,"manager": "Argo CD application shop"}`:                                                                  same,
		`"byReading": true`: read,
	} {
		var document bytes.Buffer
		if err := (report.Diff{Setup: sampleSetup(), Plan: plan.Plan{Items: []plan.Item{item}}}).JSON(&document); err != nil {
			t.Fatal(err)
		}
		var flat strings.Builder
		for line := range strings.Lines(document.String()) {
			flat.WriteString(strings.TrimSpace(line))
		}
		if !strings.Contains(flat.String(), want) {
			t.Errorf("lacks %s:\n%s", want, document.String())
		}
		if held := strings.Contains(flat.String(), "manifest"); held != (item.Reason == plan.Managed) {
			t.Errorf("manifest in it: %v\n%s", held, document.String())
		}
	}
}
