package testkit_test

import (
	"context"
	"os"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/tbotctl/tbotctl/internal/testkit"
)

func TestKubeconfigFor(t *testing.T) {
	t.Parallel()
	c := testkit.Shared(t, testkit.SelfManaged)
	namespace := c.Namespace(t)
	file := c.KubeconfigFor(t, "ann-"+namespace, "developers")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the kubeconfig: %v, %v; want mode 0600", info, err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", file)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	pods := client.CoreV1().Pods(namespace)
	if _, err := pods.List(t.Context(), metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("listing pods without rights: %v, want 403", err)
	}

	if _, _, err := c.Kubectl(t.Context(), nil, "-n", namespace, "create", "rolebinding", "view", "--clusterrole=view", "--group=developers"); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the binding to count", func(ctx context.Context) error {
		_, err := pods.List(ctx, metav1.ListOptions{})
		return err
	})
}

func TestKubectl(t *testing.T) {
	t.Parallel()
	c := testkit.Shared(t, testkit.CloudLike)
	namespace := c.Namespace(t)
	manifest := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {colour: blue}\n"
	if _, _, err := c.Kubectl(t.Context(), strings.NewReader(manifest), "-n", namespace, "apply", "--server-side", "-f", "-"); err != nil {
		t.Fatal(err)
	}
	out, _, err := c.Kubectl(t.Context(), nil, "-n", namespace, "get", "configmap", "settings", "-o", "jsonpath={.data.colour}")
	if err != nil || out != "blue" {
		t.Errorf("kubectl get: %q, %v; want blue", out, err)
	}
	_, stderr, err := c.Kubectl(t.Context(), nil, "-n", namespace, "get", "configmap", "nothing")
	if err == nil || !strings.Contains(stderr, "NotFound") || !strings.Contains(err.Error(), "NotFound") {
		t.Errorf("kubectl get of nothing: stderr %q, error %v; want NotFound in both", stderr, err)
	}
	out, _, err = c.Kubectl(t.Context(), nil, "config", "current-context")
	if err != nil || strings.TrimSpace(out) != "cloud-like" {
		t.Errorf("current context %q, %v; want cloud-like", out, err)
	}
}

func TestAuditEvents(t *testing.T) {
	t.Parallel()
	c := testkit.Shared(t, testkit.SelfManaged)
	namespace := c.Namespace(t)
	for _, args := range [][]string{
		{"create", "configmap", "dry", "--dry-run=server"},
		{"create", "configmap", "wet"},
		{"get", "configmap", "wet"},
	} {
		if _, _, err := c.Kubectl(t.Context(), nil, append([]string{"-n", namespace}, args...)...); err != nil {
			t.Fatal(err)
		}
	}
	events, err := c.AuditEvents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []testkit.AuditEvent
	for _, e := range events {
		if e.Namespace == namespace {
			got = append(got, e)
		}
	}
	want := []struct {
		verb   string
		code   int
		dryRun bool
		write  bool
	}{{"create", 201, true, true}, {"create", 201, false, true}, {"get", 200, false, false}}
	if len(got) != len(want) {
		t.Fatalf("%d events in the namespace, want %d: %+v", len(got), len(want), got)
	}
	for i, w := range want {
		e := got[i]
		if e.User != "admin" || e.Resource != "configmaps" || e.Verb != w.verb || e.Code != w.code || e.DryRun != w.dryRun || e.Write() != w.write {
			t.Errorf("event %d is %+v, want %+v by admin", i, e, w)
		}
	}
}
