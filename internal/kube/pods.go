package kube

import (
	"context"
	"time"

	"github.com/tbotctl/tbotctl/internal/spec"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// Pods lists the pods of a namespace that match a label selector; an empty selector matches all.
func (c *Cluster) Pods(ctx context.Context, namespace, selector string) ([]corev1.Pod, error) {
	return c.pods(ctx, namespace, metav1.ListOptions{LabelSelector: selector})
}

// RunningPod gives a pod that runs as the service account, nil where there is none.
func (c *Cluster) RunningPod(ctx context.Context, namespace, serviceAccount string) (*corev1.Pod, error) {
	return c.podIn(ctx, "Running", namespace, serviceAccount)
}

// PendingPod gives a pod of the service account that does not run yet, as one whose image cannot be had; nil where there is none.
func (c *Cluster) PendingPod(ctx context.Context, namespace, serviceAccount string) (*corev1.Pod, error) {
	return c.podIn(ctx, "Pending", namespace, serviceAccount)
}

func (c *Cluster) podIn(ctx context.Context, phase, namespace, serviceAccount string) (*corev1.Pod, error) {
	pods, err := c.pods(ctx, namespace, metav1.ListOptions{
		// Those of proofs are gone before they could be of use to anybody else.
		LabelSelector: "!" + spec.MarkProbe, FieldSelector: "status.phase=" + phase + ",spec.serviceAccountName=" + serviceAccount,
	})
	if err != nil {
		return nil, err
	}
	for i := range pods {
		if pods[i].DeletionTimestamp == nil {
			return &pods[i], nil
		}
	}
	return nil, nil
}

func (c *Cluster) pods(ctx context.Context, namespace string, options metav1.ListOptions) ([]corev1.Pod, error) {
	found, err := c.objects.Resource(corev1.SchemeGroupVersion.WithResource("pods")).Namespace(namespace).List(ctx, options)
	if err != nil {
		return nil, wrap(err, "listing pods in %s", namespace)
	}
	pods := make([]corev1.Pod, 0, len(found.Items))
	for i := range found.Items {
		pod, err := typed[corev1.Pod](&found.Items[i])
		if err != nil {
			return nil, err
		}
		pods = append(pods, *pod)
	}
	return pods, nil
}

// ServiceAccountUID reads the UID of a service account.
func (c *Cluster) ServiceAccountUID(ctx context.Context, namespace, name string) (types.UID, error) {
	live, err := c.objects.Resource(corev1.SchemeGroupVersion.WithResource("serviceaccounts")).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return "", wrap(err, "reading ServiceAccount %s/%s", namespace, name)
	}
	return live.GetUID(), nil
}

// CreatePod makes a pod and returns the server's copy, as admission left it.
func (c *Cluster) CreatePod(ctx context.Context, pod *corev1.Pod) (*corev1.Pod, error) {
	object, err := untyped(corev1.SchemeGroupVersion.WithKind("Pod"), pod)
	if err != nil {
		return nil, err
	}
	created, err := c.objects.Resource(corev1.SchemeGroupVersion.WithResource("pods")).Namespace(pod.Namespace).
		Create(ctx, object, metav1.CreateOptions{FieldManager: spec.FieldManager})
	if err != nil {
		return nil, wrap(err, "making pod %s/%s", pod.Namespace, pod.Name)
	}
	return typed[corev1.Pod](created)
}

// DeletePod removes that very pod at once, or, where its UID is not known, the one of its name; one that is gone already is no
// error.
func (c *Cluster) DeletePod(ctx context.Context, pod *corev1.Pod) error {
	now := int64(0)
	options := metav1.DeleteOptions{GracePeriodSeconds: &now}
	if uid := pod.UID; uid != "" {
		options.Preconditions = &metav1.Preconditions{UID: &uid}
	}
	err := c.objects.Resource(corev1.SchemeGroupVersion.WithResource("pods")).Namespace(pod.Namespace).
		Delete(ctx, pod.Name, options)
	if err = wrap(err, "deleting pod %s/%s", pod.Namespace, pod.Name); Is(err, NotFound) {
		return nil
	}
	return err
}

// TokenRequest asks for a token of a service account.
type TokenRequest struct {
	Namespace      string
	ServiceAccount string
	// Audience is the one `aud` of the token; empty means the API server's own.
	Audience string
	// Lifetime is at least 10 minutes (Kubernetes' own minimum).
	Lifetime time.Duration
	// Pod binds the token to a pod, so that it carries the pod's claims and dies with it; nil binds it to nothing.
	Pod *corev1.Pod
}

// Token asks the API server for a service account token (TokenRequest API).
func (c *Cluster) Token(ctx context.Context, r TokenRequest) (spec.Secret, error) {
	seconds := int64(r.Lifetime / time.Second)
	request := &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds},
	}
	if r.Audience != "" {
		request.Spec.Audiences = []string{r.Audience}
	}
	if r.Pod != nil {
		request.Spec.BoundObjectRef = &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: r.Pod.Name, UID: r.Pod.UID}
	}
	object, err := untyped(authenticationv1.SchemeGroupVersion.WithKind("TokenRequest"), request)
	if err != nil {
		return spec.Secret{}, err
	}
	// The dynamic client sends a subresource of a created object to the object's own path, which takes the name from the metadata.
	object.SetName(r.ServiceAccount)
	answer, err := c.objects.Resource(schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}).Namespace(r.Namespace).
		Create(ctx, object, metav1.CreateOptions{}, "token")
	if err != nil {
		return spec.Secret{}, wrap(err, "asking for a token of service account %s/%s", r.Namespace, r.ServiceAccount)
	}
	granted, err := typed[authenticationv1.TokenRequest](answer)
	if err != nil {
		return spec.Secret{}, err
	}
	return spec.NewSecret(granted.Status.Token), nil
}

// PodToken asks for a token of the pod's service account that is bound to the pod.
func (c *Cluster) PodToken(ctx context.Context, pod *corev1.Pod, audience string, lifetime time.Duration) (spec.Secret, error) {
	return c.Token(ctx, TokenRequest{
		Namespace: pod.Namespace, ServiceAccount: pod.Spec.ServiceAccountName, Audience: audience, Lifetime: lifetime, Pod: pod,
	})
}
