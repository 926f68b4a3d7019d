package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Reason says what stands in the way of writing a resource.
type Reason string

// Foreign is a resource that another made; HeldFields is one of ours in which another manager holds fields (Kubernetes: Server-Side
// Apply, Conflicts). OtherRole is a binding to another role than is wanted, whoever made it: Kubernetes lets nobody change that (Using
// RBAC Authorization, "ClusterRoleBinding"), and to remove it takes rights away at once, so a person does that. OtherPair is one of an
// installation of the same name and namespace that ties two other clusters together: most likely a context or a login that merely
// happened to be current. Managed is a resource that another tool keeps, whoever made it first (docs/adr/0017).
const (
	Foreign    Reason = "foreign"
	OtherPair  Reason = "other pair"
	HeldFields Reason = "held fields"
	OtherRole  Reason = "other role"
	Managed    Reason = "managed"
)

// Allow turns conflicts that a person has allowed to win into updates; what they overwrite stays in Changes and Owner, to be shown. What
// nobody has allowed to be taken over from its manager is not written unread either.
func (p Plan) Allow(takeOver, forceConflicts bool) Plan {
	allowed := Plan{Items: slices.Clone(p.Items)}
	for i := range allowed.Items {
		item := &allowed.Items[i]
		switch {
		case takeOver && item.adopted != nil:
			resource := item.Resource
			*item = *item.adopted
			item.Resource = resource
			continue
		case !takeOver && item.Action == Unseen && !item.Manager.None():
			item.Action = Same
			continue
		}
		if item.Action == Conflict && ((item.Reason == Foreign || item.Reason == OtherPair) && takeOver || item.Reason == HeldFields && forceConflicts) {
			item.Action, item.Force = Update, true
		}
	}
	return allowed
}

// otherRole says which role a live binding binds, where that is another one than is wanted; empty for what is no binding.
func otherRole(live, wanted *unstructured.Unstructured) string {
	if refers := roleRef(live); refers != roleRef(wanted) {
		return "it binds " + refers + ", which nobody can change"
	}
	return ""
}

// roleRef is for example "ClusterRole view", and empty for what is no binding.
func roleRef(object *unstructured.Unstructured) string {
	ref, _, _ := unstructured.NestedStringMap(object.Object, "roleRef")
	return strings.TrimSpace(ref["kind"] + " " + ref["name"])
}

// heldFields reads a conflict of server-side apply for people: which manager holds which field. Empty where err is another error.
func heldFields(err error) string {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Reason != metav1.StatusReasonConflict || status.Status().Details == nil {
		return ""
	}
	var held []string
	for _, cause := range status.Status().Details.Causes {
		if cause.Type == metav1.CauseTypeFieldManagerConflict {
			held = append(held, fmt.Sprintf("%s: %s", cause.Field, cause.Message))
		}
	}
	return strings.Join(held, "; ")
}
