package kube

import (
	"context"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// WhoAmI is who the API server takes this login for (SelfSubjectReview, since Kubernetes 1.28; before, the error is of kind
// NotFound). It keeps nothing.
func (c *Cluster) WhoAmI(ctx context.Context) (authenticationv1.UserInfo, error) {
	const doing = "asking whose login this is"
	object, err := untyped(authenticationv1.SchemeGroupVersion.WithKind("SelfSubjectReview"), &authenticationv1.SelfSubjectReview{})
	if err != nil {
		return authenticationv1.UserInfo{}, err
	}
	answer, err := c.objects.Resource(authenticationv1.SchemeGroupVersion.WithResource("selfsubjectreviews")).
		Create(ctx, object, metav1.CreateOptions{})
	if err != nil {
		return authenticationv1.UserInfo{}, wrap(err, doing)
	}
	review, err := typed[authenticationv1.SelfSubjectReview](answer)
	if err != nil {
		return authenticationv1.UserInfo{}, err
	}
	return review.Status.UserInfo, nil
}

// Rules are what this login may do in a namespace, what it may do everywhere among them (SelfSubjectRulesReview). Incomplete is set
// where an authorizer does not list what it allows. It keeps nothing.
func (c *Cluster) Rules(ctx context.Context, namespace string) (authorizationv1.SubjectRulesReviewStatus, error) {
	object, err := untyped(authorizationv1.SchemeGroupVersion.WithKind("SelfSubjectRulesReview"),
		&authorizationv1.SelfSubjectRulesReview{Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: namespace}})
	if err != nil {
		return authorizationv1.SubjectRulesReviewStatus{}, err
	}
	answer, err := c.objects.Resource(authorizationv1.SchemeGroupVersion.WithResource("selfsubjectrulesreviews")).
		Create(ctx, object, metav1.CreateOptions{})
	if err != nil {
		return authorizationv1.SubjectRulesReviewStatus{}, wrap(err, "asking what this login may do in %s", namespace)
	}
	review, err := typed[authorizationv1.SelfSubjectRulesReview](answer)
	if err != nil {
		return authorizationv1.SubjectRulesReviewStatus{}, err
	}
	return review.Status, nil
}
