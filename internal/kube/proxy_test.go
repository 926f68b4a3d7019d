package kube_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

func TestProxyGetGivesThePodsOwnWord(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	c := admin(t)
	live := runs(t, c, namespace, "answerer")
	port, closeIt, ok, err := node(t).Answer(t.Context(), live, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, `{"status":"unhealthy","services":{"identity":{"status":"unhealthy","reason":"access denied"}}}`)
	}))
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		t.Skip("this machine has no address that the API server would proxy to")
	}
	status, body, err := c.ProxyGet(t.Context(), namespace, "answerer", port, "/readyz")
	if err != nil || status != http.StatusServiceUnavailable || !strings.Contains(string(body), "access denied") {
		t.Errorf("/readyz: %d %s, %v; want the pod's own 503", status, body, err)
	}
	if status, _, err = c.ProxyGet(t.Context(), namespace, "answerer", port, "/nothing"); err != nil || status != http.StatusNotFound {
		t.Errorf("/nothing: %d, %v; want the pod's own 404", status, err)
	}
	closeIt()
	_, _, err = c.ProxyGet(t.Context(), namespace, "answerer", port, "/readyz")
	if err == nil || kube.Is(err, kube.Unreachable) || !strings.Contains(err.Error(), "asking pod "+namespace+"/answerer for /readyz") {
		t.Errorf("nobody listens: %v; want an error of the pod, not of the API server", err)
	}
	if _, _, err = c.ProxyGet(t.Context(), namespace, "nobody", port, "/readyz"); !kube.Is(err, kube.NotFound) {
		t.Errorf("a pod that is not there: %v, want kind NotFound", err)
	}
}

func TestAdmit(t *testing.T) {
	t.Parallel()
	c := admin(t)
	namespace := server(t).Namespace(t)
	plain := func(namespace string) *corev1.Pod { return pod(namespace, "trial", nil) }

	refused, warnings, err := c.Admit(t.Context(), plain(namespace))
	if err != nil || refused != "" || len(warnings) != 0 {
		t.Errorf("a pod that nothing speaks against: %q, %q, %v", refused, warnings, err)
	}
	if pods, err := c.Pods(t.Context(), namespace, ""); err != nil || len(pods) != 0 {
		t.Errorf("%d pods were made, %v", len(pods), err)
	}

	label := func(namespace, mode string) {
		t.Helper()
		if _, _, err := server(t).Kubectl(t.Context(), nil, "label", "namespace", namespace, "pod-security.kubernetes.io/"+mode+"=restricted"); err != nil {
			t.Fatal(err)
		}
	}
	label(namespace, "warn")
	refused, warnings, err = c.Admit(t.Context(), plain(namespace))
	if err != nil || refused != "" || len(warnings) != 1 || !strings.Contains(warnings[0], `would violate PodSecurity "restricted:latest"`) {
		t.Errorf("a warning alone: %q, %q, %v", refused, warnings, err)
	}
	label(namespace, "enforce")
	refused, _, err = c.Admit(t.Context(), plain(namespace))
	if err != nil || !strings.Contains(refused, `violates PodSecurity "restricted:latest"`) || !strings.Contains(refused, "runAsNonRoot != true") {
		t.Errorf("Pod Security: %q, %v", refused, err)
	}

	full := server(t).Namespace(t)
	_, err = server(t).Client().CoreV1().ResourceQuotas(full).Create(t.Context(), &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Name: "none"},
		Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("0")}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// The API server hears of a quota a moment after it has stored it.
	testkit.Eventually(t, "a pod beyond the quota is refused", func(ctx context.Context) error {
		refused, _, err := c.Admit(ctx, plain(full))
		if err != nil || !strings.Contains(refused, "exceeded quota: none") {
			return fmt.Errorf("a quota: %q, %w", refused, err)
		}
		return nil
	})

	free := server(t).Namespace(t)
	refused, _, err = c.Admit(t.Context(), pod(free, "trial", func(p *corev1.Pod) { p.Spec.ServiceAccountName = "nobody" }))
	if err != nil || !strings.Contains(refused, `serviceaccount "nobody" not found`) {
		t.Errorf("no service account: %q, %v", refused, err)
	}
	refused, _, err = c.Admit(t.Context(), pod(free, "trial", func(p *corev1.Pod) { p.Spec.Containers[0].Image = "" }))
	if err != nil || !strings.Contains(refused, "spec.containers[0].image") {
		t.Errorf("an invalid pod: %q, %v", refused, err)
	}
}

func TestReview(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	apply(t, namespace, observed)
	for verb, want := range map[string]bool{"get": true, "delete": false} {
		status, err := admin(t).Review(t.Context(), authorizationv1.SubjectAccessReviewSpec{
			User: "system:serviceaccount:" + namespace + ":default", Groups: []string{"system:serviceaccounts"},
			ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: verb, Resource: "pods", Namespace: namespace},
		})
		if err != nil || status.Allowed != want {
			t.Errorf("%s pods: %+v, %v; want allowed %v", verb, status, err, want)
		}
	}
	events, err := server(t).AuditEvents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(events, func(e testkit.AuditEvent) bool { return e.Resource == "subjectaccessreviews" }) {
		t.Error("no review was asked for")
	}
}
