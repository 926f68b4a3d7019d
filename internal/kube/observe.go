package kube

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Deployments lists those of a namespace, or of all where it is empty.
func (c *Cluster) Deployments(ctx context.Context, namespace string) ([]appsv1.Deployment, error) {
	return listOf[appsv1.Deployment](ctx, c, appsv1.SchemeGroupVersion.WithResource("deployments"), namespace)
}

// Deployment reads one; nil where it does not exist.
func (c *Cluster) Deployment(ctx context.Context, namespace, name string) (*appsv1.Deployment, error) {
	return readOf[appsv1.Deployment](ctx, c, appsv1.SchemeGroupVersion.WithResource("deployments"), "Deployment", namespace, name)
}

// ConfigMap reads one; nil where it does not exist.
func (c *Cluster) ConfigMap(ctx context.Context, namespace, name string) (*corev1.ConfigMap, error) {
	return readOf[corev1.ConfigMap](ctx, c, corev1.SchemeGroupVersion.WithResource("configmaps"), "ConfigMap", namespace, name)
}

// Namespace reads one; nil where it does not exist.
func (c *Cluster) Namespace(ctx context.Context, name string) (*corev1.Namespace, error) {
	return readOf[corev1.Namespace](ctx, c, corev1.SchemeGroupVersion.WithResource("namespaces"), "Namespace", "", name)
}

// ServiceAccount reads one; nil where it does not exist.
func (c *Cluster) ServiceAccount(ctx context.Context, namespace, name string) (*corev1.ServiceAccount, error) {
	return readOf[corev1.ServiceAccount](ctx, c, corev1.SchemeGroupVersion.WithResource("serviceaccounts"), "ServiceAccount", namespace, name)
}

// Secret reads one with all that is in it; nil where it does not exist. Whoever asks lets no key of it out of hand.
func (c *Cluster) Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	return readOf[corev1.Secret](ctx, c, corev1.SchemeGroupVersion.WithResource("secrets"), "Secret", namespace, name)
}

// Events lists what the cluster has said of the objects of a namespace, within the hour or so that it keeps it.
func (c *Cluster) Events(ctx context.Context, namespace string) ([]corev1.Event, error) {
	return listOf[corev1.Event](ctx, c, corev1.SchemeGroupVersion.WithResource("events"), namespace)
}

// NetworkPolicies lists those of a namespace.
func (c *Cluster) NetworkPolicies(ctx context.Context, namespace string) ([]networkingv1.NetworkPolicy, error) {
	return listOf[networkingv1.NetworkPolicy](ctx, c, networkingv1.SchemeGroupVersion.WithResource("networkpolicies"), namespace)
}

// RoleBindings lists those of a namespace.
func (c *Cluster) RoleBindings(ctx context.Context, namespace string) ([]rbacv1.RoleBinding, error) {
	return listTyped[rbacv1.RoleBinding](ctx, c, "rolebindings", namespace)
}

// ClusterRoleBindings lists all.
func (c *Cluster) ClusterRoleBindings(ctx context.Context) ([]rbacv1.ClusterRoleBinding, error) {
	return listTyped[rbacv1.ClusterRoleBinding](ctx, c, "clusterrolebindings", "")
}

// Role reads one; nil where it does not exist.
func (c *Cluster) Role(ctx context.Context, namespace, name string) (*rbacv1.Role, error) {
	return readOf[rbacv1.Role](ctx, c, rbacv1.SchemeGroupVersion.WithResource("roles"), "Role", namespace, name)
}

// ClusterRole reads one; nil where it does not exist.
func (c *Cluster) ClusterRole(ctx context.Context, name string) (*rbacv1.ClusterRole, error) {
	return readOf[rbacv1.ClusterRole](ctx, c, rbacv1.SchemeGroupVersion.WithResource("clusterroles"), "ClusterRole", "", name)
}

func readOf[T any](ctx context.Context, c *Cluster, resource schema.GroupVersionResource, kind, namespace, name string) (*T, error) {
	at := name
	if namespace != "" {
		at = namespace + "/" + name
	}
	live, err := c.objects.Resource(resource).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	if err = wrap(err, "reading %s %s", kind, at); Is(err, NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return typed[T](live)
}

func listOf[T any](ctx context.Context, c *Cluster, resource schema.GroupVersionResource, namespace string) ([]T, error) {
	objects, err := c.list(ctx, resource, namespace)
	if err != nil {
		return nil, err
	}
	all := make([]T, 0, len(objects))
	for i := range objects {
		one, err := typed[T](&objects[i])
		if err != nil {
			return nil, err
		}
		all = append(all, *one)
	}
	return all, nil
}
