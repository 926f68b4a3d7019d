package kube_test

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

func TestArgoCDs(t *testing.T) {
	t.Parallel()
	plane := testkit.Shared(t, testkit.SelfManaged)
	with, without := plane.Namespace(t), plane.Namespace(t)
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: kube.ArgoCDConfig}, Data: map[string]string{"url": "https://argocd.example.com"}}
	if _, err := plane.Client().CoreV1().ConfigMaps(with).Create(t.Context(), config, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "one", Labels: map[string]string{"a": "b"}}, StringData: map[string]string{"x": "y"}}
	if _, err := plane.Client().CoreV1().Secrets(with).Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	c, err := kube.Connect(kube.Options{Kubeconfig: plane.KubeconfigFile()})
	if err != nil {
		t.Fatal(err)
	}
	// Other tests may have one too.
	if all, err := c.ArgoCDs(t.Context(), ""); err != nil || !slices.Contains(all, with) || slices.Contains(all, without) || !slices.IsSorted(all) {
		t.Errorf("over all namespaces: %v, %v", all, err)
	}
	if one, err := c.ArgoCDs(t.Context(), with); err != nil || !slices.Equal(one, []string{with}) {
		t.Errorf("where it is: %v, %v", one, err)
	}
	if none, err := c.ArgoCDs(t.Context(), without); err != nil || len(none) > 0 {
		t.Errorf("where it is not: %v, %v", none, err)
	}
	if found, err := c.SecretsMetadata(t.Context(), with, "a=b"); err != nil || len(found) != 1 || found[0].Name != "one" {
		t.Errorf("Secrets %v, %v", found, err)
	}
	nobody, err := kube.Connect(kube.Options{Kubeconfig: plane.KubeconfigFile(), As: "nobody"})
	if err != nil {
		t.Fatal(err)
	}
	for _, namespace := range []string{"", with} {
		if found, err := nobody.ArgoCDs(t.Context(), namespace); !kube.Is(err, kube.Forbidden) || found != nil {
			t.Errorf("without rights in %q: %v, %v", namespace, found, err)
		}
	}
	if found, err := nobody.SecretsMetadata(t.Context(), with, ""); !kube.Is(err, kube.Forbidden) || found != nil {
		t.Errorf("Secrets without rights: %v, %v", found, err)
	}
}
