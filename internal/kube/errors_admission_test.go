package kube

import (
	"errors"
	"net/http"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestKindOfAdmission: policies and webhooks choose their own status; it is their words that tell them from the server's own rules.
func TestKindOfAdmission(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		code    int32
		reason  metav1.StatusReason
		message string
		want    Kind
	}{
		"a policy, by default":    {http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, `pods "p" is forbidden: ValidatingAdmissionPolicy 'a' with binding 'b' denied request: no`, Refused},
		"a policy that says 413":  {http.StatusRequestEntityTooLarge, metav1.StatusReasonRequestEntityTooLarge, `ValidatingAdmissionPolicy 'a' with binding 'b' denied request: no`, Refused},
		"a webhook, by default":   {http.StatusBadRequest, "", `admission webhook "a.example.com" denied the request: no`, Refused},
		"a webhook that is down":  {http.StatusInternalServerError, metav1.StatusReasonInternalError, `Internal error occurred: failed calling webhook "a.example.com": failed to call webhook: EOF`, Refused},
		"a webhook that says 404": {http.StatusNotFound, metav1.StatusReasonNotFound, `admission webhook "a.example.com" denied the request: no`, Refused},
		"a rule of the server's":  {http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, `Deployment.apps "tbot" is invalid: spec.replicas: Invalid value: -1`, Invalid},
		"a server in trouble":     {http.StatusInternalServerError, metav1.StatusReasonInternalError, "Internal error occurred: etcd", Other},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status := &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: row.code, Reason: row.reason, Message: row.message}}
			var wrapped *Error
			if !errors.As(wrap(status, "trying"), &wrapped) || wrapped.Kind != row.want {
				t.Fatalf("kind %v, want %v", wrapped.Kind, row.want)
			}
			said := ""
			if row.want == Refused {
				said = row.message
			}
			if wrapped.Refusal() != said {
				t.Errorf("refusal %q, want %q", wrapped.Refusal(), said)
			}
		})
	}
}
