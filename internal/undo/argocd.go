package undo

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/manifests"
)

// What marks the cluster Secrets that tbot writes for Argo CD (teleport-facts 6.5).
const (
	clustersOfArgoCD = "argocd.argoproj.io/secret-type=cluster"
	argoCDBot        = "teleport.dev/bot-name"
	argoCDCluster    = "teleport.dev/kubernetes-cluster-name"
)

// argoCD finds what an installation has in Argo CD's namespaces: its Role and RoleBinding there, in the place of those that are not in
// tbot's own, and the cluster Secrets that tbot wrote. These always stay: what Argo CD does without them reaches far beyond them.
func (l *look) argoCD(ctx context.Context, found map[string][]Item, namespaces []string) ([]Item, error) {
	if l.names.RoleNamespace != l.names.Namespace && !slices.Contains(namespaces, l.names.RoleNamespace) {
		namespaces = append(namespaces, l.names.RoleNamespace)
	}
	slices.Sort(namespaces)
	var clusters []Item
	for _, namespace := range slices.Compact(namespaces) {
		if namespace != l.names.Namespace {
			for _, k := range l.kinds() {
				if k.Kind != "Role" && k.Kind != "RoleBinding" {
					continue
				}
				there, err := l.objects(ctx, k, namespace)
				if err != nil {
					return nil, err
				}
				found[k.Kind] = append(slices.DeleteFunc(found[k.Kind], func(i Item) bool { return i.Fate == Gone }), there...)
			}
		}
		secrets, err := l.clusterSecrets(ctx, namespace)
		if err != nil {
			return nil, err
		}
		clusters = append(clusters, secrets...)
	}
	return clusters, nil
}

// clusterSecrets names those that this bot wrote. That they cannot be listed stops nothing, and is said.
func (l *look) clusterSecrets(ctx context.Context, namespace string) ([]Item, error) {
	listed, err := l.kubernetes.SecretsMetadata(ctx, namespace, clustersOfArgoCD)
	if err != nil {
		l.unknown = append(l.unknown, fmt.Sprintf("which cluster Secrets of Argo CD tbot wrote, which stay: %v", err))
		return nil, ctx.Err()
	}
	var items []Item
	for i := range listed {
		if listed[i].Annotations[argoCDBot] != l.names.Bot {
			continue
		}
		item := Item{System: manifests.Kubernetes, Kind: "Secret", Namespace: namespace, Name: listed[i].Name, Fate: Keep}
		item.Object = object(corev1.SchemeGroupVersion.WithKind("Secret"), namespace, item.Name)
		item.Object.SetUID(listed[i].UID)
		item.Reason = "Argo CD knows cluster " + spec.Quote(listed[i].Annotations[argoCDCluster]) +
			" by it; where it goes, Applications of that cluster can be neither synced nor deleted, and an ApplicationSet that lists clusters deletes those that it made"
		items = append(items, item)
	}
	return items, nil
}
