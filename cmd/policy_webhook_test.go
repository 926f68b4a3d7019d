package cmd_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// engine plays a policy engine behind a validating webhook that wants a label on pods, in the words of Kyverno.
type engine struct{ broken atomic.Bool }

func (e *engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if e.broken.Load() {
		http.Error(w, "out of order", http.StatusInternalServerError)
		return
	}
	var review struct {
		Request struct {
			UID       string
			Name      string
			Namespace string
			Object    corev1.Pod
		}
	}
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &review)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	response := map[string]any{"uid": review.Request.UID, "allowed": true}
	if review.Request.Object.Labels["team"] == "" {
		response["allowed"] = false
		response["status"] = map[string]any{"message": fmt.Sprintf("\n\nresource Pod/%s/%s was blocked due to the following policies \n\nrequire-labels:\n  check-team: 'validation error: label team is required. rule check-team failed\n    at path /metadata/labels/team/'\n", review.Request.Namespace, review.Request.Name)}
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(map[string]any{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}); err != nil {
		panic(err)
	}
}

// TestPolicyWebhook: a policy engine is met by the probe pod, by the name of its policy, and one that is out of order is told from a no.
func TestPolicyWebhook(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	played := &engine{}
	server := httptest.NewTLSServer(played)
	t.Cleanup(server.Close)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	name := "engine-" + b.namespace
	b.apply(t, fmt.Sprintf(`{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: %s}, webhooks: [{
  name: validate.kyverno.svc-fail, failurePolicy: Fail, sideEffects: NoneOnDryRun, admissionReviewVersions: [v1], timeoutSeconds: 5,
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %s}},
  rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}],
  clientConfig: {url: %q, caBundle: %s}}]}
`, name, b.namespace, server.URL, base64.StdEncoding.EncodeToString(authority)))
	t.Cleanup(func() {
		if _, stderr, err := b.plane.Kubectl(context.WithoutCancel(t.Context()), nil, "delete", "validatingwebhookconfiguration", name); err != nil {
			t.Error(stderr)
		}
	})
	b.counts(t, "require-labels", triedPod)
	b.teleport.Reset()

	got := b.run(t, b.initArgs("-o", "json", "--no-wait")...)
	got.want(t, 3)
	b.refusedBeforeTheDeployment(t, got, "policy require-labels (rule check-team) of webhook validate.kyverno.svc-fail refuses a pod like the Deployment's", "--labels")

	played.broken.Store(true)
	got = b.run(t, b.initArgs("-o", "json", "--no-wait")...)
	got.want(t, 3)
	b.refusedBeforeTheDeployment(t, got, "webhook validate.kyverno.svc-fail, which does not answer and may not be passed over, refuses", "whoever runs it mends it")
	b.noProbePods(t)

	played.broken.Store(false)
	b.run(t, b.initArgs("--no-wait", "--labels", "team=shop")...).want(t, 0)
	b.noProbePods(t)

	// verify, which makes nothing else, meets the same where no pod runs that would spare it its own.
	played.broken.Store(true)
	b.kubectl(t, "scale", "deployment", "tbot", "--replicas=0")
	testkit.Eventually(t, "no pod to be left", func(ctx context.Context) error {
		pods, err := b.plane.Client().CoreV1().Pods(b.namespace).List(ctx, metav1.ListOptions{})
		if err == nil && len(pods.Items) > 0 {
			err = fmt.Errorf("%d pods are there", len(pods.Items))
		}
		return err
	})
	got = b.run(t, "verify", "--non-interactive", "--kubeconfig", b.plane.KubeconfigFile(), "--context", b.plane.Flavour().String(), "--namespace", b.namespace,
		"--proxy", b.teleport.Addr(), "--proxy-ca", b.path("web-ca.pem"), "--identity", b.path("admin.identity"), "-o", "json")
	got.want(t, 3, `"id": "P38"`, "which does not answer and may not be passed over", "Teleport was not asked")
	b.noProbePods(t)
}
