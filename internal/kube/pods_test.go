package kube_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// claims are those of a service account token (Kubernetes: Managing Service Accounts, bound tokens).
type claims struct {
	Audience   []string `json:"aud"`
	Subject    string   `json:"sub"`
	IssuedAt   int64    `json:"iat"`
	Expires    int64    `json:"exp"`
	Kubernetes struct {
		Pod *struct {
			Name string `json:"name"`
			UID  string `json:"uid"`
		} `json:"pod"`
	} `json:"kubernetes.io"`
}

func claimsOf(t *testing.T, token spec.Secret) claims {
	t.Helper()
	parsed, err := jwt.ParseSigned(token.Reveal(), []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	var got claims
	if err := parsed.UnsafeClaimsWithoutVerification(&got); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestTokenBoundToAPod(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	cluster := admin(t)
	made, err := cluster.CreatePod(t.Context(), pod(namespace, "probe", nil))
	if err != nil {
		t.Fatal(err)
	}
	if made.UID == "" || made.Spec.ServiceAccountName != "default" || len(made.Spec.SchedulingGates) != 1 {
		t.Errorf("made %+v, want the server's copy with its UID, its service account and the gate", made)
	}
	token, err := cluster.PodToken(t.Context(), made, "lab.example.com", 10*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	got := claimsOf(t, token)
	switch pod := got.Kubernetes.Pod; {
	case pod == nil || pod.Name != "probe" || pod.UID != string(made.UID):
		t.Errorf("pod claim %+v, want probe with UID %s", pod, made.UID)
	case got.Subject != "system:serviceaccount:"+namespace+":default":
		t.Errorf("subject %s", got.Subject)
	case len(got.Audience) != 1 || got.Audience[0] != "lab.example.com":
		t.Errorf("audience %v, want lab.example.com alone", got.Audience)
	case got.Expires-got.IssuedAt != 600:
		t.Errorf("lifetime %d s, want 600", got.Expires-got.IssuedAt)
	}
	if text := fmt.Sprintf("%v %+v %#v %s %q", token, token, token, token, token); strings.Contains(text, token.Reveal()) {
		t.Error("the token can be printed")
	}

	// Bound to that very pod: it and its namesake are two.
	if err := cluster.DeletePod(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	_, err = cluster.PodToken(t.Context(), made, "lab.example.com", 10*time.Minute)
	wantError(t, err, kube.NotFound, "asking for a token of service account "+namespace+"/default")
}

func TestTokenBoundToNothing(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	request := kube.TokenRequest{Namespace: namespace, ServiceAccount: "default", Lifetime: 10 * time.Minute}
	token, err := admin(t).Token(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if got := claimsOf(t, token); got.Kubernetes.Pod != nil || len(got.Audience) == 0 || !strings.HasPrefix(got.Audience[0], "https://") {
		t.Errorf("claims %+v, want the API server's own audience and no pod", got)
	}
	request.ServiceAccount = "nobody"
	_, err = admin(t).Token(t.Context(), request)
	wantError(t, err, kube.NotFound, namespace+"/nobody")
	request.ServiceAccount, request.Lifetime = "default", time.Second
	_, err = admin(t).Token(t.Context(), request)
	wantError(t, err, kube.Invalid, "10 minutes")
	request.Lifetime = 10 * time.Minute
	_, err = connect(t, kube.Options{Kubeconfig: server(t).KubeconfigFor(t, "nobody-"+namespace)}).Token(t.Context(), request)
	wantError(t, err, kube.Forbidden, `cannot create resource "serviceaccounts/token"`)
}

func TestDeletePodSparesANamesake(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	cluster := admin(t)
	first, err := cluster.CreatePod(t.Context(), pod(namespace, "probe", nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := cluster.DeletePod(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if err := cluster.DeletePod(t.Context(), first); err != nil {
		t.Errorf("deleting a pod that is gone: %v", err)
	}
	second, err := cluster.CreatePod(t.Context(), pod(namespace, "probe", nil))
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, cluster.DeletePod(t.Context(), first), kube.Conflict, "deleting pod "+namespace+"/probe")
	left, err := cluster.Pods(t.Context(), namespace, "")
	if err != nil || len(left) != 1 || left[0].UID != second.UID {
		t.Errorf("pods %v, error %v; want the second one untouched", left, err)
	}
}

// An answer that was lost leaves a pod whose UID nobody knows; its name is known.
func TestDeletePodByItsName(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	cluster := admin(t)
	if _, err := cluster.CreatePod(t.Context(), pod(namespace, "probe", nil)); err != nil {
		t.Fatal(err)
	}
	if err := cluster.DeletePod(t.Context(), pod(namespace, "probe", nil)); err != nil {
		t.Fatal(err)
	}
	if left, err := cluster.Pods(t.Context(), namespace, ""); err != nil || len(left) != 0 {
		t.Errorf("%d pods are left, error %v", len(left), err)
	}
}

func TestRunningPod(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	cluster := admin(t)
	for _, p := range []*corev1.Pod{
		pod(namespace, "gated", nil),
		pod(namespace, "probe", func(p *corev1.Pod) { p.Labels = map[string]string{"tbotctl.dev/probe": "true"} }),
		pod(namespace, "running", func(p *corev1.Pod) { p.Spec.SchedulingGates = nil }),
	} {
		if _, err := cluster.CreatePod(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	testkit.Eventually(t, "the running pod to be found", func(ctx context.Context) error {
		found, err := cluster.RunningPod(ctx, namespace, "default")
		if err == nil && found == nil {
			err = errors.New("none is")
		}
		if err == nil && found.Name != "running" {
			t.Fatalf("found pod %s, which does not run", found.Name)
		}
		return err
	})
	if found, err := cluster.PendingPod(t.Context(), namespace, "default"); err != nil || found == nil || found.Name != "gated" {
		t.Errorf("found %v, error %v; want the one that waits and is no proof's", found, err)
	}
	if found, err := cluster.RunningPod(t.Context(), namespace, "other"); found != nil || err != nil {
		t.Errorf("found %v, error %v; want none for another service account", found, err)
	}

	// A pod that is on its way out is no longer one to bind a token to.
	hold := []byte(`{"metadata":{"finalizers":["example.com/hold"]}}`)
	pods := server(t).Client().CoreV1().Pods(namespace)
	if _, err := pods.Patch(t.Context(), "running", "application/merge-patch+json", hold, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := pods.Delete(t.Context(), "running", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if found, err := cluster.RunningPod(t.Context(), namespace, "default"); found != nil || err != nil {
		t.Errorf("found %v, error %v; want none while the only one ends", found, err)
	}
	if _, err := pods.Patch(t.Context(), "running", "application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	_, err := connect(t, kube.Options{Kubeconfig: server(t).KubeconfigFor(t, "nobody-"+namespace)}).RunningPod(t.Context(), namespace, "default")
	wantError(t, err, kube.Forbidden, "listing pods in "+namespace)
}

func TestServiceAccountAndNamespaceUIDs(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	live, err := server(t).Client().CoreV1().Namespaces().Get(t.Context(), namespace, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if uid, err := admin(t).NamespaceUID(t.Context(), namespace); err != nil || uid == "" || uid != live.UID {
		t.Errorf("UID %q, error %v; want %s", uid, err, live.UID)
	}
	account, err := server(t).Client().CoreV1().ServiceAccounts(namespace).Get(t.Context(), "default", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if uid, err := admin(t).ServiceAccountUID(t.Context(), namespace, "default"); err != nil || uid == "" || uid != account.UID {
		t.Errorf("UID %q, error %v; want %s", uid, err, account.UID)
	}
}
