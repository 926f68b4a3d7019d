package cmd_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/testkit/lab"
)

// policy alters, by a real mutating webhook, the requests of a bench's namespace for tokens that are bound to a pod: what a policy
// engine does that knows better.
type policy struct {
	// patch is a JSON Patch (RFC 6902).
	patch []map[string]any
	asked atomic.Bool
	off   atomic.Bool
}

func policyOf(op, path string, value any) *policy {
	return &policy{patch: []map[string]any{{"op": op, "path": path, "value": value}}}
}

// ServeHTTP answers the API server's admission review.
func (p *policy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.asked.Store(true)
	var review admissionv1.AdmissionReview
	var request authenticationv1.TokenRequest
	if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if err := json.Unmarshal(review.Request.Object.Raw, &request); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer := &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: true}
	if request.Spec.BoundObjectRef != nil && !p.off.Load() {
		kind := admissionv1.PatchTypeJSONPatch
		answer.PatchType = &kind
		answer.Patch, _ = json.Marshal(p.patch)
	}
	_ = json.NewEncoder(w).Encode(admissionv1.AdmissionReview{TypeMeta: review.TypeMeta, Response: answer})
}

// begin registers the webhook and waits until the API server asks it.
func (p *policy) begin(t *testing.T, b *bench) {
	t.Helper()
	server := httptest.NewTLSServer(p)
	t.Cleanup(server.Close)
	address, scope, fail, none := server.URL+"/", admissionregistrationv1.NamespacedScope, admissionregistrationv1.Fail, admissionregistrationv1.SideEffectClassNone
	hooks := b.plane.Client().AdmissionregistrationV1().MutatingWebhookConfigurations()
	_, err := hooks.Create(t.Context(), &admissionregistrationv1.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: b.namespace},
		Webhooks: []admissionregistrationv1.MutatingWebhook{{
			Name:              "tokens.example.com",
			NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": b.namespace}},
			Rules: []admissionregistrationv1.RuleWithOperations{{
				Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
				Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"serviceaccounts/token"}, Scope: &scope},
			}},
			ClientConfig: admissionregistrationv1.WebhookClientConfig{
				URL: &address, CABundle: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}),
			},
			FailurePolicy: &fail, SideEffects: &none, AdmissionReviewVersions: []string{"v1"},
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := hooks.Delete(context.WithoutCancel(t.Context()), b.namespace, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			t.Error(err)
		}
	})
	testkit.Eventually(t, "the webhook to be asked", func(ctx context.Context) error {
		_, err := b.plane.Client().CoreV1().ServiceAccounts(b.namespace).CreateToken(ctx, "default", &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
		if err == nil && !p.asked.Load() {
			err = errors.New("not asked yet")
		}
		return err
	})
}

// TestRefusedByTheServiceAccountToken holds P01, P08 and P09: the cluster hands out another token than was asked for.
func TestRefusedByTheServiceAccountToken(t *testing.T) {
	t.Parallel()
	audience := func() *policy { return policyOf("replace", "/spec/audiences", []string{"teleport.example.com:443"}) }
	hour := func() *policy { return policyOf("replace", "/spec/expirationSeconds", 3600) }
	unbound := func() *policy { return policyOf("replace", "/spec/boundObjectRef", nil) }
	rows := map[string]refusedRun{}
	for flavour, how := range map[testkit.Flavour]string{testkit.SelfManaged: "static_jwks", testkit.CloudLike: "oidc"} {
		rows["audience, "+how] = refusedRun{
			flavour: flavour, policy: audience(), words: "audience",
			cause: "meant for somebody else", seen: `the audience "teleport.example.com:443"`, expected: `"lab.example.com"`, fix: "kubectl get mutatingwebhookconfigurations",
		}
		rows["an hour, "+how] = refusedRun{
			flavour: flavour, policy: hour(), words: "TTL of less than 30m0s",
			cause: "lives too long", seen: "the token lives 1h0m0s", expected: "at most 30m0s", fix: "expirationSeconds of the projected token to 600",
		}
		rows["not bound to a pod, "+how] = refusedRun{
			flavour: flavour, policy: unbound(), words: "pod bound service account token",
			cause: "not bound to a pod", seen: "names no pod", expected: "bound to a pod of", fix: "projected volume",
		}
	}
	for name, how := range map[string]func() *policy{"audience": audience, "an hour": hour, "not bound to a pod": unbound} {
		old := rows[name+", static_jwks"]
		old.policy, old.options = how(), teleporttest.Options{Version: "16.4.7"}
		rows[name+", static_jwks, 16"] = old
	}
	rows["not bound to a pod, in_cluster"] = refusedRun{
		args: inCluster(), options: teleporttest.Options{ReviewToken: lab.Reviewer(testkit.Shared(t, testkit.SelfManaged))}, policy: unbound(), words: "legacy SA tokens are not accepted",
		cause: "not bound to a pod", seen: "names no pod", expected: "bound to a pod of", fix: "projected volume",
	}
	refusals(t, rows)
}

func inCluster() []string { return []string{"--join-type", "in_cluster"} }

// TestRefusedByTheReview holds P02 and P42: in_cluster with an Auth Service that cannot review the token.
func TestRefusedByTheReview(t *testing.T) {
	t.Parallel()
	plane := testkit.Shared(t, testkit.SelfManaged)
	// The Auth Service's own service account, which has no rights yet.
	config := plane.RESTConfig()
	namespace := plane.Namespace(t)
	config.Impersonate.UserName = "system:serviceaccount:" + namespace + ":teleport-auth"
	config.Impersonate.Groups = []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:authenticated"}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	powerless := func(ctx context.Context, token string, audiences []string) (teleporttest.Review, error) {
		_, err := client.AuthenticationV1().TokenReviews().Create(ctx, &authenticationv1.TokenReview{
			Spec: authenticationv1.TokenReviewSpec{Token: token, Audiences: audiences},
		}, metav1.CreateOptions{})
		if err != nil {
			return teleporttest.Review{}, err
		}
		return lab.Reviewer(plane)(ctx, token, audiences)
	}
	binding := "auth-delegator-" + namespace
	t.Cleanup(func() {
		_, stderr, err := plane.Kubectl(context.WithoutCancel(t.Context()), nil, "delete", "clusterrolebinding", binding, "--ignore-not-found")
		if err != nil {
			t.Error(stderr)
		}
	})
	refusals(t, map[string]refusedRun{
		"outside of Kubernetes": {
			args: inCluster(), words: "unable to load in-cluster configuration",
			cause: "works only where the Auth Service runs in this same", seen: "does not run in Kubernetes", expected: `in the cluster of "self-managed"`,
			fix: "--join-type static_jwks", again: []string{"--join-type", "static_jwks"},
		},
		"outside of Kubernetes, public issuer": {
			flavour: testkit.CloudLike, args: inCluster(), words: "unable to load in-cluster configuration",
			cause: "works only where", seen: "does not run in Kubernetes", expected: `"cloud-like"`, fix: "--join-type oidc", again: []string{"--join-type", "oidc"},
		},
		"without the right": {
			args: inCluster(), options: teleporttest.Options{ReviewToken: powerless}, words: "error during the Kubernetes TokenReview",
			cause: "may not ask its Kubernetes cluster", seen: `"` + namespace + `:teleport-auth"`, expected: "system:auth-delegator",
			fix: "--clusterrole=system:auth-delegator --serviceaccount=" + namespace + ":teleport-auth",
			mend: func(t *testing.T, b *bench) {
				t.Helper()
				_, stderr, err := b.plane.Kubectl(t.Context(), nil, "create", "clusterrolebinding", binding, "--clusterrole=system:auth-delegator", "--serviceaccount="+namespace+":teleport-auth")
				if err != nil {
					t.Fatal(stderr)
				}
				testkit.Eventually(t, "the binding to count", func(ctx context.Context) error {
					_, err := client.AuthenticationV1().TokenReviews().Create(ctx, &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: "none"}}, metav1.CreateOptions{})
					return err
				})
			},
		},
		"no answer": {
			args: inCluster(), options: teleporttest.Options{ReviewToken: func(context.Context, string, []string) (teleporttest.Review, error) {
				return teleporttest.Review{}, errors.New("dial tcp 10.0.0.1:443: connect: connection refused")
			}}, words: "connection refused",
			cause: "did not review", seen: "connection refused", expected: "a TokenReview", fix: "--join-type static_jwks", again: []string{"--join-type", "static_jwks"},
		},
		"in another cluster": {
			args: inCluster(), options: teleporttest.Options{ReviewToken: lab.Reviewer(testkit.Shared(t, testkit.CloudLike))}, words: "kubernetes failed to validate token",
			cause: "it is another cluster", seen: "Teleport says", expected: "that the Auth Service's own cluster issued", fix: "--join-type static_jwks", again: []string{"--join-type", "static_jwks"},
		},
		"another audience": {
			args: inCluster(), options: teleporttest.Options{ReviewToken: lab.Reviewer(plane)}, policy: policyOf("replace", "/spec/audiences", []string{"vault"}),
			words: "kubernetes failed to validate token",
			cause: "not one that the Auth Service asks", seen: `the audience "vault"`, expected: "one of: lab.example.com", fix: `projected token to "lab.example.com"`,
		},
		"the cluster's name, 16": {
			args: inCluster(), options: teleporttest.Options{Version: "16.4.7", ReviewToken: lab.Reviewer(plane)},
			policy: policyOf("add", "/spec/audiences", []string{"lab.example.com"}),
			words:  "kubernetes failed to validate token",
			cause:  "not one that the Auth Service asks", seen: `the audience "lab.example.com"`, expected: "kubernetes.default.svc", fix: "--join-type static_jwks",
			again: []string{"--join-type", "static_jwks"},
		},
	})
}
