package kube_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

func TestAccessText(t *testing.T) {
	t.Parallel()
	for want, access := range map[string]kube.Access{
		"create pods in machines":                       {Verb: "create", Resource: "pods", Namespace: "machines"},
		"patch deployments.apps tbot in machines":       {Verb: "patch", Group: "apps", Resource: "deployments", Namespace: "machines", Name: "tbot"},
		"create serviceaccounts/token tbot in machines": {Verb: "create", Resource: "serviceaccounts", Subresource: "token", Namespace: "machines", Name: "tbot"},
		"get namespaces machines":                       {Verb: "get", Resource: "namespaces", Namespace: "machines", Name: "machines"},
		"get /version":                                  {Verb: "get", Path: "/version"},
	} {
		if got := access.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestCan holds the verdicts to the rights that a user really has: by name, by namespace, by subresource and by path.
func TestCan(t *testing.T) {
	t.Parallel()
	namespace, other := server(t).Namespace(t), server(t).Namespace(t)
	user := "asker-" + namespace
	rbac := server(t).Client().RbacV1()
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "some"}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"configmaps"}, ResourceNames: []string{"mine"}, Verbs: []string{"get", "create"}},
		{APIGroups: []string{""}, Resources: []string{"serviceaccounts/token"}, Verbs: []string{"create"}},
		{APIGroups: []string{""}, Resources: []string{"namespaces"}, Verbs: []string{"get"}},
	}}
	if _, err := rbac.Roles(namespace).Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "some"}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "some"},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	}
	if _, err := rbac.RoleBindings(namespace).Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	asker := connect(t, kube.Options{Kubeconfig: server(t).KubeconfigFor(t, user)})
	mine := kube.Access{Verb: "get", Resource: "configmaps", Namespace: namespace, Name: "mine"}
	testkit.Eventually(t, "the binding to count", func(ctx context.Context) error {
		verdict := asker.Can(ctx, []kube.Access{mine})[0]
		if verdict.Err == nil && !verdict.Allowed {
			return errors.New("not yet")
		}
		return verdict.Err
	})

	rows := []struct {
		access kube.Access
		want   bool
	}{
		{mine, true},
		{kube.Access{Verb: "create", Resource: "configmaps", Namespace: namespace, Name: "mine"}, true},
		{kube.Access{Verb: "create", Resource: "configmaps", Namespace: namespace}, false},
		{kube.Access{Verb: "patch", Resource: "configmaps", Namespace: namespace, Name: "mine"}, false},
		{kube.Access{Verb: "get", Resource: "configmaps", Namespace: namespace, Name: "theirs"}, false},
		{kube.Access{Verb: "get", Resource: "configmaps", Namespace: other, Name: "mine"}, false},
		{kube.Access{Verb: "get", Group: "apps", Resource: "configmaps", Namespace: namespace, Name: "mine"}, false},
		{kube.Access{Verb: "create", Resource: "serviceaccounts", Subresource: "token", Namespace: namespace, Name: "any"}, true},
		{kube.Access{Verb: "create", Resource: "serviceaccounts", Namespace: namespace, Name: "any"}, false},
		{kube.Access{Verb: "get", Resource: "namespaces", Namespace: namespace, Name: namespace}, true},
		{kube.Access{Verb: "get", Resource: "namespaces", Namespace: other, Name: other}, false},
		{kube.Access{Verb: "get", Path: "/version"}, true},
		{kube.Access{Verb: "get", Path: "/openid/v1/jwks"}, false},
	}
	asked := make([]kube.Access, len(rows))
	for i, row := range rows {
		asked[i] = row.access
	}
	for i, verdict := range asker.Can(t.Context(), asked) {
		if verdict.Err != nil || verdict.Allowed != rows[i].want {
			t.Errorf("%s: %+v, want %v", rows[i].access, verdict, rows[i].want)
		}
	}
	for i, verdict := range admin(t).Can(t.Context(), asked) {
		if verdict.Err != nil || !verdict.Allowed {
			t.Errorf("%s, as an administrator: %+v", rows[i].access, verdict)
		}
	}
	if got := asker.Can(t.Context(), nil); len(got) != 0 {
		t.Errorf("nothing asked, and %v answered", got)
	}
}

// TestCanIsNotKnown holds that what could not be asked is neither a yes nor a no.
func TestCanIsNotKnown(t *testing.T) {
	t.Parallel()
	asked := []kube.Access{{Verb: "create", Resource: "pods", Namespace: "machines"}, {Verb: "get", Path: "/version"}}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, row := range map[string]struct {
		ctx     context.Context
		cluster *kube.Cluster
		want    string
	}{
		"nobody may not ask":        {t.Context(), loginTo(t, api.AuthInfo{}), "cannot create resource"},
		"a login that is refused":   {t.Context(), loginTo(t, api.AuthInfo{Token: secretWord}), "does not accept the login"},
		"a run that was broken off": {ended, admin(t), "context canceled"},
		"an authorizer that failed": {t.Context(), reviewer(t, `"allowed":false,"evaluationError":"webhook: no route to host"`), "webhook: no route to host"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i, verdict := range row.cluster.Can(row.ctx, asked) {
				if verdict.Err == nil || verdict.Allowed {
					t.Fatalf("%s: %+v, want unknown", asked[i], verdict)
				}
				text := verdict.Err.Error()
				if !strings.Contains(text, row.want) || !strings.Contains(text, asked[i].String()) || strings.Contains(text, secretWord) {
					t.Errorf("%s: %v, want %q", asked[i], verdict.Err, row.want)
				}
			}
		})
	}
}

// TestCanBelievesAnAnswer holds that a yes, and a no that an authorizer stands by, count also where another one failed.
func TestCanBelievesAnAnswer(t *testing.T) {
	t.Parallel()
	asked := []kube.Access{{Verb: "create", Resource: "pods", Namespace: "machines"}}
	for name, row := range map[string]struct {
		status string
		want   kube.Verdict
	}{
		"yes":                      {`"allowed":true,"reason":"RBAC"`, kube.Verdict{Allowed: true, Reason: "RBAC"}},
		"yes, although one failed": {`"allowed":true,"evaluationError":"webhook"`, kube.Verdict{Allowed: true}},
		"no":                       {`"allowed":false,"reason":"by policy"`, kube.Verdict{Reason: "by policy"}},
		"no, although one failed":  {`"allowed":false,"denied":true,"evaluationError":"webhook"`, kube.Verdict{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := reviewer(t, row.status).Can(t.Context(), asked)[0]; got != row.want {
				t.Errorf("%+v, want %+v", got, row.want)
			}
		})
	}
}

// reviewer is a server that answers every review with one status: no real API server here has an authorizer that fails.
func reviewer(t *testing.T, status string) *kube.Cluster {
	t.Helper()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(`{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","spec":{},"status":{` + status + `}}`))
	}))
	t.Cleanup(site.Close)
	return connect(t, kube.Options{Kubeconfig: kubeconfig(t, "reviewer", api.Cluster{Server: site.URL}, api.AuthInfo{})})
}
