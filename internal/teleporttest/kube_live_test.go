package teleporttest_test

import (
	"strings"
	"testing"

	"github.com/gravitational/teleport/api/types"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// liveKube is a bot in front of a real API server: its roles lend the group that is bound to edit in a namespace, or let
// it be anybody.
func liveKube(t *testing.T) (j joined, namespace string) {
	t.Helper()
	plane := testkit.Shared(t, testkit.SelfManaged)
	namespace = plane.Namespace(t)
	_, err := plane.Client().RbacV1().RoleBindings(namespace).Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "editor"},
		Subjects: []rbacv1.Subject{
			{Kind: rbacv1.GroupKind, Name: "editor", APIGroup: rbacv1.GroupName},
			{Kind: rbacv1.UserKind, Name: "ann", APIGroup: rbacv1.GroupName},
		},
		RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "edit"},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	j = join(t, teleporttest.Options{KubeClusters: []teleporttest.KubeCluster{
		{Name: "lab", Labels: map[string]string{"env": "lab"}, Upstream: plane.RESTConfig()},
	}}, "example-role", "anybody", "pods")
	lab := types.Labels{"env": []string{"lab"}}
	j.cluster.AddRole(
		&types.RoleV6{Version: types.V7, Metadata: types.Metadata{Name: "anybody"}, Spec: types.RoleSpecV6{Allow: types.RoleConditions{
			KubernetesLabels: lab, KubeUsers: []string{"*"},
		}}},
		&types.RoleV6{Version: types.V8, Metadata: types.Metadata{Name: "pods"}, Spec: types.RoleSpecV6{Allow: types.RoleConditions{
			KubernetesLabels: lab, KubeGroups: []string{"editor"},
			KubernetesResources: []types.KubernetesResource{{Kind: "pods", Namespace: "*", Name: "*", Verbs: []string{"*"}}},
		}}},
	)
	return j, namespace
}

// clientFor is client-go over the generated form of a kubeconfig, v2 by path.
func (j joined) clientFor(t *testing.T, impersonate string, roles ...string) kubernetes.Interface {
	t.Helper()
	certs, err := j.client.GenerateUserCerts(withTimeout(t), j.outputRequest(roles...))
	if err != nil {
		t.Fatal(err)
	}
	ca, err := j.client.GetClusterCACert(withTimeout(t))
	if err != nil {
		t.Fatal(err)
	}
	clientset, err := kubernetes.NewForConfig(&rest.Config{
		Host: "https://" + j.cluster.Addr() + kubePath(clusterName, "lab"),
		TLSClientConfig: rest.TLSClientConfig{
			ServerName: "kube-teleport-proxy-alpn.localhost", CAData: ca.TLSCA, CertData: certs.TLS, KeyData: j.keys.pem(t),
		},
		Impersonate: rest.ImpersonationConfig{UserName: impersonate},
	})
	if err != nil {
		t.Fatal(err)
	}
	return clientset
}

// TestLiveKube: the real API server decides by the users and groups that Teleport lends.
func TestLiveKube(t *testing.T) {
	t.Parallel()
	j, namespace := liveKube(t)
	editor := j.clientFor(t, "", "example-role")
	made, err := editor.CoreV1().ConfigMaps(namespace).Create(withTimeout(t), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{GenerateName: "by-editor-"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	watch, err := editor.CoreV1().ConfigMaps(namespace).Watch(withTimeout(t), metav1.ListOptions{FieldSelector: "metadata.name=" + made.Name})
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Stop()
	select {
	case event := <-watch.ResultChan():
		if seen, ok := event.Object.(*corev1.ConfigMap); !ok || seen.Name != made.Name {
			t.Errorf("watched %+v", event.Object)
		}
	case <-withTimeout(t).Done():
		t.Error("the watch tells nothing")
	}
	_, err = editor.CoreV1().Nodes().List(withTimeout(t), metav1.ListOptions{})
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), `User "bot-example" cannot list resource "nodes"`) || strings.Contains(err.Error(), "Teleport") {
		t.Errorf("nodes: %v, want the API server's refusal", err)
	}
	if _, err := j.clientFor(t, "ann", "anybody").CoreV1().ConfigMaps(namespace).List(withTimeout(t), metav1.ListOptions{}); err != nil {
		t.Errorf("as ann: %v", err)
	}
	if _, err := j.clientFor(t, "", "anybody").CoreV1().ConfigMaps(namespace).List(withTimeout(t), metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("as the bot itself, which nothing is bound to: %v", err)
	}
	if _, err := j.clientFor(t, "ann", "example-role").CoreV1().ConfigMaps(namespace).List(withTimeout(t), metav1.ListOptions{}); !apierrors.IsForbidden(err) ||
		!strings.Contains(err.Error(), "impersonation request has been denied") {
		t.Errorf("as ann without the right: %v", err)
	}
}

// TestLiveKubeReviews: what kubernetes_resources do not grant is denied by Teleport, the rest is the API server's answer.
func TestLiveKubeReviews(t *testing.T) {
	t.Parallel()
	j, namespace := liveKube(t)
	client := j.clientFor(t, "", "pods")
	review := func(attributes authorizationv1.ResourceAttributes) authorizationv1.SubjectAccessReviewStatus {
		attributes.Verb = "list"
		got, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(withTimeout(t), &authorizationv1.SelfSubjectAccessReview{
			Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &attributes},
		}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return got.Status
	}
	if got := review(authorizationv1.ResourceAttributes{Namespace: namespace, Resource: "pods"}); !got.Allowed {
		t.Errorf("pods: %+v", got)
	}
	if got := review(authorizationv1.ResourceAttributes{Namespace: "default", Resource: "pods"}); got.Allowed || strings.Contains(got.Reason, "Teleport") {
		t.Errorf("pods where nothing is bound: %+v, want the API server's no", got)
	}
	got := review(authorizationv1.ResourceAttributes{Namespace: namespace, Resource: "secrets"})
	if got.Allowed || !got.Denied || !strings.HasPrefix(got.Reason, "access to secrets "+namespace+"/* denied by Teleport: please ensure that \"kubernetes_resources\" field") {
		t.Errorf("secrets: %+v, want Teleport's no", got)
	}
}
