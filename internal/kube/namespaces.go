package kube

import (
	"context"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Namespaces lists the namespaces that something can be made in, sorted: those that are being deleted take nothing new and are
// left out. Where the user may not list them the error is of kind Forbidden, which says nothing of any single namespace.
func (c *Cluster) Namespaces(ctx context.Context) ([]string, error) {
	found, err := c.list(ctx, schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}, "")
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(found))
	for i := range found {
		if found[i].GetDeletionTimestamp() == nil {
			names = append(names, found[i].GetName())
		}
	}
	slices.Sort(names)
	return names, nil
}

// list reads all objects of a resource, page by page, in one namespace or, where it is empty, without regard to namespaces.
func (c *Cluster) list(ctx context.Context, resource schema.GroupVersionResource, namespace string) ([]unstructured.Unstructured, error) {
	var all []unstructured.Unstructured
	options := metav1.ListOptions{Limit: page}
	for {
		found, err := c.objects.Resource(resource).Namespace(namespace).List(ctx, options)
		if err != nil {
			doing := "listing " + resource.Resource
			if namespace != "" {
				doing += " in namespace " + namespace
			}
			return nil, wrap(err, "%s", doing)
		}
		all = append(all, found.Items...)
		if options.Continue = found.GetContinue(); options.Continue == "" {
			return all, nil
		}
	}
}
