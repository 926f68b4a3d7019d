package kube_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

func TestReadOfNothingIsNil(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	for _, wanted := range []*unstructured.Unstructured{
		object("v1", "Namespace", "", "nowhere"),
		object("v1", "ServiceAccount", namespace, "nothing"),
		object("v1", "ConfigMap", namespace, "nothing"),
		object("v1", "Secret", namespace, "nothing"),
		object("v1", "Pod", namespace, "nothing"),
		object("apps/v1", "Deployment", namespace, "nothing"),
		object("rbac.authorization.k8s.io/v1", "Role", namespace, "nothing"),
		object("rbac.authorization.k8s.io/v1", "RoleBinding", namespace, "nothing"),
		object("v1", "ConfigMap", "nowhere", "nothing"),
	} {
		live, err := admin(t).Read(t.Context(), wanted)
		if live != nil || err != nil {
			t.Errorf("%s %s: object %v, error %v; want neither", wanted.GetKind(), wanted.GetName(), live, err)
		}
	}
}

func TestApply(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	cluster := admin(t)
	wanted := configMap(namespace, "settings", map[string]any{"colour": "blue"})
	applied, err := cluster.Apply(t.Context(), wanted, false)
	if err != nil {
		t.Fatal(err)
	}
	if applied.GetUID() == "" || applied.GetManagedFields()[0].Manager != "tbotctl" || applied.GetManagedFields()[0].Operation != "Apply" {
		t.Errorf("applied %v, want the server's copy, managed by tbotctl through server-side apply", applied)
	}
	live, err := cluster.Read(t.Context(), wanted)
	if err != nil || live == nil || live.GetUID() != applied.GetUID() {
		t.Errorf("read %v, error %v; want what was applied", live, err)
	}

	// What we no longer declare goes, what others added stays.
	if _, _, err := server(t).Kubectl(t.Context(), nil, "-n", namespace, "patch", "configmap", "settings", "-p", `{"data":{"theirs":"1"}}`); err != nil {
		t.Fatal(err)
	}
	applied, err = cluster.Apply(t.Context(), configMap(namespace, "settings", map[string]any{"shape": "round"}), false)
	if err != nil {
		t.Fatal(err)
	}
	data, _, err := unstructured.NestedStringMap(applied.Object, "data")
	if err != nil || len(data) != 2 || data["shape"] != "round" || data["theirs"] != "1" {
		t.Errorf("data %v, error %v; want shape and theirs", data, err)
	}
}

// What another manager holds is won by force, and only by it.
func TestForceApply(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	if _, _, err := server(t).Kubectl(t.Context(), nil, "-n", namespace, "create", "configmap", "settings", "--from-literal=colour=red", "--from-literal=theirs=1"); err != nil {
		t.Fatal(err)
	}
	wanted := configMap(namespace, "settings", map[string]any{"colour": "blue"})
	_, err := admin(t).Apply(t.Context(), wanted, false)
	wantError(t, err, kube.Conflict, `conflict with "kubectl-create"`)
	applied, err := admin(t).ForceApply(t.Context(), wanted)
	if err != nil {
		t.Fatal(err)
	}
	if data, _, err := unstructured.NestedStringMap(applied.Object, "data"); err != nil || data["colour"] != "blue" || data["theirs"] != "1" {
		t.Errorf("data %v, error %v; want our field won and theirs left", data, err)
	}
	if _, err := admin(t).Apply(t.Context(), wanted, false); err != nil {
		t.Errorf("what was won once is held again: %v", err)
	}
}

func TestDryRunWritesNothing(t *testing.T) {
	t.Parallel()
	namespace := server(t).Namespace(t)
	user := "planner-" + namespace
	cluster := connect(t, kube.Options{Kubeconfig: server(t).KubeconfigFor(t, user, "system:masters"), UserAgent: "tbotctl/1.2.3"})
	wanted := configMap(namespace, "settings", map[string]any{"colour": "blue"})
	judged, err := cluster.Apply(t.Context(), wanted, true)
	if err != nil || judged.GetUID() == "" {
		t.Fatalf("object %v, error %v; want the server's completed copy", judged, err)
	}
	if live, err := cluster.Read(t.Context(), wanted); live != nil || err != nil {
		t.Errorf("object %v, error %v; want none: it was a dry run", live, err)
	}
	var seen []testkit.AuditEvent
	for _, event := range audit(t, user) {
		if event.Write() {
			seen = append(seen, event)
		}
	}
	if len(seen) != 1 || !seen[0].DryRun || seen[0].Verb != "patch" || seen[0].UserAgent != "tbotctl/1.2.3" {
		t.Errorf("the API server saw the writes %+v, want one dry run by tbotctl", seen)
	}
}

// audit lists what the API server saw of a user.
func audit(t *testing.T, user string) []testkit.AuditEvent {
	t.Helper()
	all, err := server(t).AuditEvents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var events []testkit.AuditEvent
	for _, event := range all {
		if event.User == user {
			events = append(events, event)
		}
	}
	if len(events) == 0 {
		t.Fatalf("the audit log knows no user %s", user)
	}
	return events
}
