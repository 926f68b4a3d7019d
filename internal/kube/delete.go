package kube

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"
)

// Delete removes that very object: one of the same name with another UID is a conflict. Found is false where it was gone
// already. What a Deployment owns goes before it (foreground), so that one that is no longer there has no pods left. A dry run
// asks the server to judge the deletion without doing it.
func (c *Cluster) Delete(ctx context.Context, object *unstructured.Unstructured, dryRun bool) (found bool, err error) {
	at, err := c.at(object)
	if err != nil {
		return false, err
	}
	uid := object.GetUID()
	propagation := metav1.DeletePropagationBackground
	if object.GetKind() == "Deployment" {
		propagation = metav1.DeletePropagationForeground
	}
	options := metav1.DeleteOptions{PropagationPolicy: &propagation, Preconditions: &metav1.Preconditions{UID: &uid}}
	if dryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	err = wrap(at.Delete(ctx, object.GetName(), options), "deleting %s", describe(object))
	if Is(err, NotFound) {
		return false, nil
	}
	return err == nil, err
}

// List gives the objects of a kind in a namespace that match a label selector; none where the namespace does not exist.
func (c *Cluster) List(ctx context.Context, kind schema.GroupVersionKind, namespace, selector string) ([]unstructured.Unstructured, error) {
	like := &unstructured.Unstructured{}
	like.SetGroupVersionKind(kind)
	like.SetNamespace(namespace)
	at, err := c.at(like)
	if err != nil {
		return nil, err
	}
	found, err := at.List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, wrap(err, "listing objects of kind %s in %s", kind.Kind, namespace)
	}
	return found.Items, nil
}

// SecretMetadata reads a Secret without its content; nil where it does not exist.
func (c *Cluster) SecretMetadata(ctx context.Context, namespace, name string) (*metav1.PartialObjectMetadata, error) {
	client, err := metadata.NewForConfig(c.config)
	if err != nil {
		return nil, wrap(err, "reading Secret %s/%s", namespace, name)
	}
	found, err := client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "secrets"}).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	if err = wrap(err, "reading Secret %s/%s", namespace, name); Is(err, NotFound) {
		return nil, nil
	}
	return found, err
}
