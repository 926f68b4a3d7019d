package kube

import (
	"context"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"
)

// page is how many objects are asked for at once.
const page = 250

// Contents lists whatever is in a namespace, of every kind that the API server knows and without the objects' content: its kind,
// its name, its marks. A kind that cannot be looked at is an error, because nobody can say then that the namespace is empty.
// Events and metrics are left out: they are told about objects, and none themselves.
func (c *Cluster) Contents(ctx context.Context, namespace string) ([]metav1.PartialObjectMetadata, error) {
	client, err := metadata.NewForConfig(c.config)
	if err != nil {
		return nil, wrap(err, "looking what is in namespace %s", namespace)
	}
	kinds, err := c.namespaced(ctx)
	if err != nil {
		return nil, err
	}
	var all []metav1.PartialObjectMetadata
	for _, kind := range kinds {
		options := metav1.ListOptions{Limit: page}
		for {
			found, err := client.Resource(kind.resource).Namespace(namespace).List(ctx, options)
			if err != nil {
				return nil, wrap(err, "looking what is in namespace %s: listing %s", namespace, kind.resource.GroupResource())
			}
			for i := range found.Items {
				found.Items[i].SetGroupVersionKind(kind.resource.GroupVersion().WithKind(kind.kind))
				all = append(all, found.Items[i])
			}
			if options.Continue = found.Continue; options.Continue == "" {
				break
			}
		}
	}
	return all, nil
}

type listable struct {
	resource schema.GroupVersionResource
	kind     string
}

// namespaced gives every kind of object that lives in namespaces and can be listed, each in the version that the server prefers
// (Kubernetes API discovery: /api/v1, /apis and /apis/GROUP/VERSION).
func (c *Cluster) namespaced(ctx context.Context) ([]listable, error) {
	var groups metav1.APIGroupList
	if err := c.readJSON(ctx, "/apis", &groups); err != nil {
		return nil, err
	}
	paths := map[schema.GroupVersion]string{{Version: "v1"}: "/api/v1"}
	order := []schema.GroupVersion{{Version: "v1"}}
	for _, group := range groups.Groups {
		version := schema.GroupVersion{Group: group.Name, Version: group.PreferredVersion.Version}
		if group.Name == "events.k8s.io" || strings.HasSuffix(group.Name, "metrics.k8s.io") {
			continue
		}
		order = append(order, version)
		paths[version] = "/apis/" + version.String()
	}
	var kinds []listable
	for _, version := range order {
		var resources metav1.APIResourceList
		if err := c.readJSON(ctx, paths[version], &resources); err != nil {
			return nil, fmt.Errorf("looking which kinds of object there are: %w", err)
		}
		for _, resource := range resources.APIResources {
			if !resource.Namespaced || strings.Contains(resource.Name, "/") || !slices.Contains(resource.Verbs, "list") {
				continue
			}
			if version.Group == "" && resource.Name == "events" {
				continue
			}
			kinds = append(kinds, listable{version.WithResource(resource.Name), resource.Kind})
		}
	}
	return kinds, nil
}
