package kube_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/tbotctl/tbotctl/internal/kube"
)

func TestNamespaces(t *testing.T) {
	t.Parallel()
	here, going := server(t).Namespace(t), server(t).Namespace(t)
	// A finalizer keeps it in the list while it is being deleted.
	namespaces := server(t).Client().CoreV1().Namespaces()
	held := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "held", Finalizers: []string{"example.com/held"}}}
	if _, err := server(t).Client().CoreV1().ConfigMaps(going).Create(t.Context(), held, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := namespaces.Delete(t.Context(), going, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	got, err := admin(t).Namespaces(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(got, here) || !slices.Contains(got, "kube-system") || !slices.IsSorted(got) {
		t.Errorf("namespaces %v, want %s and kube-system among them, sorted", got, here)
	}
	if slices.Contains(got, going) {
		t.Errorf("%s is being deleted and offered", going)
	}
	if _, _, err := server(t).Kubectl(t.Context(), nil, "-n", going, "patch", "configmap", "held", "--type=merge", "-p", `{"metadata":{"finalizers":null}}`); err != nil {
		t.Error(err)
	}
}

func TestNamespacesAreNotKnown(t *testing.T) {
	t.Parallel()
	nobody := connect(t, kube.Options{Kubeconfig: server(t).KubeconfigFor(t, "nobody-"+server(t).Namespace(t))})
	_, err := nobody.Namespaces(t.Context())
	wantError(t, err, kube.Forbidden, "listing namespaces", `cannot list resource "namespaces"`)
	_, err = loginTo(t, api.AuthInfo{Token: secretWord}).Namespaces(t.Context())
	wantError(t, err, kube.Login, "listing namespaces", "does not accept the login")
}

// TestNamespacesByPages holds that none is lost between two pages; no test makes as many as a page holds.
func TestNamespacesByPages(t *testing.T) {
	t.Parallel()
	pages := map[string]string{
		"":     `"metadata":{"continue":"next"},"items":[{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"west"}}]`,
		"next": `"metadata":{},"items":[{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"east"}}]`,
	}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("limit") == "" {
			t.Error("all were asked for at once")
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"apiVersion":"v1","kind":"NamespaceList",`+pages[r.URL.Query().Get("continue")]+`}`)
	}))
	t.Cleanup(site.Close)
	got, err := connect(t, kube.Options{Kubeconfig: kubeconfig(t, "site", api.Cluster{Server: site.URL}, api.AuthInfo{})}).Namespaces(t.Context())
	if err != nil || !slices.Equal(got, []string{"east", "west"}) {
		t.Errorf("namespaces %v, error %v; want those of both pages", got, err)
	}
}
