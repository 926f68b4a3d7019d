package kube

import (
	"context"
	"fmt"
	"strings"

	"github.com/tbotctl/tbotctl/internal/spec"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
)

// Read gives the live copy of an object, named by its kind, namespace and name; nil where it does not exist.
func (c *Cluster) Read(ctx context.Context, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	at, err := c.at(object)
	if err != nil {
		return nil, err
	}
	live, err := at.Get(ctx, object.GetName(), metav1.GetOptions{})
	if err = wrap(err, "reading %s", describe(object)); Is(err, NotFound) {
		return nil, nil
	}
	return live, err
}

// Apply sends an object by server-side apply and returns the server's copy. A dry run asks the server to judge and complete
// the object without keeping it.
func (c *Cluster) Apply(ctx context.Context, object *unstructured.Unstructured, dryRun bool) (*unstructured.Unstructured, error) {
	return c.apply(ctx, object, dryRun, false)
}

// ForceApply is Apply that wins fields which another manager holds.
func (c *Cluster) ForceApply(ctx context.Context, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	return c.apply(ctx, object, false, true)
}

// Rehearse asks the server to judge what Apply, or ForceApply where forced is true, would send, and keeps nothing.
func (c *Cluster) Rehearse(ctx context.Context, object *unstructured.Unstructured, forced bool) error {
	_, err := c.apply(ctx, object, true, forced)
	return err
}

func (c *Cluster) apply(ctx context.Context, object *unstructured.Unstructured, dryRun, force bool) (*unstructured.Unstructured, error) {
	at, err := c.at(object)
	if err != nil {
		return nil, err
	}
	options := metav1.ApplyOptions{FieldManager: spec.FieldManager, Force: force}
	if dryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	applied, err := at.Apply(ctx, object.GetName(), object, options)
	return applied, wrap(err, "applying %s", describe(object))
}

// NamespaceUID reads the UID of a namespace; kube-system's tells clusters apart.
func (c *Cluster) NamespaceUID(ctx context.Context, name string) (types.UID, error) {
	live, err := c.objects.Resource(schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return "", wrap(err, "reading namespace %s", name)
	}
	return live.GetUID(), nil
}

func (c *Cluster) at(object *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	resource, namespaced, err := resourceOf(object.GroupVersionKind())
	if err != nil {
		return nil, err
	}
	if namespaced {
		return c.objects.Resource(resource).Namespace(object.GetNamespace()), nil
	}
	return c.objects.Resource(resource), nil
}

// resourceOf knows the kinds that tbotctl makes; asking the server's discovery for them would cost requests and rights.
func resourceOf(kind schema.GroupVersionKind) (resource schema.GroupVersionResource, namespaced bool, err error) {
	plural := strings.ToLower(kind.Kind) + "s"
	switch kind.GroupKind().String() {
	case "Namespace", "ClusterRole.rbac.authorization.k8s.io", "ClusterRoleBinding.rbac.authorization.k8s.io":
	case "ServiceAccount", "ConfigMap", "Secret", "Pod", "Deployment.apps", "Role.rbac.authorization.k8s.io", "RoleBinding.rbac.authorization.k8s.io":
		namespaced = true
	default:
		return schema.GroupVersionResource{}, false, fmt.Errorf("tbotctl does not know objects of kind %s", kind)
	}
	return kind.GroupVersion().WithResource(plural), namespaced, nil
}

func describe(object *unstructured.Unstructured) string {
	if ns := object.GetNamespace(); ns != "" {
		return fmt.Sprintf("%s %s/%s", object.GetKind(), ns, object.GetName())
	}
	return object.GetKind() + " " + object.GetName()
}

func typed[T any](object *unstructured.Unstructured) (*T, error) {
	var into T
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &into); err != nil {
		return nil, &Error{Kind: Other, Doing: "reading " + describe(object), Err: err}
	}
	return &into, nil
}

func untyped(kind schema.GroupVersionKind, object runtime.Object) (*unstructured.Unstructured, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return nil, &Error{Kind: Other, Doing: "writing " + kind.Kind, Err: err}
	}
	u := &unstructured.Unstructured{Object: content}
	u.SetGroupVersionKind(kind)
	return u, nil
}
