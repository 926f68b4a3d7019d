package owner_test

import (
	"strings"
	"testing"

	"github.com/gravitational/teleport/api/types"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/owner"
	"github.com/tbotctl/tbotctl/internal/spec"
)

type marks = map[string]string

// by is an entry of a manager that holds those fields.
func by(manager, fields string) []metav1.ManagedFieldsEntry {
	return []metav1.ManagedFieldsEntry{{Manager: manager, FieldsV1: metav1.NewFieldsV1(fields)}}
}

func TestOfObject(t *testing.T) {
	t.Parallel()
	const pod = `{"f:spec":{"f:replicas":{}}}`
	yes := true
	for name, row := range map[string]struct {
		meta metav1.ObjectMeta
		want string
		tool owner.Tool
	}{
		"nobody":                      {metav1.ObjectMeta{}, "", ""},
		"ours":                        {metav1.ObjectMeta{Labels: marks{spec.LabelManagedBy: "tbotctl", spec.LabelInstance: "tbot"}, ManagedFields: by("tbotctl", pod)}, "", ""},
		"an instance label":           {metav1.ObjectMeta{Labels: marks{spec.LabelInstance: "shop"}}, "", ""},
		"a sync wave":                 {metav1.ObjectMeta{Annotations: marks{"argocd.argoproj.io/sync-wave": "1"}}, "", ""},
		"tracked":                     {metav1.ObjectMeta{Annotations: marks{"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:m/tbot"}}, "Argo CD application shop", owner.ArgoCD},
		"tracked, in a namespace":     {metav1.ObjectMeta{Annotations: marks{"argocd.argoproj.io/tracking-id": "team-a_shop:apps/Deployment:m/tbot"}}, "Argo CD application team-a/shop", owner.ArgoCD},
		"tracked by a label":          {metav1.ObjectMeta{Labels: marks{"argocd.argoproj.io/instance": "shop"}}, "Argo CD application shop", owner.ArgoCD},
		"Argo CD by its fields":       {metav1.ObjectMeta{ManagedFields: by("argocd-controller", pod)}, "Argo CD", owner.ArgoCD},
		"Argo CD by our label":        {metav1.ObjectMeta{ManagedFields: by("argocd-controller", `{"f:metadata":{"f:labels":{"f:app.kubernetes.io/managed-by":{}}}}`)}, "Argo CD", owner.ArgoCD},
		"Argo CD adds a label":        {metav1.ObjectMeta{ManagedFields: by("argocd-controller", `{"f:metadata":{"f:labels":{"f:team":{}}}}`)}, "", ""},
		"Flux, a Kustomization":       {metav1.ObjectMeta{Labels: marks{"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}}, "Flux Kustomization flux-system/apps", owner.Flux},
		"Flux, a HelmRelease":         {metav1.ObjectMeta{Labels: marks{"helm.toolkit.fluxcd.io/name": "tbot", "helm.toolkit.fluxcd.io/namespace": "m", spec.LabelManagedBy: "Helm"}, Annotations: marks{"meta.helm.sh/release-name": "tbot"}}, "Flux HelmRelease m/tbot", owner.Flux},
		"Flux by its fields":          {metav1.ObjectMeta{ManagedFields: by("kustomize-controller", `{"f:data":{}}`)}, "Flux", owner.Flux},
		"Helm":                        {metav1.ObjectMeta{Annotations: marks{"meta.helm.sh/release-name": "tbot", "meta.helm.sh/release-namespace": "m"}}, "Helm release m/tbot", owner.Helm},
		"Helm by its label":           {metav1.ObjectMeta{Labels: marks{spec.LabelManagedBy: "Helm"}}, "Helm", owner.Helm},
		"Terraform":                   {metav1.ObjectMeta{ManagedFields: by("Terraform", `{"f:rules":{}}`)}, "Terraform", owner.Terraform},
		"Terraform labels a live one": {metav1.ObjectMeta{ManagedFields: by("Terraform", `{"f:metadata":{"f:annotations":{"f:team":{}}}}`)}, "", ""},
		"a controller":                {metav1.ObjectMeta{OwnerReferences: []metav1.OwnerReference{{Kind: "Machine", Name: "main", Controller: &yes}}}, "Machine main", owner.Controller},
		"no controller":               {metav1.ObjectMeta{OwnerReferences: []metav1.OwnerReference{{Kind: "Machine", Name: "main"}}}, "", ""},
	} {
		got := owner.OfObject(&row.meta)
		if got.String() != row.want || got.Tool != row.tool || got.None() != (row.want == "") {
			t.Errorf("%s: %q by %q, want %q by %q", name, got, got.Tool, row.want, row.tool)
		}
	}
}

func TestOfTeleport(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		labels marks
		want   owner.Tool
	}{
		"nobody":            {nil, ""},
		"ours":              {marks{spec.MarkInstall: "x"}, ""},
		"the operator":      {marks{types.OriginLabel: types.OriginKubernetes}, owner.Operator},
		"made dynamically":  {marks{types.OriginLabel: types.OriginDynamic}, ""},
		"what we render":    {marks{spec.MarkOwner: "terraform"}, owner.Terraform},
		"Teleport's module": {marks{"teleport.dev/iac-tool": "terraform"}, owner.Terraform},
	} {
		if got := owner.OfTeleport(row.labels); got.Tool != row.want {
			t.Errorf("%s: %q, want %q", name, got.Tool, row.want)
		}
	}
}

// Every owner says where a change of what it has belongs, and how it goes.
func TestWays(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		owner           owner.Owner
		change, removal string
	}{
		{owner.Owner{Tool: owner.ArgoCD, Of: "application shop", Name: "shop"}, "repository that Argo CD application shop applies", "argocd app sync shop --prune"},
		{owner.Owner{Tool: owner.ArgoCD, Of: "application a/shop", Namespace: "a", Name: "shop"}, "", "app sync a/shop "},
		{owner.Owner{Tool: owner.ArgoCD}, "repository that Argo CD applies", "sync with --prune"},
		{owner.Owner{Tool: owner.Flux, Of: "Kustomization a/b"}, "repository that Flux Kustomization a/b applies", "where prune is on"},
		{owner.Owner{Tool: owner.Helm, Of: "release m/tbot", Namespace: "m", Name: "tbot"}, "Helm release m/tbot", "helm uninstall tbot --namespace m"},
		{owner.Owner{Tool: owner.Helm}, "upgrade it", "uninstall that"},
		{owner.Owner{Tool: owner.Terraform}, "Terraform configuration", "Terraform configuration"},
		{owner.Owner{Tool: owner.Operator}, "a TeleportBotV1", "delete the object that the operator"},
		{owner.Owner{Tool: owner.Controller, Of: "Machine main"}, "change Machine main", "remove Machine main"},
	} {
		if got := row.owner.Change(); !strings.Contains(got, row.change) {
			t.Errorf("%s: change %q, want %q in it", row.owner, got, row.change)
		}
		if got := row.owner.Removal(); !strings.Contains(got, row.removal) {
			t.Errorf("%s: removal %q, want %q in it", row.owner, got, row.removal)
		}
	}
}
