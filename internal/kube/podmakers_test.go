package kube_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// TestPodMakers holds the judgement to what the API server lets each of them do.
func TestPodMakers(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	rbac := server(t).Client().RbacV1()
	user := func(name string) string { return name + "-" + namespace }
	bind := func(kind, role, subject string) {
		t.Helper()
		binding := &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: "to-" + subject},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: role},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user(subject)}},
		}
		if _, err := rbac.RoleBindings(namespace).Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	// The stock roles are aggregated: their rules are filled in by a controller.
	bind("ClusterRole", "edit", "editor")
	bind("ClusterRole", "view", "viewer")
	for subject, verbs := range map[string][]string{"poster": {"create"}, "applier": {"create", "patch", "get"}} {
		role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: subject}, Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{""}, Resources: []string{"pods"}, ResourceNames: []string{"named"}, Verbs: verbs},
		}}
		if _, err := rbac.Roles(namespace).Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		bind("Role", subject, subject)
	}

	got, err := admin(t).PodMakers(t.Context(), namespace, "tbot")
	if err != nil {
		t.Fatal(err)
	}
	judged := map[string]kube.Subject{}
	for _, subject := range got {
		judged[subject.Name] = subject
		if subject.Kind != "ServiceAccount" && strings.HasPrefix(subject.Name, "system:") {
			t.Errorf("%s of the control plane is among them, by %v", subject, subject.By)
		}
		if subject.Namespace == "kube-system" {
			t.Errorf("%s of the control plane is among them, by %v", subject, subject.By)
		}
	}
	named := object("v1", "Pod", namespace, "named")
	named.Object["spec"] = map[string]any{"containers": []any{map[string]any{"name": "main", "image": "registry.example.com/main:1"}}}
	for subject, row := range map[string]struct {
		inList, posts, applies bool
	}{
		"editor":  {true, true, true},
		"viewer":  {false, false, false},
		"poster":  {false, false, false},
		"applier": {true, false, true},
		"nobody":  {false, false, false},
	} {
		found, inList := judged[user(subject)]
		if inList != row.inList {
			t.Errorf("%s in the list: %v, want %v (%+v)", subject, inList, row.inList, found)
		}
		if inList && (!found.RunsPods || found.MintsTokens != (subject == "editor") || !slices.Equal(found.By, []string{"RoleBinding to-" + subject})) {
			t.Errorf("%s: %+v", subject, found)
		}
		cluster := connect(t, kube.Options{Kubeconfig: server(t).KubeconfigFor(t, user(subject))})
		if row.applies {
			// Bindings count a moment after they are written.
			testkit.Eventually(t, "the binding to count", func(ctx context.Context) error {
				if _, err := cluster.Apply(ctx, named, true); err != nil {
					return err
				}
				return nil
			})
		}
		if _, err := cluster.Apply(t.Context(), named, true); (err == nil) != row.applies || err != nil && !kube.Is(err, kube.Forbidden) {
			t.Errorf("%s applies a pod: %v, want allowed %v", subject, err, row.applies)
		}
		verdict := cluster.Can(t.Context(), []kube.Access{{Verb: "create", Resource: "pods", Namespace: namespace}})[0]
		if verdict.Err != nil || verdict.Allowed != row.posts {
			t.Errorf("%s posts a pod: %+v, want %v", subject, verdict, row.posts)
		}
	}
}

// TestPodMakersAreNotKnown holds that one list which may not be read leaves all unknown, whichever it is.
func TestPodMakersAreNotKnown(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	lists := []string{"roles", "rolebindings", "clusterroles", "clusterrolebindings"}
	for i, missing := range lists {
		t.Run(missing, func(t *testing.T) {
			t.Parallel()
			user := missing + "-" + namespace
			rule := rbacv1.PolicyRule{APIGroups: []string{rbacv1.GroupName}, Resources: slices.Delete(slices.Clone(lists), i, i+1), Verbs: []string{"list"}}
			allow(t, user, rule)
			reader := connect(t, kube.Options{Kubeconfig: server(t).KubeconfigFor(t, user)})
			testkit.Eventually(t, "the binding to count", func(ctx context.Context) error {
				verdict := reader.Can(ctx, []kube.Access{{Verb: "list", Group: rbacv1.GroupName, Resource: lists[(i+1)%len(lists)]}})[0]
				if verdict.Err == nil && !verdict.Allowed {
					return errors.New("not yet")
				}
				return verdict.Err
			})
			got, err := reader.PodMakers(t.Context(), namespace, "tbot")
			wantError(t, err, kube.Forbidden, "listing "+missing, `cannot list resource "`+missing+`"`)
			if len(got) > 0 {
				t.Errorf("%v beside the error", got)
			}
		})
	}
}

// allow gives a user a right in the whole cluster, until the test ends.
func allow(t *testing.T, user string, rule rbacv1.PolicyRule) {
	t.Helper()
	rbac := server(t).Client().RbacV1()
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: user}, Rules: []rbacv1.PolicyRule{rule}}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: user},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: user},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	}
	if _, err := rbac.ClusterRoles().Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := rbac.ClusterRoleBindings().Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if err := errors.Join(
			rbac.ClusterRoleBindings().Delete(ctx, user, metav1.DeleteOptions{}), rbac.ClusterRoles().Delete(ctx, user, metav1.DeleteOptions{}),
		); err != nil {
			t.Error(err)
		}
	})
}
