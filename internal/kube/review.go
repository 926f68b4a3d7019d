package kube

import (
	"context"
	"fmt"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Review asks what somebody else may do (SubjectAccessReview). It keeps nothing, but takes a right of its own, which administrators
// of a namespace lack: the error is then of kind Forbidden.
func (c *Cluster) Review(ctx context.Context, asked authorizationv1.SubjectAccessReviewSpec) (authorizationv1.SubjectAccessReviewStatus, error) {
	doing := fmt.Sprintf("asking what %s may do", asked.User)
	object, err := untyped(authorizationv1.SchemeGroupVersion.WithKind("SubjectAccessReview"), &authorizationv1.SubjectAccessReview{Spec: asked})
	if err != nil {
		return authorizationv1.SubjectAccessReviewStatus{}, err
	}
	answer, err := c.objects.Resource(authorizationv1.SchemeGroupVersion.WithResource("subjectaccessreviews")).Create(ctx, object, metav1.CreateOptions{})
	if err != nil {
		return authorizationv1.SubjectAccessReviewStatus{}, wrap(err, "%s", doing)
	}
	judged, err := typed[authorizationv1.SubjectAccessReview](answer)
	if err != nil {
		return authorizationv1.SubjectAccessReviewStatus{}, err
	}
	return judged.Status, nil
}
