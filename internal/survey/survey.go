// Package survey finds every tbot that lives in a Kubernetes cluster, whoever made it, and reads what is around it: the facts that
// the checks of a diagnosis judge. It only reads, and judges nothing itself.
package survey

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/checks"
)

// Kubernetes is what a survey asks of the cluster; *kube.Cluster meets it. What does not exist is nil without an error, and an
// error of the API server unwraps to its Status.
type Kubernetes interface {
	Deployments(ctx context.Context, namespace string) ([]appsv1.Deployment, error)
	Deployment(ctx context.Context, namespace, name string) (*appsv1.Deployment, error)
	ConfigMap(ctx context.Context, namespace, name string) (*corev1.ConfigMap, error)
	Pods(ctx context.Context, namespace, selector string) ([]corev1.Pod, error)
	Logs(ctx context.Context, namespace, pod, container string, previous bool, lines int) ([]string, error)
	Events(ctx context.Context, namespace string) ([]corev1.Event, error)
	ProxyGet(ctx context.Context, namespace, pod string, port int, path string) (status int, body []byte, err error)
	ServiceAccount(ctx context.Context, namespace, name string) (*corev1.ServiceAccount, error)
	RoleBindings(ctx context.Context, namespace string) ([]rbacv1.RoleBinding, error)
	ClusterRoleBindings(ctx context.Context) ([]rbacv1.ClusterRoleBinding, error)
	Role(ctx context.Context, namespace, name string) (*rbacv1.Role, error)
	ClusterRole(ctx context.Context, name string) (*rbacv1.ClusterRole, error)
	Review(ctx context.Context, asked authorizationv1.SubjectAccessReviewSpec) (authorizationv1.SubjectAccessReviewStatus, error)
	Namespace(ctx context.Context, name string) (*corev1.Namespace, error)
	NetworkPolicies(ctx context.Context, namespace string) ([]networkingv1.NetworkPolicy, error)
	Admit(ctx context.Context, pod *corev1.Pod) (refused string, warnings []string, err error)
	Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error)
	ArgoCDs(ctx context.Context, namespace string) ([]string, error)
	SecretsMetadata(ctx context.Context, namespace, selector string) ([]metav1.PartialObjectMetadata, error)
}

// Options narrow a search.
type Options struct {
	// Namespace is the only one to look in; empty is the whole cluster.
	Namespace string
	// Name is that of the only Deployment to look for; empty is any.
	Name string
	// Fallback is the namespace to look in where the login may not list what is in the whole cluster; empty is none.
	Fallback string
}

// Found is what a search came to.
type Found struct {
	// Workloads are the tbots, sorted by namespace and name.
	Workloads []checks.Workload
	// Narrowed is why the search was held to Options.Fallback: what else lives in the cluster is not known then.
	Narrowed error
}

// ErrNoTbot is a Deployment that was asked for by name and runs no tbot.
var ErrNoTbot = errors.New("it runs no tbot")

// Find looks for Deployments whose pods run tbot, and reads the tbot.yaml of each. One whose tbot.yaml cannot be read is found all the
// same (see Workload.ConfigErr).
func Find(ctx context.Context, cluster Kubernetes, o Options) (Found, error) {
	var found Found
	deployments, err := list(ctx, cluster, o)
	if apierrors.IsForbidden(err) && o.Namespace == "" && o.Fallback != "" {
		found.Narrowed = err
		o.Namespace = o.Fallback
		deployments, err = list(ctx, cluster, o)
	}
	if err != nil {
		return found, err
	}
	for i := range deployments {
		container := tbotOf(&deployments[i])
		switch {
		case o.Name != "" && deployments[i].Name != o.Name:
		case container >= 0:
			found.Workloads = append(found.Workloads, checks.Workload{Deployment: &deployments[i], Container: container, Manager: managerOf(&deployments[i])})
		case o.Name != "" && o.Namespace != "":
			return found, fmt.Errorf("looking for a tbot in Deployment %s/%s: %w", o.Namespace, o.Name, ErrNoTbot)
		}
	}
	slices.SortFunc(found.Workloads, func(a, b checks.Workload) int {
		return cmp.Or(cmp.Compare(a.Deployment.Namespace, b.Deployment.Namespace), cmp.Compare(a.Deployment.Name, b.Deployment.Name))
	})
	atOnce(len(found.Workloads), func(i int) { configure(ctx, cluster, &found.Workloads[i]) })
	return found, ctx.Err()
}

// list reads one Deployment where it is known which: that takes the least rights.
func list(ctx context.Context, cluster Kubernetes, o Options) ([]appsv1.Deployment, error) {
	if o.Namespace == "" || o.Name == "" {
		return cluster.Deployments(ctx, o.Namespace)
	}
	one, err := cluster.Deployment(ctx, o.Namespace, o.Name)
	if err != nil || one == nil {
		return nil, err
	}
	return []appsv1.Deployment{*one}, nil
}

// atOnce calls f for 0 to n-1, a few side by side.
func atOnce(n int, f func(int)) {
	const most = 8
	slots := make(chan struct{}, most)
	var running sync.WaitGroup
	for i := range n {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			f(i)
		})
	}
	running.Wait()
}
