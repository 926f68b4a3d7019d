package kube

import (
	"context"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"
)

// ArgoCDConfig is the ConfigMap that every Argo CD reads its settings from, in its own namespace and under this name (Argo CD's operator
// manual, "Declarative Setup").
const ArgoCDConfig = "argocd-cm"

// ArgoCDs lists the namespaces that hold an Argo CD, sorted: the given one or none, or of all namespaces those that do. To list over
// all of them takes a right for the whole cluster, without which the error is of kind Forbidden. Nothing of the ConfigMaps but their
// names is read.
func (c *Cluster) ArgoCDs(ctx context.Context, namespace string) ([]string, error) {
	doing := "looking for ConfigMap " + ArgoCDConfig
	if namespace != "" {
		doing += " in namespace " + namespace
	}
	client, err := metadata.NewForConfig(c.config)
	if err != nil {
		return nil, wrap(err, "%s", doing)
	}
	configMaps := client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"})
	if namespace != "" {
		_, err := configMaps.Namespace(namespace).Get(ctx, ArgoCDConfig, metav1.GetOptions{})
		if err = wrap(err, "%s", doing); Is(err, NotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return []string{namespace}, nil
	}
	found, err := configMaps.List(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + ArgoCDConfig})
	if err != nil {
		return nil, wrap(err, "%s", doing)
	}
	namespaces := make([]string, 0, len(found.Items))
	for i := range found.Items {
		namespaces = append(namespaces, found.Items[i].Namespace)
	}
	slices.Sort(namespaces)
	return namespaces, nil
}

// SecretsMetadata lists the Secrets of a namespace that match a label selector, without their content.
func (c *Cluster) SecretsMetadata(ctx context.Context, namespace, selector string) ([]metav1.PartialObjectMetadata, error) {
	client, err := metadata.NewForConfig(c.config)
	if err != nil {
		return nil, wrap(err, "listing the Secrets of namespace %s", namespace)
	}
	found, err := client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "secrets"}).Namespace(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, wrap(err, "listing the Secrets of namespace %s", namespace)
	}
	return found.Items, nil
}
