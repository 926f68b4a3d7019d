package cmd

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/undo"
	"github.com/tbotctl/tbotctl/manifests"
)

// deleteRole is the role that a fix makes, on either side.
const deleteRole = "tbotctl-delete"

// rehearse stops a run that would end half-way because a right is missing, on either side. What could not be asked is said.
func (r *deleteRun) rehearse(ctx context.Context, runner undo.Runner) error {
	finding := &findingError{text: "these deletions are refused, so nothing was deleted:"}
	refused := false
	var missing []checks.Access
	elsewhere := map[string][]checks.Access{}
	for _, refusal := range runner.Rehearse(ctx, r.result.Found) {
		forbidden := kube.Is(refusal.Err, kube.Forbidden)
		if !forbidden && !kube.Is(refusal.Err, kube.Refused) {
			r.progress.Warn(fmt.Sprintf("whether %s can be deleted is not known: %v", refusal.Item.ID(), refusal.Err))
			continue
		}
		refused = true
		finding.text += "\n  " + refusal.Err.Error()
		finding.causes = append(finding.causes, refusal.Err)
		switch at := refusal.Item.Context; {
		case !forbidden:
		case at != "":
			elsewhere[at] = append(elsewhere[at], deletion(refusal.Item))
		default:
			missing = append(missing, deletion(refusal.Item))
		}
	}
	for _, name := range r.setup.Reach.Contexts {
		if lacking := elsewhere[name]; len(lacking) > 0 {
			finding.text += "\n  fix: " + checks.TargetGrant(deleteRole, name, lacking)
		}
	}
	if len(missing) > 0 {
		finding.text += "\n  fix: " + checks.KubernetesGrant(deleteRole, r.setup.Kubernetes.Namespace, missing)
	}
	switch rights := r.teleportRights(ctx); rights.Status {
	case checks.Fail:
		refused = true
		finding.text += "\n  in Teleport " + rights.Observed + "\n  fix: " + rights.Fix
	case checks.Unknown:
		r.progress.Warn("whether Teleport lets this login delete is not known: " + rights.Observed)
	case checks.Pass, checks.Warn, checks.Skip:
	}
	if !refused {
		return ctx.Err()
	}
	return finding
}

// deletion is what deleting an item asks of the API server. A Namespace's own name stands for its namespace, as in a real request.
func deletion(item undo.Item) checks.Access {
	at, _ := meta.UnsafeGuessKindToResource(item.Object.GroupVersionKind())
	access := checks.Access{Verb: "delete", Group: at.Group, Resource: at.Resource, Namespace: item.Namespace, Name: item.Name}
	if item.Kind == "Namespace" {
		access.Namespace = item.Name
	}
	return access
}

// teleportRights judges by the roles of the login whether it may delete what is to go there: Teleport knows no dry run.
func (r *deleteRun) teleportRights(ctx context.Context) checks.Finding {
	var needs []checks.TeleportAccess
	seen := map[string]bool{}
	for _, item := range r.result.Found.Of(undo.Remove) {
		if item.System == manifests.Teleport && !seen[item.Kind] {
			seen[item.Kind] = true
			needs = append(needs, checks.TeleportAccess{Kind: item.Kind, Verb: "delete"})
		}
	}
	if len(needs) == 0 {
		return checks.Finding{Status: checks.Skip}
	}
	verdicts, err := r.clusters.teleportMay(ctx, needs)
	if err != nil {
		return checks.Finding{Status: checks.Unknown, Observed: err.Error(), Err: err}
	}
	user, _ := r.admin.User()
	return checks.JudgeTeleportRights(user, deleteRole, needs, verdicts)
}
