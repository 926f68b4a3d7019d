package kube_test

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tbotctl/tbotctl/internal/kube"
)

func TestDelete(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	cluster := admin(t)
	made, err := cluster.Apply(t.Context(), configMap(namespace, "settings", map[string]any{"colour": "blue"}), false)
	if err != nil {
		t.Fatal(err)
	}
	there := func() bool {
		live, err := cluster.Read(t.Context(), made)
		if err != nil {
			t.Fatal(err)
		}
		return live != nil
	}
	if found, err := cluster.Delete(t.Context(), made, true); !found || err != nil || !there() {
		t.Errorf("a dry run: found %v, error %v, there afterwards %v", found, err, there())
	}
	other := made.DeepCopy()
	other.SetUID(types.UID("00000000-0000-0000-0000-000000000000"))
	if found, err := cluster.Delete(t.Context(), other, false); found || !kube.Is(err, kube.Conflict) || !there() {
		t.Errorf("another object of the name: found %v, error %v, there afterwards %v; want a conflict", found, err, there())
	}
	if found, err := cluster.Delete(t.Context(), made, false); !found || err != nil || there() {
		t.Errorf("found %v, error %v, there afterwards %v", found, err, there())
	}
	if found, err := cluster.Delete(t.Context(), made, false); found || err != nil {
		t.Errorf("a second time: found %v, error %v", found, err)
	}
}

func TestDeleteWithoutTheRight(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	made, err := admin(t).Apply(t.Context(), configMap(namespace, "settings", nil), false)
	if err != nil {
		t.Fatal(err)
	}
	nobody := connect(t, kube.Options{Kubeconfig: server(t).KubeconfigFile(), As: "nobody"})
	for _, dryRun := range []bool{true, false} {
		if _, err := nobody.Delete(t.Context(), made, dryRun); !kube.Is(err, kube.Forbidden) {
			t.Errorf("dry run %v: %v, want it forbidden", dryRun, err)
		}
	}
	if _, err := nobody.List(t.Context(), made.GroupVersionKind(), namespace, ""); !kube.Is(err, kube.Forbidden) {
		t.Errorf("listing: %v, want it forbidden", err)
	}
	if _, err := nobody.Contents(t.Context(), namespace); !kube.Is(err, kube.Forbidden) {
		t.Errorf("contents: %v, want it forbidden", err)
	}
}

func TestListBySelector(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	cluster := admin(t)
	labelled := configMap(namespace, "labelled", nil)
	labelled.SetLabels(map[string]string{"example.com/ours": "yes"})
	for _, object := range []string{"labelled", "plain"} {
		wanted := configMap(namespace, object, nil)
		if object == "labelled" {
			wanted = labelled
		}
		if _, err := cluster.Apply(t.Context(), wanted, false); err != nil {
			t.Fatal(err)
		}
	}
	kind := corev1.SchemeGroupVersion.WithKind("ConfigMap")
	found, err := cluster.List(t.Context(), kind, namespace, "example.com/ours=yes")
	if err != nil || len(found) != 1 || found[0].GetName() != "labelled" || found[0].GetKind() != "ConfigMap" {
		t.Errorf("found %v, error %v; want the labelled one with its kind", found, err)
	}
	if found, err := cluster.List(t.Context(), appsv1.SchemeGroupVersion.WithKind("Deployment"), "nowhere", ""); len(found) != 0 || err != nil {
		t.Errorf("in no namespace: %v, %v", found, err)
	}
}

// TestSecretMetadata holds that a Secret's marks come without its content.
func TestSecretMetadata(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	cluster := admin(t)
	if found, err := cluster.SecretMetadata(t.Context(), namespace, "keys"); found != nil || err != nil {
		t.Errorf("a Secret that does not exist: %v, %v", found, err)
	}
	if err := cluster.Secrets(false).WriteSecret(t.Context(), namespace, "keys", "", nil, map[string][]byte{"key": []byte(secretWord)}); err != nil {
		t.Fatal(err)
	}
	found, err := cluster.SecretMetadata(t.Context(), namespace, "keys")
	if err != nil {
		t.Fatal(err)
	}
	if found.UID == "" || len(found.ManagedFields) != 1 || found.ManagedFields[0].Manager != "tbot" || !strings.Contains(found.ManagedFields[0].FieldsV1.GetRawString(), "f:data") {
		t.Errorf("metadata %+v, want the UID and that tbot wrote the data", found)
	}
}

// TestContents sees objects of every kind, and neither events nor what was not asked for.
func TestContents(t *testing.T) {
	t.Parallel()
	namespace, neighbour := server(t).Namespace(t), server(t).Namespace(t)
	for _, args := range [][]string{
		{"-n", namespace, "create", "configmap", "ours"},
		{"-n", namespace, "create", "quota", "ours"},
		{"-n", namespace, "create", "poddisruptionbudget", "ours", "--selector=app=x", "--min-available=1"},
		{"-n", namespace, "create", "secret", "generic", "ours", "--from-literal=key=" + secretWord},
		{"-n", neighbour, "create", "configmap", "theirs"},
	} {
		if _, stderr, err := server(t).Kubectl(t.Context(), nil, args...); err != nil {
			t.Fatal(stderr)
		}
	}
	contents, err := admin(t).Contents(t.Context(), namespace)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, object := range contents {
		names = append(names, object.Kind+" "+object.Name)
	}
	slices.Sort(names)
	want := []string{
		"ConfigMap kube-root-ca.crt", "ConfigMap ours", "PodDisruptionBudget ours", "ResourceQuota ours", "Secret ours", "ServiceAccount default",
	}
	if !slices.Equal(names, want) {
		t.Errorf("contents %v, want %v", names, want)
	}
}
