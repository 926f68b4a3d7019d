package teleporttest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
)

// maxReviewBody bounds the body of a review.
const maxReviewBody = 1 << 20

// reviewSelf judges a SelfSubjectAccessReview by kubernetes_resources before the API server does: what the roles do not
// grant is denied by Teleport, with a reason of its own (lib/kube/proxy/self_subject_reviews.go@02cdf32d). It returns nil
// where the API server has to answer.
func (c *Cluster) reviewSelf(r *http.Request, who *caller, cluster KubeCluster) (*authorizationv1.SelfSubjectAccessReview, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxReviewBody))
	if err != nil {
		return nil, trace.BadParameter("reading the review: %v", err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	review, err := readReview(body)
	if err != nil {
		return nil, trace.BadParameter("reading the review: %v", err)
	}
	about := review.Spec.ResourceAttributes
	if about == nil || about.Resource == types.Wildcard {
		return nil, nil
	}
	asked := kubeRequest{
		verb: about.Verb, group: about.Group, resource: about.Resource, subresource: about.Subresource,
		namespace: about.Namespace, name: about.Name,
	}
	if !c.judgesResource(&asked) || reviewAllows(who, cluster, asked) {
		return nil, nil
	}
	review.Status = authorizationv1.SubjectAccessReviewStatus{Denied: true, Reason: deniedByTeleport(asked, c.resourceWord(asked.resource))}
	return review, nil
}

// readReview reads JSON and protobuf, which client-go prefers.
func readReview(body []byte) (*authorizationv1.SelfSubjectAccessReview, error) {
	scheme := runtime.NewScheme()
	if err := authorizationv1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	object, _, err := serializer.NewCodecFactory(scheme).UniversalDeserializer().Decode(body, nil, nil)
	if err != nil {
		return nil, err
	}
	review, ok := object.(*authorizationv1.SelfSubjectAccessReview)
	if !ok {
		return nil, fmt.Errorf("unexpected object type: %T", object)
	}
	return review, nil
}

// reviewAllows is laxer than a request: who asks about a kind without a name or namespace is asked for any right on it.
func reviewAllows(who *caller, cluster KubeCluster, asked kubeRequest) bool {
	matches := func(rule types.KubernetesResource) bool {
		if !asked.sameKind(rule) || asked.name != "" && !globMatches(rule.Name, asked.name) {
			return false
		}
		return globMatches(rule.Namespace, asked.namespace) || asked.namespace == "" && asked.name == "" && rule.Namespace == ""
	}
	for _, role := range who.roleSet {
		if slices.ContainsFunc(role.GetKubeResources(types.Deny), asked.coveredBy) {
			return false
		}
	}
	return slices.ContainsFunc(who.roleSet, func(role *types.RoleV6) bool {
		allow := role.GetKubernetesLabels(types.Allow)
		return len(allow) > 0 && labelsMatch(allow, cluster.Labels) && slices.ContainsFunc(role.GetKubeResources(types.Allow), matches)
	})
}

// deniedByTeleport names the field to change and shows an entry for it.
func deniedByTeleport(asked kubeRequest, kind string) string {
	orStar := func(s string) string {
		if s == "" {
			return "'*'"
		}
		return s
	}
	var object string
	switch {
	case asked.namespace != "" && asked.name != "":
		object = asked.namespace + "/" + asked.name
	case asked.namespace != "":
		object = asked.namespace + "/*"
	case asked.name != "":
		object = "*/" + asked.name
	}
	lines := []string{
		fmt.Sprintf("access to %s %s denied by Teleport: please ensure that %q field in your Teleport role defines access to the desired resource.",
			asked.resource, object, "kubernetes_resources"),
		"", "Valid example:", "kubernetes_resources:",
		"- kind: " + kind, "  name: " + orStar(asked.name), "  namespace: " + orStar(asked.namespace), "  verbs: ['*']",
		"  api_group: " + orStar(asked.group), "",
	}
	return strings.Join(lines, "\n")
}
