package kube

import (
	"context"
	"errors"
	"sync"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Access is one kind of request, as the API server's authorizer sees it (Kubernetes: Authorization, "Review your request
// attributes").
type Access struct {
	Verb        string
	Group       string
	Resource    string
	Subresource string
	// Namespace is empty for what has none; for a namespace it is its own name, as in a real request.
	Namespace string
	// Name is empty where the request carries none (a create by POST, a list) or is about any.
	Name string
	// Path is of a request to no resource, such as /version; all other fields but Verb are then empty.
	Path string
}

// String is for people: "create pods in machines", "patch deployments.apps tbot in machines", "get /version".
func (a Access) String() string {
	if a.Path != "" {
		return a.Verb + " " + a.Path
	}
	text := a.Verb + " " + a.Resource
	if a.Subresource != "" {
		text += "/" + a.Subresource
	}
	if a.Group != "" {
		text += "." + a.Group
	}
	if a.Name != "" {
		text += " " + a.Name
	}
	if a.Namespace != "" && a.Resource != "namespaces" {
		text += " in " + a.Namespace
	}
	return text
}

// Verdict is what the API server says of an access.
type Verdict struct {
	Allowed bool
	// Reason is the authorizer's own word, often empty.
	Reason string
	// Err is why the verdict is not known; Allowed then means nothing.
	Err error
}

// askAtOnce bounds the reviews that are under way at the same time.
const askAtOnce = 8

// Can asks, by a SelfSubjectAccessReview each and side by side, what this login may do. It keeps nothing, and nearly every user
// may ask it (ClusterRole system:basic-user). The verdicts are in the order asked.
func (c *Cluster) Can(ctx context.Context, asked []Access) []Verdict {
	verdicts := make([]Verdict, len(asked))
	slots := make(chan struct{}, askAtOnce)
	var running sync.WaitGroup
	for i, access := range asked {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			verdicts[i] = c.can(ctx, access)
		})
	}
	running.Wait()
	return verdicts
}

func (c *Cluster) can(ctx context.Context, a Access) Verdict {
	review := &authorizationv1.SelfSubjectAccessReview{}
	if a.Path != "" {
		review.Spec.NonResourceAttributes = &authorizationv1.NonResourceAttributes{Verb: a.Verb, Path: a.Path}
	} else {
		review.Spec.ResourceAttributes = &authorizationv1.ResourceAttributes{
			Verb: a.Verb, Group: a.Group, Resource: a.Resource, Subresource: a.Subresource, Namespace: a.Namespace, Name: a.Name,
		}
	}
	object, err := untyped(authorizationv1.SchemeGroupVersion.WithKind("SelfSubjectAccessReview"), review)
	if err != nil {
		return Verdict{Err: err}
	}
	answer, err := c.objects.Resource(authorizationv1.SchemeGroupVersion.WithResource("selfsubjectaccessreviews")).
		Create(ctx, object, metav1.CreateOptions{})
	if err != nil {
		return Verdict{Err: wrap(err, "asking whether this login may %s", a)}
	}
	judged, err := typed[authorizationv1.SelfSubjectAccessReview](answer)
	if err != nil {
		return Verdict{Err: err}
	}
	return judgeReview(a, judged.Status)
}

// judgeReview takes a no for unknown where an authorizer could not decide: its answer to the real request may be another.
func judgeReview(a Access, status authorizationv1.SubjectAccessReviewStatus) Verdict {
	if !status.Allowed && !status.Denied && status.EvaluationError != "" {
		return Verdict{Err: wrap(errors.New(status.EvaluationError), "asking whether this login may %s", a)}
	}
	return Verdict{Allowed: status.Allowed, Reason: status.Reason}
}
