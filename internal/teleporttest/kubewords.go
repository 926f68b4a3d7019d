package teleporttest

import (
	"fmt"
	"net/http"

	"github.com/gravitational/trace"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The words of the Kubernetes service (lib/kube/proxy/forwarder.go@04581c42).

// kubeAccessDenied is all that a caller hears whose roles do not match the cluster.
const kubeAccessDenied = "[00] access denied"

func errNoKubePrincipals() error {
	return trace.NotFound("Your user's Teleport role does not allow Kubernetes access. Please ask cluster administrator to " +
		"ensure your role has appropriate kubernetes_groups and kubernetes_users set.")
}

// errOffline is worded after what Teleport says when no agent of a cluster can be dialled; the exact words are not recorded.
func errOffline(kube string) error {
	return fmt.Errorf("the agent of Kubernetes cluster %q is offline or has disconnected", kube)
}

// errKubeForbidden is worded as the API server words it, with Teleport's advice below. Before 18 the advice has the
// singular kind of kubernetes_resources.
func errKubeForbidden(user string, r kubeRequest, kind string) error {
	name, target := "", r.resource
	if r.name != "" {
		name, target = fmt.Sprintf(" %q", r.name), r.resource+"/"+r.name
	}
	scope, flag := "at the cluster scope", ""
	if r.namespace != "" {
		scope, flag = fmt.Sprintf("in the namespace %q", r.namespace), fmt.Sprintf(" --namespace %s ", r.namespace)
	}
	return trace.AccessDenied("%s%s is forbidden: User %q cannot %s resource %q in API group %q %s\n"+
		"Ask your Teleport admin to ensure that your Teleport role includes access to the %s in %q field.\n"+
		"Check by running: kubectl auth can-i %s %s%s",
		r.resource, name, user, r.verb, r.resource, r.group, scope, kind, "kubernetes_resources", r.verb, target, flag)
}

// writeStatus answers with a Kubernetes Status, whose code is trace's for the kind of the error.
func writeStatus(w http.ResponseWriter, err error) {
	code := trace.ErrorToCode(err)
	writeJSON(w, code, metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"},
		Status:   metav1.StatusFailure,
		Message:  err.Error(),
		Code:     int32(code), //nolint:gosec // an HTTP status
		Reason:   statusReason(err, code),
	})
}

func statusReason(err error, code int) metav1.StatusReason {
	switch {
	case trace.IsNotFound(err):
		return metav1.StatusReasonNotFound
	case trace.IsBadParameter(err):
		return metav1.StatusReasonBadRequest
	case trace.IsNotImplemented(err):
		return metav1.StatusReasonMethodNotAllowed
	case trace.IsAccessDenied(err):
		return metav1.StatusReasonForbidden
	case trace.IsConnectionProblem(err):
		return metav1.StatusReasonTimeout
	case code == http.StatusInternalServerError:
		return metav1.StatusReasonInternalError
	}
	return metav1.StatusReasonUnknown
}
