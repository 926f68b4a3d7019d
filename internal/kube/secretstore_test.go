package kube_test

import (
	"context"
	"maps"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

func argoSecret(namespace, name, project string, annotations map[string]string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name, Annotations: annotations,
			Labels: map[string]string{"argocd.argoproj.io/secret-type": "cluster"},
		},
		Type: corev1.SecretTypeOpaque,
		Data: map[string][]byte{"project": []byte(project), "config": []byte(secretWord)},
	}
}

// What a dry run shows is what a write would meet: the right, the conflict, the admission; and nothing is kept.
func TestSecretsDryRunKeepsNothing(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	rehearsal := admin(t).Secrets(true)
	data := map[string][]byte{".write-test": []byte("x")}
	if err := rehearsal.WriteSecret(t.Context(), namespace, "out", "", nil, data); err != nil {
		t.Fatal(err)
	}
	if err := rehearsal.PutSecret(t.Context(), argoSecret(namespace, "argo", "apps", nil)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"out", "argo"} {
		if live, err := admin(t).Secret(t.Context(), namespace, name); live != nil || err != nil {
			t.Errorf("Secret %s is there after a dry run, error %v", name, err)
		}
	}

	kept := admin(t).Secrets(false)
	if err := kept.WriteSecret(t.Context(), namespace, "out", "", nil, data); err != nil {
		t.Fatal(err)
	}
	stale, err := rehearsal.ReadSecret(t.Context(), namespace, "out")
	if err != nil || stale == "" {
		t.Fatalf("version %q, error %v", stale, err)
	}
	if err := rehearsal.WriteSecret(t.Context(), namespace, "out", stale, nil, map[string][]byte{".write-test": []byte("y")}); err != nil {
		t.Fatal(err)
	}
	if version, err := rehearsal.ReadSecret(t.Context(), namespace, "out"); err != nil || version != stale {
		t.Errorf("version %s, error %v; want %s: a dry run changes nothing", version, err, stale)
	}
	if err := kept.WriteSecret(t.Context(), namespace, "out", stale, nil, map[string][]byte{".write-test": []byte("z")}); err != nil {
		t.Fatal(err)
	}
	wantError(t, rehearsal.WriteSecret(t.Context(), namespace, "out", stale, nil, data), kube.Conflict, "writing Secret "+namespace+"/out")
}

func TestPutSecret(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	secrets := admin(t).Secrets(false)
	if err := secrets.PutSecret(t.Context(), argoSecret(namespace, "argo", "apps", map[string]string{"teleport.dev/updated": "before", "teleport.dev/bot-name": "ci"})); err != nil {
		t.Fatal(err)
	}
	_, err := server(t).Client().CoreV1().Secrets(namespace).Patch(t.Context(), "argo", "application/merge-patch+json",
		[]byte(`{"metadata":{"annotations":{"example.com/owner":"ann"}},"data":{"stale":"eA=="}}`), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := secrets.PutSecret(t.Context(), argoSecret(namespace, "argo", "others", map[string]string{"teleport.dev/updated": "after"})); err != nil {
		t.Fatal(err)
	}
	live, err := admin(t).Secret(t.Context(), namespace, "argo")
	if err != nil || live == nil {
		t.Fatalf("Secret %v, error %v", live, err)
	}
	want := map[string]string{"teleport.dev/updated": "after", "teleport.dev/bot-name": "ci", "example.com/owner": "ann"}
	if !maps.Equal(live.Annotations, want) {
		t.Errorf("annotations %v, want %v: tbot keeps what is there", live.Annotations, want)
	}
	if string(live.Data["project"]) != "others" || live.Data["stale"] != nil || live.Labels["argocd.argoproj.io/secret-type"] != "cluster" {
		t.Errorf("project %s, stale %s, labels %v; want the new content alone", live.Data["project"], live.Data["stale"], live.Labels)
	}
	if !slices.ContainsFunc(live.ManagedFields, func(f metav1.ManagedFieldsEntry) bool {
		return f.Manager == "tbot" && f.Operation == metav1.ManagedFieldsOperationUpdate
	}) {
		t.Errorf("managed by %v, want tbot among them", live.ManagedFields)
	}

	// The Role that an identity output needs is not enough: a POST carries no name (field-notes 8).
	pod := asTbot(t, namespace)
	testkit.Eventually(t, "the Role to count", func(ctx context.Context) error {
		_, err := pod.Secrets(true).ReadSecret(ctx, namespace, "tbot-output")
		return err
	})
	wantError(t, pod.Secrets(true).PutSecret(t.Context(), argoSecret(namespace, "tbot-output", "apps", nil)),
		kube.Forbidden, "making Secret "+namespace+"/tbot-output", `cannot create resource "secrets"`)
}
